//! Writes a workflow as a file that reads back equal.

mod document;
mod json;
mod settings;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};

use starline_types::{GraphSpec, TaskId};

use crate::Workflow;
pub(crate) use document::{
    Doc, Entries, after, approval, bare, compensation, device, estimate, limit, outputs, payload, resources,
    retry, sent, task, text, texts, value, values, word,
};
pub(crate) use json::write as write_json;
pub(crate) use yaml::{escape, is_hidden, write as yaml};

/// Why a workflow cannot be written as a file.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// Two tasks or two dependencies have one id.
    #[error("id {0} is used twice")]
    RepeatedId(String),
    /// A dependency names a task that is not in the graph.
    #[error("a dependency names task {0}, which does not exist")]
    UnknownTask(TaskId),
    /// A task has a value and a file of the same name.
    #[error(
        "task {task} is sent a value and a file of the same name {input:?}, which a workflow file cannot say"
    )]
    SameInput {
        /// The task.
        task: TaskId,
        /// Name of the input.
        input: String,
    },
    /// The edit brings back what was removed: only records of commits have it.
    #[error("edit {0} brings back what was removed, which is a part of records and of no batch")]
    Restore(usize),
    /// A batch has one field `inputs` for the values and the files of a task, and the edit sets only one of the two.
    #[error("task {0} gets either values or files anew, and a batch sets both as `inputs`")]
    HalfOfInputs(TaskId),
    /// An edit sets a field twice.
    #[error("field {field} of task {task} is set twice")]
    RepeatedField {
        /// The task.
        task: TaskId,
        /// The field.
        field: &'static str,
    },
    /// Metadata, inputs or arguments are nested more deeply than files may be.
    #[error("a value is nested more than 64 levels deep")]
    TooDeep,
}

/// The workflow as YAML in block style, for people.
///
/// Reading it gives an equal workflow: every graph can be written. Dependencies are written with the task they lead
/// into, those from one source together, so that they come back in that order; settings that a file does not have are
/// left out.
///
/// # Errors
/// The graph has something that files cannot say.
///
/// # Examples
///
/// ```
/// use starline_workflow::{LoadOptions, Workflow, to_yaml};
///
/// let file = "version: 1\ntasks:\n  a:\n    run: { sh: echo hi }\n";
/// let workflow = Workflow::parse(file.as_bytes(), &LoadOptions::default()).expect("a valid file");
/// assert_eq!(to_yaml(&workflow)?, file);
/// # Ok::<(), starline_workflow::WriteError>(())
/// ```
pub fn to_yaml(workflow: &Workflow) -> Result<String, WriteError> {
    Ok(yaml::write(&checked(workflow)?))
}

/// One task as it stands below `tasks` in a workflow file, with the edges into it. `None` if no task has this id.
///
/// Takes time proportional to the tasks and edges of the graph.
///
/// # Examples
///
/// ```
/// use starline_workflow::{LoadOptions, Workflow, task_to_yaml};
///
/// let file = "version: 1\ntasks:\n  a: { run: { sh: echo hi } }\n  b: { after: [a], run: { sh: ls } }\n";
/// let workflow = Workflow::parse(file.as_bytes(), &LoadOptions::default()).expect("a valid file");
/// let yaml = task_to_yaml(&workflow.graph, &"b".parse()?);
/// assert_eq!(yaml.as_deref(), Some("b:\n  after: [a]\n  run: { sh: ls }\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn task_to_yaml(graph: &GraphSpec, id: &TaskId) -> Option<String> {
    let spec = graph.tasks.iter().find(|task| task.id == *id)?;
    let edges: Vec<_> = graph.dependencies.iter().filter(|edge| edge.to == *id).collect();
    let mut entries = Entries::default();
    entries.add(id.as_str(), task(spec, &edges));
    Some(yaml::write_part(&entries.map()))
}

/// The workflow as JSON, with the same fields in the same order as [`to_yaml`].
///
/// # Errors
/// As for [`to_yaml`].
pub fn to_json(workflow: &Workflow) -> Result<String, WriteError> {
    Ok(json::write(&checked(workflow)?))
}

fn checked(workflow: &Workflow) -> Result<Doc, WriteError> {
    let incoming = incoming(&workflow.graph)?;
    for task in &workflow.graph.tasks {
        if let Some(name) = task.files().keys().find(|name| task.inputs.contains_key(*name)) {
            return Err(WriteError::SameInput { task: task.id.clone(), input: name.clone() });
        }
    }
    let doc = document::workflow(workflow, &incoming);
    if doc.is_deeper_than(crate::tree::MAX_DEPTH) { Err(WriteError::TooDeep) } else { Ok(doc) }
}

/// Positions of the edges into each task, by the order of the edges.
type Incoming<'g> = BTreeMap<&'g TaskId, Vec<usize>>;

fn incoming(graph: &GraphSpec) -> Result<Incoming<'_>, WriteError> {
    let mut incoming = Incoming::new();
    for task in &graph.tasks {
        if incoming.insert(&task.id, Vec::new()).is_some() {
            return Err(WriteError::RepeatedId(task.id.to_string()));
        }
    }
    let mut ids = BTreeSet::new();
    for (at, edge) in graph.dependencies.iter().enumerate() {
        if let Some(id) = edge.id.as_ref().filter(|id| !ids.insert(*id)) {
            return Err(WriteError::RepeatedId(id.to_string()));
        }
        let unknown = |id: &TaskId| WriteError::UnknownTask(id.clone());
        if !incoming.contains_key(&edge.from) {
            return Err(unknown(&edge.from));
        }
        incoming.get_mut(&edge.to).ok_or_else(|| unknown(&edge.to))?.push(at);
    }
    Ok(incoming)
}
