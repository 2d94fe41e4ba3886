//! Devices that come, go and drain.

use starline_types::{Event, RunState, Timestamp};

use super::report::Live;
use crate::bug::Bug;
use crate::{DeviceChange, Fleet, Scheduler, Step};

impl Scheduler {
    pub(super) fn decide_taken_over(
        &mut self,
        now: Timestamp,
        epoch: u64,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        if !self.has_bug(Bug::OwnerUnrecorded) {
            self.record(now, Event::OwnerChanged { epoch }, fleet, step);
        }
        if self.has_bug(Bug::TakeOverWaitsForNobody) {
            for (task, attempt, device) in self.live_attempts() {
                self.lose_attempt(now, Live { task, attempt, device }, fleet, step);
            }
        }
    }

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
