//! Decisions: what an input means now. Each records facts; none changes state by itself.

mod approval;
mod cancel;
mod command;
mod deadline;
mod device;
mod failure;
mod finish;
mod late;
mod place;
mod prepare;
mod replan;
mod report;

use starline_types::{RunState, Timestamp};

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
            Input::Undelivered { task, attempt, device, fault } => {
                self.decide_undelivered(now, task, attempt, device, fault, fleet, step);
            }
            Input::Stopped { task, attempt, by } => self.decide_stopped(now, task, attempt, by, fleet, step),
            Input::DeviceChanged { device, change } => self.decide_device(now, device, change, fleet, step),
            Input::Prepare => step.answer = Some(self.decide_prepare(now, fleet, step)),
            Input::Start => step.answer = Some(self.decide_start(now, fleet, step)),
            Input::Pause => step.answer = Some(self.decide_pause(now, fleet, step)),
            Input::Resume => step.answer = Some(self.decide_resume(now, fleet, step)),
            Input::CancelRun { force } => step.answer = Some(self.decide_cancel_run(now, force, fleet, step)),
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
        if self.state.ending.is_some() {
            return Err(Refusal::RunCancelling);
        }
        Ok(())
    }

    pub(crate) fn is_executing(&self) -> bool {
        self.state.run_state == RunState::Executing
    }
}
