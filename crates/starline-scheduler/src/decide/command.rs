//! Commands about single tasks: skip, reassign, clear.

use starline_types::{DeviceId, Event, OutcomeStatus, Placement, SkipReason, TaskId, TaskIx, Timestamp};

use crate::{Answer, Fleet, Refusal, Scheduler, Step};

impl Scheduler {
    fn find_unstarted(&self, id: &TaskId) -> Result<TaskIx, Refusal> {
        self.refuse_if_over()?;
        let task = self.find_task(id)?;
        let state = self.state.graph.state(task);
        if state.is_unstarted() {
            Ok(task)
        } else {
            Err(Refusal::TaskNotPending { task: id.clone(), state: state.as_str() })
        }
    }

    pub(super) fn decide_skip_task(
        &mut self,
        now: Timestamp,
        id: &TaskId,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Result<Answer, Refusal> {
        let task = self.find_unstarted(id)?;
        let event = Event::TaskSkipped {
            task: self.state.graph.reference(task),
            edge: None,
            reason: SkipReason::Operator,
            message: None,
            edges: self.judge_without_attempt(task, OutcomeStatus::Skipped, fleet),
        };
        self.record(now, event, fleet, step);
        Ok(Answer::Done)
    }

    pub(super) fn decide_reassign(
        &mut self,
        now: Timestamp,
        id: &TaskId,
        device: &DeviceId,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Result<Answer, Refusal> {
        let task = self.find_unstarted(id)?;
        let ix = fleet
            .find(device)
            .ok_or_else(|| Refusal::UnknownDevice { device: device.clone(), known: fleet.ids() })?;
        let class = fleet.class(self.state.graph.spec(task));
        if fleet.eligible(class).binary_search(&ix).is_err() {
            let missing = self.missing_on(task, ix, fleet);
            return Err(Refusal::NotEligible { task: id.clone(), device: device.clone(), missing });
        }
        if self.state.is_refused_for_good(task, ix) {
            // Planned there it would wait for ever.
            let missing = vec!["it refused the task for good".to_owned()];
            return Err(Refusal::NotEligible { task: id.clone(), device: device.clone(), missing });
        }
        let placement =
            Placement { task: self.state.graph.reference(task), device: Some(fleet.reference(ix)) };
        self.record(now, Event::TasksPlaced { assignments: [placement].into() }, fleet, step);
        Ok(Answer::Done)
    }

    pub(super) fn decide_clear(
        &mut self,
        now: Timestamp,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Result<Answer, Refusal> {
        self.refuse_if_over()?;
        let planned: Vec<TaskIx> = self
            .state
            .graph
            .in_order()
            .into_iter()
            .filter(|task| self.state.graph.state(*task).is_unstarted())
            .filter(|task| {
                self.state.slot(*task).planned.is_some() && self.state.graph.spec(*task).pin().is_none()
            })
            .collect();
        let count = planned.len();
        if count > 0 {
            let cleared = planned
                .into_iter()
                .map(|task| Placement { task: self.state.graph.reference(task), device: None })
                .collect();
            self.record(now, Event::TasksPlaced { assignments: cleared }, fleet, step);
        }
        Ok(Answer::Count(count))
    }
}
