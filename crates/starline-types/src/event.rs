//! Facts: the only way state changes, what the journal keeps and observers see.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{
    Applied, CancelReason, Checkpoint, ConfirmedBy, DependencyId, DeviceId, DeviceRef, DeviceStatus,
    GraphSpec, HoldId, HoldReason, HoldScope, IgnoreReason, Judgement, LossReason, Millis, Outputs,
    PauseCause, Placement, ProgressStream, RejectedEdit, RunEnd, RunSettings, SkipReason, TaskError, TaskRef,
    Timestamp, Value,
};

/// A fact about a run, a task, a hold or a device.
///
/// Exhaustive on purpose: a new kind that some crate ignores must not compile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
pub enum Event {
    /// The run was submitted.
    RunCreated {
        /// Display name.
        name: SmolStr,
        /// The graph, revision 0.
        graph: Arc<GraphSpec>,
        /// The settings.
        settings: Arc<RunSettings>,
    },
    /// Every task is placed or placeable.
    RunReady {
        /// Name of the strategy.
        strategy: SmolStr,
        /// Early placements.
        assignments: Arc<[Placement]>,
    },
    /// Planned devices of unstarted tasks changed.
    TasksPlaced {
        /// The new plan of each.
        assignments: Arc<[Placement]>,
    },
    /// Execution began.
    RunStarted {
        /// Tasks of the graph.
        total_tasks: u32,
        /// Name of the strategy.
        strategy: SmolStr,
    },
    /// Nothing new is started until the run is resumed.
    RunPaused {
        /// Why.
        cause: PauseCause,
        /// When the run resumes by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<Timestamp>,
        /// What the run waits for, in words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<SmolStr>,
    },
    /// The run goes on.
    RunResumed {
        /// Who or what resumed it.
        by: SmolStr,
    },
    /// Somebody wants the work of the run undone: nothing new is started until what undoes it is added.
    RollbackRequested {
        /// Who wants it.
        by: SmolStr,
    },
    /// The run ended: completed or partially failed.
    RunCompleted(Box<RunEnd>),
    /// The run ended: failed.
    RunFailed(Box<RunEnd>),
    /// The run ended: cancelled.
    RunCancelled(Box<RunEnd>),
    /// A task got an attempt on a device.
    TaskAssigned {
        /// The task.
        task: TaskRef,
        /// Number of the attempt, from 1.
        attempt: u32,
        /// The device.
        device: DeviceRef,
        /// When the attempt is asked to stop.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<Timestamp>,
    },
    /// The device began the attempt.
    TaskStarted {
        /// The task.
        task: TaskRef,
        /// The attempt.
        attempt: u32,
        /// The device.
        device: DeviceRef,
    },
    /// The task is done.
    TaskCompleted {
        /// The task.
        task: TaskRef,
        /// The attempt.
        attempt: u32,
        /// The device.
        device: DeviceRef,
        /// Result; null is left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<Arc<Value>>,
        /// Typed outputs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outputs: Option<Arc<Outputs>>,
        /// Time of the attempt.
        duration_ms: Millis,
        /// Verdicts of conditional edges, in the order of the edges.
        #[serde(default, skip_serializing_if = "<[Judgement]>::is_empty")]
        edges: Box<[Judgement]>,
    },
    /// The task failed for good.
    TaskFailed {
        /// The task.
        task: TaskRef,
        /// The last attempt; 0 if none was made.
        attempt: u32,
        /// The device of that attempt.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<DeviceRef>,
        /// Why.
        error: Arc<TaskError>,
        /// What there is to show all the same.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<Arc<Value>>,
        /// Time of the attempt.
        duration_ms: Millis,
        /// Verdicts of conditional edges, in the order of the edges.
        #[serde(default, skip_serializing_if = "<[Judgement]>::is_empty")]
        edges: Box<[Judgement]>,
    },
    /// An attempt failed or was lost, and another one will be made.
    TaskRetryScheduled {
        /// The task.
        task: TaskRef,
        /// The attempt that ended.
        attempt: u32,
        /// Number of the retry: of failures, or of losses for a lost device.
        retry: u32,
        /// Drawn delay.
        delay_ms: Millis,
        /// Why the attempt ended.
        error: Arc<TaskError>,
        /// The device, to be avoided by the next attempt if another one fits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        avoid: Option<DeviceRef>,
    },
    /// An attempt has put down how far it has come; the next one gets it.
    TaskCheckpoint {
        /// The task.
        task: TaskRef,
        /// The attempt.
        attempt: u32,
        /// What it has put down, in place of what was there before.
        content: Checkpoint,
    },
    /// A live attempt was asked to stop.
    TaskCancelRequested {
        /// The task.
        task: TaskRef,
        /// The attempt.
        attempt: u32,
        /// Why.
        reason: CancelReason,
    },
    /// The task was cancelled.
    TaskCancelled {
        /// The task.
        task: TaskRef,
        /// The attempt that ended; 0 if none was live.
        attempt: u32,
        /// Why.
        reason: CancelReason,
        /// Whether the end of the attempt is certain.
        confirmed: bool,
        /// What made it certain.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confirmed_by: Option<ConfirmedBy>,
        /// Verdicts of conditional edges, in the order of the edges.
        #[serde(default, skip_serializing_if = "<[Judgement]>::is_empty")]
        edges: Box<[Judgement]>,
    },
    /// The task can never run.
    TaskSkipped {
        /// The task.
        task: TaskRef,
        /// The impossible edge; none if an operator skipped the task.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        edge: Option<DependencyId>,
        /// Why.
        reason: SkipReason,
        /// Why a condition could not be evaluated.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<SmolStr>,
        /// Verdicts of conditional edges, in the order of the edges.
        #[serde(default, skip_serializing_if = "<[Judgement]>::is_empty")]
        edges: Box<[Judgement]>,
    },
    /// A person is asked whether a task may run; it would be placed otherwise.
    ApprovalRequested {
        /// The task.
        task: TaskRef,
        /// Hash of what is to be approved: the specification, with every template filled in.
        spec_hash: SmolStr,
        /// What is asked.
        prompt: Arc<str>,
        /// When the question is closed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<Timestamp>,
    },
    /// The task may run.
    ApprovalGranted {
        /// The task.
        task: TaskRef,
        /// Hash of what was approved.
        spec_hash: SmolStr,
        /// Who said so.
        by: SmolStr,
    },
    /// The task may not run.
    ApprovalRefused {
        /// The task.
        task: TaskRef,
        /// Who said so.
        by: SmolStr,
    },
    /// Nobody answered in time.
    ApprovalExpired {
        /// The task.
        task: TaskRef,
    },
    /// An attempt is not on its device, or may not be.
    AttemptLost {
        /// The task.
        task: TaskRef,
        /// The attempt.
        attempt: u32,
        /// The device.
        device: DeviceRef,
        /// What happened.
        reason: LossReason,
        /// Until when the device is left out for this task; of one that did not accept it, `None` means for good.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
        /// Why the device did not accept it, if it said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<Arc<TaskError>>,
    },
    /// A report that belongs to no live attempt was dropped.
    ResultIgnored {
        /// The task as reported.
        task: TaskRef,
        /// The attempt as reported.
        attempt: u32,
        /// Why.
        reason: IgnoreReason,
    },
    /// A batch is in force.
    EditCommitted(Arc<Applied>),
    /// A batch was refused; nothing changed.
    EditRejected(Arc<RejectedEdit>),
    /// A hold covers tasks while an edit is awaited.
    HoldOpened {
        /// The hold.
        hold: HoldId,
        /// What it covers.
        scope: HoldScope,
        /// The tasks whose end opened it.
        triggers: Vec<TaskRef>,
    },
    /// Another task belongs to a hold.
    HoldJoined {
        /// The hold.
        hold: HoldId,
        /// The task whose end is one more reason.
        task: TaskRef,
    },
    /// A hold covers more tasks, and what is behind them.
    HoldExtended {
        /// The hold.
        hold: HoldId,
        /// The tasks.
        tasks: Vec<TaskRef>,
    },
    /// A hold is the first in line: it is handed to its editor.
    HoldActivated {
        /// The hold.
        hold: HoldId,
        /// When it closes by itself.
        deadline: Timestamp,
    },
    /// A hold ended.
    HoldClosed {
        /// The hold.
        hold: HoldId,
        /// Why.
        reason: HoldReason,
        /// How long it was open.
        #[serde(default)]
        held_ms: Millis,
    },
    /// Holds that become active from now on have another deadline.
    HoldTimeoutSet {
        /// How long the editor may take.
        modification_timeout: Millis,
    },
    /// A retry delay was ended by somebody.
    BackoffEnded {
        /// The task.
        task: TaskRef,
        /// Who ended it.
        by: SmolStr,
    },
    /// Another process drives the run from now on; what the last one had begun is taken over or given up.
    OwnerChanged {
        /// Number of the ownership, from 1: every take-over has a higher one.
        epoch: u64,
    },
    /// What facts had made of the run before this one: a replay that comes to another state is refused.
    StateHashed {
        /// The version that made it, a colon, and BLAKE3 of the state in 32 hexadecimal digits.
        hash: SmolStr,
    },
    /// A strategy erred; its round was discarded.
    StrategyFaulted {
        /// Its name.
        strategy: SmolStr,
        /// What it said.
        message: String,
    },
    /// A planner gave no answer that could be used; its hold goes on without one.
    PlannerFaulted {
        /// Its name.
        planner: SmolStr,
        /// The hold it was asked about.
        hold: HoldId,
        /// What went wrong.
        message: String,
    },
    /// Output of a live attempt. May be lost, is never kept, and no decision reads it.
    Progress {
        /// The task.
        task: TaskRef,
        /// The attempt.
        attempt: u32,
        /// Which output.
        stream: ProgressStream,
        /// The text.
        text: Arc<str>,
    },
    /// A device is connected.
    DeviceConnected {
        /// The device.
        device: DeviceId,
        /// All devices and what they are doing.
        all_devices: Arc<BTreeMap<DeviceId, DeviceStatus>>,
    },
    /// A device is gone.
    DeviceDisconnected {
        /// The device.
        device: DeviceId,
        /// Why, if known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// All devices and what they are doing.
        all_devices: Arc<BTreeMap<DeviceId, DeviceStatus>>,
    },
    /// A device does something else now.
    DeviceStatusChanged {
        /// The device.
        device: DeviceId,
        /// What it does.
        status: DeviceStatus,
    },
}

