//! Why a task is where it is.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{
    CancelReason, DependencyId, DependencyKind, DeviceId, DeviceStatus, HoldId, HoldScope, Millis,
    OutcomeStatus, PauseCause, Reading, RunState, Seq, SkipReason, TaskError, TaskId, Timestamp, Verdict,
};

/// Why a task is where it is, and what comes next. There is always an answer, and there may be several reasons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The task.
    pub task: TaskId,
    /// How it reads now.
    pub status: Reading,
    /// Every reason that holds, the one that gives the reading first.
    pub reasons: Vec<Reason>,
    /// What has to happen next, in one line.
    pub next: String,
}

/// One reason. Times are run times, spans are in milliseconds from the moment of the question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// The run has not begun.
    NotStarted {
        /// State of the run.
        state: RunState,
    },
    /// Edges into the task have no verdict yet.
    Waiting {
        /// These edges.
        edges: Vec<EdgeReason>,
    },
    /// Edges into the task can never be satisfied, and the skip is put off.
    Blocked {
        /// These edges.
        edges: Vec<EdgeReason>,
        /// What puts the skip off.
        deferred_by: Vec<Deferral>,
    },
    /// An open hold covers the task.
    Held {
        /// The hold.
        hold: HoldId,
        /// What it covers.
        scope: HoldScope,
        /// The tasks whose end opened it.
        triggers: Vec<TaskId>,
        /// Whether an editor is attached that can answer it.
        editor_attached: bool,
        /// Time until it closes by itself; none while it is behind another one.
        remaining_ms: Option<Millis>,
    },
    /// The gate of the task waits for a person.
    AwaitingApproval {
        /// What the person is asked.
        prompt: Arc<str>,
        /// What asks: `gate`, the one in the specification of the task.
        rule: SmolStr,
        /// Whether the question stands; it is asked once the task would be placed otherwise.
        asked: bool,
        /// Time until the question is closed; none if it stands for ever or is not asked yet.
        remaining_ms: Option<Millis>,
    },
    /// A retry delay is not over.
    Backoff {
        /// Number of the retry that comes.
        retry: u32,
        /// Retries of this kind that the task may have.
        max: u32,
        /// Whether the attempt before was lost with its device.
        lost: bool,
        /// Why the attempt before ended.
        last_error: Option<Arc<TaskError>>,
        /// Time until the next attempt may begin.
        remaining_ms: Millis,
    },
    /// No device that fits is there.
    Unplaced {
        /// Every device, and why it does not take the task; of very many the first ones.
        devices: Vec<DeviceGap>,
        /// Devices left out of the list.
        more: usize,
    },
    /// Ready, but nothing is free.
    Queued {
        /// Devices that fit and what they do; of very many the first ones.
        candidates: Vec<Candidate>,
        /// Devices left out of the list.
        more: usize,
        /// Place among the ready tasks of the run that wait for one of the same devices, from 1.
        position: usize,
        /// The limit of live attempts, where the run has reached it.
        parallel_limit: Option<u32>,
        /// Name of the strategy.
        strategy: SmolStr,
    },
    /// Ready, and about to be placed.
    Ready {
        /// Devices that fit; of very many the first ones.
        candidates: Vec<Candidate>,
        /// Name of the strategy.
        strategy: SmolStr,
    },
    /// The run starts nothing new.
    Paused {
        /// Why.
        cause: PauseCause,
        /// Time until the run resumes by itself.
        remaining_ms: Option<Millis>,
    },
    /// An attempt is live.
    Running {
        /// Its number.
        attempt: u32,
        /// Its device.
        device: DeviceId,
        /// Time since it was assigned.
        elapsed_ms: Millis,
        /// Time until it is asked to stop.
        remaining_ms: Option<Millis>,
    },
    /// It is not known what became of an attempt.
    LeaseWait {
        /// Its number.
        attempt: u32,
        /// Its device.
        device: DeviceId,
        /// Time until its lease is over.
        remaining_ms: Millis,
    },
    /// A live attempt was asked to stop, and has not confirmed it.
    Cancelling {
        /// Its number.
        attempt: u32,
        /// Its device.
        device: DeviceId,
        /// Why.
        reason: CancelReason,
        /// Time until its end counts as certain without an answer.
        remaining_ms: Option<Millis>,
    },
    /// The task can never run.
    Skipped {
        /// Why.
        reason: Option<SkipReason>,
        /// The chain of causes, from the task back to the first.
        causes: Vec<Cause>,
    },
    /// The task was cancelled.
    Cancelled {
        /// Why, as far as it is known.
        reason: Option<CancelReason>,
        /// Whether the end of its last attempt is certain.
        confirmed: bool,
        /// The chain of causes, from the task back to the first.
        causes: Vec<Cause>,
    },
    /// The task failed for good.
    Failed {
        /// Why.
        error: Option<Arc<TaskError>>,
        /// Attempts made.
        attempts: u32,
        /// Device of the last one.
        device: Option<DeviceId>,
        /// The chain of causes, from the task back to the first.
        causes: Vec<Cause>,
    },
    /// The task is done.
    Completed {
        /// Attempts made.
        attempts: u32,
        /// Device of the last one.
        device: Option<DeviceId>,
        /// Time of the last one.
        duration_ms: Millis,
        /// The chain of causes, from the task back to the first.
        causes: Vec<Cause>,
    },
}

