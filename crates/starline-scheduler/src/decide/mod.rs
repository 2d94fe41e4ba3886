//! Decisions: what an input means now. Each records facts; none changes state by itself.

mod approval;
mod cancel;
mod command;
mod deadline;
mod device;
mod edit;
mod failure;
mod finish;
mod hold;
mod late;
mod place;
mod prepare;
mod refusal;
mod replan;
mod report;
mod rollback;

use starline_types::{Origin, RunState, TaskId, TaskIx, Timestamp};

use edit::Submission;

use crate::{Fleet, Input, Refusal, Scheduler, Step};

impl Scheduler {
    pub(crate) fn decide(&mut self, now: Timestamp, input: Input, fleet: &mut Fleet, step: &mut Step) {
        self.state.ripen(now);
        match input {
            // First, as there are a million of them.
            Input::Reported { task, attempt, device, report } => {
                self.decide_report(now, task, attempt, device, report, fleet, step);
            }
            Input::Began { task, attempt } => self.decide_began(now, task, attempt, fleet, step),
            Input::Checkpoint { task, attempt, content } => {
                self.decide_checkpoint(now, task, attempt, content, fleet, step);
            }
            Input::Undelivered { task, attempt, device, fault } => {
                self.decide_undelivered(now, task, attempt, device, fault, fleet, step);
            }
            Input::Refused { task, attempt, device, error } => {
                self.decide_refused(now, task, attempt, device, error, fleet, step);
            }
            Input::Stopped { task, attempt, by } => self.decide_stopped(now, task, attempt, by, fleet, step),
            Input::DeviceChanged { device, change } => self.decide_device(now, device, change, fleet, step),
            Input::TakenOver { epoch } => self.decide_taken_over(now, epoch, fleet, step),
            Input::HashState => self.decide_hash(now, fleet, step),
            Input::Prepare => step.answer = Some(self.decide_prepare(now, fleet, step)),
            Input::Start => step.answer = Some(self.decide_start(now, fleet, step)),
            Input::Pause => step.answer = Some(self.decide_pause(now, fleet, step)),
            Input::Resume => step.answer = Some(self.decide_resume(now, fleet, step)),
            Input::CancelRun { force } => step.answer = Some(self.decide_cancel_run(now, force, fleet, step)),
            Input::Rollback { force, by } => {
                step.answer = Some(self.decide_rollback(now, force, by, fleet, step));
            }
            Input::CancelTask { task } => {
                step.answer = Some(self.decide_cancel_task(now, &task, fleet, step))
            }
            Input::SkipTask { task } => step.answer = Some(self.decide_skip_task(now, &task, fleet, step)),
            Input::Reassign { task, device } => {
                step.answer = Some(self.decide_reassign(now, &task, &device, fleet, step));
            }
            Input::Approve { task, by } => {
                step.answer = Some(self.decide_approve(now, &task, by, fleet, step));
            }
            Input::Reject { task, by } => {
                step.answer = Some(self.decide_reject(now, &task, by, fleet, step));
            }
            Input::Submit { batch, unread, author, check_only } => {
                let submission = Submission { batch, unread, author, check_only, origin: Origin::Edit };
                step.answer = Some(self.decide_submit(now, submission, fleet, step));
            }
            Input::Undo { expect, author } => {
                step.answer = Some(self.decide_undo(now, expect, author, Origin::Undo, fleet, step));
            }
            Input::Redo { expect, author } => {
                step.answer = Some(self.decide_undo(now, expect, author, Origin::Redo, fleet, step));
            }
            Input::RetryTask { task, author } => {
                step.answer = Some(self.decide_retry(now, &task, author, fleet, step));
            }
            Input::EditorAttached => step.answer = Some(self.decide_attach(now, fleet, step)),
            Input::EditorDetached => step.answer = Some(self.decide_detach(now, fleet, step)),
            Input::ReleaseHold { hold } => step.answer = Some(self.decide_release(now, hold, fleet, step)),
            Input::ExtendHold { hold, tasks } => {
                step.answer = Some(self.decide_extend(now, hold, &tasks, fleet, step));
            }
            Input::PlannerFaulted { planner, hold, message } => {
                step.answer = Some(self.decide_planner_fault(now, planner, hold, message, fleet, step));
            }
            Input::ClearHolds => step.answer = Some(self.decide_clear_holds(now, fleet, step)),
            Input::SetHoldTimeout { timeout } => {
                step.answer = Some(self.decide_hold_timeout(now, timeout, fleet, step));
            }
            Input::ClearAssignments => step.answer = Some(self.decide_clear(now, fleet, step)),
            Input::Tick => self.decide_tick(now, fleet, step),
        }
        self.settle(now, fleet, step);
    }

    /// The refusal of a command for a run that has ended or is ending.
    pub(crate) fn refuse_if_over(&self) -> Result<(), Refusal> {
        if self.is_closed() {
            return Err(Refusal::RunTerminal(self.state.run_state));
        }
        if self.state.ending.is_some() || self.awaits_rollback() {
            return Err(Refusal::RunCancelling);
        }
        Ok(())
    }

    /// The task of a command; if there is none, the refusal names those that may have been meant.
    fn find_task(&self, id: &TaskId) -> Result<TaskIx, Refusal> {
        let graph = &self.state.graph;
        graph.find(id.as_str()).ok_or_else(|| {
            let ids = graph.indices().map(|task| graph.id(task).as_str());
            Refusal::UnknownTask { task: id.clone(), known: starline_edit::nearest(id.as_str(), ids) }
        })
    }

    pub(crate) fn is_executing(&self) -> bool {
        self.state.run_state == RunState::Executing
    }
}
