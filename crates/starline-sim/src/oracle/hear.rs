//! What each fact must agree with at the moment at which it is recorded.

use starline_assign::Binding;
use starline_types::{
    CancelReason, ConfirmedBy, DeviceRef, Envelope, ErrorKind, Event, FailurePolicy, LossReason,
    OutcomeStatus, Placement, RunEnd, RunState, SkipReason, TaskError, TaskRef, TaskReport, Timestamp, Value,
};

use super::book::{LiveBook, PauseBook, RunBook, Stand, fits};
use super::{Finding, Ground, Judge, hold};
use crate::sim::{Ended, Key};

type Verdict = Result<(), Finding>;

impl Judge {
    /// Reads one fact that has become durable.
    pub(crate) fn hear(&mut self, run: usize, envelope: &Envelope, ground: &Ground<'_>) -> Verdict {
        let Some(book) = self.books.get_mut(run) else { return Ok(()) };
        let (seq, t) = (envelope.seq.0, envelope.t);
        hold!(O8, seq == book.seq + 1, "record {seq} of run {run} follows record {}", book.seq);
        hold!(O8, t >= book.t, "the clock of run {run} goes back from {} to {t}", book.t);
        (book.seq, book.t) = (seq, t);
        let ignored = matches!(envelope.event, Event::ResultIgnored { .. });
        hold!(
            O10,
            !book.state.is_terminal() || ignored,
            "run {run} has ended, and then {:?}",
            envelope.event
        );
        let mut reader = Reader { run, t, book, ground, filled: &mut self.filled };
        reader.read(&envelope.event)
    }
}

