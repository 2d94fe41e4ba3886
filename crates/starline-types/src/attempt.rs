//! One try of one task on one device.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{AttemptFile, Checkpoint, Millis, Payload, RunId, SparseMap, TaskRef, TaskSpec};

/// Names one attempt; the number is the fencing token and grows by one with every attempt of the task.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct AttemptId {
    /// The run.
    pub run: RunId,
    /// The task.
    pub task: TaskRef,
    /// Counted from 1.
    pub number: u32,
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}#{}", self.run, self.task, self.number)
    }
}

/// What a device is given: everything it needs to run one attempt.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Who this is; a report repeats it.
    pub id: AttemptId,
    /// What to do, with every template filled in.
    pub payload: Payload,
    /// Longest run; a device cut off from the orchestrator ends the attempt by itself after it.
    pub timeout: Option<Millis>,
    /// Files to be put into the folder of the attempt, by the name of the input.
    pub files: SparseMap<AttemptFile>,
    /// What the last attempt of the task that put something down has put down; `None` on the first try.
    pub checkpoint: Option<Checkpoint>,
    /// The task as specified, for devices that show or read more than the payload.
    pub spec: Arc<TaskSpec>,
}
