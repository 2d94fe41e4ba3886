//! After every step: what can no longer run is skipped, a run that cannot go on says so, and one that is
//! done ends.

use std::collections::BTreeSet;

use starline_types::{
    CancelReason, Event, FailurePolicy, OutcomeStatus, PauseCause, RunEnd, RunState, SkipReason, TaskIx,
    Timestamp,
};

use crate::bug::Bug;
use crate::state::{Avoid, end_state};
use crate::timers::Timer;
use crate::{Effect, Fleet, Scheduler, Step};

impl Scheduler {
    pub(super) fn settle(&mut self, now: Timestamp, fleet: &mut Fleet, step: &mut Step) {
        if self.is_closed() {
            return;
        }
        self.cancel_leftovers(now, fleet, step);
        if self.state.run_state == RunState::Paused {
            self.end_stall(now, fleet, step);
        }
        self.skip_and_ask(now, fleet, step);
        if self.state.graph.counts().open() == 0 {
            // Nothing waits to be placed, also where a run is paused because something was not undone.
            self.stall_at = None;
            if self.roll_back(now, fleet, step) {
                self.skip_and_ask(now, fleet, step);
            } else {
                self.finish(now, self.state.ending, fleet, step);
            }
        } else if self.state.graph.counts().running == 0 {
            self.say_what_is_missing(now, fleet, step);
        } else {
            self.stall_at = None;
        }
    }

    /// Asks what is to be asked; that may fail a task, and what undoes another one is not to fail unseen.
    fn skip_and_ask(&mut self, now: Timestamp, fleet: &mut Fleet, step: &mut Step) {
        loop {
            if !self.state.blocked.is_empty() {
                self.skip_blocked(now, fleet, step);
            }
            let failed = self.state.graph.counts().failed;
            if !self.state.unasked.is_empty() {
                self.ask(now, fleet, step);
            }
            // A task that cannot be asked about has failed: others may be skipped for that, or asked about.
            if self.state.graph.counts().failed == failed {
                break;
            }
        }
        self.heed_failed_undo(now, fleet, step);
    }

    /// A run that is paused because nothing could be placed goes on when an operator has seen to that.
    fn end_stall(&mut self, now: Timestamp, fleet: &mut Fleet, step: &mut Step) {
        let stalled = self.state.pause.as_ref().is_some_and(|pause| pause.stalled);
        if !stalled || self.state.ending.is_some() || self.state.graph.counts().open() == 0 {
            return;
        }
        if self.state.ready == 0 || self.has_placeable(now, fleet) {
            self.resume(now, "operator", fleet, step);
        }
    }

    /// Skips blocked tasks in topological order, unless that is deferred.
    fn skip_blocked(&mut self, now: Timestamp, fleet: &mut Fleet, step: &mut Step) {
        let wait = self.state.settings.on_failure == FailurePolicy::WaitForEdit && !self.state.edit_wait_over;
        if !self.is_executing()
            || self.state.ending.is_some()
            || wait
            || self.has_bug(Bug::ImpossibleStaysPending)
        {
            return;
        }
        let mut held = Vec::new();
        let mut due = BTreeSet::new();
        loop {
            // Levels are a topological order: what a skip blocks comes after it.
            due.extend(
                std::mem::take(&mut self.state.blocked)
                    .into_iter()
                    .map(|(order, task)| (self.state.graph.level(task), order, task)),
            );
            let Some((_, order, task)) = due.pop_first() else { break };
            if self.state.is_covered(task) && !self.has_bug(Bug::CoveredSkipped) {
                held.push((order, task));
            } else {
                self.skip(now, task, fleet, step);
            }
        }
        self.state.blocked.extend(held);
    }

