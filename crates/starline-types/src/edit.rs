//! Edits as data. Their meaning is in `starline-edit`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Dependency, DependencyKind, HoldId, RequestId, Revision, TaskId, TaskSpec, Value};

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
    /// Adds an edge.
    AddDependency(Dependency),
    /// Adds a whole graph, after removing what there is if asked to.
    Build {
        /// The graph.
        graph: Arc<GraphSpec>,
        /// Whether every existing task goes first; all of them must be unstarted then.
        #[serde(default = "yes")]
        clear_existing: bool,
    },
}

fn yes() -> bool {
    true
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    /// The revision it made.
    pub revision: Revision,
    /// The batch.
    pub batch: EditBatch,
}
