//! Edits: checked against the graph as it is now, committed as a whole or refused with every fault.

use std::sync::Arc;

use starline_edit::{
    Code, Fault, Gates, Judge, Limits, Rejection, Surroundings, Touched, Unread, check_within, retry_task,
};
use starline_graph::{Condition, TaskGraph};
use starline_synchronizer::Answered;
use starline_types::{
    Applied, DeviceId, EditBatch, Event, HoldId, HoldReason, LateEdits, Millis, Origin, Patterns, PauseCause,
    Placement, Policy, RejectedEdit, Revision, RunState, TaskId, TaskIx, Timestamp,
};

use crate::bug::Bug;
use crate::evolve::EDIT_LIMIT;
use crate::state::{Given, NO_LANE, outcome_of};
use crate::{Answer, Author, Fleet, Refusal, Role, Scheduler, Step};

/// Faults that are recorded of one refused batch.
const RECORDED: usize = 100;
/// Batches of an editor in a row without a task ending in between.
const IDLE_BATCHES: u32 = 100;
/// What faults about the number of batches name.
const BATCHES: &str = "batches";
/// Batches of an editor that may come at once, and time after which another one may.
const BURST: u64 = 100;
const BETWEEN: Millis = Millis(100);

/// A batch on its way in.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) batch: Arc<EditBatch>,
    pub(crate) unread: Option<Arc<Unread>>,
    pub(crate) author: Author,
    pub(crate) check_only: bool,
    pub(crate) origin: Origin,
}

impl Submission {
    /// Places that say how far tasks have got, as many as are recorded.
    fn ignored(&self) -> Vec<String> {
        self.unread.iter().flat_map(|unread| &unread.ignored).take(RECORDED).cloned().collect()
    }
}

