//! Holds: opened by ends of tasks, handed to the editor, closed by its answer or by their deadline.

use smol_str::SmolStr;
use starline_synchronizer::{Answered, Phase, Registration};
use starline_types::{
    Event, HoldId, HoldReason, HoldSettings, Millis, OutcomeStatus, TaskId, TaskIx, Timestamp,
};

use crate::bug::Bug;
use crate::{Answer, Effect, Fleet, Refusal, Scheduler, Step};

/// How long holds that outlived a restart wait for their editor.
const ORPHANED: Millis = Millis::from_secs(30);

impl Scheduler {
    /// A task has ended: if an editor wants to know, what is behind the task waits for its answer.
    pub(super) fn register(
        &mut self,
        now: Timestamp,
        task: TaskIx,
        status: OutcomeStatus,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        let forgotten = status == OutcomeStatus::Failed && self.has_bug(Bug::FailureUnregistered);
        if !self.attached
            || self.state.ending.is_some()
            || self.state.rollback.is_some()
            || !self.asks_on(status)
            || forgotten
        {
            return;
        }
        let task = self.state.graph.reference(task);
        let active = self.state.holds.active().map(|(hold, _)| hold);
        let registration = match active.filter(|_| self.has_bug(Bug::JoinAfterHandOver)) {
            Some(hold) => Registration::Join(hold),
            None => self.state.holds.registration(now),
        };
        match registration {
            Registration::Join(hold) => {
                self.record(now, Event::HoldJoined { hold, task }, fleet, step);
            }
            Registration::Open { hold, activate } => {
                let scope = self.hold_settings().scope;
                self.record(now, Event::HoldOpened { hold, scope, triggers: vec![task] }, fleet, step);
                if activate {
                    self.activate(now, hold, fleet, step);
                }
            }
        }
    }

    fn hold_settings(&self) -> &HoldSettings {
        self.state.holds.settings()
    }

    fn asks_on(&self, status: OutcomeStatus) -> bool {
        match &self.state.settings.editor {
            Some(editor) => editor.edit_on.contains(&status),
            None => matches!(status, OutcomeStatus::Completed | OutcomeStatus::Failed),
        }
    }

    fn activate(&mut self, now: Timestamp, hold: HoldId, fleet: &mut Fleet, step: &mut Step) {
        let deadline = self.state.holds.deadline(now);
        self.record(now, Event::HoldActivated { hold, deadline }, fleet, step);
        if self.state.holds.is_handed_over(hold, now) {
            step.effects.push(Effect::HandOver(hold));
        }
    }

    pub(super) fn close_hold(
        &mut self,
        now: Timestamp,
        hold: HoldId,
        reason: HoldReason,
        fleet: &mut Fleet,
        step: &mut Step,
    ) {
        let held_ms = self.state.holds.get(hold).map(|hold| now.since(hold.opened)).unwrap_or_default();
        self.record(now, Event::HoldClosed { hold, reason, held_ms }, fleet, step);
        step.effects.push(Effect::HoldOver { hold, reason });
        if let Some(next) = self.state.holds.next_in_line().filter(|_| self.attached) {
            self.activate(now, next, fleet, step);
        }
    }

