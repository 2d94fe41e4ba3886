//! What came to the schedules later: checkpoints, refusals for good, lies, crashes at the boundaries of steps and during
//! recovery, journals read in pages, and commands at times at which they make no sense.
//!
//! Drawn apart from everything else, so that a schedule without them is what its seed always meant.

use starline_types::{HoldId, Millis, Timestamp};

use super::Schedule;
use crate::chance::Chance;
use crate::{Action, Saying, Speaker};

/// How often what goes wrong beside the knobs, in percent unless it says otherwise.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Extras {
    /// Attempts that put checkpoints down.
    pub(crate) checkpoints: u8,
    /// Refusals that are for good.
    pub(crate) declined: u8,
    /// Commits with facts during which the orchestrator dies.
    pub(crate) strikes: u8,
    /// Crashes that leave only the first steps of a run behind.
    pub(crate) cut: u8,
    /// Restarts that end in another crash.
    pub(crate) relapses: u8,
    /// Restarts that read journals in pages.
    pub(crate) paged: u8,
}

impl Extras {
    /// All of them by name, to be shown and turned off.
    pub(crate) fn percents(&mut self) -> [(&'static str, &mut u8); 6] {
        [
            ("checkpoints", &mut self.checkpoints),
            ("declined", &mut self.declined),
            ("strikes", &mut self.strikes),
            ("cut", &mut self.cut),
            ("relapses", &mut self.relapses),
            ("paged", &mut self.paged),
        ]
    }
}

pub(super) fn add(schedule: &mut Schedule) {
    let mut chance = Chance::about(schedule.seed, &[10]);
    if !chance.percent(35) {
        return;
    }
    for ((_, knob), most) in schedule.extras.percents().into_iter().zip([100, 100, 5, 80, 50, 100]) {
        if chance.percent(60) {
            *knob = chance.within(1, most) as u8;
        }
    }
    let horizon = [2_000, 20_000, schedule.quiet_at.0][chance.below(3) as usize].min(schedule.quiet_at.0);
    let (lies, orders, early) = (chance.percent(60), chance.percent(60), chance.percent(40));
    for run in 0..schedule.runs.len() {
        let when = |chance: &mut Chance| {
            // What comes before the start is a matter of milliseconds.
            let horizon = if early && chance.percent(60) { 1_500 } else { horizon };
            Timestamp(chance.below(horizon))
        };
        if early {
            schedule.actions.push((Timestamp(chance.below(200)), Action::Prepare(run)));
        }
        for _ in 0..if lies { chance.within(1, 12) } else { 0 } {
            let device = chance.below(schedule.devices.len() as u64) as usize;
            let at = when(&mut chance);
            schedule.actions.push((at, Action::Mislead { run, device, salt: chance.next() }));
        }
        for _ in 0..if orders { chance.within(1, 10) } else { 0 } {
            let at = when(&mut chance);
            let action = order(&mut chance, schedule, run);
            schedule.actions.push((at, action));
        }
    }
    schedule.actions.sort_by_key(|(at, _)| *at);
}

/// A command of any kind, about any task.
fn order(chance: &mut Chance, schedule: &Schedule, run: usize) -> Action {
    let known = chance.pick(&schedule.runs[run].graph.tasks).filter(|_| chance.percent(85));
    let task = known.map_or_else(|| "nobody".to_owned(), |task| task.id.to_string());
    let by = if chance.percent(50) { Speaker::Editor } else { Speaker::Operator };
    let hold = HoldId(chance.below(4));
    let device = chance.pick(&schedule.devices).map_or_else(String::new, |seat| seat.profile.id.to_string());
    let saying = match chance.below(30) {
        0 => return Action::Prepare(run),
        1 => return Action::Start(run),
        2 => return Action::Pause(run),
        3 => return Action::Resume(run),
        4 if chance.percent(30) => return Action::CancelRun { run, force: chance.percent(50) },
        5 if chance.percent(30) => return Action::Rollback { run, force: chance.percent(50) },
        4..8 => return Action::ClearAssignments(run),
        8..11 => return Action::CancelTask { run, task },
        11..13 => return Action::SkipTask { run, task },
        13..15 => return Action::Reassign { run, task, device },
        15..19 => return Action::Answer { run, task, approve: chance.percent(50) },
        19..21 => Saying::Retry { task, by },
        21 => Saying::Attach,
        22 => Saying::Detach,
        23 => Saying::Undo { expect: None, by },
        24 => Saying::Redo { expect: None, by },
        25 => Saying::Release(hold),
        26 => Saying::Extend { hold, tasks: vec![task] },
        27 => Saying::Timeout(Millis(chance.below(20_000))),
        28 if chance.percent(50) => Saying::ClearHolds,
        28 => Saying::Improvise(chance.next()),
        _ => Saying::PlannerFaulted(hold),
    };
    Action::Say { run, saying }
}
