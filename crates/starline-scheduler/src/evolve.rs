//! Applies a fact: the only code that changes the state of a run, live and in replay.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use starline_edit::install;
use starline_graph::{Effect as EdgeEffect, Remains, must_be_rendered};
use starline_synchronizer::Synchronizer;
use starline_types::{
    CancelReason, DeviceIx, Edit, EditBatch, Event, HoldScope, Judgement, LossReason, Millis, OutcomeStatus,
    PauseCause, Placement, RunState, Seq, TaskIx, TaskRef, TaskState, Timestamp,
};

use crate::Fleet;
use crate::state::{Avoid, Given, NO_LANE, Pause, Planning, Rollback, State, TaskSlot};
use crate::timers::{Timer, Timers};

/// How the reason of a pause begins that was made because an editor went too far.
pub(crate) const EDIT_LIMIT: &str = "edit limit reached";
/// How the reason of a pause begins that was made because something was not undone.
pub(crate) const UNDO_FAILED: &str = "not undone";

impl State {
    /// Applies a fact of time `now`. Total: a fact that fits nothing changes nothing.
    pub(crate) fn apply(&mut self, now: Timestamp, event: &Event, planning: Planning, fleet: &mut Fleet) {
        self.ripen(now);
        self.seq = self.seq.next();
        match event {
            Event::RunCreated { .. } if self.seq != Seq(1) => {}
            Event::RunCreated { name, graph, settings } => {
                self.settings = settings.clone();
                let editor = settings.editor.as_deref();
                if settings.undoes.is_some() {
                    self.rollback = Some(Box::new(Rollback { begun: true, ..Rollback::default() }));
                }
                self.holds = Synchronizer::new(editor.map(|editor| editor.hold.clone()).unwrap_or_default());
                if self.graph.is_empty() {
                    let edits = vec![Edit::Build { graph: graph.clone(), clear_existing: true }];
                    install(&mut self.graph, &EditBatch { edits, ..EditBatch::default() });
                }
                self.graph.describe(name.to_string(), graph.metadata.clone());
                self.add_slots();
            }
            Event::RunReady { assignments, .. } => {
                self.run_state = RunState::Ready;
                self.prepared = true;
                self.place(assignments, fleet);
            }
            Event::TasksPlaced { assignments } => self.place(assignments, fleet),
            Event::RunStarted { .. } => self.begin(now),
            Event::RunPaused { cause, deadline, reason } => {
                self.run_state = RunState::Paused;
                // A stall ends by itself; a person has to say that an editor may go on.
                let limited = reason.as_deref().is_some_and(|reason| reason.starts_with(EDIT_LIMIT));
                let undo_failed = reason.as_deref().is_some_and(|reason| reason.starts_with(UNDO_FAILED));
                let stalled = *cause == PauseCause::NeedsOperator && !limited && !undo_failed;
                if let Some(rollback) = self.rollback.as_mut().filter(|_| undo_failed) {
                    rollback.failed = None;
                }
                let deadline = *deadline;
                self.pause = Some(Pause { cause: *cause, since: now, deadline, stalled, undo_failed });
                if let Some(deadline) = deadline {
                    self.timers.arm(deadline, Timer::EditWait);
                }
            }
            Event::RunResumed { .. } => self.resume(now),
            Event::RollbackRequested { .. } => self.rollback.get_or_insert_default().asked = true,
            Event::RunCompleted(end) | Event::RunFailed(end) | Event::RunCancelled(end) => {
                self.run_state = end.state;
                self.pause = None;
                self.ended = Some((now, end.clone()));
                self.forget_plans();
            }
            Event::TaskAssigned { task, attempt, device, deadline } => {
                let Some(task) = self.subject(task, 0) else { return };
                let device = fleet.resolve(device);
                self.assign(task, *attempt, device, *deadline, now, fleet);
            }
            Event::TaskCompleted { task, attempt, result, outputs, edges, .. } => {
                let Some(task) = self.subject(task, *attempt) else { return };
                self.release_live(task, *attempt, fleet);
                if result.is_some() || outputs.is_some() {
                    let remains =
                        Remains { result: result.clone(), outputs: outputs.clone(), ..Remains::default() };
                    self.graph.set_remains(task, Box::new(remains));
                }
                self.end_task(task, OutcomeStatus::Completed, now, edges, fleet);
            }
            Event::TaskFailed { task, attempt, error, result, edges, .. } => {
                let Some(task) = self.subject(task, *attempt) else { return };
                self.release_live(task, *attempt, fleet);
                let remains =
                    Remains { error: Some(error.clone()), result: result.clone(), ..Remains::default() };
                self.graph.set_remains(task, Box::new(remains));
                self.end_task(task, OutcomeStatus::Failed, now, edges, fleet);
                if let Some(rollback) = self.rollback.as_mut().filter(|rollback| rollback.begun) {
                    rollback.failed = Some(format!("task {} failed: {error}", self.graph.id(task)).into());
                }
            }
            Event::TaskRetryScheduled { task, attempt, retry, delay_ms, error, avoid } => {
                let Some(task) = self.subject(task, *attempt) else { return };
                self.release_live(task, *attempt, fleet);
                let lost = error.kind == starline_types::ErrorKind::DeviceLost;
                let avoid = avoid.as_ref().map(|device| fleet.resolve(device));
                self.schedule_retry(task, *retry, *delay_ms, lost, avoid, now);
                self.rare(task).last_error = Some(Arc::clone(error));
                self.plan_again(task, planning, avoid, fleet);
            }
            Event::TaskCancelRequested { task, attempt, reason } => {
                let Some(task) = self.subject(task, *attempt) else { return };
                self.request_cancel(task, *attempt, *reason, now);
            }
            Event::TaskCancelled { task, attempt, reason, confirmed, edges, .. } => {
                let Some(task) = self.subject(task, *attempt) else { return };
                self.release_live(task, *attempt, fleet);
                if !confirmed {
                    self.graph
                        .set_remains(task, Box::new(Remains { unconfirmed: true, ..Remains::default() }));
                }
                self.note_ending(*reason);
                self.end_task(task, OutcomeStatus::Cancelled, now, edges, fleet);
            }
            Event::TaskSkipped { task, reason, edges, .. } => {
                let Some(task) = self.subject(task, 0) else { return };
                self.graph.set_remains(task, Box::new(Remains { skip: Some(*reason), ..Remains::default() }));
                self.end_task(task, OutcomeStatus::Skipped, now, edges, fleet);
            }
            Event::AttemptLost { task, attempt, device, reason, until, .. } => {
                let Some(task) = self.subject(task, *attempt) else { return };
                let device = fleet.resolve(device);
                self.lose(task, *attempt, device, *reason, *until, now, planning, fleet);
            }
            Event::EditCommitted(applied) => self.edited(applied, now, fleet),
            Event::EditRejected(rejected) => {
                if let Some(request) = &rejected.request {
                    self.answers.learn(request, Given::Rejected(Arc::clone(rejected)));
                }
            }
            Event::HoldOpened { hold, scope, triggers } => {
                let triggers: Vec<TaskIx> = triggers.iter().filter_map(|task| self.locate(task)).collect();
                self.cover(*hold, &triggers, *scope, now, |holds| {
                    holds.open(*hold, *scope, triggers.clone(), now)
                });
            }
            Event::HoldJoined { hold, task } => {
                let Some(task) = self.locate(task) else { return };
                self.cover(*hold, &[task], HoldScope::Descendants, now, |holds| holds.join(*hold, task));
            }
            Event::HoldExtended { hold, tasks } => {
                let tasks: Vec<TaskIx> = tasks.iter().filter_map(|task| self.locate(task)).collect();
                let extended = tasks.clone();
                self.cover(*hold, &tasks, HoldScope::Descendants, now, |holds| holds.extend(*hold, extended));
            }
            Event::HoldActivated { hold, deadline } => {
                self.holds.activate(*hold, *deadline, now);
                self.timers.arm(*deadline, Timer::HoldDeadline { hold: *hold });
                if let Some(at) = self.holds.hand_over_at(*hold).filter(|at| *at > now) {
                    self.timers.arm(at, Timer::HandOver { hold: *hold });
                }
            }
            Event::HoldClosed { hold, reason, .. } => self.close_hold(*hold, *reason, now),
            Event::HoldTimeoutSet { modification_timeout } => {
                self.holds.set_modification_timeout(*modification_timeout);
            }
            Event::TaskCheckpoint { task, content, .. } => {
                let Some(task) = self.locate(task) else { return };
                self.rare(task).checkpoint = Some(content.clone());
            }
            Event::BackoffEnded { task, .. } => {
                let Some(task) = self.subject(task, 0) else { return };
                self.rare(task).backoff = None;
                if self.graph.waits(task).satisfied() && !self.slot(task).ready {
                    self.make_ready(task, now);
                }
            }
            Event::ApprovalRequested { task, spec_hash, deadline, .. } => {
                let Some(task) = self.subject(task, 0) else { return };
                self.note_question(task, spec_hash.clone(), *deadline);
            }
            Event::ApprovalGranted { task, .. } => {
                let Some(task) = self.subject(task, 0) else { return };
                self.open_gate(task, now);
            }
            // What becomes of the task is the next fact of the same step.
            Event::ApprovalRefused { .. } | Event::ApprovalExpired { .. } => {}
            Event::StateHashed { .. } => self.hashed = self.seq,
            Event::TaskStarted { .. }
            | Event::ResultIgnored { .. }
            | Event::OwnerChanged { .. }
            | Event::StrategyFaulted { .. }
            | Event::PlannerFaulted { .. }
            | Event::Progress { .. }
            | Event::DeviceConnected { .. }
            | Event::DeviceDisconnected { .. }
            | Event::DeviceStatusChanged { .. } => {}
        }
    }