impl Scheduler {
    pub(super) fn decide_submit(
        &mut self,
        now: Timestamp,
        submission: Submission,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Result<Answer, Refusal> {
        let given = submission.batch.request.as_ref().and_then(|request| self.state.answers.get(request));
        match given.filter(|_| !submission.check_only && !self.has_bug(Bug::RequestForgotten)) {
            Some(Given::Committed(applied)) => return Ok(Answer::Committed(Arc::clone(applied))),
            Some(Given::Rejected(rejected)) => return Err(Refusal::RejectedBefore(Arc::clone(rejected))),
            None => {}
        }
        if let Some(busy) = self.busy(now, &submission) {
            return Err(Refusal::Rejected(busy));
        }
        if let Some(rejection) = self.is_idle(&submission) {
            self.record_rejection(now, &submission, &rejection, fleet, step);
            self.pause_at_limit(now, &submission, &rejection, fleet, step);
            return Err(Refusal::Rejected(rejection));
        }
        match self.judge_batch(&submission, fleet) {
            Ok((applied, _)) if submission.check_only => Ok(Answer::Checked(Arc::new(applied))),
            Ok((applied, touched)) => Ok(self.commit(now, applied, &touched, &submission, fleet, step)),
            Err(rejection) => {
                if !submission.check_only {
                    self.record_rejection(now, &submission, &rejection, fleet, step);
                    self.pause_at_limit(now, &submission, &rejection, fleet, step);
                }
                Err(Refusal::Rejected(rejection))
            }
        }
    }

    /// An editor that goes on and on although nothing ends.
    fn is_idle(&mut self, submission: &Submission) -> Option<Rejection> {
        if submission.author.role != Role::Editor || submission.check_only || self.refuse_if_over().is_err() {
            return None;
        }
        if self.idle_batches < IDLE_BATCHES {
            self.idle_batches += 1;
            return None;
        }
        let message = format!("{IDLE_BATCHES} batches of an editor, and no task ended in between");
        let fault = Fault::new(0, Code::LimitExceeded, BATCHES, message).hint("wait until a task has ended");
        Some(Rejection { current: self.state.graph.revision(), faults: vec![fault] })
    }

    /// An editor that went beyond a count of the run has to wait for a person.
    fn pause_at_limit(
        &mut self,
        now: Timestamp,
        submission: &Submission,
        rejection: &Rejection,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        let unread = submission.unread.as_ref().map_or(0, |unread| unread.edits());
        let (added, limits) = (submission.batch.edits.len() + unread, &self.limits);
        let counted = |fault: &Fault| match fault.item.as_str() {
            BATCHES | "added_tasks" => true,
            // A batch that is too large by itself says nothing about the run.
            "edits" => added <= limits.edits,
            _ => false,
        };
        let mut faults = rejection.faults.iter().filter(|fault| fault.code == Code::LimitExceeded);
        let Some(fault) = faults.find(|fault| counted(fault)) else { return };
        if submission.author.role != Role::Editor || !self.is_executing() || self.state.ending.is_some() {
            return;
        }
        let reason = Some(format!("{EDIT_LIMIT}: {}", fault.message).into());
        let event = Event::RunPaused { cause: PauseCause::NeedsOperator, deadline: None, reason };
        self.record(now, event, fleet, step);
    }

    /// An editor that sends too much too fast. A verdict costs as much as a commit, so it counts as one; as neither is
    /// looked at in replay, this is no part of the state.
    fn busy(&mut self, now: Timestamp, submission: &Submission) -> Option<Rejection> {
        if submission.author.role != Role::Editor {
            return None;
        }
        let current = self.state.graph.revision();
        let reject = |code, item: &str, message: String, hint: &str| {
            Some(Rejection { current, faults: vec![Fault::new(0, code, item, message).hint(hint)] })
        };
        // As many as fit into the burst, and one more with each interval: the generic cell rate algorithm (ITU-T
        // I.371), which keeps the time at which the next one would arrive at an even rate.
        let even = self.next_batch.max(now);
        if even.since(now).0 > (BURST - 1) * BETWEEN.0 {
            let message = format!("more than {BURST} batches at once, or 10 in a second");
            return reject(Code::Busy, BATCHES, message, "send again after 100 ms");
        }
        self.next_batch = even + BETWEEN;
        None
    }

    /// The commit that a batch would be.
    fn judge_batch(
        &mut self,
        submission: &Submission,
        fleet: &mut Fleet,
    ) -> Result<(Applied, Touched), Rejection> {
        let current = self.state.graph.revision();
        let refuse = |code, item: String, message: String| {
            Err(Rejection { current, faults: vec![Fault::new(0, code, item, message)] })
        };
        if self.is_closed() {
            let message = format!("the run is {}", self.state.run_state);
            return refuse(Code::RunTerminal, self.state.run.to_string(), message);
        }
        if self.state.ending.is_some() || self.awaits_rollback() {
            let message = "the run is being cancelled".to_owned();
            return refuse(Code::RunCancelling, self.state.run.to_string(), message);
        }
        let late = self.is_late(&submission.batch)?;
        let devices = fleet.ids();
        let (applied, touched) = self.check_batch(submission, &devices, fleet)?;
        let author = submission.author.name.clone();
        let ignored = submission.ignored();
        Ok((Applied { author, origin: submission.origin, late, ignored, ..applied }, touched))
    }

    fn check_batch(
        &mut self,
        submission: &Submission,
        devices: &[DeviceId],
        fleet: &mut Fleet,
    ) -> Result<(Applied, Touched), Rejection> {
        let current = self.state.graph.revision();
        let settings = Arc::clone(&self.state.settings);
        let known: &Fleet = fleet;
        let judge = |graph: &TaskGraph, source: TaskIx, condition: &Condition| {
            let outcome = outcome_of(graph, source, known).ok_or("its source has not ended")?;
            condition.judge(&outcome, &settings.inputs).map_err(|error| error.to_string())
        };
        let judge: Judge<'_> = &judge;
        // What an edit may do binds editors alone; how much may be edited binds everybody. What is undone comes back
        // exactly as it was, so no gate is put on it.
        let guarded = submission.author.role == Role::Editor;
        let part = |policy: &Policy| match guarded {
            true => Policy { require_approval: Patterns::default(), ..policy.clone() },
            false => Policy { limits: policy.limits.clone(), ..Policy::default() },
        };
        let is_whole = guarded && submission.origin == Origin::Edit;
        let part = settings.policy.as_deref().filter(|_| !is_whole).map(part);
        let around = Surroundings {
            devices: (!devices.is_empty()).then_some(devices),
            limits: self.limits_in_force(),
            policy: part
                .as_ref()
                .or(settings.policy.as_deref())
                .filter(|_| !guarded || !self.has_bug(Bug::PolicyIgnored)),
            gates: self.gates_of(submission),
            usage: self.state.usage,
            judge: Some(judge),
            inputs: Some(&settings.inputs),
            unread: submission.unread.as_deref(),
        };
        let checked = check_within(&mut self.state.graph, &submission.batch, &around)?;
        let touched = checked.touched();
        let misfits = misfits(&submission.batch, &touched, checked.graph(), fleet);
        if !misfits.is_empty() {
            return Err(Rejection { current, faults: misfits });
        }
        let is_fact = !submission.check_only
            && !submission.batch.edits.is_empty()
            && submission.origin != Origin::Rollback;
        // Nobody looks at what was before, so the draft stays in force. Else it is unwound, and the fact that is about to
        // be recorded applies it again.
        if is_fact && touched.only_adds() && self.state.holds.is_empty() {
            let applied = checked.commit();
            self.state.ahead = Some(touched.clone());
            return Ok((applied, touched));
        }
        Ok((checked.unwound(), touched))
    }

    /// What the author of a batch may do to gates.
    fn gates_of(&self, submission: &Submission) -> Gates {
        match (submission.author.role, submission.origin) {
            _ if self.has_bug(Bug::GateTakenAway) => Gates::Free,
            (Role::Editor, Origin::Edit) => Gates::Kept,
            (Role::Editor, _) => Gates::Unchanged,
            _ => Gates::Free,
        }
    }

    /// The limits of the run, with room for what undoing added.
    fn limits_in_force(&self) -> Limits {
        let mut limits = self.limits.clone();
        let (tasks, edges) = self.state.rollback.as_ref().map_or((0, 0), |rollback| rollback.added);
        limits.tasks = limits.tasks.saturating_add(tasks);
        limits.dependencies = limits.dependencies.saturating_add(edges);
        limits
    }

    /// Whether a batch answers a hold that has closed.
    fn is_late(&self, batch: &EditBatch) -> Result<bool, Rejection> {
        let Some(hold) = batch.hold else { return Ok(false) };
        let current = self.state.graph.revision();
        let refuse = |code, message: String, hint: String| {
            Err(Rejection { current, faults: vec![Fault::new(0, code, hold, message).hint(hint)] })
        };
        let open: Vec<String> = self.state.holds.holds().map(|(id, _)| id.to_string()).collect();
        let open = if open.is_empty() { "none".to_owned() } else { open.join(", ") };
        match self.state.holds.answered(hold) {
            Answered::Active => Ok(false),
            Answered::Collecting => {
                let message = format!("hold {hold} is not handed over yet");
                refuse(Code::UnknownHold, message, format!("open holds are {open}"))
            }
            Answered::Closed if self.state.holds.settings().late_edits == LateEdits::Refuse => {
                let message = format!("hold {hold} has closed, and late edits are refused");
                refuse(Code::HoldExpired, message, "send the batch without a hold".to_owned())
            }
            Answered::Closed => Ok(true),
            Answered::Unknown => {
                let message = format!("there is no hold {hold}");
                refuse(Code::UnknownHold, message, format!("open holds are {open}"))
            }
        }
    }

    fn commit(
        &mut self,
        now: Timestamp,
        applied: Applied,
        touched: &Touched,
        submission: &Submission,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Answer {
        let batch = &submission.batch;
        let hold = batch.hold.filter(|hold| self.state.holds.answered(*hold) == Answered::Active);
        if batch.edits.is_empty() {
            // It makes no revision, and says that there is nothing to change, or not yet.
            if let Some(hold) = hold.filter(|_| !batch.keep_open || self.has_bug(Bug::KeepOpenIgnored)) {
                self.close_hold(now, hold, HoldReason::Released, fleet, step);
            }
            return Answer::Done;
        }
        let wakes = self.wakes(touched);
        let stale = self.places(touched);
        let approved = self.approved(touched);
        let applied = Arc::new(applied);
        self.record(now, Event::EditCommitted(Arc::clone(&applied)), fleet, step);
        self.keep_places(stale);
        approved.into_iter().for_each(|task| self.state.open_gate(task, now));
        self.forget_misfits(touched);
        if let Some(hold) = hold.filter(|_| !batch.keep_open || self.has_bug(Bug::KeepOpenIgnored)) {
            self.close_hold(now, hold, HoldReason::Committed, fleet, step);
        }
        let waits = self.state.pause.as_ref().is_some_and(|pause| pause.cause == PauseCause::NeedsEdit);
        if waits && wakes && !self.has_bug(Bug::EditWakesNobody) {
            self.resume(now, &submission.author.name, fleet, step);
        }
        self.drop_plans(now, touched, fleet, step);
        if self.state.run_state == RunState::Created && self.state.prepared {
            // It was ready: it is again, unless a task has come that cannot be placed.
            let _ = self.decide_prepare(now, fleet, step);
        }
        Answer::Committed(applied)
    }

    /// Whether a commit changes a blocked task or its edges. Asked before it is in force.
    fn wakes(&self, touched: &Touched) -> bool {
        let graph = &self.state.graph;
        let mut changed = touched.removed.iter().chain(&touched.updated).chain(&touched.rewired);
        changed.any(|task| graph.contains(*task) && self.state.blocked.contains(&(graph.order(*task), *task)))
    }

    /// A task that was changed may not fit the device any more on which it was planned. A fact of its own: which devices
    /// there are is no matter of facts.
    fn drop_plans(&mut self, now: Timestamp, touched: &Touched, fleet: &mut Fleet, step: &mut Step) {
        let mut dropped = Vec::new();
        for task in touched.updated.iter().copied().filter(|task| self.state.graph.contains(*task)) {
            let Some(device) = self.state.slot(task).planned else { continue };
            let class = fleet.class(self.state.graph.spec(task));
            if fleet.eligible(class).binary_search(&device).is_err() {
                let task = self.state.graph.reference(task);
                dropped.push(Placement { task, device: None });
            }
        }
        dropped.dedup();
        if !dropped.is_empty() && !self.has_bug(Bug::StaleDispatch) {
            self.record(now, Event::TasksPlaced { assignments: dropped.into() }, fleet, step);
        }
    }

    /// A task that was changed may have found a device, and an index may be that of another task.
    fn forget_misfits(&mut self, touched: &Touched) {
        if self.misfits.is_empty() {
            return;
        }
        for task in touched.removed.iter().chain(&touched.updated).chain(&touched.added) {
            self.misfits.remove(task);
        }
    }

    /// Tasks that are about to change and were approved: for the wrong rule that they stay so.
    fn approved(&self, touched: &Touched) -> Vec<TaskIx> {
        if !self.has_bug(Bug::ApprovalKept) {
            return Vec::new();
        }
        let graph = &self.state.graph;
        let updated = touched.updated.iter().copied().filter(|task| graph.contains(*task));
        updated.filter(|task| graph.spec(*task).gate().is_some() && !self.state.slot(*task).gated).collect()
    }

    /// Where ready tasks stand that are about to change: for the wrong rule that they keep these places.
    fn places(&self, touched: &Touched) -> Vec<(TaskIx, u32)> {
        if !self.has_bug(Bug::StaleDispatch) {
            return Vec::new();
        }
        let updated = touched.updated.iter().filter(|task| self.state.graph.contains(**task));
        updated
            .map(|task| (*task, self.state.slot(*task).lane))
            .filter(|(_, lane)| *lane != NO_LANE)
            .collect()
    }

    fn keep_places(&mut self, places: Vec<(TaskIx, u32)>) {
        for (task, lane) in places {
            self.state.fresh.retain(|fresh| *fresh != task);
            if self.state.slot(task).ready {
                self.enqueue(task, lane);
            }
        }
    }

    fn record_rejection(
        &mut self,
        now: Timestamp,
        submission: &Submission,
        rejection: &Rejection,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        if self.is_closed() {
            return; // Nothing is recorded behind the end of a run.
        }
        let batch = &submission.batch;
        let faults = rejection.faults.iter().take(RECORDED);
        let rejected = RejectedEdit {
            base: batch.base,
            current: rejection.current,
            author: submission.author.name.clone(),
            hold: batch.hold,
            request: batch.request.clone(),
            rejections: faults.filter_map(|fault| serde_json::to_value(fault).ok()).collect(),
            ignored: submission.ignored(),
        };
        self.record(now, Event::EditRejected(Arc::new(rejected)), fleet, step);
    }

    pub(super) fn decide_undo(
        &mut self,
        now: Timestamp,
        expect: Option<Revision>,
        author: Author,
        origin: Origin,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Result<Answer, Refusal> {
        self.refuse_if_over()?;
        let current = self.state.graph.revision();
        let batch = match origin {
            Origin::Redo => self.state.history.redo(current, expect),
            Origin::Undo | Origin::Edit | Origin::Rollback => self.state.history.undo(current, expect),
        };
        let batch = Arc::new(batch.map_err(Refusal::Rejected)?);
        let submission = Submission { batch, unread: None, author, check_only: false, origin };
        if let Err(rejection) = self.is_own_commit(&submission) {
            self.record_rejection(now, &submission, &rejection, fleet, step);
            return Err(Refusal::Rejected(rejection));
        }
        self.decide_submit(now, submission, fleet, step)
    }

    /// Whether an editor takes back or brings back what it did itself: what others did went through no guard rails, and
    /// the way back from it would not either.
    fn is_own_commit(&self, submission: &Submission) -> Result<(), Rejection> {
        let history = &self.state.history;
        let is_redo = submission.origin == Origin::Redo;
        let commit = if is_redo { history.last_undone() } else { history.last_done() };
        let foreign = commit.filter(|commit| commit.author != submission.author.name);
        let Some(commit) = foreign.filter(|_| submission.author.role == Role::Editor) else { return Ok(()) };
        let message = format!("revision {} is by {}", commit.revision.0, commit.author);
        let fault = Fault::new(0, Code::NotPermitted, commit.revision.0, message)
            .hint("an editor takes back and brings back its own edits; an operator those of everybody");
        Err(Rejection { current: self.state.graph.revision(), faults: vec![fault] })
    }

    /// Ends a retry delay, or tries a task again that failed or was cancelled.
    pub(super) fn decide_retry(
        &mut self,
        now: Timestamp,
        id: &TaskId,
        author: Author,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Result<Answer, Refusal> {
        self.refuse_if_over()?;
        let task = self.find_task(id)?;
        if self.state.graph.state(task).is_unstarted() && self.state.in_backoff(task, now) {
            let event = Event::BackoffEnded { task: self.state.graph.reference(task), by: author.name };
            self.record(now, event, fleet, step);
            return Ok(Answer::Done);
        }
        let batch = Arc::new(retry_task(&self.state.graph, id).map_err(Refusal::Rejected)?);
        let submission = Submission { batch, unread: None, author, check_only: false, origin: Origin::Edit };
        self.decide_submit(now, submission, fleet, step)
    }

    pub(super) fn find_hold(&self, hold: HoldId) -> Result<(), Refusal> {
        match self.state.holds.answered(hold) {
            Answered::Active | Answered::Collecting => Ok(()),
            Answered::Closed | Answered::Unknown => {
                let open = self.state.holds.holds().map(|(id, _)| id).collect();
                Err(Refusal::UnknownHold { hold, open })
            }
        }
    }
}

/// Faults of tasks that no registered device fits, in the graph as it would be.
fn misfits(batch: &EditBatch, touched: &Touched, graph: &TaskGraph, fleet: &mut Fleet) -> Vec<Fault> {
    let mut faults = Vec::new();
    if touched.added.is_empty() && touched.updated.is_empty() || fleet.devices().next().is_none() {
        return faults;
    }
    let changed = touched.added.iter().chain(&touched.updated).filter(|task| graph.contains(**task));
    let unfit: Vec<&TaskId> = changed
        .map(|task| graph.spec(*task))
        .filter(|spec| {
            let class = fleet.class(spec);
            fleet.eligible(class).is_empty()
        })
        .map(|spec| &spec.id)
        .collect();
    if unfit.is_empty() {
        return faults;
    }
    // Edits and positions are found by id.
    for (edit, spec) in starline_edit::specified(batch, graph) {
        if unfit.contains(&&spec.id) {
            let missing = fleet.missing_everywhere(&spec).join(", ");
            let message = format!("no registered device fits task {}: missing {missing}", spec.id);
            faults.push(Fault::new(edit, Code::NoEligibleDevice, &spec.id, message));
        }
    }
    faults
}
