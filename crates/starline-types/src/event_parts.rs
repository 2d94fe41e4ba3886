//! What facts are made of, beside the nouns of the other modules.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{DeviceRef, Millis, RunState, StateCounts, TaskRef};

/// Where an unstarted task is planned to run.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Placement {
    /// The task.
    pub task: TaskRef,
    /// The device; none if no device is planned any more.
    pub device: Option<DeviceRef>,
}

/// How a run ended.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct RunEnd {
    /// Final state.
    pub state: RunState,
    /// Tasks of the final graph.
    pub total_tasks: u32,
    /// Tasks by state.
    pub counts: StateCounts,
    /// Time since the start.
    pub duration_ms: Millis,
    /// Why it ended as it did, where that needs saying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<SmolStr>,
    /// Tasks whose last attempt may still be running somewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unconfirmed: Vec<TaskRef>,
}

/// Why a run is paused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseCause {
    /// Somebody paused it.
    Operator,
    /// It cannot go on without an edit.
    NeedsEdit,
    /// It cannot go on without an operator.
    NeedsOperator,
}

/// Why a task or attempt is cancelled.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// The task was cancelled.
    Task,
    /// The run was cancelled.
    Run,
    /// The run reached its deadline.
    Deadline,
    /// The work of the run is to be undone.
    Rollback,
    /// The task was not approved.
    ApprovalRefused,
    /// Another task failed under the policy `fail_fast`.
    FailFast,
    /// The attempt ran too long; the task itself may be retried.
    Timeout,
}

/// What made the end of a cancelled attempt certain.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmedBy {
    /// The device said that it stopped the attempt.
    Ack,
    /// The attempt reported its own end.
    Result,
    /// The device began a new life.
    Incarnation,
    /// The lease of the attempt is over.
    Lease,
}

/// What happened to an attempt that brought no report.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossReason {
    /// The device refused it before it began.
    NotAccepted,
    /// The device was lost while it ran.
    DeviceLost,
    /// The connection was lost; the attempt may still run until its lease is over.
    Unknown,
}

/// Why a report was dropped.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IgnoreReason {
    /// No such task.
    UnknownTask,
    /// The attempt has ended, or a newer one lives.
    StaleAttempt,
    /// Another device has the attempt.
    ForeignDevice,
    /// The run has ended.
    RunEnded,
}

/// What a hold covers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldScope {
    /// Every unstarted descendant of its triggers.
    #[default]
    Descendants,
    /// Every unstarted task.
    Graph,
}

/// Why a hold ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldReason {
    /// A batch naming it was committed.
    Committed,
    /// Let go without a change: the editor had none, or its last answer was rejected.
    Released,
    /// Its deadline passed.
    Expired,
    /// Somebody cleared all holds.
    Cleared,
    /// The editor went away.
    EditorLost,
    /// The run is ending.
    RunEnding,
}

/// Which output of an attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProgressStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A message of the device.
    Message,
}
