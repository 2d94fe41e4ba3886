//! Random schedules: graphs, fleets, faults and commands from a seed.

mod actions;
mod chaos;
mod graph;
mod play;
mod random;
mod show;
mod shrink;

use std::sync::Arc;

use starline_types::{DeviceId, DeviceProfile, GraphSpec, RunId, RunSettings, TaskId, Timestamp};

pub(crate) use chaos::Knobs;
pub use play::Played;

use crate::{Action, Strategist};

/// A run of a schedule.
#[derive(Clone, Debug)]
pub(crate) struct RunPlan {
    pub(crate) id: RunId,
    pub(crate) graph: Arc<GraphSpec>,
    pub(crate) settings: Arc<RunSettings>,
    pub(crate) assignments: Vec<(TaskId, DeviceId)>,
    pub(crate) strategist: Strategist,
}

/// A device of a schedule.
#[derive(Clone, Debug)]
pub(crate) struct DevicePlan {
    pub(crate) profile: DeviceProfile,
    /// Rate of its clock, in parts of a thousand.
    pub(crate) rate: u64,
}

/// One to two runs over one fleet, what goes wrong, and what people do meanwhile: all of it drawn from a seed.
///
/// Each seed leaves a random part of the faults out, so that rare combinations of the others come up. Faults
/// stop at a known time, before it is judged whether the runs end.
///
/// # Examples
///
/// ```
/// use starline_sim::Schedule;
///
/// let played = Schedule::random(7).play();
/// assert_eq!(played.violation, None);
/// ```
#[derive(Clone, Debug)]
pub struct Schedule {
    pub(crate) seed: u64,
    pub(crate) devices: Vec<DevicePlan>,
    pub(crate) runs: Vec<RunPlan>,
    pub(crate) actions: Vec<(Timestamp, Action)>,
    pub(crate) knobs: Knobs,
    /// When faults stop.
    pub(crate) quiet_at: Timestamp,
    #[cfg(feature = "seeded-bugs")]
    pub(crate) bug: Option<starline_scheduler::Bug>,
}

impl Schedule {
    /// The seed.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The same schedule for a scheduler with a broken rule.
    #[cfg(feature = "seeded-bugs")]
    #[must_use]
    pub fn with_bug(mut self, bug: starline_scheduler::Bug) -> Self {
        self.bug = Some(bug);
        self
    }
}
