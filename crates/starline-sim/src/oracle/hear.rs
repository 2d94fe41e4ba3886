//! What each fact must agree with at the moment at which it is recorded.

use starline_types::{
    CancelReason, DeviceRef, Envelope, Event, OutcomeStatus, Placement, RunEnd, RunState, TaskRef, Timestamp,
    Value,
};

use super::book::{LiveBook, PauseBook, RunBook, Stand, fits};
use super::{Finding, Ground, Judge, hold};
use crate::sim::Key;

pub(super) type Verdict = Result<(), Finding>;

impl Judge {
    /// Reads one fact that has become durable.
    pub(crate) fn hear(&mut self, run: usize, envelope: &Envelope, ground: &Ground<'_>) -> Verdict {
        let Some(book) = self.books.get_mut(run) else { return Ok(()) };
        let (seq, t) = (envelope.seq.0, envelope.t);
        hold!(O8, seq == book.seq + 1, "record {seq} of run {run} follows record {}", book.seq);
        hold!(O8, t >= book.t, "the clock of run {run} goes back from {} to {t}", book.t);
        book.catch_up(seq);
        (book.seq, book.t) = (seq, t);
        if let Some(epoch) = book.owner.take() {
            let first = matches!(envelope.event, Event::OwnerChanged { epoch: said } if said == epoch);
            hold!(
                O8,
                first,
                "run {run} was taken over as {epoch}, and first records {:?}",
                envelope.event.kind()
            );
        }
        let ignored = matches!(envelope.event, Event::ResultIgnored { .. });
        hold!(
            O10,
            !book.state.is_terminal() || ignored,
            "run {run} has ended, and then {:?}",
            envelope.event
        );
        let mut reader = Reader { run, t, book, ground, filled: &mut self.filled };
        reader.is_expected(&envelope.event)?;
        reader.read(&envelope.event)?;
        reader.note_consequence(&envelope.event);
        Ok(())
    }
}

/// A reader of one fact, with what was known before it and what really happened.
pub(super) struct Reader<'a> {
    pub(super) run: usize,
    pub(super) t: Timestamp,
    pub(super) book: &'a mut RunBook,
    pub(super) ground: &'a Ground<'a>,
    pub(super) filled: &'a mut Vec<usize>,
}

