//! Reports of attempts.

use std::sync::Arc;

use starline_graph::extract_outputs;
use starline_types::{
    AttemptId, CancelReason, Checkpoint, ConfirmedBy, DeviceIx, ErrorKind, Event, IgnoreReason, Judgement,
    Outcome, OutcomeStatus, TaskError, TaskIx, TaskRef, TaskReport, Timestamp, Value, Verdict,
};

use crate::bug::Bug;
use crate::{Effect, Fleet, Scheduler, Step, Undelivered};

/// A live attempt that an input speaks of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Live {
    pub(crate) task: TaskIx,
    pub(crate) attempt: u32,
    pub(crate) device: DeviceIx,
}

impl Scheduler {
    #[expect(clippy::too_many_arguments, reason = "the fields of one input")]
    pub(super) fn decide_report(
        &mut self,
        now: Timestamp,
        task: TaskRef,
        attempt: u32,
        device: DeviceIx,
        report: TaskReport,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        let live = match self.find_live(&task, attempt, Some(device)) {
            Ok(live) => live,
            Err(reason) => {
                // Who reports must not go on reporting for ever.
                self.acknowledge(device, task.clone(), attempt, fleet, step);
                return self.record(now, Event::ResultIgnored { task, attempt, reason }, fleet, step);
            }
        };
        self.acknowledge(device, self.state.graph.reference(live.task), attempt, fleet, step);
        match report {
            TaskReport::Completed { result, stdout } => {
                // The name comes back with the report: there is no need to look it up.
                let task =
                    if task.hint() == Some(live.task) { task } else { self.state.graph.reference(live.task) };
                self.complete(now, live, task, result, stdout, fleet, step);
            }
            TaskReport::Failed { error, result } => self.end_badly(now, live, error, result, fleet, step),
            TaskReport::Stopped => self.stopped(now, live, ConfirmedBy::Ack, fleet, step),
        }
    }

    fn acknowledge(&self, device: DeviceIx, task: TaskRef, number: u32, fleet: &Fleet, step: &mut Step) {
        if !fleet.profile(device).local {
            let attempt = AttemptId { run: self.state.run.clone(), task, number };
            step.effects.push(Effect::Acknowledge { device, attempt });
        }
    }

    /// An attempt has ended, and not well: what that means depends on whether it was asked to stop.
    fn end_badly(
        &mut self,
        now: Timestamp,
        live: Live,
        error: TaskError,
        result: Value,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        match self.state.cancel_of(live.task) {
            Some(CancelReason::Timeout) => self.fail_by_timeout(now, live, result, fleet, step),
            Some(reason) => self.confirm_cancel(now, live, reason, ConfirmedBy::Result, fleet, step),
            None => self.fail_attempt(now, live, error, result, fleet, step),
        }
    }

    pub(super) fn decide_stopped(
        &mut self,
        now: Timestamp,
        task: TaskRef,
        attempt: u32,
        by: ConfirmedBy,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        // A confirmation that comes after the report says nothing new.
        if let Ok(live) = self.find_live(&task, attempt, None) {
            self.stopped(now, live, by, fleet, step);
        }
    }

    /// An attempt has ended without a result of its own.
    fn stopped(&mut self, now: Timestamp, live: Live, by: ConfirmedBy, fleet: &mut Fleet, step: &mut Step) {
        match self.state.cancel_of(live.task) {
            Some(CancelReason::Timeout) => self.fail_by_timeout(now, live, Value::Null, fleet, step),
            Some(reason) => self.confirm_cancel(now, live, reason, by, fleet, step),
            None if by == ConfirmedBy::Incarnation => self.lose_attempt(now, live, fleet, step),
            None => {
                let error = TaskError::new(ErrorKind::DeviceError, "the device stopped the attempt unasked");
                self.fail_attempt(now, live, error, Value::Null, fleet, step);
            }
        }
    }

    pub(super) fn decide_began(
        &mut self,
        now: Timestamp,
        task: TaskRef,
        attempt: u32,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        if let Ok(live) = self.find_live(&task, attempt, None) {
            let device = fleet.reference(live.device);
            self.record(now, Event::TaskStarted { task, attempt, device }, fleet, step);
        }
    }

