//! What a scheduler is told, and what it answers.

use smol_str::SmolStr;
use starline_types::{ConfirmedBy, DeviceId, DeviceIx, RunState, TaskId, TaskRef, TaskReport};

/// What a scheduler is told.
///
/// Exhaustive on purpose: every input must be answered by every reader.
#[derive(Clone, Debug)]
pub enum Input {
    /// Places every task and makes the run ready; repeated by the driver whenever the fleet changed.
    Prepare,
    /// Begins execution; prepares first if that is still to be done.
    Start,
    /// The device began an attempt.
    Began {
        /// The task.
        task: TaskRef,
        /// The attempt.
        attempt: u32,
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

/// What a command came to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// It is done, or was done before.
    Done,
    /// It concerned that many tasks.
    Count(usize),
}

/// Why a command was refused. Nothing has changed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
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
    #[error("unknown_task: no task {0}")]
    UnknownTask(TaskId),
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
