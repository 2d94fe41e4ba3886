//! Cancelling: at once for what has not started, after confirmation for what has.

use starline_types::{
    CancelReason, ConfirmedBy, Event, HoldReason, Millis, Outcome, OutcomeStatus, RunState, TaskId, TaskIx,
    Timestamp, Value,
};

use super::report::Live;
use crate::bug::Bug;
use crate::{Answer, Effect, Fleet, Refusal, Scheduler, Step};

impl Scheduler {
    pub(super) fn decide_cancel_task(
        &mut self,
        now: Timestamp,
        id: &TaskId,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Result<Answer, Refusal> {
        if self.is_closed() {
            return Err(Refusal::RunTerminal(self.state.run_state));
        }
        let task = self.find_task(id)?;
        let state = self.state.graph.state(task);
        if state.is_terminal() {
            return Err(Refusal::TaskTerminal { task: id.clone(), state: state.as_str() });
        }
        self.cancel_task(now, task, CancelReason::Task, false, fleet, step);
        Ok(Answer::Done)
    }

    pub(super) fn decide_cancel_run(
        &mut self,
        now: Timestamp,
        force: bool,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Result<Answer, Refusal> {
        if self.is_closed() {
            return Err(Refusal::RunTerminal(self.state.run_state));
        }
        self.end_all(now, CancelReason::Run, force, fleet, step);
        Ok(Answer::Done)
    }

    /// Ends the run for a reason; if nothing is left to cancel, at once.
    pub(super) fn end_all(
        &mut self,
        now: Timestamp,
        reason: CancelReason,
        force: bool,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        self.end_everything(now, reason, force, fleet, step);
        if self.state.ending.is_none() {
            self.finish(now, Some(reason), fleet, step);
        }
    }

    /// Cancels every unstarted task and asks every live attempt to stop; with `force`, a second time.
    pub(super) fn end_everything(
        &mut self,
        now: Timestamp,
        reason: CancelReason,
        force: bool,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        self.close_holds(now, HoldReason::RunEnding, fleet, step);
        for task in self.state.graph.in_order() {
            if !self.state.graph.state(task).is_terminal() {
                self.cancel_task(now, task, reason, force, fleet, step);
            }
        }
    }

    pub(super) fn cancel_task(
        &mut self,
        now: Timestamp,
        task: TaskIx,
        reason: CancelReason,
        force: bool,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        match self.state.live(task) {
            None => self.record_cancelled(now, task, 0, reason, (true, None), fleet, step),
            Some((attempt, device)) => {
                self.request_stop(now, Live { task, attempt, device }, reason, force, fleet, step);
            }
        }
    }

    /// Asks a live attempt to stop. A second request of the same kind changes nothing; one with `force`, or
    /// one for the task where there was one for the attempt only, counts.
    pub(super) fn request_stop(
        &mut self,
        now: Timestamp,
        live: Live,
        reason: CancelReason,
        force: bool,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        let before = self.state.cancel_of(live.task);
        let news = match before {
            None => true,
            Some(CancelReason::Timeout) => reason != CancelReason::Timeout,
            Some(_) => match reason {
                CancelReason::Task
                | CancelReason::Timeout
                | CancelReason::Rollback
                | CancelReason::ApprovalRefused => false,
                CancelReason::FailFast => self.state.ending.is_none(),
                CancelReason::Run | CancelReason::Deadline => {
                    matches!(self.state.ending, None | Some(CancelReason::FailFast))
                }
            },
        };
        let attempt = self.attempt_id(live);
        if news {
            let task = attempt.task.clone();
            let event = Event::TaskCancelRequested { task, attempt: live.attempt, reason };
            self.record(now, event, fleet, step);
        }
        if before.is_none() || force {
            step.effects.push(Effect::Cancel { device: live.device, attempt, force });
        }
        if self.has_bug(Bug::CancelWithoutConfirmation) && reason != CancelReason::Timeout {
            self.confirm_cancel(now, live, reason, ConfirmedBy::Ack, fleet, step);
        }
    }

    /// The end of a cancelled attempt is certain: the task is cancelled.
    pub(super) fn confirm_cancel(
        &mut self,
        now: Timestamp,
        live: Live,
        reason: CancelReason,
        by: ConfirmedBy,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        // The end of a lease proves nothing for a device that does not keep to leases.
        let confirmed = by != ConfirmedBy::Lease || fleet.profile(live.device).fenced;
        let certainty = (confirmed, confirmed.then_some(by));
        self.record_cancelled(now, live.task, live.attempt, reason, certainty, fleet, step);
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one fact")]
    fn record_cancelled(
        &mut self,
        now: Timestamp,
        task: TaskIx,
        attempt: u32,
        reason: CancelReason,
        (confirmed, confirmed_by): (bool, Option<ConfirmedBy>),
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        let edges = self.judge_without_attempt(task, OutcomeStatus::Cancelled, fleet);
        let task = self.state.graph.reference(task);
        let event = Event::TaskCancelled { task, attempt, reason, confirmed, confirmed_by, edges };
        self.record(now, event, fleet, step);
    }

    /// Verdicts of conditional edges out of a task that ends without a result.
    pub(super) fn judge_without_attempt(
        &self,
        task: TaskIx,
        status: OutcomeStatus,
        fleet: &Fleet,
    ) -> Box<[starline_types::Judgement]> {
        let record = self.state.graph.record(task);
        let outcome = Outcome {
            status,
            result: Value::Null,
            outputs: Default::default(),
            error: None,
            attempts: record.attempts,
            duration_ms: Millis::ZERO,
            device: record.device.map(|device| fleet.id(device).clone()),
        };
        self.judge(task, &outcome)
    }

    pub(super) fn decide_pause(
        &mut self,
        now: Timestamp,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Result<Answer, Refusal> {
        const ALLOWED: &[RunState] = &[RunState::Executing, RunState::Paused];
        self.refuse_if_over()?;
        match self.state.run_state {
            RunState::Executing => {
                let cause = starline_types::PauseCause::Operator;
                self.record(now, Event::RunPaused { cause, deadline: None, reason: None }, fleet, step);
                Ok(Answer::Done)
            }
            RunState::Paused => Ok(Answer::Done),
            state => Err(Refusal::WrongRunState { state, allowed: ALLOWED }),
        }
    }

    pub(super) fn decide_resume(
        &mut self,
        now: Timestamp,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Result<Answer, Refusal> {
        const ALLOWED: &[RunState] = &[RunState::Executing, RunState::Paused];
        self.refuse_if_over()?;
        match self.state.run_state {
            RunState::Paused => {
                self.resume(now, "operator", fleet, step);
                Ok(Answer::Done)
            }
            RunState::Executing => Ok(Answer::Done),
            state => Err(Refusal::WrongRunState { state, allowed: ALLOWED }),
        }
    }
}