    /// Closes every hold; none becomes active in between.
    pub(super) fn close_holds(
        &mut self,
        now: Timestamp,
        reason: HoldReason,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> usize {
        let open: Vec<HoldId> = self.state.holds.holds().map(|(id, _)| id).collect();
        let triggers = self.state.holds.pending().count();
        for hold in open {
            let held_ms = self.state.holds.get(hold).map(|hold| now.since(hold.opened)).unwrap_or_default();
            self.record(now, Event::HoldClosed { hold, reason, held_ms }, fleet, step);
            step.effects.push(Effect::HoldOver { hold, reason });
        }
        triggers
    }

    /// Somebody will answer holds from now on.
    pub(super) fn decide_attach(
        &mut self,
        now: Timestamp,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Result<Answer, Refusal> {
        self.refuse_if_over()?;
        self.attached = true;
        self.orphaned = None;
        match self.state.holds.active().map(|(id, _)| id) {
            Some(hold) if self.state.holds.is_handed_over(hold, now) => {
                step.effects.push(Effect::HandOver(hold));
            }
            Some(_) => {}
            None => {
                if let Some(next) = self.state.holds.next_in_line() {
                    self.activate(now, next, fleet, step);
                }
            }
        }
        Ok(Answer::Done)
    }

    /// Nobody will answer holds any more.
    pub(super) fn decide_detach(
        &mut self,
        now: Timestamp,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Result<Answer, Refusal> {
        self.attached = false;
        self.orphaned = None;
        if !self.is_closed() && !self.has_bug(Bug::LostEditorKeepsHolds) {
            self.close_holds(now, HoldReason::EditorLost, fleet, step);
        }
        Ok(Answer::Done)
    }

    pub(super) fn decide_release(
        &mut self,
        now: Timestamp,
        hold: HoldId,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Result<Answer, Refusal> {
        self.refuse_if_over()?;
        self.find_hold(hold)?;
        self.close_hold(now, hold, HoldReason::Released, fleet, step);
        Ok(Answer::Done)
    }

    pub(super) fn decide_extend(
        &mut self,
        now: Timestamp,
        hold: HoldId,
        tasks: &[TaskId],
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Result<Answer, Refusal> {
        self.refuse_if_over()?;
        self.find_hold(hold)?;
        if self.state.holds.answered(hold) != Answered::Active {
            let open = self.state.holds.active().map(|(id, _)| id).into_iter().collect();
            return Err(Refusal::UnknownHold { hold, open });
        }
        let mut found = Vec::with_capacity(tasks.len());
        for id in tasks {
            let task = self.find_task(id)?;
            found.push(self.state.graph.reference(task));
        }
        let count = found.len();
        self.record(now, Event::HoldExtended { hold, tasks: found }, fleet, step);
        Ok(Answer::Count(count))
    }

    /// Records why nothing came of a hold.
    pub(super) fn decide_planner_fault(
        &mut self,
        now: Timestamp,
        planner: SmolStr,
        hold: HoldId,
        message: String,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Result<Answer, Refusal> {
        self.refuse_if_over()?;
        self.record(now, Event::PlannerFaulted { planner, hold, message }, fleet, step);
        Ok(Answer::Done)
    }

    pub(super) fn decide_clear_holds(
        &mut self,
        now: Timestamp,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Result<Answer, Refusal> {
        self.refuse_if_over()?;
        Ok(Answer::Count(self.close_holds(now, HoldReason::Cleared, fleet, step)))
    }

    pub(super) fn decide_hold_timeout(
        &mut self,
        now: Timestamp,
        timeout: Millis,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Result<Answer, Refusal> {
        self.refuse_if_over()?;
        if timeout == Millis::ZERO {
            return Err(Refusal::InvalidTimeout);
        }
        self.record(now, Event::HoldTimeoutSet { modification_timeout: timeout }, fleet, step);
        Ok(Answer::Done)
    }

    pub(super) fn hold_over(&mut self, now: Timestamp, hold: HoldId, fleet: &mut Fleet, step: &mut Step) {
        let due = self.state.holds.get(hold).is_some_and(|hold| match hold.phase {
            Phase::Active { deadline, .. } => deadline <= now,
            Phase::Collecting => false,
        });
        if due && !self.has_bug(Bug::HoldNeverExpires) {
            self.close_hold(now, hold, HoldReason::Expired, fleet, step);
        }
    }

    pub(super) fn hand_over(&mut self, now: Timestamp, hold: HoldId, step: &mut Step) {
        if self.attached && self.state.holds.is_handed_over(hold, now) {
            step.effects.push(Effect::HandOver(hold));
        }
    }

    /// After a restart: who answered holds before has to come back.
    pub(crate) fn await_editor(&mut self, now: Timestamp) {
        if !self.state.holds.is_empty() {
            self.orphaned = Some(now + ORPHANED);
        }
    }

    pub(super) fn close_orphans(&mut self, now: Timestamp, fleet: &mut Fleet, step: &mut Step) {
        if self.orphaned.is_some_and(|at| at <= now) {
            self.orphaned = None;
            self.close_holds(now, HoldReason::EditorLost, fleet, step);
        }
    }
}
