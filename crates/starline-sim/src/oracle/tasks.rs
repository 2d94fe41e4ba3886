//! What each fact about a task must agree with.

use starline_assign::Binding;
use starline_types::{
    CancelReason, Checkpoint, ConfirmedBy, DeviceRef, ErrorKind, FailurePolicy, LossReason, OutcomeStatus,
    RunState, SkipReason, TaskError, TaskRef, TaskReport, Timestamp, Value,
};

use super::book::{LiveBook, Stand, fits};
use super::gates::Gate;
use super::hear::{Reader, Verdict};
use super::{Finding, hold};
use crate::sim::Ended;

/// The end of a refusal that has none.
pub(super) const FOR_GOOD: Timestamp = Timestamp(u64::MAX);

impl Reader<'_> {
    /// Where a task that is pending again is planned: where it was, unless a strategy is to find another device.
    pub(super) fn plan_again(&mut self, task: usize, avoid: Option<usize>) {
        let last = self.book.tasks[task].last;
        self.book.tasks[task].planned = match self.book.binding {
            Some(Binding::Late) => None,
            Some(Binding::Early) => last.filter(|device| avoid != Some(*device)),
            None => last,
        };
    }

    pub(super) fn assigned(&mut self, task: &TaskRef, attempt: u32, device: &DeviceRef) -> Verdict {
        let at = self.task(task)?;
        let on = self.device(device)?;
        let (run, t) = (self.run, self.t);
        let book = &self.book.tasks[at];
        hold!(O1, book.stand == Stand::Pending, "{task}#{attempt} is assigned: {:?}", book.stand);
        hold!(O10, attempt == book.attempts + 1, "{task}#{attempt} follows attempt {}", book.attempts);
        let policy = book.spec.retry_policy();
        let allowed = 1 + policy.max + policy.lost_max + book.refusals;
        let made = attempt - book.before;
        hold!(O10, made <= allowed, "{task}#{attempt} is one more than the {allowed} allowed");
        let state = self.book.state;
        hold!(O7, state == RunState::Executing, "{task}#{attempt} is assigned while run {run} is {state}");
        hold!(O7, self.book.ending.is_none(), "{task}#{attempt} is assigned while run {run} is ending");
        let waits = self.book.undo.waits() || self.book.undo.is_unheeded();
        hold!(O7, !waits, "{task}#{attempt} is assigned while run {run} waits for what undoes it");
        hold!(
            O7,
            self.book.is_satisfied(at),
            "{task}#{attempt} is assigned before its dependencies allow it"
        );
        hold!(O7, book.backoff <= t, "{task}#{attempt} is assigned at {t}, before {}", book.backoff);
        hold!(O7, book.gate == Gate::Open, "{task}#{attempt} is assigned, and its gate is {:?}", book.gate);
        hold!(O7, !self.book.is_covered(at), "{task}#{attempt} is assigned although a hold covers it");
        let seat = &self.ground.devices[on];
        hold!(O7, seat.takes_work(), "{task}#{attempt} is assigned to {device}, which takes nothing");
        let fits = fits(&seat.profile, &book.spec);
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
        (book.ready, book.held) = (None, None);
        (book.stand, book.attempts, book.planned) = (Stand::Live(live), attempt, None);
        book.last = Some(on);
        self.filled.push(on);
        Ok(())
    }

    /// Of the tasks that wait for a device the most urgent one goes first.
    fn is_next(&self, task: usize, device: usize) -> Verdict {
        let (book, t) = (&self.book, self.t);
        for other in (0..book.tasks.len()).filter(|other| *other != task && book.is_ready(*other, t)) {
            if book.is_covered(other) {
                continue;
            }
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

    pub(super) fn completed(
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

    pub(super) fn failed(&mut self, task: &TaskRef, attempt: u32, error: &TaskError) -> Verdict {
        let at = self.task(task)?;
        if attempt == 0 {
            self.pending(task)?;
            hold!(O7, !self.book.is_covered(at), "{task} fails without an attempt while a hold covers it");
            let spec = &self.book.tasks[at].spec;
            match error.kind {
                ErrorKind::RenderError => {
                    let missing = self.book.payload(at).is_none();
                    hold!(O10, missing, "{task} could not be rendered, and yet everything is there");
                }
                ErrorKind::QueueTimeout => {
                    let (waited, limit) = (self.book.waited(at, self.t), spec.queue_timeout);
                    let late = self.book.is_ready(at, self.t) && limit.is_some_and(|limit| limit.0 <= waited);
                    hold!(O10, late, "task {task} waited {waited} ms, its limit is {limit:?}");
                }
                ErrorKind::NoEligibleDevice => {
                    let seats = self.ground.devices.iter().enumerate();
                    let mut fitting = seats.filter(|(_, seat)| seat.registered);
                    let refused = &self.book.tasks[at].refused;
                    let willing = |on: &usize| refused.get(on) != Some(&FOR_GOOD);
                    let one = fitting.find(|(on, seat)| fits(&seat.profile, spec) && willing(on));
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
            // It never came there, or the device will not run it.
            ErrorKind::Unsupported => deed.is_none(),
            ErrorKind::PermissionDenied if deed.is_none() => true,
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

    pub(super) fn retried(
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
            !asked && self.book.ending.is_none() && !self.book.undo.waits(),
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

    /// What an attempt put down is on record for the next one.
    pub(super) fn put_down(&mut self, task: &TaskRef, attempt: u32, content: &Checkpoint) -> Verdict {
        let at = self.task(task)?;
        let book = &self.book.tasks[at];
        let open = matches!(book.stand, Stand::Pending | Stand::Live(_));
        hold!(O10, open, "{task}#{attempt} puts something down, and the task is {:?}", book.stand);
        let last = attempt == book.attempts && attempt > book.before;
        hold!(O5, last, "what {task}#{attempt} put down counts, and its last attempt is {}", book.attempts);
        let real = self.ground.truth.has_put_down(self.key(at, attempt), content);
        hold!(O5, real, "{task}#{attempt} never put down {content:?}");
        self.book.tasks[at].checkpoint = Some(content.clone());
        Ok(())
    }

    /// Whether somebody or something asked for a task or attempt to be cancelled.
    pub(super) fn is_wanted(&self, task: usize, live: Option<LiveBook>, reason: CancelReason) -> Verdict {
        let book = &self.book;
        let (settings, spec) = (&book.settings, &book.tasks[task].spec);
        let wanted = match reason {
            CancelReason::Task => book.cancelled.contains(&task),
            CancelReason::Run => book.cancel_run,
            CancelReason::Rollback => book.undo.waits(),
            CancelReason::Deadline => {
                let due = book.started.zip(settings.deadline).map(|(started, limit)| started + limit);
                due.is_some_and(|due| due <= self.t)
            }
            CancelReason::ApprovalRefused => book.tasks[task].gate == Gate::Shut,
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

    pub(super) fn note_ending(&mut self, reason: CancelReason) {
        match (reason, self.book.ending) {
            (
                CancelReason::Task
                | CancelReason::Timeout
                | CancelReason::Rollback
                | CancelReason::ApprovalRefused,
                _,
            )
            | (CancelReason::FailFast, Some(_)) => {}
            (reason, None | Some(CancelReason::FailFast)) => self.book.ending = Some(reason),
            (_, Some(_)) => {}
        }
    }

    pub(super) fn cancelled(
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

    pub(super) fn skipped(&mut self, task: &TaskRef, reason: SkipReason) -> Verdict {
        let at = self.pending(task)?;
        if reason == SkipReason::Operator {
            hold!(O10, self.book.skipped.contains(&at), "task {task} is skipped by nobody");
        } else {
            hold!(O10, self.book.is_impossible(at), "task {task} is skipped although it can still run");
            let executing = self.book.state == RunState::Executing && self.book.ending.is_none();
            hold!(O7, executing, "task {task} is skipped while run {} does not decide", self.run);
            hold!(O7, !self.book.waits_for_edit(), "task {task} is skipped although an edit is awaited");
            hold!(O7, !self.book.is_covered(at), "task {task} is skipped although a hold covers it");
        }
        self.book.tasks[at].stand = Stand::Ended(OutcomeStatus::Skipped);
        Ok(())
    }

    pub(super) fn lost(
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
            (book.ready, book.held) = (None, None);
            book.refused.insert(on, until.unwrap_or(FOR_GOOD));
            book.stand = Stand::Pending;
            self.plan_again(at, Some(on));
        }
        Ok(())
    }
}