impl Reader<'_> {
    fn read(&mut self, event: &Event) -> Verdict {
        match event {
            Event::RunCreated { graph, .. } => {
                hold!(
                    O2,
                    **graph == *self.book.graph,
                    "run {} has another graph than it was given",
                    self.run
                );
            }
            Event::RunReady { assignments, .. } => {
                self.moves(&[RunState::Created], RunState::Ready)?;
                self.plan(assignments)?;
            }
            Event::TasksPlaced { assignments } => self.plan(assignments)?,
            Event::RunStarted { .. } => {
                self.moves(&[RunState::Ready], RunState::Executing)?;
                self.book.started = Some(self.t);
            }
            Event::RunPaused { cause, deadline, reason } => {
                self.moves(&[RunState::Executing], RunState::Paused)?;
                let limited = reason.as_deref().is_some_and(|reason| reason.starts_with("edit limit"));
                let undo = self.paused_for_undo(*cause, reason.as_deref())?;
                let (cause, since, deadline) = (*cause, self.t, *deadline);
                self.book.pause = Some(PauseBook { cause, since, deadline, limited, undo });
            }
            Event::RunResumed { .. } => {
                self.moves(&[RunState::Paused], RunState::Executing)?;
                self.book.paused = self.book.paused_until(self.t);
                self.book.edits.wakes = false;
                let deadline = self.book.pause.take().and_then(|pause| pause.deadline);
                self.book.edit_wait_over |= deadline.is_some_and(|deadline| deadline <= self.t);
            }
            Event::RollbackRequested { .. } => self.rollback_requested()?,
            Event::RunCompleted(end) | Event::RunFailed(end) | Event::RunCancelled(end) => {
                self.end(event, end)?
            }
            Event::TaskAssigned { task, attempt, device, .. } => self.assigned(task, *attempt, device)?,
            Event::TaskStarted { task, attempt, device } => {
                let (_, live) = self.live(task, *attempt)?;
                let on = self.device(device)?;
                hold!(O5, live.device == on, "{task}#{attempt} is said to have begun on {device}");
            }
            Event::TaskCompleted { task, attempt, device, result, outputs, .. } => {
                let n = outputs.as_ref().and_then(|outputs| outputs.get("n")).and_then(Value::as_i64);
                self.completed(task, *attempt, device, result.as_deref(), n)?;
            }
            Event::TaskFailed { task, attempt, error, .. } => {
                self.failed(task, *attempt, error)?;
                self.note_failed_undo();
            }
            Event::TaskRetryScheduled { task, attempt, retry, delay_ms, error, avoid } => {
                let task = self.retried(task, *attempt, *retry, error)?;
                let bound = self.book.tasks[task].spec.retry_policy().bound(*retry);
                hold!(O10, *delay_ms <= bound, "a delay of {delay_ms} is beyond its bound {bound}");
                self.book.tasks[task].backoff = self.t + *delay_ms;
                let avoid = avoid.as_ref().map(|device| self.device(device)).transpose()?;
                self.plan_again(task, avoid);
                self.book.tasks[task].lost.extend(avoid);
            }
            Event::TaskCancelRequested { task, attempt, reason } => {
                let (task, live) = self.live(task, *attempt)?;
                self.is_wanted(task, Some(live), *reason)?;
                let over_by = Some(self.t + self.book.settings.lease_wait);
                let live = LiveBook { cancel: Some(*reason), over_by, ..live };
                self.book.tasks[task].stand = Stand::Live(live);
                self.note_ending(*reason);
            }
            Event::TaskCancelled { task, attempt, reason, confirmed, confirmed_by, .. } => {
                self.cancelled(task, *attempt, *reason, *confirmed, *confirmed_by)?;
            }
            Event::TaskSkipped { task, reason, .. } => self.skipped(task, *reason)?,
            Event::AttemptLost { task, attempt, device, reason, until, .. } => {
                self.lost(task, *attempt, device, *reason, *until)?;
            }
            Event::ApprovalRequested { task, deadline, .. } => self.asked(task, *deadline)?,
            Event::ApprovalGranted { task, .. } => self.granted(task)?,
            Event::ApprovalRefused { task, .. } => self.refused(task)?,
            Event::ApprovalExpired { task } => self.expired(task)?,
            Event::ResultIgnored { .. } | Event::StrategyFaulted { .. } | Event::Progress { .. } => {}
            Event::EditCommitted(applied) => self.committed(applied)?,
            Event::EditRejected(rejected) => self.rejected(rejected)?,
            Event::HoldOpened { hold, scope, triggers } => self.opened(*hold, *scope, triggers)?,
            Event::HoldJoined { hold, task } => self.joined(*hold, task)?,
            Event::HoldExtended { hold, tasks } => self.extended(*hold, tasks)?,
            Event::HoldActivated { hold, deadline } => self.activated(*hold, *deadline)?,
            Event::HoldClosed { hold, reason, held_ms } => self.closed(*hold, *reason, *held_ms)?,
            Event::HoldTimeoutSet { modification_timeout } => {
                self.book.holds.timeout = *modification_timeout;
            }
            Event::BackoffEnded { task, .. } => {
                let at = self.pending(task)?;
                let (until, t) = (self.book.tasks[at].backoff, self.t);
                hold!(O10, until > t, "the delay of {task} was over at {until} already");
                self.book.tasks[at].backoff = t;
            }
            Event::OwnerChanged { epoch } => {
                let last = std::mem::replace(&mut self.book.epoch, *epoch);
                hold!(O8, *epoch > last, "run {} goes from owner {last} to {epoch}", self.run);
            }
            Event::TaskCheckpoint { task, attempt, content } => self.put_down(task, *attempt, content)?,
            // The oracle O8 compares the states themselves.
            Event::StateHashed { .. } | Event::PlannerFaulted { .. } => {}
            Event::DeviceConnected { .. }
            | Event::DeviceDisconnected { .. }
            | Event::DeviceStatusChanged { .. } => {
                hold!(O10, false, "{:?} appears from nowhere", event.kind());
            }
        }
        Ok(())
    }

    fn moves(&mut self, from: &[RunState], to: RunState) -> Verdict {
        let state = self.book.state;
        hold!(O10, from.contains(&state), "run {} goes from {state} to {to}", self.run);
        self.book.state = to;
        Ok(())
    }

    pub(super) fn task(&self, task: &TaskRef) -> Result<usize, Finding> {
        let found = self.book.names.get(task.id()).copied();
        let found = found.filter(|at| self.book.tasks[*at].stand != Stand::Gone);
        found.ok_or_else(|| (super::Oracle::O10, format!("run {} has no task {task}", self.run)))
    }

    pub(super) fn device(&self, device: &DeviceRef) -> Result<usize, Finding> {
        let found = Judge::device(self.ground, device.id().as_str());
        found.ok_or_else(|| (super::Oracle::O10, format!("there is no device {device}")))
    }

    pub(super) fn key(&self, task: usize, attempt: u32) -> Key {
        Key { run: self.run as u32, task: task as u32, attempt }
    }

    /// The live attempt that a fact names; it must be the one on record.
    pub(super) fn live(&self, task: &TaskRef, attempt: u32) -> Result<(usize, LiveBook), Finding> {
        let at = self.task(task)?;
        match self.book.tasks[at].stand {
            Stand::Live(live) if live.attempt == attempt => Ok((at, live)),
            stand => Err((super::Oracle::O5, format!("{task}#{attempt} is not live: {stand:?}"))),
        }
    }

    pub(super) fn pending(&self, task: &TaskRef) -> Result<usize, Finding> {
        let at = self.task(task)?;
        let stand = self.book.tasks[at].stand;
        hold!(O3, stand == Stand::Pending, "task {task} has begun or ended: {stand:?}");
        Ok(at)
    }

    /// An attempt that is over on record must be over on a device that keeps to leases.
    pub(super) fn is_over(&self, task: usize, live: LiveBook) -> Verdict {
        let key = self.key(task, live.attempt);
        let runs = self.ground.truth.is_executing(key) && self.ground.devices[live.device].profile.fenced;
        let id = &self.book.tasks[task].spec.id;
        hold!(O1, !runs, "{id}#{} is over on record and still executed", live.attempt);
        Ok(())
    }

    fn plan(&mut self, assignments: &[Placement]) -> Verdict {
        for Placement { task, device } in assignments {
            let at = self.pending(task)?;
            let planned = device.as_ref().map(|device| self.device(device)).transpose()?;
            if let Some(device) = planned {
                let profile = &self.ground.devices[device].profile;
                let fits = fits(profile, &self.book.tasks[at].spec);
                hold!(O7, fits, "task {task} is planned on {}, which does not fit", profile.id);
            }
            self.book.tasks[at].planned = planned;
        }
        Ok(())
    }

    fn end(&mut self, event: &Event, end: &RunEnd) -> Verdict {
        let run = self.run;
        let [completed, failed, cancelled, skipped] = [
            OutcomeStatus::Completed,
            OutcomeStatus::Failed,
            OutcomeStatus::Cancelled,
            OutcomeStatus::Skipped,
        ]
        .map(|status| self.book.count(status));
        let total = self.book.present().count() as u32;
        let open = self.book.holds.open.len();
        hold!(O10, open == 0, "run {run} ends with {open} open holds");
        let ended = completed + failed + cancelled + skipped;
        hold!(O10, ended == total, "run {run} ends with {} open tasks", total - ended);
        let said = end.counts;
        let agrees = (said.completed, said.failed, said.cancelled, said.skipped, end.total_tasks)
            == (completed, failed, cancelled, skipped, total);
        hold!(
            O10,
            agrees,
            "run {run} ends with {said:?} instead of {completed} {failed} {cancelled} {skipped}"
        );
        let stopped = matches!(self.book.ending, Some(CancelReason::Run | CancelReason::Deadline))
            || self.book.cancel_run
                && self.book.state != RunState::Executing
                && end.state == RunState::Cancelled
            || self.book.holds.ended && end.state == RunState::Cancelled
            || self.book.pause.is_some_and(|pause| pause.undo) && end.reason.as_deref() == Some("deadline");
        let state = match (stopped, completed > 0, failed > 0) {
            (true, _, _) => RunState::Cancelled,
            (false, true, true) => RunState::PartiallyFailed,
            (false, false, true) => RunState::Failed,
            (false, true, false) => RunState::Completed,
            (false, false, false) if cancelled > 0 => RunState::Cancelled,
            (false, false, false) => RunState::Completed,
        };
        let rolled = if stopped { None } else { self.end_of_rollback(end)? };
        let state = rolled.unwrap_or(state);
        hold!(O10, end.state == state, "run {run} ends as {} instead of {state}", end.state);
        let fits = match event {
            Event::RunFailed(_) => state == RunState::Failed,
            Event::RunCancelled(_) => state == RunState::Cancelled,
            _ => matches!(state, RunState::Completed | RunState::PartiallyFailed),
        };
        hold!(O10, fits, "run {run} ends as {state} with {:?}", event.kind());
        self.book.state = end.state;
        Ok(())
    }
}
