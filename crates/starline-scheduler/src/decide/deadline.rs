//! What is due.

use starline_types::{
    CancelReason, ConfirmedBy, ErrorKind, Event, Millis, PauseCause, RunState, TaskError, TaskIx, Timestamp,
    Value,
};

use super::report::Live;
use crate::bug::Bug;
use crate::timers::Timer;
use crate::{Effect, Fleet, Scheduler, Step};

impl Scheduler {
    pub(super) fn decide_tick(&mut self, now: Timestamp, fleet: &mut Fleet, step: &mut Step) {
        self.close_orphans(now, fleet, step);
        while let Some(timer) = self.state.timers.pop_due(now) {
            if self.is_closed() {
                return;
            }
            self.decide_due(now, timer, fleet, step);
        }
    }

    fn decide_due(&mut self, now: Timestamp, timer: Timer, fleet: &mut Fleet, step: &mut Step) {
        match timer {
            Timer::RunTimeout { task, attempt } => {
                // A timer may be one of an earlier task: indices are used again.
                if let Some(live) = self.live_attempt(task, attempt)
                    && self.state.cancel_of(task).is_none()
                    && self.has_run_out(task, now)
                {
                    self.request_stop(now, live, CancelReason::Timeout, false, fleet, step);
                }
            }
            Timer::CancelGrace { task, attempt } => {
                if let Some(live) = self.live_attempt(task, attempt)
                    && self.state.cancel_of(task).is_some()
                    && self.grace_is_over(task, now)
                {
                    let attempt = self.attempt_id(live);
                    step.effects.push(Effect::Cancel { device: live.device, attempt, force: true });
                }
            }
            Timer::LeaseEnd { task, attempt } => self.lease_over(now, task, attempt, fleet, step),
            Timer::Backoff { task } => self.backoff_over(now, task),
            Timer::QueueTimeout { task } => self.queue_over(now, task, fleet, step),
            Timer::NoDevice { task } => self.no_device_over(now, task, fleet, step),
            Timer::HoldDeadline { hold } => self.hold_over(now, hold, fleet, step),
            Timer::HandOver { hold } => self.hand_over(now, hold, step),
            Timer::Approval { task } => {
                if self.state.graph.contains(task) {
                    self.approval_over(now, task, fleet, step);
                }
            }
            Timer::RunDeadline => {
                if self.state.ending.is_none() {
                    self.end_all(now, CancelReason::Deadline, false, fleet, step);
                }
            }
            Timer::EditWait => {
                let due = self.state.pause.as_ref().is_some_and(|pause| {
                    pause.cause == PauseCause::NeedsEdit && pause.deadline.is_some_and(|at| at <= now)
                });
                if due {
                    self.resume(now, "deadline", fleet, step);
                }
            }
        }
    }

    fn has_run_out(&self, task: TaskIx, now: Timestamp) -> bool {
        let limit = self.state.graph.spec(task).run_timeout;
        limit.is_some_and(|limit| self.state.graph.record(task).started + limit <= now)
    }

    fn grace_is_over(&self, task: TaskIx, now: Timestamp) -> bool {
        let settings = &self.state.settings;
        let end = self.state.rare_ref(task).and_then(|rare| rare.lease_end);
        // The lease ran out from the request to stop.
        end.is_some_and(|end| {
            end.0.saturating_add(settings.cancel_grace.0) <= now.0.saturating_add(settings.lease_wait.0)
        })
    }

    fn live_attempt(&self, task: TaskIx, attempt: u32) -> Option<Live> {
        if !self.state.graph.contains(task) {
            return None;
        }
        let (number, device) = self.state.live(task)?;
        (number == attempt).then_some(Live { task, attempt, device })
    }

    fn lease_over(&mut self, now: Timestamp, task: TaskIx, attempt: u32, fleet: &mut Fleet, step: &mut Step) {
        let Some(live) = self.live_attempt(task, attempt) else { return };
        if self.state.rare_ref(task).and_then(|rare| rare.lease_end).is_none_or(|end| end > now) {
            return; // The lease was renewed or begins anew.
        }
        match self.state.cancel_of(task) {
            Some(CancelReason::Timeout) => self.give_up(now, live, fleet, step),
            Some(reason) => self.confirm_cancel(now, live, reason, ConfirmedBy::Lease, fleet, step),
            None => self.lose_attempt(now, live, fleet, step),
        }
    }

    fn backoff_over(&mut self, now: Timestamp, task: TaskIx) {
        if !self.state.graph.contains(task) || !self.state.graph.state(task).is_unstarted() {
            return;
        }
        if self.state.slot(task).ready && !self.state.in_backoff(task, now) {
            // A device that was left out may be asked again.
            self.state.fresh.push(task);
        }
    }

    fn queue_over(&mut self, now: Timestamp, task: TaskIx, fleet: &mut Fleet, step: &mut Step) {
        if !self.state.graph.contains(task) || !self.state.slot(task).ready {
            return;
        }
        let Some(limit) = self.state.graph.spec(task).queue_timeout else { return };
        let waited = self.state.queue_time(now, task);
        let (held, runs) = (self.state.is_held(task), self.has_bug(Bug::HoldClockRuns));
        if self.state.run_state == RunState::Paused || held && !runs {
            return; // The clock stands still, and is wound up again when the run or the task goes on.
        }
        if waited < limit && !held {
            let rest = Millis(limit.0 - waited.0);
            self.state.timers.arm(now + rest, Timer::QueueTimeout { task });
            return;
        }
        let error =
            TaskError::new(ErrorKind::QueueTimeout, format!("waited longer than {limit} for a device"));
        self.fail_task(now, task, 0, error, Value::Null, fleet, step);
    }

    fn no_device_over(&mut self, now: Timestamp, task: TaskIx, fleet: &mut Fleet, step: &mut Step) {
        if !self.state.graph.contains(task) || !self.state.slot(task).ready {
            return;
        }
        if self.state.is_held(task) {
            // It is looked at anew when it is covered no more.
            self.misfits.remove(&task);
            return;
        }
        let due = self.misfits.get(&task).is_some_and(|at| *at <= now);
        if due && !self.has_taker(task, fleet) {
            let missing = self.missing(task, fleet);
            let missing = if missing.is_empty() {
                "a device that did not refuse it".to_owned()
            } else {
                missing.join(", ")
            };
            let error = TaskError::new(
                ErrorKind::NoEligibleDevice,
                format!("no registered device fits: missing {missing}"),
            );
            self.fail_task(now, task, 0, error, Value::Null, fleet, step);
        }
    }

    pub(super) fn resume(&mut self, now: Timestamp, by: &str, fleet: &mut Fleet, step: &mut Step) {
        self.record(now, Event::RunResumed { by: by.into() }, fleet, step);
    }
}
