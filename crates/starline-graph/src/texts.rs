//! The texts of a task that may be templates, and how to visit them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use starline_types::{Compensation, Exec, Payload, Prompt, Shell, TaskSpec, Value};

use crate::RenderError;

/// Where in a task a text stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Place<'t> {
    Script,
    Argument(usize),
    Environment(&'t str),
    Stdin,
    Folder,
    Prompt,
    /// JSON pointer into the arguments of a call.
    Arguments(String),
    /// Name of an input and JSON pointer into it.
    Input(String),
    Description,
}

impl Place<'_> {
    /// Whether the text reaches an operating system that ends texts with a NUL byte.
    pub(crate) fn is_passed_to_processes(&self) -> bool {
        matches!(self, Self::Script | Self::Argument(_) | Self::Environment(_) | Self::Folder)
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Script => f.write_str("sh"),
            Self::Argument(at) => write!(f, "exec[{at}]"),
            Self::Environment(name) => write!(f, "env {name}"),
            Self::Stdin => f.write_str("stdin"),
            Self::Folder => f.write_str("cwd"),
            Self::Prompt => f.write_str("prompt"),
            Self::Arguments(pointer) => write!(f, "arguments{pointer}"),
            Self::Input(pointer) => write!(f, "inputs.{pointer}"),
            Self::Description => f.write_str("description"),
        }
    }
}

