//! What is known about the execution of a task.

use std::sync::Arc;

use starline_types::{DeviceIx, Outputs, SkipReason, TaskError, TaskState, Timestamp, Value};

/// Execution record of a task. Small: there is one for each of a million tasks.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// State.
    pub state: TaskState,
    /// Attempts made.
    pub attempts: u32,
    /// Where the last attempt ran or runs.
    pub device: Option<DeviceIx>,
    /// Begin of the last attempt.
    pub started: Timestamp,
    /// End of the task.
    pub finished: Timestamp,
    /// What is left of an ended task, where there is anything.
    pub remains: Option<Box<Remains>>,
}

/// What is left of an ended task.
#[derive(Clone, Debug, Default)]
pub struct Remains {
    /// Result.
    pub result: Option<Arc<Value>>,
    /// Typed outputs.
    pub outputs: Option<Arc<Outputs>>,
    /// Why it failed.
    pub error: Option<Arc<TaskError>>,
    /// Why it was skipped.
    pub skip: Option<SkipReason>,
    /// Whether the last attempt may still be running somewhere.
    pub unconfirmed: bool,
}

/// The edges that a task waits for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Waits {
    /// Incoming edges without a verdict.
    pub open: u32,
    /// Incoming edges that are impossible.
    pub impossible: u32,
}

impl Waits {
    /// Whether every incoming edge is satisfied.
    #[must_use]
    pub fn satisfied(self) -> bool {
        self.open == 0 && self.impossible == 0
    }
}

impl Record {
    /// Time of the last attempt of an ended task; zero if none was made.
    #[must_use]
    pub fn duration(&self) -> starline_types::Millis {
        if self.attempts == 0 || !self.state.is_terminal() {
            return starline_types::Millis::ZERO;
        }
        self.finished.since(self.started)
    }
}
