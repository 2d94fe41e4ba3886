//! What readers see of a run: status, snapshot, outcome.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    DeviceId, GraphSpec, HoldId, HoldScope, Millis, Outputs, PauseCause, Reading, Revision, RunId, RunState,
    Seq, SkipReason, StateCounts, Statistics, TaskError, TaskId, Timestamp, Value,
};

/// A run in a few numbers, kept up to date at no cost to the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunStatus {
    /// The run.
    pub run_id: RunId,
    /// Display name.
    pub name: String,
    /// Its state.
    pub state: RunState,
    /// Why it is paused, if it is.
    pub paused: Option<PauseCause>,
    /// Commits so far.
    pub revision: Revision,
    /// Records so far.
    pub seq: Seq,
    /// Tasks by state.
    pub counts: StateCounts,
}

/// A run at one moment, complete.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    /// The numbers.
    #[serde(flatten)]
    pub status: RunStatus,
    /// The graph as it is now.
    pub graph: Arc<GraphSpec>,
    /// Open holds, oldest first.
    pub holds: Vec<HoldView>,
    /// Every task, in insertion order.
    pub tasks: Vec<TaskView>,
    /// Figures.
    pub statistics: Statistics,
}

/// A hold at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HoldView {
    /// Its number.
    pub hold: HoldId,
    /// What it covers.
    pub scope: HoldScope,
    /// When it closes by itself, in run time; none while it is behind another one.
    pub deadline: Option<Timestamp>,
    /// The tasks whose end opened it.
    pub triggers: Vec<TaskId>,
    /// When it was opened, in run time.
    pub opened: Timestamp,
}

/// A task at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskView {
    /// The task.
    pub id: TaskId,
    /// How it reads.
    pub reading: Reading,
    /// Where it is planned to run, runs, or ran last.
    pub device: Option<DeviceId>,
    /// Attempts made.
    pub attempts: u32,
}

/// How a task of an ended run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskResult {
    /// Its state in one word.
    pub status: Reading,
    /// Result; may be null.
    pub result: Value,
    /// Typed outputs.
    pub outputs: Outputs,
    /// Why it failed.
    pub error: Option<TaskError>,
    /// Device of the last attempt.
    pub device: Option<DeviceId>,
    /// Attempts made.
    pub attempts: u32,
    /// Begin of the last attempt: epoch milliseconds, or virtual milliseconds in a simulation.
    pub started_at: Option<u64>,
    /// End of the task, on the same clock.
    pub finished_at: Option<u64>,
    /// Time of the last attempt.
    pub duration_ms: Option<Millis>,
    /// Why it was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_reason: Option<SkipReason>,
}

/// How a run ended: what `outcome` returns and the command line prints last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunOutcome {
    /// The run.
    pub run_id: RunId,
    /// Its final state.
    pub status: RunState,
    /// Tasks of the final graph.
    pub total_tasks: usize,
    /// Tasks by state.
    pub counts: StateCounts,
    /// Every task of the final graph.
    pub results: BTreeMap<TaskId, TaskResult>,
    /// Figures of the final revision.
    pub statistics: Statistics,
    /// Commits.
    pub revision: Revision,
    /// Begin: epoch milliseconds, or virtual milliseconds in a simulation.
    pub started_at: Option<u64>,
    /// End, on the same clock.
    pub finished_at: Option<u64>,
    /// Time from begin to end.
    pub duration_ms: Millis,
    /// Why it ended as it did, where that needs saying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Tasks whose last attempt may still be running somewhere.
    pub unconfirmed: Vec<TaskId>,
}

impl RunOutcome {
    /// Moves every time by an offset, so that run time becomes wall time.
    #[must_use]
    pub fn shifted(mut self, epoch_ms: u64) -> Self {
        let shift = |at: &mut Option<u64>| *at = at.map(|at| at + epoch_ms);
        shift(&mut self.started_at);
        shift(&mut self.finished_at);
        for result in self.results.values_mut() {
            shift(&mut result.started_at);
            shift(&mut result.finished_at);
        }
        self
    }

    /// The end of a run as a moment of run time.
    #[must_use]
    pub fn ended(&self) -> Option<Timestamp> {
        self.finished_at.map(Timestamp)
    }
}
