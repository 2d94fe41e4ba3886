//! A schedule from a seed.

use std::sync::Arc;

use starline_types::{DeviceId, DeviceProfile, FailurePolicy, Millis, Resources, RunId, RunSettings, TaskId};

use super::graph::Features;
use super::{DevicePlan, Extras, Knobs, RunPlan, Schedule, actions, edits, extras, gates, graph, undo};
use crate::Strategist;
use crate::chance::Chance;

/// One of so many commits is checked against a replay.
const REPLAY_EVERY: u64 = 64;

impl Schedule {
    /// Draws a schedule. Equal seeds give equal schedules.
    #[must_use]
    pub fn random(seed: u64) -> Self {
        let mut chance = Chance::about(seed, &[0]);
        let devices = devices(&mut chance);
        let profiles: Vec<DeviceProfile> = devices.iter().map(|device| device.profile.clone()).collect();
        let features = Features::random(&mut chance);
        let count = if chance.percent(35) { 2 } else { 1 };
        let runs: Vec<RunPlan> = (0..count).map(|at| run(&mut chance, at, features, &profiles)).collect();
        let (actions, quiet_at) = actions::random(&mut chance, &devices, &runs);
        let knobs = Knobs::random(&mut chance);
        let mut schedule = Self {
            seed,
            devices,
            runs,
            actions,
            knobs,
            extras: Extras::default(),
            manners: Vec::new(),
            quiet_at,
            crash_at: None,
            replay_every: REPLAY_EVERY,
            #[cfg(feature = "seeded-bugs")]
            bug: None,
        };
        gates::add(&mut schedule);
        edits::add(&mut schedule);
        undo::add(&mut schedule);
        extras::add(&mut schedule);
        schedule
    }
}

fn devices(chance: &mut Chance) -> Vec<DevicePlan> {
    let (all_fenced, some_local) = (chance.percent(60), chance.percent(30));
    (0..chance.within(1, 5))
        .map(|at| {
            let id = DeviceId::new(format!("d{at}")).expect("a letter and a number are an id");
            let mut profile = DeviceProfile::new(id, "simulated").with_slots(chance.within(1, 3) as u32);
            profile.os = ["linux", "windows"].get(chance.below(3) as usize).map(ToString::to_string);
            profile.capabilities =
                ["a", "b", "c"].iter().filter(|_| chance.percent(50)).map(ToString::to_string).collect();
            if chance.percent(30) {
                profile.resources = Resources([("memory".to_owned(), chance.within(1, 8))].into());
            }
            profile.local = some_local && chance.percent(50);
            profile.fenced = all_fenced || profile.local || chance.percent(50);
            DevicePlan { profile, rate: chance.within(990, 1010) }
        })
        .collect()
}

fn run(chance: &mut Chance, at: u64, features: Features, devices: &[DeviceProfile]) -> RunPlan {
    let graph = graph::random(chance, features, devices);
    let strategist = match chance.below(10) {
        0 => Strategist::Nobody,
        1..4 => Strategist::RoundRobin,
        4..6 => Strategist::LoadBalance,
        6 => Strategist::CapabilityMatch,
        7..9 => Strategist::FirstFree,
        _ if chance.percent(50) => Strategist::OneAtATime,
        _ => Strategist::Erring,
    };
    let by_hand = if matches!(strategist, Strategist::Nobody) { 100 } else { 10 };
    let assignments = graph.tasks.iter().filter(|_| chance.percent(by_hand)).collect::<Vec<_>>();
    let assignments: Vec<(TaskId, DeviceId)> = assignments
        .into_iter()
        .filter_map(|task| {
            let fitting: Vec<&DeviceProfile> =
                devices.iter().filter(|device| crate::oracle::fits(device, task)).collect();
            Some((task.id.clone(), chance.pick(&fitting)?.id.clone()))
        })
        .collect();
    let settings = RunSettings {
        on_failure: match chance.below(6) {
            0..4 => FailurePolicy::SkipDependents,
            4 => FailurePolicy::FailFast,
            _ => FailurePolicy::WaitForEdit,
        },
        max_parallel: chance.percent(30).then(|| chance.within(1, 4) as u32),
        deadline: chance.percent(8).then(|| Millis(chance.within(1_000, 100_000))),
        edit_wait: Millis(chance.within(1, 60_000)),
        seed: chance.next(),
        ..RunSettings::default()
    };
    let id = RunId::new(format!("r{at}")).expect("a letter and a number are an id");
    RunPlan { id, graph: Arc::new(graph), settings: Arc::new(settings), assignments, strategist }
}