    fn skip(&mut self, now: Timestamp, task: TaskIx, fleet: &mut Fleet, step: &mut Step) {
        let edge = self.state.graph.impossible_edge(task).and_then(|edge| self.state.graph.edge(edge));
        let Some(edge) = edge else { return };
        let (id, conditional, from) = (edge.id(), edge.condition().is_some(), edge.from);
        let judged = self.state.condition_errors.get(&id).filter(|_| conditional).cloned();
        let reason = match (conditional, self.state.graph.state(from).outcome()) {
            (true, _) if judged.is_some() => SkipReason::ConditionError,
            (true, _) => SkipReason::ConditionFalse,
            (false, Some(OutcomeStatus::Completed)) => SkipReason::SourceCompleted,
            (false, Some(OutcomeStatus::Failed)) => SkipReason::SourceFailed,
            (false, Some(OutcomeStatus::Cancelled)) => SkipReason::SourceCancelled,
            (false, Some(OutcomeStatus::Skipped) | None) => SkipReason::SourceSkipped,
        };
        let event = Event::TaskSkipped {
            task: self.state.graph.reference(task),
            edge: Some(id),
            reason,
            message: judged,
            edges: self.judge_without_attempt(task, OutcomeStatus::Skipped, fleet),
        };
        self.record(now, event, fleet, step);
    }

    fn say_what_is_missing(&mut self, now: Timestamp, fleet: &mut Fleet, step: &mut Step) {
        if !self.is_executing() || self.state.ending.is_some() || self.state.waits_for_approval() {
            self.stall_at = None;
            return;
        }
        if self.state.ready == 0 && !self.state.blocked.is_empty() && self.nothing_in_backoff(now) {
            if self.state.holds.is_empty() && self.state.settings.on_failure == FailurePolicy::WaitForEdit {
                let deadline = Some(now + self.state.settings.edit_wait);
                let count = self.state.blocked.len();
                let reason = Some(format!("{count} blocked tasks wait for an edit").into());
                self.record(
                    now,
                    Event::RunPaused { cause: PauseCause::NeedsEdit, deadline, reason },
                    fleet,
                    step,
                );
            }
            self.stall_at = None;
            return;
        }
        let stalled = self.state.ready > 0
            && self.state.holds.is_empty()
            && self.state.fresh.is_empty()
            && self.no_timer_armed(now)
            && !self.has_placeable(now, fleet);
        if !stalled {
            self.stall_at = None;
            return;
        }
        match self.stall_at {
            None => self.stall_at = Some(now + self.state.settings.stall_after),
            Some(at) if at <= now => {
                self.stall_at = None;
                let waiting: Vec<String> = self
                    .unplaced(now, fleet)
                    .into_iter()
                    .take(5)
                    .map(|task| self.state.graph.id(task).to_string())
                    .collect();
                let reason = Some(format!("no connected device for {}", waiting.join(", ")).into());
                let cause = PauseCause::NeedsOperator;
                self.record(now, Event::RunPaused { cause, deadline: None, reason }, fleet, step);
            }
            Some(_) => {}
        }
    }

    fn nothing_in_backoff(&self, now: Timestamp) -> bool {
        let state = &self.state;
        !state.timers.has_any(|timer| match timer {
            Timer::Backoff { task } => {
                state.graph.contains(*task)
                    && state.graph.state(*task).is_unstarted()
                    && state.rare_ref(*task).is_some_and(|rare| {
                        rare.backoff.is_some_and(|until| until > now)
                            || rare
                                .avoid
                                .iter()
                                .any(|(_, why)| matches!(why, Avoid::Until(until) if *until > now))
                    })
            }
            _ => false,
        })
    }

    /// Whether no timer will move the run by itself. Nothing runs, so attempts have none.
    fn no_timer_armed(&self, now: Timestamp) -> bool {
        let state = &self.state;
        let waits = |task: &TaskIx| state.graph.contains(*task) && state.slot(*task).ready;
        self.nothing_in_backoff(now)
            && !state.timers.has_any(|timer| match timer {
                Timer::QueueTimeout { task } => waits(task),
                Timer::NoDevice { task } => waits(task) && self.misfits.contains_key(task),
                Timer::RunDeadline => true,
                Timer::RunTimeout { .. }
                | Timer::CancelGrace { .. }
                | Timer::LeaseEnd { .. }
                | Timer::Backoff { .. }
                | Timer::Approval { .. }
                | Timer::HoldDeadline { .. }
                | Timer::HandOver { .. }
                | Timer::EditWait => false,
            })
    }