impl Reason {
    /// The stable word.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotStarted { .. } => "not_started",
            Self::Waiting { .. } => "waiting",
            Self::Blocked { .. } => "blocked",
            Self::Held { .. } => "held",
            Self::AwaitingApproval { .. } => "awaiting_approval",
            Self::Backoff { .. } => "backoff",
            Self::Unplaced { .. } => "unplaced",
            Self::Queued { .. } => "queued",
            Self::Ready { .. } => "ready",
            Self::Paused { .. } => "paused",
            Self::Running { .. } => "running",
            Self::LeaseWait { .. } => "lease_wait",
            Self::Cancelling { .. } => "cancelling",
            Self::Skipped { .. } => "skipped",
            Self::Cancelled { .. } => "cancelled",
            Self::Failed { .. } => "failed",
            Self::Completed { .. } => "completed",
        }
    }

    /// The chain of causes of a task that has ended.
    #[must_use]
    pub fn causes(&self) -> Option<&[Cause]> {
        match self {
            Self::Skipped { causes, .. }
            | Self::Cancelled { causes, .. }
            | Self::Failed { causes, .. }
            | Self::Completed { causes, .. } => Some(causes),
            _ => None,
        }
    }

    /// The same, to fill in the numbers of the facts.
    #[must_use]
    pub fn causes_mut(&mut self) -> Option<&mut Vec<Cause>> {
        match self {
            Self::Skipped { causes, .. }
            | Self::Cancelled { causes, .. }
            | Self::Failed { causes, .. }
            | Self::Completed { causes, .. } => Some(causes),
            _ => None,
        }
    }
}

/// An edge into a task, as a reason.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct EdgeReason {
    /// The edge.
    pub edge: DependencyId,
    /// The task that it waits for.
    pub from: TaskId,
    /// What it asks of that task.
    pub kind: DependencyKind,
    /// How that task reads.
    pub state: Reading,
    /// What was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Why its condition could not be evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<SmolStr>,
}

/// What puts the skip of a blocked task off.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deferral {
    /// An open hold covers the task.
    Hold(HoldId),
    /// The run waits for edits after failures.
    WaitForEdit,
    /// Nothing is skipped while the run is paused.
    Paused,
    /// The run has not begun.
    NotStarted,
}

/// Why a device does not take a task.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct DeviceGap {
    /// The device.
    pub device: DeviceId,
    /// What it does.
    pub status: DeviceStatus,
    /// What the task asks for and the device lacks; empty for one that would fit if it were there.
    pub missing: Vec<String>,
    /// Time since its connection was lost; none if it is there, or where whoever answers does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_ms: Option<Millis>,
}

/// A device that could take a task.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The device.
    pub device: DeviceId,
    /// Live attempts on it, of all runs.
    pub running: u32,
    /// Attempts that it takes at the same time.
    pub slots: u32,
    /// Unstarted tasks planned on it, of all runs.
    pub queued: u32,
    /// Tasks of this run that it runs; of very many the first ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<TaskId>,
    /// Whether it is left out for this task for now: it refused it, or an attempt was lost with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub avoided: bool,
}

/// One link in a chain of causes.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    /// The task.
    pub task: TaskId,
    /// How it ended.
    pub status: OutcomeStatus,
    /// When it ended, in run time.
    pub at: Timestamp,
    /// Number of the fact, where whoever answers has the facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
    /// The edge that leads from the next link to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edge: Option<DependencyId>,
}
