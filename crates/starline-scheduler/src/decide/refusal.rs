//! Attempts that their device refused before they began.

use std::sync::Arc;

use starline_types::{
    CancelReason, ConfirmedBy, DeviceIx, Event, LossReason, Millis, TaskError, TaskRef, Timestamp, Value,
};

use super::report::Live;
use crate::{Fleet, Scheduler, Step};

/// For how long a device that refuses again and again is left out at the least.
const LEAVE_OUT: Millis = Millis::from_secs(1);

impl Scheduler {
    /// A device will not run an attempt: another one is asked, as long as there is one.
    #[expect(clippy::too_many_arguments, reason = "the fields of one input")]
    pub(super) fn decide_refused(
        &mut self,
        now: Timestamp,
        task: TaskRef,
        attempt: u32,
        device: DeviceIx,
        error: TaskError,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        let live = match self.find_live(&task, attempt, Some(device)) {
            Ok(live) => live,
            Err(reason) => {
                return self.record(now, Event::ResultIgnored { task, attempt, reason }, fleet, step);
            }
        };
        let Some(live) = self.unless_cancelled(now, live, fleet, step) else { return };
        let spec = Arc::clone(self.state.graph.spec(live.task));
        let class = fleet.class(&spec);
        // Without a strategy nobody would plan the task elsewhere.
        let has_other = self.strategy.is_some()
            && fleet
                .eligible(class)
                .iter()
                .any(|other| *other != live.device && !self.state.is_refused_for_good(live.task, *other));
        if !has_other {
            let error = self.last_refusal(live, error, fleet);
            return self.fail_task(now, live.task, live.attempt, error, Value::Null, fleet, step);
        }
        let event = Event::AttemptLost {
            task: self.state.graph.reference(live.task),
            attempt: live.attempt,
            device: fleet.reference(live.device),
            reason: LossReason::NotAccepted,
            until: None,
            error: Some(Arc::new(error)),
        };
        self.record(now, event, fleet, step);
    }

    /// The failure of a task that the last device has refused: names those that did so before.
    fn last_refusal(&self, live: Live, error: TaskError, fleet: &Fleet) -> TaskError {
        let refused =
            |device: &DeviceIx| *device != live.device && self.state.is_refused_for_good(live.task, *device);
        let others: Vec<&str> =
            fleet.devices().filter(refused).map(|device| fleet.id(device).as_str()).collect();
        if others.is_empty() {
            return error;
        }
        let message = format!("{}; refused before by {}", error.message, others.join(", "));
        TaskError { message, ..error }
    }

    /// An attempt that never began and was asked to stop has ended that way.
    pub(super) fn unless_cancelled(
        &mut self,
        now: Timestamp,
        live: Live,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Option<Live> {
        match self.state.cancel_of(live.task) {
            None => return Some(live),
            Some(CancelReason::Timeout) => self.fail_by_timeout(now, live, Value::Null, fleet, step),
            Some(reason) => self.confirm_cancel(now, live, reason, ConfirmedBy::Ack, fleet, step),
        }
        None
    }

    /// A device does not take an attempt now: it is left out for a while.
    pub(super) fn refuse_attempt(&mut self, now: Timestamp, live: Live, fleet: &mut Fleet, step: &mut Step) {
        let policy = self.state.graph.spec(live.task).retry_policy();
        let refusals = self.state.rare_ref(live.task).map_or(0, |rare| rare.refusals);
        // A refusal never spins, whatever the policy says: the device is left out for longer each time.
        let least = Millis((1 << refusals.min(10)).min(LEAVE_OUT.0));
        let until = now + policy.bound(refusals + 1).max(least);
        let event = Event::AttemptLost {
            task: self.state.graph.reference(live.task),
            attempt: live.attempt,
            device: fleet.reference(live.device),
            reason: LossReason::NotAccepted,
            until: Some(until),
            error: None,
        };
        self.record(now, event, fleet, step);
    }
}