    fn locate(&self, task: &TaskRef) -> Option<TaskIx> {
        // Facts are made by this state or resolved before a replay: a hint that is there holds.
        match task.hint() {
            Some(ix) => {
                debug_assert_eq!(self.graph.resolve(task), Some(ix), "a fact names another task");
                Some(ix)
            }
            None => self.graph.find(task.id().as_str()),
        }
    }

    /// The task of a fact about an attempt, if that attempt is live; of attempt 0, if the task has not started.
    fn subject(&self, task: &TaskRef, attempt: u32) -> Option<TaskIx> {
        let task = self.locate(task)?;
        let fits = match self.graph.state(task) {
            TaskState::Running { attempt: live, .. } => live == attempt,
            TaskState::Pending => attempt == 0,
            TaskState::Completed | TaskState::Failed | TaskState::Cancelled | TaskState::Skipped => false,
        };
        fits.then_some(task)
    }

    pub(crate) fn add_slots(&mut self) {
        let known = self.tasks.len();
        self.tasks.resize_with(self.graph.bound(), TaskSlot::default);
        for at in known..self.tasks.len() {
            let task = TaskIx(u32::try_from(at).unwrap_or(u32::MAX));
            if self.graph.contains(task) {
                let slot = &mut self.tasks[at];
                slot.lane = NO_LANE;
                let spec = self.graph.spec(task);
                slot.templated = must_be_rendered(spec);
                slot.gated = spec.gate().is_some();
            }
        }
    }

