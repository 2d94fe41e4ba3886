//! An edit with gaps: JSON whose texts are forms.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Map;
use starline_graph::{Destination, Form};
use starline_planner::{Outcome, TaskId, Value};

/// Fields whose texts are templates of the task that is made.
const TEMPLATES: [&str; 3] = ["run", "inputs", "description"];
/// Mappings whose keys are ids.
const BY_ID: [&str; 2] = ["after", "tasks"];

/// An edit with gaps. Filling it in changes texts and never what they are part of.
#[derive(Debug)]
pub(super) struct EditForm {
    root: Node,
    /// The task that it adds, if the id has no gap.
    pub(super) adds: Option<TaskId>,
}

#[derive(Debug)]
enum Node {
    Whole(Value),
    Text(Form),
    List(Vec<Self>),
    Map(Vec<(Key, Self)>),
}

#[derive(Debug)]
enum Key {
    Whole(String),
    Id(Form),
}

/// What is wrong at a place of an edit, which is a JSON pointer.
#[derive(Debug)]
pub(super) struct Misfit {
    pub(super) place: String,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// How texts at a place are read.
#[derive(Clone, Copy, Debug)]
struct Context<'v> {
    /// Key of the value in its mapping; empty if that says nothing about it, as an id does not.
    key: &'v str,
    destination: Destination,
    /// Whether it is data without meaning for the graph.
    opaque: bool,
}

impl EditForm {
    /// Reads an edit; everything that is wrong is added to `misfits`. Recurses as deeply as the value does, which its
    /// parser has limited.
    pub(super) fn read(edit: &Value, misfits: &mut Vec<Misfit>) -> Self {
        let top = Context { key: "", destination: Destination::Text, opaque: false };
        let adds = edit.pointer("/task/id").and_then(Value::as_str).and_then(|id| TaskId::new(id).ok());
        Self { root: read(edit, top, String::new(), misfits), adds }
    }

    /// The edit, if there is nothing to fill in.
    pub(super) fn whole(&self) -> Option<&Value> {
        match &self.root {
            Node::Whole(edit) => Some(edit),
            _ => None,
        }
    }

    /// The edit for a task that ended.
    pub(super) fn fill(&self, task: &TaskId, outcome: &Arc<Outcome>) -> Result<Value, Vec<Misfit>> {
        let mut misfits = Vec::new();
        let filled = fill(&self.root, (task, outcome), String::new(), &mut misfits);
        if misfits.is_empty() { Ok(filled) } else { Err(misfits) }
    }
}

impl<'v> Context<'v> {
    /// How an item of a list is read.
    fn item(self) -> Self {
        Self { key: "", ..self }
    }

    /// How the value of a key is read.
    fn at(self, key: &'v str) -> Self {
        if self.is_by_id() {
            return self.item();
        }
        let template = !self.opaque && TEMPLATES.contains(&key);
        let destination = match (self.key, key) {
            ("run", "sh") => Destination::Script,
            _ if template || self.destination != Destination::Text => Destination::Template,
            _ => Destination::Text,
        };
        let opaque = self.opaque || template || key == "metadata";
        Self { key, destination, opaque }
    }

    /// Whether the text is an expression.
    fn is_condition(self) -> bool {
        self.key == "when" && !self.opaque
    }

    /// Whether keys are ids, which may have gaps.
    fn is_by_id(self) -> bool {
        !self.opaque && BY_ID.contains(&self.key)
    }
}

fn looks_templated(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

fn read(value: &Value, context: Context<'_>, place: String, misfits: &mut Vec<Misfit>) -> Node {
    match value {
        Value::String(text) if looks_templated(text) => {
            if context.is_condition() {
                let message = "a condition is an expression and no template".to_owned();
                let hint = Some("write what it compares with in so many words".to_owned());
                misfits.push(Misfit { place, message, hint });
                return Node::Whole(value.clone());
            }
            match Form::read(text, context.destination) {
                Ok(form) => Node::Text(form),
                Err(error) => {
                    misfits.push(Misfit { place, message: error.to_string(), hint: None });
                    Node::Whole(value.clone())
                }
            }
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            let nodes: Vec<_> = items
                .map(|(at, item)| read(item, context.item(), format!("{place}/{at}"), misfits))
                .collect();
            if nodes.iter().all(Node::is_whole) { Node::Whole(value.clone()) } else { Node::List(nodes) }
        }
        Value::Object(members) => {
            let mut nodes = Vec::with_capacity(members.len());
            for (name, member) in members {
                let place = format!("{place}/{name}");
                let key = key(name, context, &place, misfits);
                nodes.push((key, read(member, context.at(name), place, misfits)));
            }
            let is_whole = |(key, node): &(Key, Node)| matches!(key, Key::Whole(_)) && node.is_whole();
            if nodes.iter().all(is_whole) { Node::Whole(value.clone()) } else { Node::Map(nodes) }
        }
        other => Node::Whole(other.clone()),
    }
}

fn key(name: &str, context: Context<'_>, place: &str, misfits: &mut Vec<Misfit>) -> Key {
    if !looks_templated(name) || context.opaque {
        return Key::Whole(name.to_owned());
    }
    if context.is_by_id() {
        match Form::read(name, Destination::Text) {
            Ok(form) => return Key::Id(form),
            Err(error) => {
                misfits.push(Misfit { place: place.to_owned(), message: error.to_string(), hint: None });
            }
        }
    } else {
        let message = "the name of a field is no template".to_owned();
        let hint = Some("only ids of tasks in `after` and `tasks` are".to_owned());
        misfits.push(Misfit { place: place.to_owned(), message, hint });
    }
    Key::Whole(name.to_owned())
}

impl Node {
    fn is_whole(&self) -> bool {
        matches!(self, Self::Whole(_))
    }
}

type Ended<'t> = (&'t TaskId, &'t Arc<Outcome>);

fn fill(node: &Node, ended: Ended<'_>, place: String, misfits: &mut Vec<Misfit>) -> Value {
    match node {
        Node::Whole(value) => value.clone(),
        Node::Text(form) => text(form, ended, place, misfits),
        Node::List(nodes) => {
            let nodes = nodes.iter().enumerate();
            nodes.map(|(at, node)| fill(node, ended, format!("{place}/{at}"), misfits)).collect()
        }
        Node::Map(nodes) => {
            let (mut members, mut seen) = (Map::new(), BTreeSet::new());
            for (at, (key, node)) in nodes.iter().enumerate() {
                let name = match key {
                    Key::Whole(name) => name.clone(),
                    Key::Id(form) => match text(form, ended, format!("{place}/key {at}"), misfits) {
                        Value::String(id) => id,
                        other => other.to_string(),
                    },
                };
                let place = format!("{place}/{name}");
                if !seen.insert(name.clone()) {
                    let message = "the same id is there twice".to_owned();
                    misfits.push(Misfit { place: place.clone(), message, hint: None });
                }
                members.insert(name, fill(node, ended, place, misfits));
            }
            Value::Object(members)
        }
    }
}

fn text(form: &Form, (task, outcome): Ended<'_>, place: String, misfits: &mut Vec<Misfit>) -> Value {
    form.fill(task, outcome).unwrap_or_else(|error| {
        misfits.push(Misfit { place, message: error.to_string(), hint: None });
        Value::Null
    })
}
