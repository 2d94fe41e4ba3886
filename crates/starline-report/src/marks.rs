//! What happened to a run as a whole, and to its devices.

use smol_str::SmolStr;
use starline_types::{
    Dependency, DependencyId, DeviceId, HoldId, HoldReason, HoldScope, Millis, Origin, PauseCause, Revision,
    TaskId, Timestamp,
};

use crate::Moment;

/// A hold.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Hold {
    /// Its number.
    pub id: HoldId,
    /// What it covers.
    pub scope: HoldScope,
    /// The tasks whose end opened it.
    pub triggers: Vec<TaskId>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was handed to an editor.
    pub activated_at: Option<Timestamp>,
    /// When it closes by itself.
    pub deadline: Option<Timestamp>,
    /// When and why it ended.
    pub closed: Option<(Timestamp, HoldReason)>,
}

/// A time in which nothing new was started.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pause {
    /// Why.
    pub cause: PauseCause,
    /// What the run waited for, in words.
    pub reason: Option<SmolStr>,
    /// Begin.
    pub from: Timestamp,
    /// End, and who or what ended it.
    pub ended: Option<(Timestamp, SmolStr)>,
}

/// A batch of edits in force.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Commit {
    /// The revision it made.
    pub revision: Revision,
    /// The revision its author saw.
    pub base: Revision,
    /// When.
    pub committed: Moment,
    /// Who made it.
    pub author: SmolStr,
    /// Whether it takes another one back or brings it back.
    pub origin: Origin,
    /// Whether it came after its hold had closed.
    pub late: bool,
    /// The hold it answered.
    pub hold: Option<HoldId>,
    /// Why, in the words of its author.
    pub reason: Option<String>,
    /// What it changed.
    pub changes: Vec<Change>,
}

/// A batch of edits that was refused.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refused {
    /// When.
    pub at: Moment,
    /// Who made it.
    pub author: SmolStr,
    /// The revision its author saw.
    pub base: Revision,
    /// The hold it would have answered.
    pub hold: Option<HoldId>,
    /// Code and message of each fault.
    pub faults: Vec<String>,
}

/// One thing that a commit changed, on balance.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// A task came.
    TaskAdded(TaskId),
    /// A task went.
    TaskRemoved(TaskId),
    /// Fields of a task changed.
    TaskChanged {
        /// The task.
        task: TaskId,
        /// The fields.
        fields: Vec<String>,
    },
    /// A dependency came.
    DependencyAdded(Dependency),
    /// A dependency went.
    DependencyRemoved(DependencyId),
    /// A dependency asks or says something else: as it is now.
    DependencyChanged(Dependency),
}

/// A device, as far as the run saw it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeviceHistory {
    /// The device.
    pub id: DeviceId,
    /// Attempts it can run at once; records do not say it, profiles do.
    pub slots: Option<u32>,
    /// Lanes that were taken by attempts: the largest number of attempts it had at once.
    pub lanes: u32,
    /// Attempts given to it.
    pub attempts: u32,
    /// Attempts that went wrong on it.
    pub failures: u32,
    /// Time in which its lanes were taken, added up over the attempts that ended.
    pub(crate) busy: Millis,
    pub(crate) free: std::collections::BTreeSet<u32>,
}

impl DeviceHistory {
    pub(crate) fn new(id: DeviceId) -> Self {
        Self {
            id,
            slots: None,
            lanes: 0,
            attempts: 0,
            failures: 0,
            busy: Millis::ZERO,
            free: std::collections::BTreeSet::new(),
        }
    }

    /// The lowest free lane, which is taken from now on.
    pub(crate) fn take_lane(&mut self) -> u32 {
        self.attempts += 1;
        self.free.pop_first().unwrap_or_else(|| {
            self.lanes += 1;
            self.lanes - 1
        })
    }
}

/// A connection to a device came or went.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Connection {
    /// The device.
    pub device: DeviceId,
    /// When.
    pub moment: Moment,
    /// Whether it is connected from then on.
    pub connected: bool,
    /// Why it went, if that is known.
    pub reason: Option<String>,
}

/// A strategy that erred.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StrategyFault {
    /// When.
    pub at: Timestamp,
    /// Its name.
    pub strategy: SmolStr,
    /// What it said.
    pub message: String,
}