    fn place(&mut self, assignments: &[Placement], fleet: &mut Fleet) {
        for Placement { task, device } in assignments {
            let Some(task) = self.locate(task) else { continue };
            let device = device.as_ref().map(|device| fleet.resolve(device));
            self.set_plan(task, device, fleet);
            if self.slot(task).ready {
                self.tasks[task.at()].lane = NO_LANE;
                self.fresh.push(task);
            }
        }
    }

    /// Plans an unstarted task on a device, or on none, and counts that in the ledger.
    pub(crate) fn set_plan(&mut self, task: TaskIx, device: Option<DeviceIx>, fleet: &mut Fleet) {
        if let Some(before) = self.tasks[task.at()].planned.take() {
            fleet.unplan(before);
        }
        if let Some(device) = device {
            fleet.plan(device);
        }
        self.tasks[task.at()].planned = device;
    }

    fn begin(&mut self, now: Timestamp) {
        self.run_state = RunState::Executing;
        self.started = Some(now);
        if let Some(limit) = self.settings.deadline {
            self.timers.arm(now + limit, Timer::RunDeadline);
        }
        let roots: Vec<TaskIx> = self
            .graph
            .indices()
            .filter(|task| self.graph.state(*task).is_unstarted() && self.graph.waits(*task).satisfied())
            .collect();
        for task in roots {
            self.make_ready(task, now);
        }
    }

