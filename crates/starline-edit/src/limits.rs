//! What a batch is checked against beside the graph.

use std::collections::BTreeMap;
use std::fmt;

use starline_graph::{Condition, TaskGraph};
use starline_types::{DeviceId, Policy, TaskId, TaskIx, Value};

use crate::Fault;

/// Limits of one run. The defaults can be raised up to ten times.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// Tasks of the graph.
    pub tasks: usize,
    /// Edges of the graph.
    pub dependencies: usize,
    /// Edges into one task, and edges out of one task.
    pub degree: usize,
    /// Edits of one batch.
    pub edits: usize,
    /// Edits of one run.
    pub run_edits: u64,
    /// Tasks that edits of one run may add.
    pub added_tasks: u64,
    /// Bytes of one task's metadata, written as JSON.
    pub metadata_bytes: usize,
    /// Bytes of one text of a task.
    pub text_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tasks: 100_000,
            dependencies: 1_000_000,
            degree: 10_000,
            edits: 1_000,
            run_edits: 10_000,
            added_tasks: 100_000,
            metadata_bytes: 64 * 1024,
            text_bytes: 256 * 1024,
        }
    }
}

impl Limits {
    /// The largest limits that may be set: a million tasks, ten million edges.
    #[must_use]
    pub fn ceiling() -> Self {
        Self {
            tasks: 1_000_000,
            dependencies: 10_000_000,
            degree: 1_000_000,
            edits: 10_000,
            run_edits: 1_000_000,
            added_tasks: 1_000_000,
            ..Self::default()
        }
    }
}

/// Says whether a condition over a task that has ended is true; else why it cannot be evaluated.
pub type Judge<'a> = &'a dyn Fn(&TaskGraph, TaskIx, &Condition) -> Result<bool, String>;

/// What the author of a batch may do to the approval gates of tasks that are there.
///
/// An editor asks for approvals and gives none, so it neither opens a gate nor takes away the task that has it, which
/// would let it put the same task there without one.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Gates {
    /// Everything: an operator, or the embedding program.
    #[default]
    Free,
    /// Tasks with a gate may be removed, as where an editor undoes that it added one; gates are not changed.
    Unchanged,
    /// Gates are not changed, and tasks that have one are not removed.
    Kept,
}

/// What a batch is checked against beside the graph.
#[derive(Clone, Default)]
pub struct Surroundings<'a> {
    /// Known devices; `None`: pins are not checked.
    pub devices: Option<&'a [DeviceId]>,
    /// Limits.
    pub limits: Limits,
    /// Guard rails; `None`: everything is allowed.
    pub policy: Option<&'a Policy>,
    /// What the author may do to the approval gates of tasks.
    pub gates: Gates,
    /// What the run has seen of edits before, for its limits.
    pub usage: Usage,
    /// Evaluates conditions over tasks that have ended; `None`: there are none.
    pub judge: Option<Judge<'a>>,
    /// Inputs of the run, for the names in templates and conditions; `None`: whether these lead anywhere is not judged.
    pub inputs: Option<&'a BTreeMap<String, Value>>,
    /// Edits that could not even be read; their faults belong to the answer.
    pub unread: Option<&'a Unread>,
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("devices", &self.devices)
            .field("limits", &self.limits)
            .field("policy", &self.policy)
            .field("usage", &self.usage)
            .field("inputs", &self.inputs.map(BTreeMap::keys))
            .field("unread", &self.unread)
            .finish_non_exhaustive()
    }
}

/// What a run has seen of edits.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Usage {
    /// Edits that were committed.
    pub edits: u64,
    /// Tasks that they added.
    pub added_tasks: u64,
}

/// What is wrong with edits that could not be read: they are not in the batch, and the others keep their positions.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Unread {
    /// The faults.
    pub faults: Vec<Fault>,
    /// Tasks that these edits would have made, with the positions of the edits.
    pub tasks: Vec<(TaskId, usize)>,
    /// Positions of the edits of the batch, as it was written.
    pub positions: Vec<usize>,
    /// Places that say how far tasks have got. They are ignored, and the attempt is recorded.
    pub ignored: Vec<String>,
}

impl Unread {
    /// How many edits could not be read: an edit may have several faults.
    #[must_use]
    pub fn edits(&self) -> usize {
        let mut edits: Vec<usize> = self.faults.iter().map(|fault| fault.edit).collect();
        edits.sort_unstable();
        edits.dedup();
        edits.len()
    }
}
