//! Late binding: rounds of ready tasks and free slots.

use starline_assign::{Binding, ClassIx};
use starline_types::{TaskIx, Timestamp};

use crate::queue::Urgency;
use crate::state::NO_LANE;
use crate::{Fleet, Scheduler, Step};

/// How often a round doubles while nothing is placed.
const FURTHEST: u32 = 20;

impl Scheduler {
    /// Serves ready tasks in rounds of as many as there are free slots, most urgent first.
    pub(super) fn serve_late(
        &mut self,
        now: Timestamp,
        fleet: &mut Fleet,
        limit: usize,
        step: &mut Step,
    ) -> bool {
        let mut left = limit;
        let mut aside = Vec::new();
        let mut fruitless = 0;
        let mut more = true;
        while left > 0 && self.may_place() {
            let free: usize = fleet.devices().map(|device| fleet.free(device) as usize).sum();
            let room = free.min(left).min(self.parallel_room());
            // Where nothing of a round was placed the next one looks further: what a strategy leaves out must
            // not keep others from going.
            let tasks = self.most_urgent(now, room.saturating_mul(1 << fruitless), fleet);
            if tasks.is_empty() {
                more = false;
                break;
            }
            let wanted: Vec<TaskIx> = tasks.iter().map(|(_, _, task)| *task).collect();
            let mut placed = self.round(now, Binding::Late, &wanted, fleet, step);
            placed.truncate(room);
            let mut assigned = 0;
            let mut has_let_go = false;
            for (task, device) in &placed {
                // One that could not be rendered before it may have opened a hold over it, or ended the run.
                if !self.may_place() || !self.is_placeable(*task, now) {
                    continue;
                }
                if self.assign(now, *task, *device, fleet, step) {
                    assigned += 1;
                } else if self.has_let_go() {
                    has_let_go = true;
                    break;
                }
            }
            left = left.saturating_sub(assigned);
            fruitless = if placed.is_empty() { (fruitless + 1).min(FURTHEST) } else { 0 };
            for (lane, urgency, task) in tasks {
                if !self.is_placeable(task, now) || self.urgency(task) != urgency {
                    continue;
                }
                if placed.is_empty() {
                    aside.push((task, lane));
                } else {
                    self.enqueue(task, lane);
                }
            }
            if has_let_go {
                break;
            }
        }
        for (task, lane) in aside {
            self.put_back(task, lane);
        }
        more
    }

    /// Takes out the most urgent tasks for which a device has a free slot.
    fn most_urgent(&mut self, now: Timestamp, count: usize, fleet: &Fleet) -> Vec<(u32, Urgency, TaskIx)> {
        let mut taken = Vec::new();
        while taken.len() < count {
            let mut best: Option<(Urgency, u32)> = None;
            for at in (0..self.awake.len()).rev() {
                let lane = self.awake[at];
                self.drop_stale(lane, now);
                let open = fleet.eligible(ClassIx(lane)).iter().any(|device| fleet.free(*device) > 0);
                match self.lanes[lane as usize].peek().filter(|_| open) {
                    Some((urgency, _)) => best = best.max(Some((urgency, lane))),
                    None => {
                        self.awake.swap_remove_back(at);
                        self.lanes[lane as usize].awake = false;
                    }
                }
            }
            let Some((_, lane)) = best else { break };
            if let Some((urgency, task)) = self.lanes[lane as usize].pop() {
                // It may stand in its queue more than once.
                self.state.tasks[task.at()].lane = NO_LANE;
                taken.push((lane, urgency, task));
            }
        }
        taken
    }
}