struct Reader<'a> {
    run: usize,
    t: Timestamp,
    book: &'a mut RunBook,
    ground: &'a Ground<'a>,
    filled: &'a mut Vec<usize>,
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
            Event::RunPaused { cause, deadline, .. } => {
                self.moves(&[RunState::Executing], RunState::Paused)?;
                self.book.pause = Some(PauseBook { cause: *cause, since: self.t, deadline: *deadline });
            }
            Event::RunResumed { .. } => {
                self.moves(&[RunState::Paused], RunState::Executing)?;
                self.book.paused = self.book.paused_until(self.t);
                let deadline = self.book.pause.take().and_then(|pause| pause.deadline);
                self.book.edit_wait_over |= deadline.is_some_and(|deadline| deadline <= self.t);
            }
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
            Event::TaskFailed { task, attempt, error, .. } => self.failed(task, *attempt, error)?,
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
            Event::AttemptLost { task, attempt, device, reason, until } => {
                self.lost(task, *attempt, device, *reason, *until)?;
            }
            Event::ResultIgnored { .. } | Event::StrategyFaulted { .. } | Event::Progress { .. } => {}
            Event::EditCommitted(_)
            | Event::HoldOpened { .. }
            | Event::HoldActivated { .. }
            | Event::HoldClosed { .. }
            | Event::DeviceConnected { .. }
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

    fn task(&self, task: &TaskRef) -> Result<usize, Finding> {
        let found = self.book.names.get(task.id()).copied();
        found.ok_or_else(|| (super::Oracle::O10, format!("run {} has no task {task}", self.run)))
    }

    fn device(&self, device: &DeviceRef) -> Result<usize, Finding> {
        let found = Judge::device(self.ground, device.id().as_str());
        found.ok_or_else(|| (super::Oracle::O10, format!("there is no device {device}")))
    }

    fn key(&self, task: usize, attempt: u32) -> Key {
        Key { run: self.run as u32, task: task as u32, attempt }
    }

    /// The live attempt that a fact names; it must be the one on record.
    fn live(&self, task: &TaskRef, attempt: u32) -> Result<(usize, LiveBook), Finding> {
        let at = self.task(task)?;
        match self.book.tasks[at].stand {
            Stand::Live(live) if live.attempt == attempt => Ok((at, live)),
            stand => Err((super::Oracle::O5, format!("{task}#{attempt} is not live: {stand:?}"))),
        }
    }

    fn pending(&self, task: &TaskRef) -> Result<usize, Finding> {
        let at = self.task(task)?;
        let stand = self.book.tasks[at].stand;
        hold!(O3, stand == Stand::Pending, "task {task} has begun or ended: {stand:?}");
        Ok(at)
    }

    /// An attempt that is over on record must be over on a device that keeps to leases.
    fn is_over(&self, task: usize, live: LiveBook) -> Verdict {
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
                let fits = fits(profile, self.book.tasks[at].spec.device.as_deref());
                hold!(O7, fits, "task {task} is planned on {}, which does not fit", profile.id);
            }
            self.book.tasks[at].planned = planned;
        }
        Ok(())
    }

    /// Where a task that is pending again is planned: where it was, unless a strategy is to find another device.
    fn plan_again(&mut self, task: usize, avoid: Option<usize>) {
        let last = self.book.tasks[task].last;
        self.book.tasks[task].planned = match self.book.binding {
            Some(Binding::Late) => None,
            Some(Binding::Early) => last.filter(|device| avoid != Some(*device)),
            None => last,
        };
    }

    fn assigned(&mut self, task: &TaskRef, attempt: u32, device: &DeviceRef) -> Verdict {
        let at = self.task(task)?;
        let on = self.device(device)?;
        let (run, t) = (self.run, self.t);
        let book = &self.book.tasks[at];
        hold!(O1, book.stand == Stand::Pending, "{task}#{attempt} is assigned: {:?}", book.stand);
        hold!(O10, attempt == book.attempts + 1, "{task}#{attempt} follows attempt {}", book.attempts);
        let policy = book.spec.retry_policy();
        let allowed = 1 + policy.max + policy.lost_max + book.refusals;
        hold!(O10, attempt <= allowed, "{task}#{attempt} is one more than the {allowed} allowed");
        let state = self.book.state;
        hold!(O7, state == RunState::Executing, "{task}#{attempt} is assigned while run {run} is {state}");
        hold!(O7, self.book.ending.is_none(), "{task}#{attempt} is assigned while run {run} is ending");
        hold!(
            O7,
            self.book.is_satisfied(at),
            "{task}#{attempt} is assigned before its dependencies allow it"
        );
        hold!(O7, book.backoff <= t, "{task}#{attempt} is assigned at {t}, before {}", book.backoff);
        let seat = &self.ground.devices[on];
        hold!(O7, seat.takes_work(), "{task}#{attempt} is assigned to {device}, which takes nothing");
        let fits = fits(&seat.profile, book.spec.device.as_deref());
        hold!(O7, fits, "{task}#{attempt} is assigned to {device}, which does not fit");
        let refused = book.refused.get(&on).copied().unwrap_or_default();
        hold!(O7, refused <= t, "{task}#{attempt} is assigned to {device}, left out until {refused}");
        let (running, most) = (self.book.running(), self.book.settings.max_parallel.unwrap_or(u32::MAX));
        hold!(O7, running < most, "{task}#{attempt} is assigned beside {running} of {most} attempts");
        if self.book.binding != Some(Binding::Late) {
            self.is_next(at, on)?;
        }
        let live = LiveBook { attempt, device: on, since: t, cancel: None, over_by: None };
        let book = &mut self.book.tasks[at];
        book.ready = None;
        (book.stand, book.attempts, book.planned) = (Stand::Live(live), attempt, None);
        book.last = Some(on);
        self.filled.push(on);
        Ok(())
    }

    /// Of the tasks that wait for a device the most urgent one goes first.
    fn is_next(&self, task: usize, device: usize) -> Verdict {
        let (book, t) = (&self.book, self.t);
        for other in (0..book.tasks.len()).filter(|other| *other != task && book.is_ready(*other, t)) {
            let there = book.tasks[other].planned == Some(device);
            let refused = book.tasks[other].refused.get(&device).is_some_and(|until| *until > t);
            let first = book.urgency(other, t) > book.urgency(task, t);
            let (id, before) = (&book.tasks[task].spec.id, &book.tasks[other].spec.id);
            hold!(
                O7,
                !there || refused || !first,
                "task {id} is assigned before {before}, which is more urgent"
            );
        }
        Ok(())
    }

    fn completed(
        &mut self,
        task: &TaskRef,
        attempt: u32,
        device: &DeviceRef,
        result: Option<&Value>,
        n: Option<i64>,
    ) -> Verdict {
        let (at, live) = self.live(task, attempt)?;
        let on = self.device(device)?;
        hold!(O5, live.device == on, "{task}#{attempt} completes on {device}, where it did not run");
        let deed = self.ground.truth.deed(self.key(at, attempt));
        let done = deed.filter(|deed| deed.device == on && matches!(deed.ended, Some((_, Ended::Done))));
        let Some(TaskReport::Completed { result: real, .. }) = done.map(|deed| &deed.report) else {
            return Err((
                super::Oracle::O5,
                format!("{task}#{attempt} completes on {device}, which did no such thing"),
            ));
        };
        hold!(O5, result.unwrap_or(&Value::Null) == real, "{task}#{attempt} completes with a foreign result");
        let wanted = self.book.tasks[at].spec.outputs.contains_key("n");
        let real_n = real.get("n").and_then(Value::as_i64).filter(|_| wanted);
        hold!(O5, n == real_n, "{task}#{attempt} has the output {n:?} instead of {real_n:?}");
        self.book.tasks[at].n = n;
        self.book.tasks[at].stand = Stand::Ended(OutcomeStatus::Completed);
        Ok(())
    }

    fn failed(&mut self, task: &TaskRef, attempt: u32, error: &TaskError) -> Verdict {
        let at = self.task(task)?;
        if attempt == 0 {
            self.pending(task)?;
            let spec = &self.book.tasks[at].spec;
            match error.kind {
                ErrorKind::QueueTimeout => {
                    let (waited, limit) = (self.book.waited(at, self.t), spec.queue_timeout);
                    let late = self.book.is_ready(at, self.t) && limit.is_some_and(|limit| limit.0 <= waited);
                    hold!(O10, late, "task {task} waited {waited} ms, its limit is {limit:?}");
                }
                ErrorKind::NoEligibleDevice => {
                    let mut fitting = self.ground.devices.iter().filter(|seat| seat.registered);
                    let one = fitting.find(|seat| fits(&seat.profile, spec.device.as_deref()));
                    hold!(O10, one.is_none(), "task {task} has no device, and yet one fits");
                }
                _ => hold!(O10, false, "task {task} failed without an attempt: {error}"),
            }
        } else {
            let (_, live) = self.live(task, attempt)?;
            self.is_true(task, at, live, error)?;
            self.is_over(at, live)?;
        }
        self.book.tasks[at].stand = Stand::Ended(OutcomeStatus::Failed);
        Ok(())
    }

    /// Whether an attempt failed in the way that is recorded.
    fn is_true(&self, task: &TaskRef, at: usize, live: LiveBook, error: &TaskError) -> Verdict {
        let attempt = live.attempt;
        let deed = self.ground.truth.deed(self.key(at, attempt));
        let ended = deed.and_then(|deed| deed.ended).map(|(_, how)| how);
        let report = deed.filter(|_| ended == Some(Ended::Done)).map(|deed| &deed.report);
        let fits = match error.kind {
            ErrorKind::Timeout => {
                let limit = self.book.tasks[at].spec.run_timeout;
                live.cancel == Some(CancelReason::Timeout)
                    && limit.is_some_and(|limit| live.since + limit <= self.t)
            }
            ErrorKind::DeviceLost => report.is_none() || !self.ground.devices[live.device].profile.fenced,
            ErrorKind::Unsupported => deed.is_none(),
            ErrorKind::BadOutput => {
                matches!(report, Some(TaskReport::Completed { result, .. }) if result.get("n").is_none())
            }
            _ => matches!(report, Some(TaskReport::Failed { error: real, .. }) if real == error),
        };
        // A device that was lost, or an orchestrator that was, may never have delivered what was done.
        let silent = error.kind == ErrorKind::DeviceLost;
        hold!(O5, fits || silent, "{task}#{attempt} failed with {error}, and really {ended:?} {report:?}");
        Ok(())
    }

    fn retried(
        &mut self,
        task: &TaskRef,
        attempt: u32,
        retry: u32,
        error: &TaskError,
    ) -> Result<usize, Finding> {
        let (at, live) = self.live(task, attempt)?;
        self.is_true(task, at, live, error)?;
        self.is_over(at, live)?;
        let asked = live.cancel.is_some_and(|reason| reason != CancelReason::Timeout);
        hold!(
            O10,
            !asked && self.book.ending.is_none(),
            "{task}#{attempt} is retried although it was cancelled"
        );
        let fenced = self.ground.devices[live.device].profile.fenced;
        let unsure = self.ground.truth.is_executing(self.key(at, attempt));
        let book = &mut self.book.tasks[at];
        let again = fenced || !unsure || book.spec.idempotent;
        hold!(O1, again, "{task}#{attempt} is retried while it may still run, and a second one does harm");
        let policy = book.spec.retry_policy();
        let (counter, most) = match error.kind {
            ErrorKind::DeviceLost => (&mut book.losses, policy.lost_max),
            _ => (&mut book.retries, policy.max),
        };
        *counter += 1;
        hold!(
            O10,
            *counter == retry && retry <= most,
            "retry {retry} of {task} is beyond the {most} allowed"
        );
        hold!(O10, error.kind.is_retryable(), "{task}#{attempt} is retried after {error}");
        book.stand = Stand::Pending;
        Ok(at)
    }

    /// Whether somebody or something asked for a task or attempt to be cancelled.
    fn is_wanted(&self, task: usize, live: Option<LiveBook>, reason: CancelReason) -> Verdict {
        let book = &self.book;
        let (settings, spec) = (&book.settings, &book.tasks[task].spec);
        let wanted = match reason {
            CancelReason::Task => book.cancelled.contains(&task),
            CancelReason::Run => book.cancel_run,
            CancelReason::Deadline => {
                let due = book.started.zip(settings.deadline).map(|(started, limit)| started + limit);
                due.is_some_and(|due| due <= self.t)
            }
            CancelReason::FailFast => {
                settings.on_failure == FailurePolicy::FailFast && book.count(OutcomeStatus::Failed) > 0
            }
            CancelReason::Timeout => {
                let due = live.zip(spec.run_timeout).map(|(live, limit)| live.since + limit);
                due.is_some_and(|due| due <= self.t)
            }
        };
        hold!(O10, wanted, "task {} is cancelled for {reason:?}, for which there is no reason", spec.id);
        Ok(())
    }

    fn note_ending(&mut self, reason: CancelReason) {
        match (reason, self.book.ending) {
            (CancelReason::Task | CancelReason::Timeout, _) | (CancelReason::FailFast, Some(_)) => {}
            (reason, None | Some(CancelReason::FailFast)) => self.book.ending = Some(reason),
            (_, Some(_)) => {}
        }
    }

    fn cancelled(
        &mut self,
        task: &TaskRef,
        attempt: u32,
        reason: CancelReason,
        confirmed: bool,
        by: Option<ConfirmedBy>,
    ) -> Verdict {
        let at = self.task(task)?;
        if attempt == 0 {
            self.pending(task)?;
            self.is_wanted(at, None, reason)?;
        } else {
            let (_, live) = self.live(task, attempt)?;
            hold!(O10, live.cancel == Some(reason), "{task}#{attempt} is cancelled for {reason:?} unasked");
            let fenced = self.ground.devices[live.device].profile.fenced;
            let proof = by != Some(ConfirmedBy::Lease) || fenced;
            hold!(O1, proof, "the end of a lease on a device that keeps to none confirms {task}#{attempt}");
            hold!(O1, confirmed || !fenced, "{task}#{attempt} is given up on a device that keeps to leases");
            self.is_over(at, live)?;
            if confirmed {
                let runs = self.ground.truth.is_executing(self.key(at, attempt));
                hold!(O1, !runs, "the end of {task}#{attempt} is confirmed, and it is still executed");
            }
        }
        self.note_ending(reason);
        self.book.tasks[at].stand = Stand::Ended(OutcomeStatus::Cancelled);
        Ok(())
    }

    fn skipped(&mut self, task: &TaskRef, reason: SkipReason) -> Verdict {
        let at = self.pending(task)?;
        if reason == SkipReason::Operator {
            hold!(O10, self.book.skipped.contains(&at), "task {task} is skipped by nobody");
        } else {
            hold!(O10, self.book.is_impossible(at), "task {task} is skipped although it can still run");
            let executing = self.book.state == RunState::Executing && self.book.ending.is_none();
            hold!(O7, executing, "task {task} is skipped while run {} does not decide", self.run);
            hold!(O7, !self.book.waits_for_edit(), "task {task} is skipped although an edit is awaited");
        }
        self.book.tasks[at].stand = Stand::Ended(OutcomeStatus::Skipped);
        Ok(())
    }

    fn lost(
        &mut self,
        task: &TaskRef,
        attempt: u32,
        device: &DeviceRef,
        reason: LossReason,
        until: Option<Timestamp>,
    ) -> Verdict {
        let (at, live) = self.live(task, attempt)?;
        let on = self.device(device)?;
        hold!(O5, live.device == on, "{task}#{attempt} is lost on {device}, where it did not run");
        if let (LossReason::Unknown, Some(until)) = (reason, until) {
            self.book.tasks[at].stand = Stand::Live(LiveBook { over_by: Some(until), ..live });
        }
        if reason == LossReason::NotAccepted {
            let deed = self.ground.truth.deed(self.key(at, attempt));
            hold!(O1, deed.is_none(), "{task}#{attempt} is said not to have begun, and did");
            let asked = live.cancel.is_some();
            hold!(O10, !asked, "{task}#{attempt} was refused and cancelled, and its task goes on");
            let book = &mut self.book.tasks[at];
            book.refusals += 1;
            book.ready = None;
            book.refused.insert(on, until.unwrap_or(self.t));
            book.stand = Stand::Pending;
            self.plan_again(at, Some(on));
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
        let total = self.book.tasks.len() as u32;
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
                && end.state == RunState::Cancelled;
        let state = match (stopped, completed > 0, failed > 0) {
            (true, _, _) => RunState::Cancelled,
            (false, true, true) => RunState::PartiallyFailed,
            (false, false, true) => RunState::Failed,
            (false, true, false) => RunState::Completed,
            (false, false, false) if cancelled > 0 => RunState::Cancelled,
            (false, false, false) => RunState::Completed,
        };
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
