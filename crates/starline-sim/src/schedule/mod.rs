//! Random schedules: graphs, fleets, faults and commands from a seed.

mod actions;
mod chaos;
mod editor;
mod edits;
mod extras;
mod gates;
mod graph;
mod play;
mod random;
mod show;
mod shrink;
mod undo;

use std::sync::Arc;

use starline_types::{DeviceId, DeviceProfile, GraphSpec, RunId, RunSettings, TaskId, Timestamp};

pub(crate) use chaos::Knobs;
pub(crate) use extras::Extras;
pub use play::Played;

use crate::{Action, Crash, Strategist, Violation};

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
    pub(crate) extras: Extras,
    /// How the editors of the runs behave; empty: there are none.
    pub(crate) manners: Vec<edits::Manner>,
    /// When faults stop.
    pub(crate) quiet_at: Timestamp,
    /// A crash beside those among the actions.
    pub(crate) crash_at: Option<(u64, Crash)>,
    /// One of so many commits is checked against a replay.
    pub(crate) replay_every: u64,
    #[cfg(feature = "seeded-bugs")]
    pub(crate) bug: Option<starline_scheduler::Bug>,
}

impl Schedule {
    /// The seed.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The same schedule with one more crash, during a commit, counted from 1. The first commits submit the runs,
    /// one for each; a crash during those would lose what nobody was told to be safe.
    #[must_use]
    pub fn with_crash(mut self, commit: u64, crash: Crash) -> Self {
        self.crash_at = Some((commit, crash));
        self
    }

    /// The same schedule with all its runs placed by one strategist: how a strategy is tried out.
    #[must_use]
    pub fn with_strategist(mut self, strategist: Strategist) -> Self {
        for run in &mut self.runs {
            run.strategist = strategist;
        }
        self
    }

    /// Number of runs.
    #[must_use]
    pub fn run_count(&self) -> usize {
        self.runs.len()
    }

    /// The same schedule, with every run compared with its replay after every commit.
    #[must_use]
    pub fn replayed_throughout(mut self) -> Self {
        self.replay_every = 1;
        self
    }

    /// The line that says how to see a violation again.
    #[must_use]
    pub fn failure_line(&self, violation: &Violation) -> String {
        let (oracle, step, seed) = (violation.oracle, violation.step, self.seed);
        let hash = self.config_hash();
        format!(
            "SIM FAIL oracle={oracle} seed={seed} step={step} cfg={hash:016x} :: \
             cargo xtask soak sim --seed {seed} --trace"
        )
    }

    /// The same schedule for a scheduler with a broken rule.
    #[cfg(feature = "seeded-bugs")]
    #[must_use]
    pub fn with_bug(mut self, bug: starline_scheduler::Bug) -> Self {
        self.bug = Some(bug);
        self
    }
}
