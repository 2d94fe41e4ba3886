//! Finds where in a file a fault of its graph stands.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;

use starline_edit::{Code, Fault, Place};
use starline_graph::{check_templates, interpolations};
use starline_types::{FileInput, GraphSpec};

use super::checked::Marks;
use super::templates::templated;
use crate::problem::Mark;
use crate::tree::{Inside, View};

/// The places of faults.
#[derive(Debug)]
pub(super) struct Places<'g, 'm, 't> {
    graph: &'g GraphSpec,
    marks: &'m Marks<'t>,
    /// Most edges at one task.
    degree: usize,
    by_id: OnceCell<BTreeMap<&'g str, usize>>,
    /// The task that was searched last for what it refers to, and where it first does.
    references: RefCell<(Option<usize>, BTreeMap<String, Mark>)>,
}

impl<'g, 'm, 't> Places<'g, 'm, 't> {
    pub(super) fn new(graph: &'g GraphSpec, marks: &'m Marks<'t>, degree: usize) -> Self {
        Self { graph, marks, degree, by_id: OnceCell::new(), references: RefCell::default() }
    }

    /// Where a fault stands; at the tasks as a whole if it has no place of its own.
    pub(super) fn of(&self, fault: &Fault) -> Mark {
        match fault.place {
            Some(Place::Dependency(at)) => {
                let field = match fault.code {
                    Code::InvalidCondition => Some("when"),
                    Code::DuplicateDependency => Some("id"),
                    _ => None,
                };
                let mark = field.and_then(|field| self.within_edge(at, field));
                mark.unwrap_or_else(|| self.marks.edge_at(at))
            }
            Some(Place::Task(at)) => self.within_task(at, fault),
            None => {
                let at = self.position(&fault.item);
                at.map_or_else(|| self.marks.start(), |at| self.within_task(at, fault))
            }
        }
    }

    /// Whether the graph has a task.
    pub(super) fn has_task(&self, id: &str) -> bool {
        self.position(id).is_some()
    }

    pub(super) fn position(&self, task: &str) -> Option<usize> {
        let index = || self.graph.tasks.iter().enumerate().map(|(at, task)| (task.id.as_str(), at)).collect();
        self.by_id.get_or_init(index).get(task).copied()
    }

    /// A field of an edge.
    fn within_edge(&self, at: usize, field: &str) -> Option<Mark> {
        let edge = self.graph.dependencies.get(at)?;
        let (_, task) = self.marks.task_at(self.position(edge.to.as_str())?)?;
        let asked = task.field("after")?.field(edge.from.as_str())?;
        let own = match asked.list() {
            Some(list) => list.items().find(|item| item.mark() == self.marks.edge_at(at))?,
            None => asked,
        };
        Some(own.field(field)?.mark())
    }

    /// The field that a fault is about, else the task.
    fn within_task(&self, at: usize, fault: &Fault) -> Mark {
        let Some((mark, task)) = self.marks.task_at(at) else { return self.marks.start() };
        let found = match fault.code {
            Code::InvalidValue => key_named(task, fault.message.split(' ').next().unwrap_or_default()),
            Code::InvalidTemplate => self.template(at, task),
            Code::ReferenceNotUpstream => self.reference(at, task, fault),
            Code::UnknownDevice => task.field("device").and_then(|device| device.field("on")).map(View::mark),
            Code::LimitExceeded => self.excess(task, fault),
            _ => None,
        };
        found.unwrap_or(mark)
    }

    /// The interpolation that cannot be read, else the text with it.
    fn template(&self, at: usize, task: View<'_>) -> Option<Mark> {
        let error = check_templates(self.graph.tasks.get(at)?).err()?;
        let text = templated(task).into_iter().find(|text| text.place == error.place())?;
        Some(error.at().map_or_else(|| text.view.mark(), |at| Inside::new(text.view).mark(at)))
    }

    /// The first interpolation or input that names the task in question.
    fn reference(&self, at: usize, task: View<'_>, fault: &Fault) -> Option<Mark> {
        let name = referred(fault)?;
        let mut references = self.references.borrow_mut();
        if references.0 != Some(at) {
            *references = (Some(at), self.references_of(at, task));
        }
        references.1.get(name).copied()
    }

    /// A task may refer to many others: it is searched once.
    fn references_of(&self, at: usize, task: View<'_>) -> BTreeMap<String, Mark> {
        let mut found = BTreeMap::new();
        for text in templated(task) {
            let mut inside = Inside::new(text.view);
            for interpolation in interpolations(text.view.scalar().map_or("", |scalar| scalar.text)) {
                for name in interpolation.tasks {
                    found.entry(name).or_insert_with(|| inside.mark(interpolation.at));
                }
            }
        }
        let inputs = self.marks.inputs(at);
        for (name, file) in self.graph.tasks.get(at).into_iter().flat_map(|spec| spec.files()) {
            if let (FileInput::Output { task, .. }, Some(mark)) = (file, inputs.get(name.as_str())) {
                found.entry(task.to_string()).or_insert(*mark);
            }
        }
        found
    }

    /// The edge that is one too many, or the field that is too large.
    fn excess(&self, task: View<'_>, fault: &Fault) -> Option<Mark> {
        let edges = self.graph.dependencies.iter().enumerate();
        let mut edges = edges.filter(|(_, edge)| {
            let end = if fault.message.contains(" out of ") { &edge.from } else { &edge.to };
            end.as_str() == fault.item
        });
        if fault.message.contains(" dependencies ") {
            edges.nth(self.degree).map(|(at, _)| self.marks.edge_at(at))
        } else if fault.message.ends_with(" of metadata") {
            key_named(task, "metadata")
        } else {
            None
        }
    }
}

/// The name that a reference has, if the fault is about one.
pub(super) fn referred(fault: &Fault) -> Option<&str> {
    let rest = fault.message.strip_prefix("task ")?.strip_prefix(&fault.item)?.strip_prefix(" refers to ")?;
    rest.strip_suffix(", which is not upstream of it").or_else(|| rest.strip_suffix(", which does not exist"))
}

/// The field of a name.
fn key_named(task: View<'_>, path: &str) -> Option<Mark> {
    let (mut view, mut found) = (task, None);
    for name in path.split('.') {
        let Some(entry) = view.map().and_then(|map| map.entries().find(|entry| entry.key == name)) else {
            break;
        };
        (view, found) = (entry.value, Some(entry.at));
    }
    found
}
