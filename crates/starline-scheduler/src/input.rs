//! What a scheduler is told, and what it answers.

use std::sync::Arc;

use smol_str::SmolStr;
use starline_edit::{Nearest, Rejection, Unread};
use starline_types::{
    Applied, Checkpoint, ConfirmedBy, DeviceId, DeviceIx, EditBatch, HoldId, Millis, RejectedEdit, Revision,
    RunState, TaskError, TaskId, TaskRef, TaskReport,
};

/// What a scheduler is told.
///
/// Exhaustive on purpose: every input must be answered by every reader.
#[derive(Clone, Debug)]
pub enum Input {
    /// Places every task and makes the run ready; repeated by the driver whenever the fleet changed.
    Prepare,
    /// Begins execution; prepares first if that is still to be done.
    Start,
    /// Another process drives the run from now on.
    TakenOver {
        /// Number of its ownership.
        epoch: u64,
    },
    /// Asks for the hash of the state as a fact, by which a replay proves that it came to the same state.
    HashState,
    /// The device began an attempt.
    Began {
        /// The task.
        task: TaskRef,
        /// The attempt.
        attempt: u32,
    },
    /// An attempt has put down how far it has come.
    Checkpoint {
        /// The task.
        task: TaskRef,
        /// The attempt.
        attempt: u32,
        /// What it has put down.
        content: Checkpoint,
    },
    /// An attempt brought a report.
    Reported {
        /// The task.
        task: TaskRef,
        /// The attempt.
        attempt: u32,
        /// The device that reports.
        device: DeviceIx,
        /// The report.
        report: TaskReport,
    },
    /// An attempt brought no report.
    Undelivered {
        /// The task.
        task: TaskRef,
        /// The attempt.
        attempt: u32,
        /// The device that was asked.
        device: DeviceIx,
        /// As far as it is known.
        fault: Undelivered,
    },
    /// A device will not run an attempt, now or later: it never began. Another device may take the task.
    Refused {
        /// The task.
        task: TaskRef,
        /// The attempt.
        attempt: u32,
        /// The device that was asked.
        device: DeviceIx,
        /// Why.
        error: TaskError,
    },
    /// The device says that an attempt is over for certain.
    Stopped {
        /// The task.
        task: TaskRef,
        /// The attempt.
        attempt: u32,
        /// What made it certain.
        by: ConfirmedBy,
    },
    /// A device came, went, drains or changed: the ledger says what it is now.
    DeviceChanged {
        /// The device.
        device: DeviceIx,
        /// What happened.
        change: DeviceChange,
    },
    /// Nothing new is started until the run is resumed.
    Pause,
    /// The run goes on.
    Resume,
    /// Everything unstarted is cancelled, and live attempts are asked to stop.
    CancelRun {
        /// Whether attempts are ended at once, without a polite request.
        force: bool,
    },
    /// What the run has done is undone: everything unstarted is cancelled, what runs is let to its end, and then tasks
    /// are added that undo the others.
    Rollback {
        /// Whether live attempts are ended at once.
        force: bool,
        /// Who wants it.
        by: SmolStr,
    },
    /// One task is cancelled.
    CancelTask {
        /// The task.
        task: TaskId,
    },
    /// An unstarted task is skipped by an operator.
    SkipTask {
        /// The task.
        task: TaskId,
    },
    /// An unstarted task is planned on another device.
    Reassign {
        /// The task.
        task: TaskId,
        /// The device.
        device: DeviceId,
    },
    /// A task that asks may run.
    Approve {
        /// The task.
        task: TaskId,
        /// Who says so.
        by: SmolStr,
    },
    /// A task that asks may not run: it is cancelled.
    Reject {
        /// The task.
        task: TaskId,
        /// Who says so.
        by: SmolStr,
    },
    /// A batch of edits is committed or refused.
    Submit {
        /// The batch.
        batch: Arc<EditBatch>,
        /// What is wrong with edits that could not be read.
        unread: Option<Arc<Unread>>,
        /// Who made it.
        author: Author,
        /// Whether only the verdict is wanted.
        check_only: bool,
    },
    /// The last commit is taken back, by a commit.
    Undo {
        /// The revision that the author saw, if that matters.
        expect: Option<Revision>,
        /// Who wants it.
        author: Author,
    },
    /// The last commit that was taken back is brought back, by a commit.
    Redo {
        /// The revision that the author saw, if that matters.
        expect: Option<Revision>,
        /// Who wants it.
        author: Author,
    },
    /// A retry delay is over now, or a task that failed or was cancelled is tried again as a copy.
    RetryTask {
        /// The task.
        task: TaskId,
        /// Who wants it.
        author: Author,
    },
    /// Somebody answers holds from now on.
    EditorAttached,
    /// Nobody answers holds any more.
    EditorDetached,
    /// The editor has nothing to change.
    ReleaseHold {
        /// The hold.
        hold: HoldId,
    },
    /// A hold covers more tasks, and what is behind them.
    ExtendHold {
        /// The hold.
        hold: HoldId,
        /// The tasks.
        tasks: Vec<TaskId>,
    },
    /// A planner gave no answer that could be used.
    PlannerFaulted {
        /// Its name.
        planner: SmolStr,
        /// The hold it was asked about.
        hold: HoldId,
        /// What went wrong, in one line.
        message: String,
    },
    /// All holds are closed.
    ClearHolds,
    /// Holds that become active later have another deadline.
    SetHoldTimeout {
        /// How long the editor may take.
        timeout: Millis,
    },
    /// The plans of all unstarted tasks that are not pinned are dropped.
    ClearAssignments,
    /// Time passed: whatever is due is done.
    Tick,
}