macro_rules! kinds {
    ($($variant:ident => $word:literal,)*) => {
        /// The kind of a fact, without its data.
        #[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[expect(missing_docs, reason = "each is the kind of the event of the same name")]
        pub enum EventKind { $($variant,)* }

        impl EventKind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable word.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

kinds! {
    RunCreated => "run_created",
    RunReady => "run_ready",
    TasksPlaced => "tasks_placed",
    RunStarted => "run_started",
    RunPaused => "run_paused",
    RunResumed => "run_resumed",
    RollbackRequested => "rollback_requested",
    RunCompleted => "run_completed",
    RunFailed => "run_failed",
    RunCancelled => "run_cancelled",
    TaskAssigned => "task_assigned",
    TaskStarted => "task_started",
    TaskCompleted => "task_completed",
    TaskFailed => "task_failed",
    TaskRetryScheduled => "task_retry_scheduled",
    TaskCheckpoint => "task_checkpoint",
    TaskCancelRequested => "task_cancel_requested",
    TaskCancelled => "task_cancelled",
    TaskSkipped => "task_skipped",
    ApprovalRequested => "approval_requested",
    ApprovalGranted => "approval_granted",
    ApprovalRefused => "approval_refused",
    ApprovalExpired => "approval_expired",
    AttemptLost => "attempt_lost",
    ResultIgnored => "result_ignored",
    EditCommitted => "edit_committed",
    EditRejected => "edit_rejected",
    HoldOpened => "hold_opened",
    HoldJoined => "hold_joined",
    HoldExtended => "hold_extended",
    HoldActivated => "hold_activated",
    HoldClosed => "hold_closed",
    HoldTimeoutSet => "hold_timeout_set",
    BackoffEnded => "backoff_ended",
    OwnerChanged => "owner_changed",
    StateHashed => "state_hashed",
    StrategyFaulted => "strategy_faulted",
    PlannerFaulted => "planner_faulted",
    Progress => "progress",
    DeviceConnected => "device_connected",
    DeviceDisconnected => "device_disconnected",
    DeviceStatusChanged => "device_status_changed",
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Event {
    /// The kind.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        match self {
            Self::RunCreated { .. } => EventKind::RunCreated,
            Self::RunReady { .. } => EventKind::RunReady,
            Self::TasksPlaced { .. } => EventKind::TasksPlaced,
            Self::RunStarted { .. } => EventKind::RunStarted,
            Self::RunPaused { .. } => EventKind::RunPaused,
            Self::RunResumed { .. } => EventKind::RunResumed,
            Self::RollbackRequested { .. } => EventKind::RollbackRequested,
            Self::RunCompleted(_) => EventKind::RunCompleted,
            Self::RunFailed(_) => EventKind::RunFailed,
            Self::RunCancelled(_) => EventKind::RunCancelled,
            Self::TaskAssigned { .. } => EventKind::TaskAssigned,
            Self::TaskStarted { .. } => EventKind::TaskStarted,
            Self::TaskCompleted { .. } => EventKind::TaskCompleted,
            Self::TaskFailed { .. } => EventKind::TaskFailed,
            Self::TaskRetryScheduled { .. } => EventKind::TaskRetryScheduled,
            Self::TaskCheckpoint { .. } => EventKind::TaskCheckpoint,
            Self::TaskCancelRequested { .. } => EventKind::TaskCancelRequested,
            Self::TaskCancelled { .. } => EventKind::TaskCancelled,
            Self::TaskSkipped { .. } => EventKind::TaskSkipped,
            Self::ApprovalRequested { .. } => EventKind::ApprovalRequested,
            Self::ApprovalGranted { .. } => EventKind::ApprovalGranted,
            Self::ApprovalRefused { .. } => EventKind::ApprovalRefused,
            Self::ApprovalExpired { .. } => EventKind::ApprovalExpired,
            Self::AttemptLost { .. } => EventKind::AttemptLost,
            Self::ResultIgnored { .. } => EventKind::ResultIgnored,
            Self::EditCommitted(_) => EventKind::EditCommitted,
            Self::EditRejected(_) => EventKind::EditRejected,
            Self::HoldOpened { .. } => EventKind::HoldOpened,
            Self::HoldJoined { .. } => EventKind::HoldJoined,
            Self::HoldExtended { .. } => EventKind::HoldExtended,
            Self::HoldTimeoutSet { .. } => EventKind::HoldTimeoutSet,
            Self::BackoffEnded { .. } => EventKind::BackoffEnded,
            Self::OwnerChanged { .. } => EventKind::OwnerChanged,
            Self::StateHashed { .. } => EventKind::StateHashed,
            Self::HoldActivated { .. } => EventKind::HoldActivated,
            Self::HoldClosed { .. } => EventKind::HoldClosed,
            Self::StrategyFaulted { .. } => EventKind::StrategyFaulted,
            Self::PlannerFaulted { .. } => EventKind::PlannerFaulted,
            Self::Progress { .. } => EventKind::Progress,
            Self::DeviceConnected { .. } => EventKind::DeviceConnected,
            Self::DeviceDisconnected { .. } => EventKind::DeviceDisconnected,
            Self::DeviceStatusChanged { .. } => EventKind::DeviceStatusChanged,
        }
    }

    /// The task the fact is about, if it is about one.
    #[must_use]
    pub fn task(&self) -> Option<&TaskRef> {
        match self {
            Self::TaskAssigned { task, .. }
            | Self::TaskStarted { task, .. }
            | Self::TaskCompleted { task, .. }
            | Self::TaskFailed { task, .. }
            | Self::TaskRetryScheduled { task, .. }
            | Self::TaskCheckpoint { task, .. }
            | Self::TaskCancelRequested { task, .. }
            | Self::TaskCancelled { task, .. }
            | Self::TaskSkipped { task, .. }
            | Self::ApprovalRequested { task, .. }
            | Self::ApprovalGranted { task, .. }
            | Self::ApprovalRefused { task, .. }
            | Self::ApprovalExpired { task }
            | Self::HoldJoined { task, .. }
            | Self::BackoffEnded { task, .. }
            | Self::AttemptLost { task, .. }
            | Self::ResultIgnored { task, .. }
            | Self::Progress { task, .. } => Some(task),
            Self::RunCreated { .. }
            | Self::RunReady { .. }
            | Self::TasksPlaced { .. }
            | Self::RunStarted { .. }
            | Self::RunPaused { .. }
            | Self::RunResumed { .. }
            | Self::RollbackRequested { .. }
            | Self::RunCompleted(_)
            | Self::RunFailed(_)
            | Self::RunCancelled(_)
            | Self::EditCommitted(_)
            | Self::EditRejected(_)
            | Self::HoldExtended { .. }
            | Self::HoldTimeoutSet { .. }
            | Self::HoldOpened { .. }
            | Self::HoldActivated { .. }
            | Self::HoldClosed { .. }
            | Self::OwnerChanged { .. }
            | Self::StateHashed { .. }
            | Self::StrategyFaulted { .. }
            | Self::PlannerFaulted { .. }
            | Self::DeviceConnected { .. }
            | Self::DeviceDisconnected { .. }
            | Self::DeviceStatusChanged { .. } => None,
        }
    }

    /// How the run ended, if this fact ends it.
    #[must_use]
    pub fn run_end(&self) -> Option<&RunEnd> {
        match self {
            Self::RunCompleted(end) | Self::RunFailed(end) | Self::RunCancelled(end) => Some(end),
            _ => None,
        }
    }
}
