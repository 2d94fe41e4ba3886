//! What a round is made of.

use starline_types::{DeviceIx, DeviceProfile, TaskId, TaskIx, TaskSpec};

use crate::{Binding, GraphView};

/// Number of a set of requirements: tasks that ask for the same have the same class, and the same candidates.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct ClassIx(pub u32);

impl ClassIx {
    /// The number as a position in a table.
    #[must_use]
    pub fn at(self) -> usize {
        self.0 as usize
    }
}

/// A task that wants a device.
#[derive(Clone, Copy, Debug)]
pub struct Unplaced<'a> {
    /// The task.
    pub ix: TaskIx,
    /// What it asks of a device.
    pub class: ClassIx,
    /// The device it would rather have.
    pub prefer: Option<DeviceIx>,
    /// The task as specified.
    pub spec: &'a TaskSpec,
}

impl<'a> Unplaced<'a> {
    /// The id of the task.
    #[must_use]
    pub fn id(&self) -> &'a TaskId {
        &self.spec.id
    }
}

/// A device and its load when the round began.
#[derive(Clone, Debug)]
pub struct DeviceLoad<'a> {
    /// The device.
    pub profile: &'a DeviceProfile,
    /// Live attempts, of all runs.
    pub in_flight: u32,
    /// Unstarted tasks planned on it, of all runs.
    pub queued: u32,
    /// Whether it takes new attempts: connected and not draining.
    pub available: bool,
}

impl DeviceLoad<'_> {
    /// Attempts the device runs at the same time. A profile that says 0 counts as 1.
    pub(crate) fn slots(&self) -> u32 {
        self.profile.slots.max(1)
    }
}

/// What a round is made of. The scheduler builds it; tests of strategies use the module `testing`.
#[derive(Debug)]
pub struct RoundInput<'a> {
    /// When the strategy decides.
    pub binding: Binding,
    /// The graph.
    pub graph: &'a dyn GraphView,
    /// Tasks that want a device, each once: late in serving order, early in insertion order.
    pub tasks: &'a [Unplaced<'a>],
    /// Devices by index, in order of registration.
    pub devices: &'a [DeviceLoad<'a>],
    /// Eligible devices of each class, each once, in order of registration, available or not.
    pub classes: &'a [Vec<DeviceIx>],
}