/// Why an attempt brought no report.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Undelivered {
    /// It never began.
    NotAccepted,
    /// The device is gone and the attempt with it.
    Lost,
    /// It may still be running.
    Unknown,
    /// Trying again cannot help.
    Protocol,
}

/// What happened to a device.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DeviceChange {
    /// It is connected.
    Up,
    /// It is gone.
    Down {
        /// Whether no attempt can be running on it any more.
        certain: bool,
    },
    /// It takes nothing new, or takes new attempts again.
    Draining,
    /// It is no longer part of the fleet.
    Forgotten,
}

/// Who makes an edit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Author {
    /// As facts name it.
    pub name: SmolStr,
    /// What rules hold for it.
    pub role: Role,
}

/// What rules hold for whom.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// An agent, or whoever else is not to be trusted: guard rails and rates hold.
    Editor,
    /// A person who may do anything within the limits of a run.
    Operator,
    /// The program that the orchestrator is a part of.
    Embedder,
}

impl Author {
    /// An author of a name and a role.
    #[must_use]
    pub fn new(name: &str, role: Role) -> Self {
        Self { name: SmolStr::new(name), role }
    }
}

/// What a command came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It is done, or was done before.
    Done,
    /// It concerned that many tasks.
    Count(usize),
    /// The batch is in force.
    Committed(Arc<Applied>),
    /// The batch would be committed as this.
    Checked(Arc<Applied>),
}

/// Why a command was refused. Nothing has changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The run is in another state.
    #[error("wrong_run_state: run is {state}, allowed are {}", words(allowed))]
    WrongRunState {
        /// State of the run.
        state: RunState,
        /// States in which the command is allowed.
        allowed: &'static [RunState],
    },
    /// The run has ended.
    #[error("run_terminal: run is {0}")]
    RunTerminal(RunState),
    /// The run is being cancelled.
    #[error("run_cancelling: the run is being cancelled")]
    RunCancelling,
    /// No task has this id.
    #[error("unknown_task: no task {task}, known are {known}")]
    UnknownTask {
        /// What was taken for one.
        task: TaskId,
        /// Tasks with ids like that.
        known: Nearest,
    },
    /// The task has ended.
    #[error("task_terminal: task {task} is {state}")]
    TaskTerminal {
        /// The task.
        task: TaskId,
        /// Its state.
        state: &'static str,
    },
    /// The task has started.
    #[error("task_not_pending: task {task} is {state}")]
    TaskNotPending {
        /// The task.
        task: TaskId,
        /// Its state.
        state: &'static str,
    },
    /// The task asks nothing now.
    #[error("not_awaiting_approval: task {task} is {state} and does not ask for approval now")]
    NotAwaitingApproval {
        /// The task.
        task: TaskId,
        /// Its state.
        state: &'static str,
    },
    /// The batch has faults.
    #[error("{0}")]
    Rejected(Rejection),
    /// The batch was sent before, and was refused.
    #[error("the batch was sent before, and was refused")]
    RejectedBefore(Arc<RejectedEdit>),
    /// No hold of this id is open.
    #[error("unknown_hold: no hold {hold} is open, open are {}", list(open))]
    UnknownHold {
        /// The hold.
        hold: HoldId,
        /// Open holds.
        open: Vec<HoldId>,
    },
    /// A deadline of no length.
    #[error("invalid_timeout: an editor must be given more than 0 ms")]
    InvalidTimeout,
    /// No device has this id.
    #[error("unknown_device: no device {device}, known are {}", list(known))]
    UnknownDevice {
        /// The device.
        device: DeviceId,
        /// Registered devices.
        known: Vec<DeviceId>,
    },
    /// The device does not fit the task.
    #[error("task {task} does not fit device {device}: {}", missing.join(", "))]
    NotEligible {
        /// The task.
        task: TaskId,
        /// The device.
        device: DeviceId,
        /// What the device lacks.
        missing: Vec<String>,
    },
    /// No device is connected.
    #[error("No available devices for assignment")]
    NoDevices,
    /// No device is connected for a single task.
    #[error("No available devices for task execution")]
    NoDevicesForTask,
    /// Tasks that no registered device can ever run, each with what is missing.
    #[error("no_eligible_device: {}", describe(.0))]
    NoEligibleDevice(Vec<(TaskId, Vec<String>)>),
    /// Tasks without a device and without a strategy to place them.
    #[error("no strategy, and no device for {}; known devices are {}", list(tasks), list(devices))]
    Unassigned {
        /// The tasks.
        tasks: Vec<TaskId>,
        /// Registered devices.
        devices: Vec<DeviceId>,
    },
}

fn words(states: &[RunState]) -> String {
    states.iter().map(|state| state.as_str()).collect::<Vec<_>>().join(", ")
}

fn list<T: std::fmt::Display>(items: &[T]) -> String {
    if items.is_empty() {
        return "none".into();
    }
    let shown: Vec<String> = items.iter().take(20).map(ToString::to_string).collect();
    let more = items.len().saturating_sub(20);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

fn describe(tasks: &[(TaskId, Vec<String>)]) -> String {
    let shown: Vec<String> = tasks
        .iter()
        .take(20)
        .map(|(task, missing)| format!("task {task} lacks {}", missing.join(", ")))
        .collect();
    let more = tasks.len().saturating_sub(20);
    if more > 0 { format!("{} and {more} more", shown.join("; ")) } else { shown.join("; ") }
}