    /// Ready tasks for which no eligible device is connected. O(tasks).
    fn unplaced(&self, now: Timestamp, fleet: &mut Fleet) -> Vec<TaskIx> {
        let ready = self.state.graph.indices().filter(|task| self.is_placeable(*task, now));
        let ready: Vec<TaskIx> = ready.collect();
        ready.into_iter().filter(|task| !self.has_available_device(*task, fleet)).collect()
    }

    fn has_available_device(&self, task: TaskIx, fleet: &mut Fleet) -> bool {
        if self.strategy.is_none() {
            return self.state.slot(task).planned.is_some_and(|device| fleet.is_available(device));
        }
        let class = fleet.class(self.state.graph.spec(task));
        fleet.eligible(class).iter().any(|device| fleet.is_available(*device))
    }

    /// Whether an eligible device is connected for any ready task. O(tasks), asked only when nothing runs.
    pub(super) fn has_placeable(&self, now: Timestamp, fleet: &mut Fleet) -> bool {
        // Mostly a queue shows it; every task is looked at only when none does.
        let queued = self.lanes.iter().enumerate().any(|(at, lane)| {
            let lane_ix = u32::try_from(at).unwrap_or(u32::MAX);
            let head = lane.peek().filter(|(urgency, task)| self.is_current(*task, lane_ix, *urgency, now));
            head.is_some_and(|(_, task)| self.has_available_device(task, fleet))
        });
        if queued {
            return true;
        }
        let tasks: Vec<TaskIx> =
            self.state.graph.indices().filter(|task| self.is_placeable(*task, now)).collect();
        tasks.into_iter().any(|task| self.has_available_device(task, fleet))
    }

    pub(super) fn finish(
        &mut self,
        now: Timestamp,
        ending: Option<CancelReason>,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        let begun = matches!(self.state.run_state, RunState::Executing | RunState::Paused);
        if !self.state.holds.is_empty() || !(begun || ending.is_some()) {
            return;
        }
        let counts = self.state.graph.counts();
        let cancelled = matches!(ending, Some(CancelReason::Run | CancelReason::Deadline));
        let (state, reason) = match (ending, self.end_of_rollback()) {
            _ if cancelled => (RunState::Cancelled, ending.map(end_reason)),
            (None, Some((state, reason))) => (state, Some(reason)),
            _ => (end_state(counts), ending.map(end_reason)),
        };
        let unconfirmed = self
            .state
            .graph
            .indices()
            .filter(|task| {
                self.state.graph.record(*task).remains.as_ref().is_some_and(|left| left.unconfirmed)
            })
            .map(|task| self.state.graph.reference(task))
            .collect();
        let end = Box::new(RunEnd {
            state,
            total_tasks: u32::try_from(self.state.graph.len()).unwrap_or(u32::MAX),
            counts,
            duration_ms: self.state.started.map(|started| now.since(started)).unwrap_or_default(),
            reason: reason.map(Into::into),
            unconfirmed,
        });
        let event = match state {
            RunState::Failed => Event::RunFailed(end),
            RunState::Cancelled => Event::RunCancelled(end),
            _ => Event::RunCompleted(end),
        };
        self.record(now, event, fleet, step);
        step.effects.push(Effect::Close);
    }
}

fn end_reason(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::Run | CancelReason::Task | CancelReason::ApprovalRefused | CancelReason::Rollback => {
            "cancelled"
        }
        CancelReason::Deadline => "deadline",
        CancelReason::FailFast => "fail_fast",
        CancelReason::Timeout => "timeout",
    }
}
