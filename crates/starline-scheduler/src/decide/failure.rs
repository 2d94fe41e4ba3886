//! Attempts that failed or were lost: retried, or the end of their task.

use std::sync::Arc;

use starline_types::{
    AttemptId, CancelReason, ConfirmedBy, ErrorKind, Event, FailurePolicy, Jitter, LossReason, Millis,
    Outcome, OutcomeStatus, TaskError, TaskIx, Timestamp, Value,
};

use super::report::Live;
use crate::bug::Bug;
use crate::{Fleet, Scheduler, Step, rng};

impl Scheduler {
    pub(crate) fn attempt_id(&self, live: Live) -> AttemptId {
        AttemptId {
            run: self.state.run.clone(),
            task: self.state.graph.reference(live.task),
            number: live.attempt,
        }
    }

    pub(super) fn fail_by_timeout(
        &mut self,
        now: Timestamp,
        live: Live,
        result: Value,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        let limit = self.state.graph.spec(live.task).run_timeout.unwrap_or_default();
        let error = TaskError::new(ErrorKind::Timeout, format!("ran longer than {limit}"));
        self.fail_attempt(now, live, error, result, fleet, step);
    }

    /// An attempt that ran too long did not say that it stopped, and its lease is over. On a device that keeps
    /// to no lease it may still run: then only a task that may run twice is tried again.
    pub(super) fn give_up(&mut self, now: Timestamp, live: Live, fleet: &mut Fleet, step: &mut Step) {
        let spec = self.state.graph.spec(live.task);
        if fleet.profile(live.device).fenced || spec.idempotent {
            return self.fail_by_timeout(now, live, Value::Null, fleet, step);
        }
        let limit = spec.run_timeout.unwrap_or_default();
        let message = format!("ran longer than {limit}, and may still be running");
        let mut error = TaskError::new(ErrorKind::Timeout, message);
        error.retryable = Some(false);
        self.fail_task(now, live.task, live.attempt, error, Value::Null, fleet, step);
    }

    /// An attempt is gone with its device, for certain.
    pub(super) fn lose_attempt(&mut self, now: Timestamp, live: Live, fleet: &mut Fleet, step: &mut Step) {
        match self.state.cancel_of(live.task) {
            Some(CancelReason::Timeout) => return self.fail_by_timeout(now, live, Value::Null, fleet, step),
            Some(reason) => {
                return self.confirm_cancel(now, live, reason, ConfirmedBy::Incarnation, fleet, step);
            }
            None => {}
        }
        let device = fleet.reference(live.device);
        let event = Event::AttemptLost {
            task: self.state.graph.reference(live.task),
            attempt: live.attempt,
            device: device.clone(),
            reason: LossReason::DeviceLost,
            until: None,
            error: None,
        };
        self.record(now, event, fleet, step);
        let error = TaskError::new(ErrorKind::DeviceLost, format!("device {device} was lost"));
        self.fail_attempt(now, live, error, Value::Null, fleet, step);
    }

    /// An attempt may be gone: it is over when its lease is.
    pub(super) fn suspect_attempt(&mut self, now: Timestamp, live: Live, fleet: &mut Fleet, step: &mut Step) {
        if self.has_bug(Bug::ReassignBeforeCertain) {
            return self.lose_attempt(now, live, fleet, step);
        }
        if self.has_bug(Bug::LossForgotten) {
            return;
        }
        if self.state.rare_ref(live.task).is_some_and(|rare| rare.lease_end.is_some()) {
            return; // The lease runs already.
        }
        let event = Event::AttemptLost {
            task: self.state.graph.reference(live.task),
            attempt: live.attempt,
            device: fleet.reference(live.device),
            reason: LossReason::Unknown,
            until: Some(now + self.state.settings.lease_wait),
            error: None,
        };
        self.record(now, event, fleet, step);
    }

    /// An attempt failed, for certain: another one follows, or the task has failed.
    pub(super) fn fail_attempt(
        &mut self,
        now: Timestamp,
        live: Live,
        error: TaskError,
        result: Value,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        let lost = error.kind == ErrorKind::DeviceLost;
        let spec = Arc::clone(self.state.graph.spec(live.task));
        let policy = spec.retry_policy();
        let (retries, losses) =
            self.state.rare_ref(live.task).map_or((0, 0), |rare| (rare.retries, rare.losses));
        let allowed = self.state.ending.is_none()
            && !self.awaits_rollback()
            && if lost {
                losses < policy.lost_max && (fleet.profile(live.device).fenced || spec.idempotent)
            } else {
                let willing = error.kind.is_retryable()
                    && error.retryable != Some(false)
                    && !policy.non_retryable.contains(&error.kind);
                willing && (retries < policy.max || self.has_bug(Bug::RetriesUncounted) && policy.max > 0)
            };
        if !allowed {
            return self.fail_task(now, live.task, live.attempt, error, result, fleet, step);
        }
        let retry = if lost { losses + 1 } else { retries + 1 };
        let bound = policy.bound(retry);
        let delay_ms = match policy.jitter {
            Jitter::None => bound,
            Jitter::Full => Millis(rng::uniform(self.state.settings.seed, self.state.draws, bound.0)),
        };
        let event = Event::TaskRetryScheduled {
            task: self.state.graph.reference(live.task),
            attempt: live.attempt,
            retry,
            delay_ms,
            error: Arc::new(error),
            avoid: lost.then(|| fleet.reference(live.device)),
        };
        self.record(now, event, fleet, step);
    }

    /// A task has failed for good; `attempt` is 0 if none was made.
    #[expect(clippy::too_many_arguments, reason = "the fields of one fact")]
    pub(super) fn fail_task(
        &mut self,
        now: Timestamp,
        task: TaskIx,
        attempt: u32,
        error: TaskError,
        result: Value,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        let live = self.state.live(task).filter(|(number, _)| *number == attempt);
        let record = self.state.graph.record(task);
        let duration_ms = live.map_or(Millis::ZERO, |_| now.since(record.started));
        let device = record.device.filter(|_| attempt > 0);
        let outcome = Outcome {
            status: OutcomeStatus::Failed,
            result: result.clone(),
            outputs: Default::default(),
            error: Some(error.clone()),
            attempts: record.attempts,
            duration_ms,
            device: device.map(|device| fleet.id(device).clone()),
        };
        let edges = self.judge(task, &outcome);
        let event = Event::TaskFailed {
            task: self.state.graph.reference(task),
            attempt,
            device: device.map(|device| fleet.reference(device)),
            error: Arc::new(error),
            result: (!result.is_null()).then(|| Arc::new(result)),
            duration_ms,
            edges,
        };
        self.record(now, event, fleet, step);
        if self.state.settings.on_failure != FailurePolicy::FailFast {
            self.register(now, task, OutcomeStatus::Failed, fleet, step);
        } else if self.state.ending.is_none() && self.state.rollback.is_none() {
            self.end_everything(now, CancelReason::FailFast, false, fleet, step);
        }
    }
}
