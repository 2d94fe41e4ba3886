//! Late binding: rounds of ready tasks and free slots.

use starline_assign::{Binding, ClassIx};
use starline_types::{TaskIx, Timestamp};

use crate::queue::Urgency;
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
        while left > 0 {
            let free: usize = fleet.devices().map(|device| fleet.free(device) as usize).sum();
            let tasks = self.most_urgent(now, free.min(left).min(self.parallel_room()), fleet);
            if tasks.is_empty() {
                return false;
            }
            let wanted: Vec<TaskIx> = tasks.iter().map(|(_, _, task)| *task).collect();
            let placed = self.round(now, Binding::Late, &wanted, fleet, step);
            let mut assigned = 0;
            for (task, device) in &placed {
                assigned += usize::from(self.assign(now, *task, *device, fleet, step));
            }
            left = left.saturating_sub(assigned.max(1));
            for (lane, urgency, task) in tasks {
                if self.is_current(task, lane, urgency, now) {
                    self.lanes[lane as usize].push(urgency, task);
                }
            }
            if placed.is_empty() {
                // The strategy prefers to wait.
                for lane in std::mem::take(&mut self.awake) {
                    self.lanes[lane as usize].awake = false;
                }
                return false;
            }
        }
        true
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
                        self.awake.swap_remove(at);
                        self.lanes[lane as usize].awake = false;
                    }
                }
            }
            let Some((_, lane)) = best else { break };
            if let Some((urgency, task)) = self.lanes[lane as usize].pop() {
                taken.push((lane, urgency, task));
            }
        }
        taken
    }
}
