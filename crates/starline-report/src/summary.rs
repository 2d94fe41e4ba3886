//! Figures of a run: times, width, and what each device did.

use starline_types::{DeviceId, Millis, StateCounts, Timestamp};

use crate::History;
use crate::task::{AttemptHistory, AttemptOutcome};

/// Figures of a run. Of one that has not ended, up to its last record.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// Time from the start to the end.
    pub makespan: Millis,
    /// Time of all attempts together, failed ones included.
    pub work: Millis,
    /// Time of the attempts that did not complete.
    pub wasted: Millis,
    /// Work divided by makespan: attempts that were live on average. 0 without makespan.
    pub parallelism: f64,
    /// The largest number of attempts that were live at once.
    pub peak: u32,
    /// Attempts.
    pub attempts: u64,
    /// Retries that were scheduled.
    pub retries: u64,
    /// Attempts that went wrong, retried ones included.
    pub failed_attempts: u64,
    /// Tasks of the final graph by state.
    pub counts: StateCounts,
    /// Time in which the run was paused.
    pub paused: Millis,
    /// Time in which a hold was open.
    pub held: Millis,
}

/// What a device did.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeviceUse {
    /// The device.
    pub device: DeviceId,
    /// Attempts it can run at once: as its profile says, else as many as it had.
    pub slots: u32,
    /// Whether a profile said so.
    pub known: bool,
    /// The largest number of attempts it had at once.
    pub lanes: u32,
    /// Attempts given to it.
    pub attempts: u32,
    /// Attempts that went wrong on it.
    pub failures: u32,
    /// Time of its attempts, added up.
    pub busy: Millis,
    /// `busy / (slots * makespan)`: the share of its time that was used. 0 without makespan.
    pub utilisation: f64,
}

impl History {
    /// Every attempt with its task, in the order of the tasks.
    pub(crate) fn attempts(&self) -> impl Iterator<Item = (&crate::TaskHistory, &AttemptHistory)> {
        self.tasks.iter().flat_map(|task| task.attempts.iter().map(move |attempt| (task, attempt)))
    }

    /// Figures of the run. O(k log k) for k attempts.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let now = self.until();
        let makespan = self.started.map_or(Millis::ZERO, |started| now.since(started.t));
        let mut summary = Summary { makespan, counts: self.graph.counts(), ..Summary::default() };
        let mut ends: Vec<(Timestamp, bool)> = Vec::new();
        for (_, attempt) in self.attempts() {
            let spent = attempt.duration(now);
            summary.attempts += 1;
            summary.work.0 = summary.work.0.saturating_add(spent.0);
            summary.retries += u64::from(attempt.retry.is_some());
            summary.failed_attempts += u64::from(attempt.outcome.is_failure());
            if !matches!(attempt.outcome, AttemptOutcome::Completed | AttemptOutcome::Running) {
                summary.wasted.0 = summary.wasted.0.saturating_add(spent.0);
            }
            ends.push((attempt.assigned_at, true));
            ends.push((attempt.ended_at.unwrap_or(now + Millis(1)), false));
        }
        // One that ends makes room for one that begins at the same time: ends come first.
        ends.sort_unstable();
        let mut live = 0_i64;
        for (_, begins) in ends {
            live += if begins { 1 } else { -1 };
            summary.peak = summary.peak.max(u32::try_from(live).unwrap_or(0));
        }
        if summary.peak == 0 && summary.attempts > 0 {
            // Attempts that took no time are seen by nobody else.
            summary.peak = 1;
        }
        summary.parallelism = share(summary.work, makespan.0);
        let pauses = self.pauses.iter();
        summary.paused =
            union(pauses.map(|pause| (pause.from, pause.ended.as_ref().map_or(now, |(end, _)| *end))));
        let holds = self.holds.iter();
        summary.held = union(holds.map(|hold| (hold.opened_at, hold.closed.map_or(now, |(end, _)| end))));
        summary
    }

    /// What each device did, in the order in which they were seen. O(k) for k attempts.
    #[must_use]
    pub fn device_use(&self) -> Vec<DeviceUse> {
        let now = self.until();
        let makespan = self.started.map_or(Millis::ZERO, |started| now.since(started.t));
        let mut busy: Vec<u64> = self.devices.iter().map(|device| device.busy.0).collect();
        for (_, attempt) in self.attempts().filter(|(_, attempt)| attempt.ended_at.is_none()) {
            if let Some(at) = self.device_places.get(&attempt.device) {
                busy[*at] = busy[*at].saturating_add(attempt.duration(now).0);
            }
        }
        let uses = self.devices.iter().zip(busy).map(|(device, busy)| {
            // A device with room for everything has no share of it.
            let known = device.slots.filter(|slots| *slots < u32::MAX);
            let slots = known.unwrap_or(0).max(device.lanes).max(1);
            DeviceUse {
                device: device.id.clone(),
                slots,
                known: known.is_some(),
                lanes: device.lanes,
                attempts: device.attempts,
                failures: device.failures,
                busy: Millis(busy),
                utilisation: share(Millis(busy), makespan.0.saturating_mul(slots.into())),
            }
        });
        uses.collect()
    }
}

fn share(part: Millis, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part.0 as f64 / whole as f64 }
}

/// The length of the union of spans that come in the order of their begins.
fn union(spans: impl Iterator<Item = (Timestamp, Timestamp)>) -> Millis {
    let (mut total, mut reached) = (0_u64, Timestamp(0));
    for (from, to) in spans {
        let from = from.max(reached);
        total = total.saturating_add(to.since(from).0);
        reached = reached.max(to);
    }
    Millis(total)
}
