//! What became of a task and of its attempts.

use std::sync::Arc;

use smol_str::SmolStr;
use starline_types::{
    CancelReason, ConfirmedBy, DependencyId, DeviceId, ErrorKind, LossReason, Millis, OutcomeStatus, Outputs,
    Revision, SkipReason, TaskError, TaskId, TaskSpec, Timestamp, UnixMillis, Value,
};

use crate::Tail;

/// A moment on both clocks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Moment {
    /// Run time.
    pub t: Timestamp,
    /// Wall time, for display only; virtual milliseconds in a simulation.
    pub at: UnixMillis,
}

/// How an attempt ended, in one word.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum AttemptOutcome {
    /// It has not ended, as far as the records go.
    Running,
    /// Its work was done.
    Completed,
    /// It failed.
    Failed,
    /// It ran longer than it may.
    Timeout,
    /// Its result does not have the declared outputs.
    BadOutput,
    /// It went away with its device.
    Lost,
    /// The device did not take it.
    NotAccepted,
    /// It was cancelled.
    Cancelled,
}

impl AttemptOutcome {
    /// All outcomes.
    pub const ALL: [Self; 8] = [
        Self::Running,
        Self::Completed,
        Self::Failed,
        Self::Timeout,
        Self::BadOutput,
        Self::Lost,
        Self::NotAccepted,
        Self::Cancelled,
    ];

    /// The stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::BadOutput => "bad_output",
            Self::Lost => "lost",
            Self::NotAccepted => "not_accepted",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether something went wrong: it neither runs nor completed, and nobody cancelled it.
    #[must_use]
    pub fn is_failure(self) -> bool {
        match self {
            Self::Failed | Self::Timeout | Self::BadOutput | Self::Lost | Self::NotAccepted => true,
            Self::Running | Self::Completed | Self::Cancelled => false,
        }
    }

    pub(crate) fn of(error: &TaskError) -> Self {
        match error.kind {
            ErrorKind::Timeout => Self::Timeout,
            ErrorKind::BadOutput => Self::BadOutput,
            ErrorKind::DeviceLost => Self::Lost,
            _ => Self::Failed,
        }
    }
}

/// An attempt.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AttemptHistory {
    /// Its number, from 1.
    pub number: u32,
    /// Its device.
    pub device: DeviceId,
    /// The lane of the device that it took, from 0: the lowest that was free.
    pub lane: u32,
    /// When it was given to the device.
    pub assigned_at: Timestamp,
    /// When the device began, if it said so.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Why it failed.
    pub error: Option<Arc<TaskError>>,
    /// What happened to it, if it was not on its device any more, or might not have been.
    pub lost: Option<LossReason>,
    /// Why it was asked to stop.
    pub cancel: Option<CancelReason>,
    /// The retry that followed.
    pub retry: Option<Retry>,
    /// The last lines of its output; empty for attempts that completed.
    pub output: Tail,
}

impl AttemptHistory {
    /// How long the attempt took, or has taken by `now`.
    #[must_use]
    pub fn duration(&self, now: Timestamp) -> Millis {
        self.ended_at.unwrap_or(now).since(self.assigned_at)
    }
}

/// A retry that was scheduled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Retry {
    /// Its number: of failures, or of losses for a lost device.
    pub number: u32,
    /// How long it was put off.
    pub delay: Millis,
}

/// What a person was asked before a task, and the answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Approval {
    /// What was asked.
    pub prompt: Arc<str>,
    /// When.
    pub asked: Moment,
    /// When the question is closed.
    pub deadline: Option<Timestamp>,
    /// The answer, once there was one.
    pub answer: Option<Answer>,
}

/// The answer to a question.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Answer {
    /// What was answered.
    pub verdict: ApprovalVerdict,
    /// Who did; nobody if the question expired.
    pub by: Option<SmolStr>,
    /// When.
    pub given: Moment,
}

/// What became of a question.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ApprovalVerdict {
    /// The task may run.
    Granted,
    /// It may not.
    Refused,
    /// Nobody answered in time.
    Expired,
}

impl ApprovalVerdict {
    /// The stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Refused => "refused",
            Self::Expired => "expired",
        }
    }
}

/// Why a task was skipped.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Skip {
    /// The impossible edge; none if an operator skipped the task.
    pub edge: Option<DependencyId>,
    /// The source of that edge.
    pub source: Option<TaskId>,
    /// Why.
    pub reason: SkipReason,
    /// Why a condition could not be evaluated.
    pub message: Option<SmolStr>,
}

/// Why a task was cancelled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Cancellation {
    /// Why.
    pub reason: CancelReason,
    /// Whether the end of its attempt is certain.
    pub confirmed: bool,
    /// What made it certain.
    pub confirmed_by: Option<ConfirmedBy>,
}

/// What became of a task.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskHistory {
    /// The task as last specified.
    pub spec: Arc<TaskSpec>,
    /// The revision that brought it.
    pub added: Revision,
    /// Whether a later revision took it out of the graph.
    pub removed: bool,
    /// The device it was first planned on, if any.
    pub planned: Option<DeviceId>,
    /// When every edge into it was satisfied, in a run that was started.
    pub ready_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How it ended.
    pub status: Option<OutcomeStatus>,
    /// Why it failed.
    pub error: Option<Arc<TaskError>>,
    /// Its result.
    pub result: Option<Arc<Value>>,
    /// Its outputs.
    pub outputs: Option<Arc<Outputs>>,
    /// Why it was skipped.
    pub skip: Option<Skip>,
    /// Why it was cancelled.
    pub cancellation: Option<Cancellation>,
    /// What was asked before it ran.
    pub approvals: Vec<Approval>,
    /// Its attempts, in order.
    pub attempts: Vec<AttemptHistory>,
    pub(crate) backoff_until: Option<Timestamp>,
}

impl TaskHistory {
    pub(crate) fn new(spec: Arc<TaskSpec>, added: Revision) -> Self {
        Self {
            spec,
            added,
            removed: false,
            planned: None,
            ready_at: None,
            finished_at: None,
            status: None,
            error: None,
            result: None,
            outputs: None,
            skip: None,
            cancellation: None,
            approvals: Vec::new(),
            attempts: Vec::new(),
            backoff_until: None,
        }
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> &TaskId {
        &self.spec.id
    }

    /// The device of the last attempt.
    #[must_use]
    pub fn device(&self) -> Option<&DeviceId> {
        self.attempts.last().map(|attempt| &attempt.device)
    }

    /// The begin of the first attempt.
    #[must_use]
    pub fn begun_at(&self) -> Option<Timestamp> {
        self.attempts.first().map(|attempt| attempt.assigned_at)
    }

    /// The time of all attempts together, live ones up to `now`.
    #[must_use]
    pub fn run_time(&self, now: Timestamp) -> Millis {
        Millis(self.attempts.iter().map(|attempt| attempt.duration(now).0).fold(0, u64::saturating_add))
    }

    /// The time from ready to the first attempt, or to the end without one; `None` for a task that never was ready.
    #[must_use]
    pub fn wait_time(&self, now: Timestamp) -> Option<Millis> {
        let until = self.begun_at().or(self.finished_at).unwrap_or(now);
        self.ready_at.map(|ready| until.since(ready))
    }
}
