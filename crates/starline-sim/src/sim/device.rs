//! A simulated device: it executes attempts, keeps reports until they are acknowledged, and ends attempts
//! when their lease is over.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use starline_types::{DeviceIx, DeviceProfile, Millis, TaskRef, TaskReport, Timestamp};

use super::work::{Key, Work};

/// Length of a lease on the clock of the orchestrator.
pub(crate) const LEASE: Millis = Millis::from_secs(20);

/// An attempt on a device.
#[derive(Clone, Debug)]
pub(crate) struct Execution {
    pub(crate) task: TaskRef,
    pub(crate) work: Work,
    /// End of its lease, once it is no longer renewed.
    pub(crate) lease_end: Option<Timestamp>,
}

/// A report that is not acknowledged yet.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) task: TaskRef,
    pub(crate) report: TaskReport,
}

/// A simulated device.
#[derive(Clone, Debug)]
pub(crate) struct SimDevice {
    pub(crate) profile: DeviceProfile,
    /// Its seat in the fleet, in the present life of the orchestrator.
    pub(crate) ix: DeviceIx,
    /// Whether it belongs to the fleet.
    pub(crate) registered: bool,
    /// Whether its process lives.
    pub(crate) alive: bool,
    /// Whether messages get through.
    pub(crate) reachable: bool,
    pub(crate) draining: bool,
    /// Number of the connection: messages of an older one are lost.
    pub(crate) connection: u32,
    /// Number of the life of its process.
    pub(crate) life: u32,
    /// The life that the orchestrator last heard of.
    pub(crate) known_life: u32,
    /// Rate of its clock, in parts of a thousand of the orchestrator's.
    pub(crate) rate: u64,
    pub(crate) executing: BTreeMap<Key, Execution>,
    pub(crate) outbox: BTreeMap<Key, Kept>,
    /// The highest attempt seen of each task.
    seen: FxHashMap<(u32, u32), u32>,
}

impl SimDevice {
    pub(crate) fn new(profile: DeviceProfile, ix: DeviceIx, rate: u64) -> Self {
        Self {
            profile,
            ix,
            registered: true,
            alive: true,
            reachable: true,
            draining: false,
            connection: 0,
            life: 0,
            known_life: 0,
            rate,
            executing: BTreeMap::new(),
            outbox: BTreeMap::new(),
            seen: FxHashMap::default(),
        }
    }

    /// Whether messages get through to it.
    pub(crate) fn answers(&self) -> bool {
        self.registered && self.alive && self.reachable
    }

    /// Whether it may be given attempts.
    pub(crate) fn takes_work(&self) -> bool {
        self.answers() && !self.draining
    }

    /// Notes an attempt; false if it or a later one of its task was seen before.
    pub(crate) fn is_news(&mut self, key: Key) -> bool {
        let highest = self.seen.entry((key.run, key.task)).or_default();
        let news = key.attempt > *highest;
        *highest = key.attempt.max(*highest);
        news
    }

    /// When a lease that was last renewed at a time is over on the clock of the device.
    pub(crate) fn lease_from(&self, renewed: Timestamp) -> Timestamp {
        renewed + Millis(LEASE.0 * self.rate / 1000)
    }
}
