//! Devices that come, go and drain.

use starline_types::{RunState, Timestamp};

use super::report::Live;
use crate::bug::Bug;
use crate::{DeviceChange, Fleet, Scheduler, Step};

impl Scheduler {
    pub(super) fn decide_device(
        &mut self,
        now: Timestamp,
        device: starline_types::DeviceIx,
        change: DeviceChange,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        if self.is_closed() {
            return;
        }
        if let DeviceChange::Down { certain } = change {
            let live = self.live_attempts().into_iter().filter(|(_, _, on)| *on == device);
            for (task, attempt, device) in live {
                let live = Live { task, attempt, device };
                match (certain, self.has_bug(Bug::LossForgotten)) {
                    (_, true) => {}
                    (true, false) => self.lose_attempt(now, live, fleet, step),
                    (false, false) => self.suspect_attempt(now, live, fleet, step),
                }
            }
        }
        if self.state.run_state == RunState::Created {
            return;
        }
        self.replan_displaced(now, fleet, step);
        self.note_all_impossible(now, fleet);
        let stalled = self.state.pause.as_ref().is_some_and(|pause| pause.stalled);
        if stalled && self.has_placeable(now, fleet) {
            let by = format!("device {}", fleet.id(device));
            self.resume(now, &by, fleet, step);
        }
    }
}
