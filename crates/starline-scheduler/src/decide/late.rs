//! Late binding: rounds of ready tasks and free slots.

use starline_assign::{Binding, ClassIx};
use starline_types::{TaskIx, Timestamp};

use crate::queue::Urgency;
use crate::state::NO_LANE;
use crate::{Fleet, Scheduler, Step};

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
        let mut more = true;
        while left > 0 {
            let free: usize = fleet.devices().map(|device| fleet.free(device) as usize).sum();
            let tasks = self.most_urgent(now, free.min(left).min(self.parallel_room()), fleet);
            if tasks.is_empty() {
                more = false;
                break;
            }
            let wanted: Vec<TaskIx> = tasks.iter().map(|(_, _, task)| *task).collect();
            let placed = self.round(now, Binding::Late, &wanted, fleet, step);
            let mut assigned = 0;
            for (task, device) in &placed {
                assigned += usize::from(self.assign(now, *task, *device, fleet, step));
            }
            left = left.saturating_sub(assigned);
            let before = aside.len();
            for (lane, urgency, task) in tasks {
                if !self.is_placeable(task, now) || self.urgency(task) != urgency {
                    continue;
                }
                if placed.is_empty() && self.state.leaves_devices_out(task) {
                    // It may have nowhere to go for now, and must not keep others from going.
                    aside.push((task, lane));
                } else {
                    self.enqueue(task, lane);
                }
            }
            if placed.is_empty() && aside.len() == before {
                // The strategy prefers to wait.
                for lane in std::mem::take(&mut self.awake) {
                    self.lanes[lane as usize].awake = false;
                }
                more = false;
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