    fn resume(&mut self, now: Timestamp) {
        self.paused = self.paused_until(now);
        if let Some(pause) = self.pause.take()
            && pause.cause == PauseCause::NeedsEdit
            && pause.deadline.is_some_and(|deadline| deadline <= now)
        {
            self.edit_wait_over = true;
        }
        self.run_state = RunState::Executing;
        self.rearm_queues(now);
    }

    fn assign(
        &mut self,
        task: TaskIx,
        attempt: u32,
        device: DeviceIx,
        deadline: Option<Timestamp>,
        now: Timestamp,
        fleet: &mut Fleet,
    ) {
        self.set_plan(task, None, fleet);
        self.make_unready(task);
        fleet.book(device);
        self.attempts += 1;
        self.graph.start(task, attempt, device, now);
        if let Some(rare) = &mut self.tasks[task.at()].rare {
            rare.backoff = None;
            rare.lease_end = None;
        }
        if let Some(deadline) = deadline {
            let graph = &self.graph;
            let live = |task: TaskIx, attempt: u32| matches!(graph.state(task), TaskState::Running { attempt: number, .. } if number == attempt);
            self.timers.arm_run_timeout(deadline, deadline.since(now), task, attempt, live);
        }
    }

    fn release_live(&mut self, task: TaskIx, attempt: u32, fleet: &mut Fleet) {
        if let Some((number, device)) = self.live(task)
            && number == attempt
        {
            fleet.release(device);
        }
    }

    fn end_task(
        &mut self,
        task: TaskIx,
        status: OutcomeStatus,
        now: Timestamp,
        edges: &[Judgement],
        fleet: &mut Fleet,
    ) {
        self.set_plan(task, None, fleet);
        self.make_unready(task);
        if self.graph.waits(task).impossible > 0 {
            self.blocked.remove(&(self.graph.order(task), task));
        }
        self.tasks[task.at()].ended = true;
        let early = self.graph.waits(task).open > 0;
        self.early_ends |= early;
        if !self.holds.is_empty() {
            // What covered the task covers what waits for it.
            let before: Vec<TaskIx> = self.graph.predecessors(task).collect();
            self.holds.pass_on(task, &before);
            if early {
                let covering = self.holds.holds().filter(|(_, hold)| self.is_behind(hold, task));
                for hold in covering.map(|(id, _)| id).collect::<Vec<_>>() {
                    self.holds.mark_more(hold, [task]);
                }
            }
        }
        if self.tasks[task.at()].gated {
            self.close_question(task);
        }
        let Self { graph, fresh, blocked, tasks, .. } = self;
        let before = fresh.len();
        let mut newly_blocked = Vec::new();
        graph.end(task, status, now, edges, |successor, effect| match effect {
            // A task may end without waiting for its edges.
            _ if tasks[successor.at()].ended => {}
            EdgeEffect::Ready => fresh.push(successor),
            EdgeEffect::Blocked => newly_blocked.push(successor),
        });
        for successor in newly_blocked {
            blocked.insert((graph.order(successor), successor));
        }
        if !matches!(self.run_state, RunState::Executing | RunState::Paused) {
            // Not begun: the start looks at every task.
            self.fresh.truncate(before);
        }
        for judgement in edges {
            if let Some(error) = &judgement.error {
                self.condition_errors.insert(judgement.id.clone(), error.clone());
            }
        }
        for at in before..self.fresh.len() {
            let successor = self.fresh[at];
            self.note_ready(successor, now);
        }
    }

    fn schedule_retry(
        &mut self,
        task: TaskIx,
        retry: u32,
        delay: Millis,
        lost: bool,
        avoid: Option<DeviceIx>,
        now: Timestamp,
    ) {
        self.graph.suspend(task);
        self.draws += 1;
        let rare = self.rare(task);
        if lost {
            rare.losses = retry;
        } else {
            rare.retries = retry;
        }
        rare.refusals = 0;
        rare.cancel = None;
        rare.lease_end = None;
        rare.backoff = Some(now + delay);
        if let Some(device) = avoid {
            // A refusal of the same device is another matter.
            rare.avoid.retain(|known| *known != (device, Avoid::Lost));
            rare.avoid.push((device, Avoid::Lost));
        }
        if delay == Millis::ZERO {
            self.make_ready(task, now);
        } else {
            self.backoffs.push(Reverse((now + delay, task)));
            self.timers.arm(now + delay, Timer::Backoff { task });
        }
    }