/// Sees every text that looks like a template, and may put another in its place.
pub(crate) trait Visitor {
    /// A text; `None` leaves it.
    fn text(&mut self, place: &Place<'_>, text: &str) -> Result<Option<String>, RenderError>;

    /// A text inside JSON, where any value may take its place.
    fn json(&mut self, place: &Place<'_>, text: &str) -> Result<Option<Value>, RenderError> {
        Ok(self.text(place, text)?.map(Value::String))
    }
}

/// Whether a text must be read as a template.
pub(crate) fn looks_templated(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// Whether any text inside a value must be read as a template.
pub(crate) fn is_templated(value: &Value) -> bool {
    match value {
        Value::String(text) => looks_templated(text),
        Value::Array(items) => items.iter().any(is_templated),
        Value::Object(members) => members.values().any(is_templated),
        _ => false,
    }
}

/// Whether any text of a payload must be read as a template.
pub(crate) fn is_templated_payload(payload: &Payload) -> bool {
    let text = |text: &Option<String>| text.as_deref().is_some_and(looks_templated);
    let common = |env: &BTreeMap<String, String>, cwd: &Option<String>, stdin: &Option<String>| {
        env.values().any(|value| looks_templated(value)) || text(cwd) || text(stdin)
    };
    match payload {
        Payload::Noop | Payload::Sleep(_) => false,
        Payload::Sh(shell) => looks_templated(&shell.script) || common(&shell.env, &shell.cwd, &shell.stdin),
        Payload::Exec(exec) => {
            exec.argv.iter().any(|argument| looks_templated(argument))
                || common(&exec.env, &exec.cwd, &exec.stdin)
        }
        Payload::Prompt(prompt) => looks_templated(&prompt.text),
        Payload::Call { arguments, .. } => is_templated(arguments),
    }
}

/// Whether any text of a task must be read as a template.
pub(crate) fn is_templated_task(spec: &TaskSpec) -> bool {
    is_templated_payload(&spec.run)
        || spec.inputs.values().any(is_templated)
        || spec.details.as_ref().is_some_and(|details| looks_templated(&details.description))
        || spec.compensation().is_some_and(|undo| is_templated_payload(&undo.run))
}

/// Visits the texts of a task, with those of what undoes it.
pub(crate) fn visit_task(spec: &TaskSpec, visitor: &mut impl Visitor) -> Result<TaskSpec, RenderError> {
    let mut visited = visit_work(spec, visitor)?;
    if let Some(run) = visit_compensation(spec, visitor)?
        && let Some(details) = &mut visited.details
    {
        Arc::make_mut(details).compensate = Some(Compensation { run });
    }
    Ok(visited)
}

/// Visits the texts of what undoes a task, if there are any.
pub(crate) fn visit_compensation(
    spec: &TaskSpec,
    visitor: &mut impl Visitor,
) -> Result<Option<Payload>, RenderError> {
    let Some(undo) = spec.compensation().filter(|undo| is_templated_payload(&undo.run)) else {
        return Ok(None);
    };
    visit_payload(&undo.run, visitor).map(Some).map_err(RenderError::in_compensation)
}

/// Visits the texts of a task, without those of what undoes it.
pub(crate) fn visit_work(spec: &TaskSpec, visitor: &mut impl Visitor) -> Result<TaskSpec, RenderError> {
    let mut visited = spec.clone();
    visited.run = visit_payload(&spec.run, visitor)?;
    visited.inputs = visit_inputs(&spec.inputs, visitor)?.into();
    if let Some(details) = &spec.details
        && looks_templated(&details.description)
        && let Some(description) = visitor.text(&Place::Description, &details.description)?
        && let Some(details) = &mut visited.details
    {
        Arc::make_mut(details).description = description;
    }
    Ok(visited)
}

/// Visits the texts of a payload. One without templates is shared, not copied.
pub(crate) fn visit_payload(payload: &Payload, visitor: &mut impl Visitor) -> Result<Payload, RenderError> {
    if !is_templated_payload(payload) {
        return Ok(payload.clone());
    }
    Ok(match payload {
        Payload::Noop | Payload::Sleep(_) => payload.clone(),
        Payload::Sh(shell) => Payload::Sh(Arc::new(Shell {
            script: one(Place::Script, &shell.script, visitor)?,
            env: environment(&shell.env, visitor)?,
            cwd: optional(Place::Folder, shell.cwd.as_deref(), visitor)?,
            stdin: optional(Place::Stdin, shell.stdin.as_deref(), visitor)?,
            secrets: shell.secrets.clone(),
            collect: shell.collect.clone(),
        })),
        Payload::Exec(exec) => {
            let argv = exec.argv.iter().enumerate();
            let argv = argv
                .map(|(at, argument)| one(Place::Argument(at), argument, visitor))
                .collect::<Result<_, _>>()?;
            Payload::Exec(Arc::new(Exec {
                argv,
                env: environment(&exec.env, visitor)?,
                cwd: optional(Place::Folder, exec.cwd.as_deref(), visitor)?,
                stdin: optional(Place::Stdin, exec.stdin.as_deref(), visitor)?,
                secrets: exec.secrets.clone(),
                collect: exec.collect.clone(),
            }))
        }
        Payload::Prompt(prompt) => {
            Payload::Prompt(Arc::new(Prompt { text: one(Place::Prompt, &prompt.text, visitor)? }))
        }
        Payload::Call { name, arguments } => {
            let arguments = visit_json(arguments, "", &|pointer| Place::Arguments(pointer), visitor)?;
            Payload::Call { name: Arc::clone(name), arguments: Arc::new(arguments) }
        }
    })
}

/// Visits the texts of inputs.
pub(crate) fn visit_inputs(
    inputs: &BTreeMap<String, Value>,
    visitor: &mut impl Visitor,
) -> Result<BTreeMap<String, Value>, RenderError> {
    let visited = inputs.iter().map(|(name, value)| {
        let value = visit_json(value, name, &|pointer| Place::Input(pointer), visitor)?;
        Ok((name.clone(), value))
    });
    visited.collect()
}

fn one(place: Place<'_>, text: &str, visitor: &mut impl Visitor) -> Result<String, RenderError> {
    let visited = if looks_templated(text) { visitor.text(&place, text)? } else { None };
    Ok(visited.unwrap_or_else(|| text.to_owned()))
}

fn optional(
    place: Place<'_>,
    text: Option<&str>,
    visitor: &mut impl Visitor,
) -> Result<Option<String>, RenderError> {
    text.map(|text| one(place, text, visitor)).transpose()
}

fn environment(
    env: &BTreeMap<String, String>,
    visitor: &mut impl Visitor,
) -> Result<BTreeMap<String, String>, RenderError> {
    let visited =
        env.iter().map(|(name, value)| Ok((name.clone(), one(Place::Environment(name), value, visitor)?)));
    visited.collect()
}

/// Recurses as deeply as the value does, which a parser of JSON has limited.
fn visit_json(
    value: &Value,
    pointer: &str,
    place: &dyn Fn(String) -> Place<'static>,
    visitor: &mut impl Visitor,
) -> Result<Value, RenderError> {
    if !is_templated(value) {
        return Ok(value.clone());
    }
    Ok(match value {
        Value::String(text) => {
            visitor.json(&place(pointer.to_owned()), text)?.unwrap_or_else(|| Value::String(text.clone()))
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            let visited =
                items.map(|(at, item)| visit_json(item, &format!("{pointer}/{at}"), place, visitor));
            Value::Array(visited.collect::<Result<_, _>>()?)
        }
        Value::Object(members) => {
            let visited = members.iter().map(|(name, member)| {
                Ok((name.clone(), visit_json(member, &format!("{pointer}/{name}"), place, visitor)?))
            });
            Value::Object(visited.collect::<Result<_, RenderError>>()?)
        }
        other => other.clone(),
    })
}
