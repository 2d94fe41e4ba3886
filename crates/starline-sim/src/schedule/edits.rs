//! Editors, good and bad, and people who edit beside them.
//!
//! Drawn apart from everything else, so that a schedule without edits is what its seed always meant.

use std::sync::Arc;

use starline_types::{
    EditorSettings, HoldId, HoldScope, HoldSettings, LateEdits, Millis, OutcomeStatus, Patterns, Policy,
    PolicyLimits, Timestamp,
};

use super::Schedule;
use crate::chance::Chance;
use crate::{Action, Saying, Speaker};

/// How an editor behaves, in percent unless it says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Manner {
    /// Holds that it does not answer at all.
    pub(crate) dead: u8,
    /// Answers that take longer than the hold lasts.
    pub(crate) late: u8,
    /// Answers that are sent twice.
    pub(crate) double: u8,
    /// Answers that change nothing.
    pub(crate) releasing: u8,
    /// Answers that nobody should send.
    pub(crate) hostile: u8,
    /// Answers that leave the hold open.
    pub(crate) keeping: u8,
    /// Answers followed by its departure.
    pub(crate) leaving: u8,
    /// Restarts after which it comes back.
    pub(crate) returning: u8,
    /// Longest ordinary time for an answer, in ms.
    pub(crate) slowest: u64,
    /// How long holds last at first.
    pub(crate) timeout: Millis,
}

pub(super) fn add(schedule: &mut Schedule) {
    let mut chance = Chance::about(schedule.seed, &[5]);
    if !chance.percent(45) {
        return;
    }
    let horizon = [2_000, 20_000, schedule.quiet_at.0][chance.below(3) as usize];
    let hostile = chance.percent(40);
    let mut manners = Vec::new();
    for (at, run) in schedule.runs.iter_mut().enumerate() {
        let longest = [500, 5_000, 20_000, 60_000][chance.below(4) as usize];
        let timeout = Millis(chance.within(1, longest));
        let settings = Arc::make_mut(&mut run.settings);
        let edit_on = match chance.below(6) {
            0 => vec![OutcomeStatus::Completed],
            1 => vec![OutcomeStatus::Failed],
            _ => vec![OutcomeStatus::Completed, OutcomeStatus::Failed],
        };
        let hold = HoldSettings {
            scope: if chance.percent(25) { HoldScope::Graph } else { HoldScope::Descendants },
            batch_window: Millis(if chance.percent(30) { chance.within(1, 2_000) } else { 0 }),
            modification_timeout: timeout,
            late_edits: if chance.percent(20) { LateEdits::Refuse } else { LateEdits::Accept },
        };
        settings.editor = Some(Arc::new(EditorSettings { edit_on, hold, ..EditorSettings::default() }));
        if chance.percent(20) {
            settings.policy = Some(Arc::new(policy(&mut chance)));
        }
        manners.push(manner(&mut chance, timeout, hostile));
        let mut say = |at_ms: u64, saying: Saying| {
            schedule.actions.push((Timestamp(at_ms), Action::Say { run: at, saying }));
        };
        if chance.percent(85) {
            say(chance.below(horizon.min(3_000)), Saying::Attach);
        }
        while chance.percent(25) {
            let away = chance.below(horizon);
            say(away, Saying::Detach);
            if chance.percent(70) {
                say(away + chance.within(1, 20_000), Saying::Attach);
            }
        }
        for _ in 0..chance.below(8) {
            let when = chance.below(horizon);
            let by = if chance.percent(50) { Speaker::Editor } else { Speaker::Operator };
            let hold = HoldId(chance.below(4));
            let task = format!("t{}", chance.below(12));
            let saying = match chance.below(14) {
                0..5 => Saying::Improvise(chance.next()),
                5..7 => Saying::Undo { expect: None, by },
                7 => Saying::Redo { expect: None, by },
                8 | 9 => Saying::Retry { task, by },
                10 => Saying::Release(hold),
                11 => Saying::Extend { hold, tasks: vec![task] },
                12 => Saying::ClearHolds,
                _ => Saying::Timeout(Millis(chance.below(20_000))),
            };
            say(when, saying);
        }
    }
    schedule.manners = manners;
    schedule.actions.sort_by_key(|(at, _)| *at);
}

fn manner(chance: &mut Chance, timeout: Millis, hostile: bool) -> Manner {
    let mut some = |most: u64| if chance.percent(40) { chance.within(1, most) as u8 } else { 0 };
    Manner {
        dead: some(100),
        late: some(30),
        double: some(30),
        releasing: some(80),
        hostile: if hostile { some(80) } else { 0 },
        keeping: some(30),
        leaving: some(10),
        returning: 100 - some(100),
        slowest: [1, 300, 3_000][chance.below(3) as usize],
        timeout,
    }
}

fn policy(chance: &mut Chance) -> Policy {
    let ops = ["add_task", "update_task", "remove_task", "add_dependency", "remove_dependency", "build"];
    let all = |text: &str| Some(vec![text.into()]);
    Policy {
        allow: chance
            .percent(50)
            .then(|| ops.iter().filter(|_| chance.percent(60)).map(|op| (*op).into()).collect()),
        only: Patterns { devices: if chance.percent(40) { all("d0") } else { None }, ..Patterns::default() },
        limits: PolicyLimits {
            edits: chance.percent(40).then(|| chance.within(1, 20)),
            added_tasks: chance.percent(30).then(|| chance.within(0, 5)),
        },
        require_approval: Patterns {
            kinds: if chance.percent(30) { all("noop") } else { None },
            ..Patterns::default()
        },
    }
}