    /// With early binding a task that is pending again is planned where it was, unless that device is to be
    /// avoided.
    fn plan_again(&mut self, task: TaskIx, planning: Planning, avoid: Option<DeviceIx>, fleet: &mut Fleet) {
        let before = self.graph.record(task).device;
        let stays = match planning {
            Planning::Late => false,
            Planning::Early => before != avoid,
            // Nobody would plan it anew.
            Planning::ByHand => true,
        };
        if stays {
            self.set_plan(task, before, fleet);
        }
    }

    fn request_cancel(&mut self, task: TaskIx, attempt: u32, reason: CancelReason, now: Timestamp) {
        let (grace, lease) = (self.settings.cancel_grace, self.settings.lease_wait);
        let rare = self.rare(task);
        rare.cancel = Some(reason);
        // An attempt that is to end is not renewed: its lease ends by itself.
        rare.lease_end = Some(now + lease);
        self.timers.arm(now + grace, Timer::CancelGrace { task, attempt });
        self.timers.arm(now + lease, Timer::LeaseEnd { task, attempt });
        self.note_ending(reason);
    }

    fn note_ending(&mut self, reason: CancelReason) {
        match reason {
            // Somebody cancels a run that was ending because of a failure: then it is cancelled.
            CancelReason::Run | CancelReason::Deadline if self.ending == Some(CancelReason::FailFast) => {
                self.ending = Some(reason);
            }
            CancelReason::Run | CancelReason::Deadline | CancelReason::FailFast => {
                self.ending.get_or_insert(reason);
            }
            CancelReason::Task
            | CancelReason::Timeout
            | CancelReason::Rollback
            | CancelReason::ApprovalRefused => {}
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one fact")]
    fn lose(
        &mut self,
        task: TaskIx,
        attempt: u32,
        device: DeviceIx,
        reason: LossReason,
        until: Option<Timestamp>,
        now: Timestamp,
        planning: Planning,
        fleet: &mut Fleet,
    ) {
        match reason {
            LossReason::NotAccepted => {
                self.release_live(task, attempt, fleet);
                self.graph.suspend(task);
                let rare = self.rare(task);
                rare.refusals += 1;
                rare.cancel = None;
                rare.avoid.retain(|(known, why)| *known != device || *why == Avoid::Lost);
                rare.avoid.push((device, until.map_or(Avoid::Refused, Avoid::Until)));
                if let Some(until) = until {
                    self.timers.arm(until, Timer::Backoff { task });
                }
                self.make_ready(task, now);
                self.plan_again(task, planning, Some(device), fleet);
            }
            LossReason::Unknown => {
                if let Some(until) = until {
                    self.rare(task).lease_end = Some(until);
                    self.timers.arm(until, Timer::LeaseEnd { task, attempt });
                }
            }
            // What becomes of the task is the next fact of the same step.
            LossReason::DeviceLost => {}
        }
    }

    /// The part of [`make_ready`](Self::make_ready) for a task that is on the list of fresh ones already.
    fn note_ready(&mut self, task: TaskIx, now: Timestamp) {
        if self.in_backoff(task, now) {
            return; // An edit made it wait for others as well; the end of the delay comes later.
        }
        let slot = &mut self.tasks[task.at()];
        if slot.gated {
            self.unasked.insert((self.graph.order(task), task));
            return;
        }
        slot.ready = true;
        slot.ready_since = now;
        self.ready += 1;
        self.note_wait(task, now);
    }

    /// The run has ended: nothing is due any more, and nothing waits.
    fn forget_plans(&mut self) {
        self.timers = Timers::default();
        self.backoffs = BinaryHeap::new();
        self.condition_errors.clear();
        self.fresh = Vec::new();
    }
}
