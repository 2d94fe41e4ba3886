//! What devices did, added up from the facts of a run.

use std::collections::BTreeMap;

use serde::Serialize;
use starline::types::{DeviceId, Envelope, Event, Millis, TaskId, Timestamp};

/// What one device did during a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct DeviceUse {
    /// Attempts it may run at the same time; none for a simulated device that takes whatever comes.
    pub(crate) slots: Option<u32>,
    /// Attempts it was given.
    pub(crate) attempts: u64,
    /// Time of all attempts, in milliseconds.
    pub(crate) busy_ms: Millis,
    /// That time as a part of what its slots offered, from 0 to 1.
    pub(crate) utilisation: Option<f64>,
}

/// Adds up what devices do while facts come in.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    devices: BTreeMap<DeviceId, DeviceUse>,
    live: BTreeMap<TaskId, (DeviceId, Timestamp)>,
    peak: usize,
}

/// What all devices did together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Parallel {
    /// Attempts at a time on average: their time divided by that of the run.
    pub(crate) average: f64,
    /// Attempts at a time at most.
    pub(crate) peak: usize,
}

impl Attempts {
    /// Nothing yet, for devices with these slots.
    pub(crate) fn of(devices: impl IntoIterator<Item = (DeviceId, u32)>) -> Self {
        let devices = devices.into_iter();
        let devices =
            devices.map(|(id, slots)| (id, DeviceUse { slots: Some(slots), ..DeviceUse::default() }));
        let devices = devices.collect();
        Self { devices, live: BTreeMap::new(), peak: 0 }
    }

    /// Takes a fact in.
    pub(crate) fn observe(&mut self, envelope: &Envelope) {
        match &envelope.event {
            Event::TaskAssigned { task, device, .. } => {
                self.devices.entry(device.id().clone()).or_default().attempts += 1;
                self.live.insert(task.id().clone(), (device.id().clone(), envelope.t));
                self.peak = self.peak.max(self.live.len());
            }
            Event::TaskCompleted { task, .. }
            | Event::TaskFailed { task, .. }
            | Event::TaskRetryScheduled { task, .. }
            | Event::TaskCancelled { task, .. }
            | Event::AttemptLost { task, .. } => {
                if let Some((device, began)) = self.live.remove(task.id()) {
                    self.devices.entry(device).or_default().busy_ms.0 += envelope.t.since(began).0;
                }
            }
            _ => {}
        }
    }

    /// How much went on at the same time in a run that took this long.
    pub(crate) fn parallel(&self, duration: Millis) -> Parallel {
        let busy: u64 = self.devices.values().map(|device| device.busy_ms.0).sum();
        let average = if duration.0 > 0 { busy as f64 / duration.0 as f64 } else { 0.0 };
        Parallel { average, peak: self.peak }
    }

    /// The sums of a run that took this long.
    pub(crate) fn finish(mut self, duration: Millis) -> BTreeMap<DeviceId, DeviceUse> {
        for device in self.devices.values_mut() {
            let offered = device.slots.map(|slots| duration.0 as f64 * f64::from(slots));
            device.utilisation =
                offered.map(|offered| if offered > 0.0 { device.busy_ms.0 as f64 / offered } else { 0.0 });
        }
        self.devices
    }
}
