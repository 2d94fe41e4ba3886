//! Adds a record about one task to a history.

use std::sync::Arc;

use starline_graph::Effect;
use starline_types::{
    DeviceIx, Event, Judgement, LossReason, OutcomeStatus, TaskError, TaskIx, TaskRef, TaskState, Timestamp,
    Value,
};

use crate::task::{
    Answer, Approval, ApprovalVerdict, AttemptHistory, AttemptOutcome, Cancellation, Moment, Retry, Skip,
};
use crate::{History, HistoryFault, Tail};

impl History {
    /// Facts about one task; others are none of its business.
    pub(crate) fn apply_to_task(&mut self, moment: Moment, event: &Event) -> Result<(), HistoryFault> {
        let now = moment.t;
        match event {
            Event::TaskAssigned { task, attempt, device, .. } => {
                let ix = self.live(task, 0)?;
                let place = self.device_at(device.id());
                let lane = self.devices[place].take_lane();
                self.graph.start(ix, *attempt, DeviceIx(u32::try_from(place).unwrap_or(u32::MAX)), now);
                let history = self.history_of(ix);
                history.backoff_until = None;
                history.attempts.push(AttemptHistory {
                    number: *attempt,
                    device: device.id().clone(),
                    lane,
                    assigned_at: now,
                    started_at: None,
                    ended_at: None,
                    outcome: AttemptOutcome::Running,
                    error: None,
                    lost: None,
                    cancel: None,
                    retry: None,
                    output: Tail::default(),
                });
            }
            Event::TaskStarted { task, attempt, .. } => {
                // A report of something that has ended meanwhile changes nothing.
                if let Ok(ix) = self.live(task, *attempt)
                    && let Some(attempt) = self.history_of(ix).attempts.last_mut()
                {
                    attempt.started_at = Some(now);
                }
            }
            Event::TaskCompleted { task, attempt, result, outputs, edges, .. } => {
                let ix = self.live(task, *attempt)?;
                self.end_attempt(ix, now, AttemptOutcome::Completed, None);
                let history = self.history_of(ix);
                history.result.clone_from(result);
                history.outputs.clone_from(outputs);
                self.end_task(ix, now, OutcomeStatus::Completed, edges);
            }
            Event::TaskFailed { task, attempt, error, result, edges, .. } => {
                let ix = self.live(task, *attempt)?;
                if *attempt > 0 {
                    self.end_attempt(ix, now, AttemptOutcome::of(error), Some(error));
                }
                let history = self.history_of(ix);
                history.error = Some(Arc::clone(error));
                history.result.clone_from(result);
                if *attempt > 0
                    && let Some(last) = history.attempts.last_mut()
                    && last.output.is_empty()
                    && let Some(result) = result
                {
                    last.output = said(result);
                }
                self.end_task(ix, now, OutcomeStatus::Failed, edges);
            }
            Event::TaskRetryScheduled { task, attempt, retry, delay_ms, error, .. } => {
                let ix = self.live(task, *attempt)?;
                self.end_attempt(ix, now, AttemptOutcome::of(error), Some(error));
                let history = self.history_of(ix);
                history.backoff_until = Some(now + *delay_ms);
                if let Some(last) = history.attempts.last_mut() {
                    last.retry = Some(Retry { number: *retry, delay: *delay_ms });
                }
                self.graph.suspend(ix);
            }
            Event::TaskCancelRequested { task, attempt, reason } => {
                let ix = self.live(task, *attempt)?;
                if let Some(last) = self.history_of(ix).attempts.last_mut() {
                    last.cancel = Some(*reason);
                }
            }
            Event::TaskCancelled { task, attempt, reason, confirmed, confirmed_by, edges } => {
                let ix = self.live(task, *attempt)?;
                if *attempt > 0 {
                    self.end_attempt(ix, now, AttemptOutcome::Cancelled, None);
                }
                let (confirmed, confirmed_by) = (*confirmed, *confirmed_by);
                let cancellation = Cancellation { reason: *reason, confirmed, confirmed_by };
                self.history_of(ix).cancellation = Some(cancellation);
                self.end_task(ix, now, OutcomeStatus::Cancelled, edges);
            }
            Event::TaskSkipped { task, edge, reason, message, edges } => {
                let ix = self.live(task, 0)?;
                let found = edge.as_ref().and_then(|edge| self.graph.find_edge(edge.as_str()));
                let source = found.map(|edge| self.graph.id(edge.from).clone());
                let (edge, message) = (edge.clone(), message.clone());
                self.history_of(ix).skip = Some(Skip { edge, source, reason: *reason, message });
                self.end_task(ix, now, OutcomeStatus::Skipped, edges);
            }
            Event::AttemptLost { task, attempt, reason, .. } => {
                let ix = self.live(task, *attempt)?;
                if *reason == LossReason::NotAccepted {
                    self.end_attempt(ix, now, AttemptOutcome::NotAccepted, None);
                    self.graph.suspend(ix);
                }
                if let Some(last) = self.history_of(ix).attempts.last_mut() {
                    last.lost = Some(*reason);
                }
            }
            Event::ApprovalRequested { task, prompt, deadline, .. } => {
                let ix = self.locate(task)?;
                let (prompt, deadline) = (Arc::clone(prompt), *deadline);
                let question = Approval { prompt, asked: moment, deadline, answer: None };
                self.history_of(ix).approvals.push(question);
            }
            Event::ApprovalGranted { task, by, .. } => {
                self.answer(task, ApprovalVerdict::Granted, Some(by.clone()), moment)?;
            }
            Event::ApprovalRefused { task, by } => {
                self.answer(task, ApprovalVerdict::Refused, Some(by.clone()), moment)?;
            }
            Event::ApprovalExpired { task } => self.answer(task, ApprovalVerdict::Expired, None, moment)?,
            _ => {}
        }
        Ok(())
    }

