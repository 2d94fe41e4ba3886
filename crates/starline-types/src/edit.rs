//! Edits as data. Their meaning is in `starline-edit`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{
    ChangeSummary, Dependency, DependencyKind, DependencyRef, HoldId, Judgement, RequestId, Revision,
    TaskField, TaskId, TaskSpec, Value,
};

/// A whole graph: what is submitted, imported and exported. Never carries execution state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GraphSpec {
    /// Display name.
    pub name: String,
    /// Tasks in insertion order, which breaks ties everywhere.
    pub tasks: Vec<Arc<TaskSpec>>,
    /// Edges in insertion order.
    pub dependencies: Vec<Dependency>,
    /// Opaque.
    pub metadata: BTreeMap<String, Value>,
}

/// One change of a graph.
///
/// Exhaustive on purpose: a new operation that some crate ignores must not compile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Edit {
    /// Adds a task, and edges into it.
    AddTask {
        /// The task.
        task: Arc<TaskSpec>,
        /// Sources and what is asked of them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        after: Vec<(TaskId, DependencyKind)>,
    },
    /// Changes fields of an unstarted task.
    UpdateTask {
        /// The task.
        id: TaskId,
        /// The fields with their new values.
        set: Vec<TaskField>,
    },
    /// Removes an unstarted task and its edges.
    RemoveTask {
        /// The task.
        id: TaskId,
    },
    /// Adds an edge.
    AddDependency(Dependency),
    /// Changes what an edge asks, or its note.
    UpdateDependency {
        /// The edge.
        #[serde(flatten)]
        edge: DependencyRef,
        /// What it asks from now on; `None`: as before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<DependencyKind>,
        /// The note from now on; an empty one is none; `None`: as before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<Arc<str>>,
    },
    /// Removes an edge.
    RemoveDependency {
        /// The edge.
        #[serde(flatten)]
        edge: DependencyRef,
    },
    /// Adds a whole graph, after removing what there is if asked to.
    Build {
        /// The graph.
        graph: Arc<GraphSpec>,
        /// Whether every existing task goes first; all of them must be unstarted then.
        #[serde(default = "yes")]
        clear_existing: bool,
    },
    /// Removes every task; all of them must be unstarted.
    Clear,
    /// Adds a whole graph under other names.
    Merge {
        /// The graph.
        graph: Arc<GraphSpec>,
        /// What is put before every task id, and before references to it.
        prefix: SmolStr,
    },
    /// Brings back what was removed, where it was in the order of insertion. Only the inverse of a commit has it.
    Restore {
        /// Tasks with their ranks.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tasks: Vec<(u32, Arc<TaskSpec>)>,
        /// Edges with their ranks.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        dependencies: Vec<(u32, Dependency)>,
    },
}

fn yes() -> bool {
    true
}

impl Edit {
    /// The word of the operation, as files and policies write it.
    #[must_use]
    pub fn op(&self) -> &'static str {
        match self {
            Self::AddTask { .. } => "add_task",
            Self::UpdateTask { .. } => "update_task",
            Self::RemoveTask { .. } => "remove_task",
            Self::AddDependency(_) => "add_dependency",
            Self::UpdateDependency { .. } => "update_dependency",
            Self::RemoveDependency { .. } => "remove_dependency",
            Self::Build { .. } => "build",
            Self::Clear => "clear",
            Self::Merge { .. } => "merge",
            Self::Restore { .. } => "restore",
        }
    }
}

/// Edits that are committed together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EditBatch {
    /// The revision the author saw.
    pub base: Revision,
    /// The hold this batch answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldId>,
    /// Keeps the answered hold open.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub keep_open: bool,
    /// Chosen by the sender: a repeat gets the first answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// Why, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The edits, applied in order.
    pub edits: Vec<Edit>,
}

/// A batch that was committed: the fact that replay applies again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    /// The revision it made.
    pub revision: Revision,
    /// The batch.
    pub batch: EditBatch,
    /// Who made it.
    #[serde(default)]
    pub author: SmolStr,
    /// Whether it is an edit of its own, or takes one back or brings it back.
    #[serde(default)]
    pub origin: Origin,
    /// Whether it answers a hold that had closed before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// What takes it back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inverse: Vec<Edit>,
    /// Verdicts of conditional edges whose sources had ended before, so that replay never evaluates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<Judgement>,
    /// What changed.
    #[serde(default)]
    pub summary: ChangeSummary,
    /// Where the batch said how far tasks have got, which nobody but the run says: the first of these places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<String>,
}

/// Where a commit comes from.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Somebody edited.
    #[default]
    Edit,
    /// A commit was taken back.
    Undo,
    /// A commit that was taken back was brought back.
    Redo,
    /// The work of the run is undone: tasks were added that do so.
    Rollback,
}

/// A batch that was refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RejectedEdit {
    /// The revision its author had seen.
    pub base: Revision,
    /// The revision of the graph.
    pub current: Revision,
    /// Who made it.
    pub author: SmolStr,
    /// The hold it would have answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldId>,
    /// Chosen by the sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// The faults, by edit; of very many the first ones.
    pub rejections: Vec<Value>,
    /// Where the batch said how far tasks have got, which nobody but the run says: the first of these places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<String>,
}
