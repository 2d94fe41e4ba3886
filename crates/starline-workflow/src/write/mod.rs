//! Writes a workflow as a file that reads back equal.

mod document;
mod json;
mod settings;
mod yaml;

use std::collections::BTreeMap;

use starline_types::{DependencyId, GraphSpec, TaskId};

use crate::Workflow;
pub(crate) use document::{Doc, Entries, bare, resources, text, texts, value, values, word};
pub(crate) use json::write as write_json;
pub(crate) use yaml::write as yaml;

/// Why a workflow cannot be written as a file.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The edge has an id of its own choice, and files have no place for one.
    #[error("dependency {0} has an id other than the default, which a workflow file cannot say")]
    OwnId(DependencyId),
    /// More than one edge joins the same two tasks.
    #[error("task {to} waits for {from} more than once, which a workflow file cannot say")]
    Parallel {
        /// Source.
        from: TaskId,
        /// Target.
        to: TaskId,
    },
    /// Two tasks or two dependencies have one id.
    #[error("id {0} is used twice")]
    RepeatedId(String),
    /// An edge leads into a task that is not in the graph.
    #[error("a dependency leads into task {0}, which does not exist")]
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
    /// Metadata, inputs or arguments are nested more deeply than files may be.
    #[error("a value is nested more than 64 levels deep")]
    TooDeep,
}

/// The workflow as YAML in block style, for people.
///
/// Reading it gives an equal workflow, if the workflow came from a file or an import: edges are written with the
/// task they lead into, and settings that a file does not have are left out.
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
    let mut incoming: Incoming<'_> = graph.tasks.iter().map(|task| (&task.id, Vec::new())).collect();
    let mut seen = std::collections::BTreeSet::new();
    for (at, edge) in graph.dependencies.iter().enumerate() {
        if let Some(id) = &edge.id
            && id.as_str() != format!("{}->{}", edge.from, edge.to)
        {
            return Err(WriteError::OwnId(id.clone()));
        }
        if !seen.insert((&edge.from, &edge.to)) {
            return Err(WriteError::Parallel { from: edge.from.clone(), to: edge.to.clone() });
        }
        let into = incoming.get_mut(&edge.to).ok_or_else(|| WriteError::UnknownTask(edge.to.clone()))?;
        into.push(at);
    }
    Ok(incoming)
}
