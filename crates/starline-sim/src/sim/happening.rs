//! What can happen in a simulation.

use std::fmt;

use starline_scheduler::Undelivered;
use starline_types::{Checkpoint, ConfirmedBy, Millis, TaskError, TaskRef, TaskReport, Timestamp};

use super::Saying;
use super::work::{Key, Work};

/// What somebody does to a simulated orchestrator or to its devices. Runs and devices are named by position.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Places the tasks of a run.
    Prepare(usize),
    /// Starts a run.
    Start(usize),
    /// Pauses a run.
    Pause(usize),
    /// Resumes a run.
    Resume(usize),
    /// What a run has done is undone.
    Rollback {
        /// The run.
        run: usize,
        /// Whether what runs is stopped.
        force: bool,
    },
    /// Cancels a run.
    CancelRun {
        /// The run.
        run: usize,
        /// Whether its attempts are ended at once.
        force: bool,
    },
    /// Cancels a task.
    CancelTask {
        /// The run.
        run: usize,
        /// The task.
        task: String,
    },
    /// Skips a task.
    SkipTask {
        /// The run.
        run: usize,
        /// The task.
        task: String,
    },
    /// Answers the question whether a task may run.
    Answer {
        /// The run.
        run: usize,
        /// The task.
        task: String,
        /// The answer.
        approve: bool,
    },
    /// Plans a task on another device.
    Reassign {
        /// The run.
        run: usize,
        /// The task.
        task: String,
        /// Id of the device.
        device: String,
    },
    /// Somebody says something about the graph or its holds.
    Say {
        /// The run.
        run: usize,
        /// What.
        saying: Saying,
    },
    /// Drops the plans of a run.
    ClearAssignments(usize),
    /// The process of a device ends, and everything in it.
    Kill {
        /// The device.
        device: usize,
        /// Whether the orchestrator knows for certain that nothing is left of it.
        certain: bool,
    },
    /// The connection to a device is cut; the device goes on.
    Cut {
        /// The device.
        device: usize,
    },
    /// A device is there again.
    Return {
        /// The device.
        device: usize,
    },
    /// A device takes nothing new, or takes new attempts again.
    Drain {
        /// The device.
        device: usize,
        /// Which of both.
        draining: bool,
    },
    /// A device is taken out of the fleet.
    Forget {
        /// The device.
        device: usize,
    },
    /// A device that was taken out joins the fleet again.
    Join {
        /// The device.
        device: usize,
    },
    /// A device says something about an attempt that it does not have, made up when it is said.
    Mislead {
        /// The run.
        run: usize,
        /// The device.
        device: usize,
        /// What it is made up from.
        salt: u64,
    },
    /// A device reports an attempt that is none of its own.
    Forge(Forged),
    /// The orchestrator dies during its next commit and starts again.
    Crash(Crash),
    /// From now on nothing goes wrong by chance.
    Calm,
}

/// A report that no attempt made.
#[derive(Clone, Debug, PartialEq)]
pub struct Forged {
    /// The run.
    pub run: usize,
    /// The task, which need not exist.
    pub task: String,
    /// The attempt.
    pub attempt: u32,
    /// The device that speaks.
    pub device: usize,
    /// What it says.
    pub report: TaskReport,
}

/// How an orchestrator dies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Crash {
    /// Runs of the commit whose facts become durable.
    pub persisted: usize,
    /// Effects of the last of them that still leave the process.
    pub acted: usize,
    /// How long it is down.
    pub down: Millis,
    /// Whether the journals are read before the devices are registered again.
    pub journals_first: bool,
}

/// Content of a message from a device to the orchestrator.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Began,
    Ended(TaskReport),
    PutDown(Checkpoint),
    Refused(TaskError),
    Undelivered(Undelivered),
    Stopped(ConfirmedBy),
}

/// What happens.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    Act(Action),
    DispatchCame {
        device: usize,
        key: Key,
        task: TaskRef,
        work: Box<Work>,
        sent: Timestamp,
        connection: u32,
        tells: bool,
    },
    CancelCame {
        device: usize,
        key: Key,
        task: TaskRef,
        force: bool,
        connection: u32,
    },
    AckCame {
        device: usize,
        key: Key,
        connection: u32,
    },
    /// The work of an attempt is done.
    WorkEnds {
        device: usize,
        key: Key,
        life: u32,
    },
    /// An attempt that was asked to stop has stopped.
    StopEnds {
        device: usize,
        key: Key,
        life: u32,
    },
    /// An attempt puts down how far it has come.
    PutsDown {
        device: usize,
        key: Key,
        life: u32,
        nth: u32,
    },
    LeaseEnds {
        device: usize,
        key: Key,
        life: u32,
    },
    /// A message reaches the orchestrator; over a connection, unless it is a late copy.
    Heard {
        device: usize,
        key: Key,
        task: TaskRef,
        content: Content,
        connection: Option<u32>,
    },
    Resend {
        device: usize,
        key: Key,
        life: u32,
        wait: Millis,
    },
    Restart {
        journals_first: bool,
    },
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prepare(_) => f.write_str("prepare"),
            Self::Start(_) => f.write_str("start"),
            Self::Pause(_) => f.write_str("pause"),
            Self::Resume(_) => f.write_str("resume"),
            Self::CancelRun { force, .. } => {
                f.write_str(if *force { "cancel run force" } else { "cancel run" })
            }
            Self::Rollback { force, .. } => f.write_str(if *force { "rollback force" } else { "rollback" }),
            Self::CancelTask { task, .. } => write!(f, "cancel {task}"),
            Self::SkipTask { task, .. } => write!(f, "skip {task}"),
            Self::Answer { task, approve, .. } => {
                write!(f, "{} {task}", if *approve { "approve" } else { "reject" })
            }
            Self::Reassign { task, device, .. } => write!(f, "reassign {task} to {device}"),
            Self::Say { saying, .. } => saying.fmt(f),
            Self::ClearAssignments(_) => f.write_str("clear assignments"),
            Self::Kill { device, certain } => {
                write!(f, "device {device} dies{}", if *certain { " for certain" } else { "" })
            }
            Self::Cut { device } => write!(f, "device {device} is cut off"),
            Self::Return { device } => write!(f, "device {device} returns"),
            Self::Drain { device, draining } => {
                write!(f, "device {device} {}", if *draining { "drains" } else { "drains no more" })
            }
            Self::Forget { device } => write!(f, "device {device} is forgotten"),
            Self::Join { device } => write!(f, "device {device} joins again"),
            Self::Forge(forged) => {
                let Forged { task, attempt, device, report, .. } = forged;
                write!(f, "device {device} forges {task}#{attempt}: {report:?}")
            }
            Self::Mislead { device, salt, .. } => write!(f, "device {device} misleads {salt}"),
            Self::Crash(crash) => {
                write!(f, "the orchestrator dies for {}", crash.down)?;
                let part = |n: usize| if n == usize::MAX { "all".to_owned() } else { n.to_string() };
                write!(f, ", runs persisted: {}, effects: {}", part(crash.persisted), part(crash.acted))
            }
            Self::Calm => f.write_str("nothing goes wrong any more"),
        }
    }
}