    fn answer(
        &mut self,
        task: &TaskRef,
        verdict: ApprovalVerdict,
        by: Option<smol_str::SmolStr>,
        given: Moment,
    ) -> Result<(), HistoryFault> {
        let ix = self.locate(task)?;
        if let Some(question) = self.history_of(ix).approvals.last_mut() {
            question.answer.get_or_insert(Answer { verdict, by, given });
        }
        Ok(())
    }

    pub(crate) fn locate(&self, task: &TaskRef) -> Result<TaskIx, HistoryFault> {
        self.graph.resolve(task).ok_or_else(|| HistoryFault::UnknownTask(task.id().clone()))
    }

    /// The task of a fact about an attempt, if that is live; of attempt 0, if the task has not started.
    pub(crate) fn live(&self, task: &TaskRef, attempt: u32) -> Result<TaskIx, HistoryFault> {
        let ix = self.locate(task)?;
        let fits = match self.graph.state(ix) {
            TaskState::Running { attempt: live, .. } => live == attempt,
            TaskState::Pending => attempt == 0,
            TaskState::Completed | TaskState::Failed | TaskState::Cancelled | TaskState::Skipped => false,
        };
        if fits { Ok(ix) } else { Err(HistoryFault::NotLive { task: task.id().clone(), attempt }) }
    }

    pub(crate) fn end_attempt(
        &mut self,
        task: TaskIx,
        now: Timestamp,
        outcome: AttemptOutcome,
        error: Option<&Arc<TaskError>>,
    ) {
        let Some(last) = self.history_of(task).attempts.last_mut() else { return };
        last.ended_at = Some(now);
        last.outcome = outcome;
        last.error = error.cloned();
        if outcome == AttemptOutcome::Completed {
            last.output = Tail::default();
        }
        let (lane, spent, device) = (last.lane, last.duration(now), last.device.clone());
        let place = self.device_at(&device);
        let device = &mut self.devices[place];
        device.free.insert(lane);
        device.busy.0 = device.busy.0.saturating_add(spent.0);
        device.failures += u32::from(outcome.is_failure());
    }

    pub(crate) fn end_task(
        &mut self,
        task: TaskIx,
        now: Timestamp,
        status: OutcomeStatus,
        edges: &[Judgement],
    ) {
        let history = self.history_of(task);
        (history.status, history.finished_at) = (Some(status), Some(now));
        let mut ready = Vec::new();
        self.graph.end(task, status, now, edges, |successor, effect| {
            if effect == Effect::Ready {
                ready.push(successor);
            }
        });
        for successor in ready {
            if let Some(at) = self.places.get(self.graph.id(successor)).copied() {
                self.note_ready(at, now);
            }
        }
    }
}

/// What a result has to say: its streams, or all of it.
fn said(result: &Value) -> Tail {
    let stream = |name: &str| result.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let streams: Vec<&str> = ["stdout", "stderr"].into_iter().filter_map(stream).collect();
    if !streams.is_empty() {
        let mut tail = Tail::default();
        streams.into_iter().for_each(|text| tail.add(text));
        return tail;
    }
    match result {
        Value::Null => Tail::default(),
        Value::String(text) => Tail::of(text),
        // A program that said nothing says it with an object.
        other if other.get("stdout").is_some() => Tail::default(),
        other => Tail::of(&serde_json::to_string_pretty(other).unwrap_or_default()),
    }
}
