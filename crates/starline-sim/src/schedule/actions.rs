//! What people and circumstances do during a random schedule.

use starline_types::{ErrorKind, Millis, TaskError, TaskReport, Timestamp, Value};

use super::{DevicePlan, RunPlan};
use crate::chance::Chance;
use crate::{Action, Crash, Forged};

/// When faults stop.
const QUIET: u64 = 120_000;

type Planned = Vec<(Timestamp, Action)>;

pub(super) fn random(chance: &mut Chance, devices: &[DevicePlan], runs: &[RunPlan]) -> (Planned, Timestamp) {
    let mut actions = Vec::new();
    // Much happens early, while there is still something to disturb.
    let horizon = [2_000, 20_000, QUIET][chance.below(3) as usize];
    for run in 0..runs.len() {
        let at = chance.below(2_000);
        if chance.percent(20) {
            actions.push((Timestamp(at / 2), Action::Prepare(run)));
        }
        actions.push((Timestamp(at), Action::Start(run)));
    }
    let losses = chance.percent(70);
    let drains = chance.percent(40);
    let departures = chance.percent(20);
    for device in 0..devices.len() {
        for _ in 0..chance.below(5) {
            let at = chance.below(horizon);
            let longest = if chance.percent(50) { 1_000 } else { 50_000 };
            let back = at + chance.within(1, longest);
            if losses {
                lose(chance, device, at, back, &mut actions);
            }
            if drains && chance.percent(30) {
                actions.push((Timestamp(at), Action::Drain { device, draining: true }));
                actions.push((Timestamp(back), Action::Drain { device, draining: false }));
            }
            if departures && chance.percent(30) {
                actions.push((Timestamp(at), Action::Forget { device }));
                if chance.percent(60) {
                    actions.push((Timestamp(back), Action::Join { device }));
                }
            }
        }
    }
    if chance.percent(40) {
        for _ in 0..chance.within(1, 4) {
            let crash = Crash {
                persisted: chance.below(3) as usize,
                acted: if chance.percent(50) { usize::MAX } else { chance.below(4) as usize },
                down: Millis(chance.below(30_000)),
                journals_first: chance.percent(20),
            };
            actions.push((Timestamp(chance.within(1, horizon)), Action::Crash(crash)));
        }
    }
    for (run, plan) in runs.iter().enumerate() {
        if chance.percent(60) {
            commands(chance, run, plan, devices, horizon, &mut actions);
        }
    }
    if chance.percent(40) {
        for _ in 0..chance.within(1, 6) {
            let at = Timestamp(chance.below(horizon));
            actions.extend(forged(chance, devices, runs).map(|forged| (at, Action::Forge(forged))));
        }
    }
    actions.sort_by_key(|(at, _)| *at);
    let last = actions.last().map_or(0, |(at, _)| at.0);
    (actions, Timestamp(last.max(horizon) + 1_000))
}

fn lose(chance: &mut Chance, device: usize, at: u64, back: u64, actions: &mut Planned) {
    let action = match chance.below(4) {
        0 => Action::Kill { device, certain: true },
        1 => Action::Kill { device, certain: false },
        _ => Action::Cut { device },
    };
    actions.push((Timestamp(at), action));
    actions.push((Timestamp(back), Action::Return { device }));
}

fn commands(
    chance: &mut Chance,
    run: usize,
    plan: &RunPlan,
    devices: &[DevicePlan],
    horizon: u64,
    actions: &mut Planned,
) {
    for _ in 0..chance.within(1, 8) {
        let at = chance.below(horizon);
        let task = chance.pick(&plan.graph.tasks).map_or_else(|| "t0".to_owned(), |task| task.id.to_string());
        let action = match chance.below(16) {
            0..5 => Action::CancelTask { run, task },
            5..7 => Action::SkipTask { run, task },
            7..10 => {
                let device =
                    chance.pick(devices).map_or_else(String::new, |device| device.profile.id.to_string());
                Action::Reassign { run, task, device }
            }
            10..13 => {
                actions.push((Timestamp(at + chance.within(1, 30_000)), Action::Resume(run)));
                Action::Pause(run)
            }
            13 => Action::ClearAssignments(run),
            14 => Action::Resume(run),
            _ => Action::CancelRun { run, force: chance.percent(50) },
        };
        actions.push((Timestamp(at), action));
    }
}

/// A report of an attempt that the device does not have, mostly one that is over or is somebody else's.
fn forged(chance: &mut Chance, devices: &[DevicePlan], runs: &[RunPlan]) -> Option<Forged> {
    let run = chance.below(runs.len() as u64) as usize;
    let task = chance.pick(&runs.get(run)?.graph.tasks)?.id.to_string();
    let task = if chance.percent(90) { task } else { "nobody".to_owned() };
    let report = match chance.below(3) {
        0 => TaskReport::completed(Value::from("forged")),
        1 => TaskReport::failed(TaskError::new(ErrorKind::DeviceError, "forged")),
        _ => TaskReport::Stopped,
    };
    // Numbers that no attempt of a schedule reaches, or that of an attempt of another device: see the player.
    let attempt = [0, 100, u32::MAX][chance.below(3) as usize];
    Some(Forged { run, task, attempt, device: chance.below(devices.len() as u64) as usize, report })
}
