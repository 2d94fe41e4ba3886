//! States of tasks and runs, and how pending tasks read.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{DeviceIx, OutcomeStatus};

/// State of a task, with what is true in it: a second assignment cannot be written down.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TaskState {
    /// No live attempt, not ended; a task that waits for a retry counts.
    #[default]
    Pending,
    /// One live attempt.
    Running {
        /// Its number, counted from 1.
        attempt: u32,
        /// Where it runs.
        device: DeviceIx,
    },
    /// Done.
    Completed,
    /// Failed for good.
    Failed,
    /// Cancelled.
    Cancelled,
    /// Can never run.
    Skipped,
}

impl TaskState {
    /// How the task ended, if it did.
    #[must_use]
    pub fn outcome(self) -> Option<OutcomeStatus> {
        match self {
            Self::Pending | Self::Running { .. } => None,
            Self::Completed => Some(OutcomeStatus::Completed),
            Self::Failed => Some(OutcomeStatus::Failed),
            Self::Cancelled => Some(OutcomeStatus::Cancelled),
            Self::Skipped => Some(OutcomeStatus::Skipped),
        }
    }

    /// Whether the task has ended.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        self.outcome().is_some()
    }

    /// Whether the task may still be edited.
    #[must_use]
    pub fn is_unstarted(self) -> bool {
        self == Self::Pending
    }

    /// The stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running { .. } => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }
}

impl From<OutcomeStatus> for TaskState {
    fn from(status: OutcomeStatus) -> Self {
        match status {
            OutcomeStatus::Completed => Self::Completed,
            OutcomeStatus::Failed => Self::Failed,
            OutcomeStatus::Cancelled => Self::Cancelled,
            OutcomeStatus::Skipped => Self::Skipped,
        }
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a task reads at one moment: its state, and for a pending task why it is not running.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// An edge is impossible and the skip is deferred.
    Blocked,
    /// An edge is unresolved.
    Waiting,
    /// An open hold covers it.
    Held,
    /// Its gate waits for a decision.
    AwaitingApproval,
    /// A retry delay is not over.
    Backoff,
    /// No eligible device is connected.
    Unplaced,
    /// Ready, but its device, or every eligible one, is full, or the run is at its limit.
    Queued,
    /// Ready.
    Ready,
    /// Has a live attempt.
    Running,
    /// Has a live attempt that was asked to stop.
    Cancelling,
    /// Done.
    Completed,
    /// Failed for good.
    Failed,
    /// Cancelled.
    Cancelled,
    /// Can never run.
    Skipped,
}

impl Reading {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Waiting => "waiting",
            Self::Held => "held",
            Self::AwaitingApproval => "awaiting_approval",
            Self::Backoff => "backoff",
            Self::Unplaced => "unplaced",
            Self::Queued => "queued",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Cancelling => "cancelling",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// State of a run.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Submitted; some task cannot be placed yet.
    #[default]
    Created,
    /// Every task is placed or placeable.
    Ready,
    /// Started.
    Executing,
    /// Nothing new is started until it is resumed.
    Paused,
    /// All done.
    Completed,
    /// Some failed, some completed.
    PartiallyFailed,
    /// Some failed, none completed.
    Failed,
    /// Cancelled, or nothing but cancelled tasks.
    Cancelled,
}

impl RunState {
    /// Whether the run has ended.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::PartiallyFailed | Self::Failed | Self::Cancelled)
    }

    /// The stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Ready => "ready",
            Self::Executing => "executing",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::PartiallyFailed => "partially_failed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Number of tasks in each state.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct StateCounts {
    /// Pending tasks.
    pub pending: u32,
    /// Running tasks.
    pub running: u32,
    /// Completed tasks.
    pub completed: u32,
    /// Failed tasks.
    pub failed: u32,
    /// Cancelled tasks.
    pub cancelled: u32,
    /// Skipped tasks.
    pub skipped: u32,
}

impl StateCounts {
    /// The counter of a state.
    pub fn of(&mut self, state: TaskState) -> &mut u32 {
        match state {
            TaskState::Pending => &mut self.pending,
            TaskState::Running { .. } => &mut self.running,
            TaskState::Completed => &mut self.completed,
            TaskState::Failed => &mut self.failed,
            TaskState::Cancelled => &mut self.cancelled,
            TaskState::Skipped => &mut self.skipped,
        }
    }

    /// Tasks that have not ended.
    #[must_use]
    pub fn open(&self) -> u32 {
        self.pending + self.running
    }

    /// The counters by word, those above zero only.
    pub fn occurring(&self) -> impl Iterator<Item = (&'static str, u32)> {
        [
            ("pending", self.pending),
            ("running", self.running),
            ("completed", self.completed),
            ("failed", self.failed),
            ("cancelled", self.cancelled),
            ("skipped", self.skipped),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
    }
}