    /// What an attempt puts down is of use to the next one, also if the report was faster; afterwards to nobody.
    pub(super) fn decide_checkpoint(
        &mut self,
        now: Timestamp,
        task: TaskRef,
        attempt: u32,
        content: Checkpoint,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        let Some(ix) = self.state.graph.resolve(&task) else { return };
        let record = self.state.graph.record(ix);
        // A name that was given away keeps counting its attempts, and those before were another task's.
        let last = record.attempts == attempt && record.device.is_some();
        let last = last || self.has_bug(Bug::OldCheckpointWins) && attempt > 0;
        if !self.is_closed() && record.state.outcome().is_none() && last {
            self.record(now, Event::TaskCheckpoint { task, attempt, content }, fleet, step);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one input")]
    pub(super) fn decide_undelivered(
        &mut self,
        now: Timestamp,
        task: TaskRef,
        attempt: u32,
        device: DeviceIx,
        fault: Undelivered,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        let live = match self.find_live(&task, attempt, Some(device)) {
            Ok(live) => live,
            Err(reason) => {
                return self.record(now, Event::ResultIgnored { task, attempt, reason }, fleet, step);
            }
        };
        match fault {
            Undelivered::NotAccepted => {
                if let Some(live) = self.unless_cancelled(now, live, fleet, step) {
                    self.refuse_attempt(now, live, fleet, step);
                }
            }
            Undelivered::Lost => self.lose_attempt(now, live, fleet, step),
            Undelivered::Unknown => self.suspect_attempt(now, live, fleet, step),
            Undelivered::Protocol => {
                let error = TaskError::new(ErrorKind::Unsupported, "the device speaks another protocol");
                self.end_badly(now, live, error, Value::Null, fleet, step);
            }
        }
    }

    /// Whether a task, attempt and device are those of a live attempt.
    pub(super) fn find_live(
        &self,
        task: &TaskRef,
        attempt: u32,
        device: Option<DeviceIx>,
    ) -> Result<Live, IgnoreReason> {
        if self.is_closed() {
            return Err(IgnoreReason::RunEnded);
        }
        let Some(ix) = self.state.graph.resolve(task) else { return Err(IgnoreReason::UnknownTask) };
        match self.state.live(ix) {
            Some((number, on)) if number == attempt || self.has_bug(Bug::StaleReportAccepted) => {
                if device.is_some_and(|device| device != on) && !self.has_bug(Bug::StaleReportAccepted) {
                    return Err(IgnoreReason::ForeignDevice);
                }
                Ok(Live { task: ix, attempt: number, device: on })
            }
            _ => Err(IgnoreReason::StaleAttempt),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one fact")]
    fn complete(
        &mut self,
        now: Timestamp,
        live: Live,
        task: TaskRef,
        result: Value,
        stdout: Option<Arc<str>>,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        let outputs = if !self.state.graph.names_outputs(live.task) {
            None
        } else {
            match extract_outputs(self.state.graph.spec(live.task), &result, stdout.as_deref()) {
                Ok(outputs) => Some(Arc::new(outputs)),
                Err(error) => {
                    let error = TaskError::new(ErrorKind::BadOutput, error.to_string());
                    return self.end_badly(now, live, error, result, fleet, step);
                }
            }
        };
        let result = (!result.is_null()).then(|| Arc::new(result));
        let edges = if self.state.graph.has_conditions() {
            let outcome = Outcome {
                status: OutcomeStatus::Completed,
                result: result.as_deref().cloned().unwrap_or_default(),
                outputs: outputs.as_deref().cloned().unwrap_or_default(),
                error: None,
                attempts: live.attempt,
                duration_ms: now.since(self.state.graph.record(live.task).started),
                device: Some(fleet.id(live.device).clone()),
            };
            self.judge(live.task, &outcome)
        } else {
            Box::default()
        };
        let event = Event::TaskCompleted {
            task,
            attempt: live.attempt,
            device: fleet.reference(live.device),
            result,
            outputs,
            duration_ms: now.since(self.state.graph.record(live.task).started),
            edges,
        };
        self.record(now, event, fleet, step);
        self.register(now, live.task, OutcomeStatus::Completed, fleet, step);
    }

    /// Verdicts of the conditional edges out of a task, for an outcome that is about to be recorded.
    pub(crate) fn judge(&self, task: TaskIx, outcome: &Outcome) -> Box<[Judgement]> {
        if !self.state.graph.has_conditions() {
            return Box::default();
        }
        let edges = self.state.graph.conditional_edges(task);
        edges
            .map(|edge| {
                let judged =
                    edge.condition().map(|condition| condition.judge(outcome, &self.state.settings.inputs));
                let (verdict, error) = match judged {
                    Some(Ok(true)) => (Verdict::Satisfied, None),
                    Some(Ok(false)) | None => (Verdict::Impossible, None),
                    Some(Err(error)) => (Verdict::Impossible, Some(error.to_string().into())),
                };
                Judgement { id: edge.id(), verdict, error }
            })
            .collect()
    }
}
