//! Tasks that can be undone, runs that are rolled back when something fails, and people who ask for it.
//!
//! Drawn apart from everything else, so that a schedule without them is what its seed always meant.

use std::sync::Arc;

use starline_types::{Compensation, FailurePolicy, Payload, Shell, Timestamp};

use super::Schedule;
use crate::Action;
use crate::chance::Chance;

pub(super) fn add(schedule: &mut Schedule) {
    let mut chance = Chance::about(schedule.seed, &[9]);
    if !chance.percent(20) {
        return;
    }
    let horizon = [2_000, 20_000, schedule.quiet_at.0][chance.below(3) as usize];
    for (at, run) in schedule.runs.iter_mut().enumerate() {
        if run.settings.on_failure == FailurePolicy::SkipDependents && chance.percent(85) {
            Arc::make_mut(&mut run.settings).on_failure = FailurePolicy::Rollback;
        }
        if chance.percent(35) {
            let rollback = Action::Rollback { run: at, force: chance.percent(40) };
            schedule.actions.push((Timestamp(chance.below(horizon)), rollback));
        }
        let share = chance.within(30, 100) as u8;
        for task in &mut Arc::make_mut(&mut run.graph).tasks {
            if !chance.percent(share) {
                continue;
            }
            let task = Arc::make_mut(task);
            let script = match task.outputs.contains_key("n") && chance.percent(30) {
                true => format!("undo {{{{ tasks.{}.outputs.n }}}}", task.id),
                false => "undo".to_owned(),
            };
            let run = Payload::Sh(Arc::new(Shell { script, ..Shell::default() }));
            Arc::make_mut(task.details.get_or_insert_default()).compensate = Some(Compensation { run });
        }
    }
    schedule.actions.sort_by_key(|(at, _)| *at);
}
