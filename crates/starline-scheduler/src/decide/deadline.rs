//! What is due.

use starline_types::{
    CancelReason, ConfirmedBy, ErrorKind, Event, Millis, PauseCause, RunState, TaskError, TaskIx, Timestamp,
    Value,
};

use super::report::Live;
use crate::timers::Timer;
use crate::{Effect, Fleet, Scheduler, Step};

impl Scheduler {
    pub(super) fn decide_tick(&mut self, now: Timestamp, fleet: &mut Fleet, step: &mut Step) {
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
                if let Some(live) = self.live_attempt(task, attempt)
                    && self.state.cancel_of(task).is_none()
                {
                    self.request_stop(now, live, CancelReason::Timeout, false, fleet, step);
                }
            }
            Timer::CancelGrace { task, attempt } => {
                if let Some(live) = self.live_attempt(task, attempt)
                    && self.state.cancel_of(task).is_some()
                {
                    let attempt = self.attempt_id(live);
                    step.effects.push(Effect::Cancel { device: live.device, attempt, force: true });
                }
            }
            Timer::LeaseEnd { task, attempt } => self.lease_over(now, task, attempt, fleet, step),
            Timer::Backoff { task } => self.backoff_over(now, task),
            Timer::QueueTimeout { task } => self.queue_over(now, task, fleet, step),
            Timer::NoDevice { task } => self.no_device_over(now, task, fleet, step),
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
        if self.state.run_state == RunState::Paused || self.state.is_held(task) {
            return; // The clock stands still, and is wound up again when the run or the task goes on.
        }
        if waited < limit {
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
        let due = self.misfits.get(&task).is_some_and(|at| *at <= now);
        let class = fleet.class(self.state.graph.spec(task));
        if due && fleet.eligible(class).is_empty() {
            let missing = self.missing(task, fleet).join(", ");
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
