//! Approval gates, and people who answer them.
//!
//! Drawn apart from everything else, so that a schedule without gates is what its seed always meant.

use std::sync::Arc;

use starline_types::{ApprovalGate, ApprovalTimeout, DeviceApproval, Millis, TaskDetails, Timestamp};

use super::Schedule;
use crate::Action;
use crate::chance::Chance;

/// Longest time for which a question stands.
const LONGEST: u64 = 60_000;

pub(super) fn add(schedule: &mut Schedule) {
    let mut chance = Chance::about(schedule.seed, &[4]);
    if !chance.percent(30) {
        return;
    }
    let horizon = [2_000, 20_000, schedule.quiet_at.0][chance.below(3) as usize];
    for (at, run) in schedule.runs.iter_mut().enumerate() {
        if chance.percent(15) {
            Arc::make_mut(&mut run.settings).approved_in_advance = true;
        }
        let share = chance.within(10, 80) as u8;
        for task in &mut Arc::make_mut(&mut run.graph).tasks {
            if !chance.percent(share) {
                continue;
            }
            let gate = ApprovalGate {
                prompt: "May it run?".to_owned(),
                timeout: Some(Millis(chance.within(1, LONGEST))),
                on_timeout: if chance.percent(50) {
                    ApprovalTimeout::Approve
                } else {
                    ApprovalTimeout::Reject
                },
            };
            let task = Arc::make_mut(task);
            task.details = Some(Arc::new(TaskDetails { approval: Some(gate), ..TaskDetails::default() }));
            for _ in 0..chance.below(4) {
                let approve = chance.percent(75);
                let answer = Action::Answer { run: at, task: task.id.to_string(), approve };
                schedule.actions.push((Timestamp(chance.below(horizon)), answer));
            }
        }
    }
    if chance.percent(20) && schedule.runs.iter().all(|run| run.assignments.is_empty()) {
        for device in &mut schedule.devices {
            device.profile.approval = match chance.below(5) {
                0..2 => DeviceApproval::Ask,
                2 => DeviceApproval::Deny,
                _ => DeviceApproval::Auto,
            };
        }
    }
    schedule.actions.sort_by_key(|(at, _)| *at);
}
