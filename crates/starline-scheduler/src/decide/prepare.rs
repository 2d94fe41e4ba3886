//! Making a run ready: every task gets a device, or it is known that it can get one.

use rustc_hash::{FxHashMap, FxHashSet};
use starline_types::{DeviceIx, Event, Placement, Revision, RunState, TaskIx, Timestamp};

use crate::{Answer, Fleet, Refusal, Scheduler, Step};

/// A device that no strategy chooses.
#[derive(Clone, Copy, Debug)]
struct Choice {
    device: DeviceIx,
    /// Chosen by the pin of the task alone.
    by_pin: bool,
}

impl Scheduler {
    pub(super) fn decide_prepare(
        &mut self,
        now: Timestamp,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Result<Answer, Refusal> {
        self.refuse_if_over()?;
        if self.state.run_state != RunState::Created {
            return Ok(Answer::Done);
        }
        let mut tasks = self.state.graph.in_order();
        tasks.retain(|task| self.state.graph.state(*task).is_unstarted());
        let chosen = self.chosen(fleet)?;
        self.check_eligible(&tasks, &chosen, fleet)?;
        let mut assignments = Vec::with_capacity(if self.early { tasks.len() } else { chosen.len() });
        let mut open = Vec::new();
        // A strategy that plans ahead places pinned tasks in their turn: it has one choice for them, and has to
        // know of them to balance the others.
        let planned_ahead = self.early && self.strategy.is_some();
        for task in tasks {
            match chosen.get(&task) {
                Some(Choice { by_pin: true, .. }) if planned_ahead => open.push(task),
                Some(choice) => assignments.push((task, choice.device)),
                None => open.push(task),
            }
        }
        if self.strategy.is_none() && !open.is_empty() {
            let tasks = open.iter().map(|task| self.state.graph.id(*task).clone()).collect();
            return Err(Refusal::Unassigned { tasks, devices: fleet.ids() });
        }
        if self.early && !open.is_empty() {
            // What is planned by hand is work of its device for the round, as what was planned before is already.
            let by_hand: Vec<DeviceIx> = assignments
                .iter()
                .filter(|(task, _)| self.state.slot(*task).planned.is_none())
                .map(|(_, device)| *device)
                .collect();
            by_hand.iter().for_each(|device| fleet.plan(*device));
            let placed = self.early_round(now, &open, fleet, step);
            by_hand.iter().for_each(|device| fleet.unplan(*device));
            assignments.extend(&placed);
            // A pin holds where its device takes nothing now as well.
            let placed: FxHashSet<TaskIx> = placed.into_iter().map(|(task, _)| task).collect();
            let left = open.iter().filter(|task| !placed.contains(task));
            assignments.extend(left.filter_map(|task| Some((*task, chosen.get(task)?.device))));
            assignments.sort_by_key(|(task, _)| self.state.graph.order(*task));
        }
        let assignments = self.placements(&assignments, fleet);
        self.record(now, Event::RunReady { strategy: self.strategy().into(), assignments }, fleet, step);
        Ok(Answer::Done)
    }

    pub(super) fn decide_start(
        &mut self,
        now: Timestamp,
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Result<Answer, Refusal> {
        const ALLOWED: &[RunState] = &[RunState::Created, RunState::Ready];
        self.refuse_if_over()?;
        if self.state.run_state == RunState::Created {
            self.decide_prepare(now, fleet, step)?;
        }
        if self.state.run_state != RunState::Ready {
            return Err(Refusal::WrongRunState { state: self.state.run_state, allowed: ALLOWED });
        }
        let total_tasks = u32::try_from(self.state.graph.len()).unwrap_or(u32::MAX);
        self.record(now, Event::RunStarted { total_tasks, strategy: self.strategy().into() }, fleet, step);
        Ok(Answer::Done)
    }

    /// The devices chosen by hand: by the map of the run, or by the pin of a task.
    fn chosen(&mut self, fleet: &mut Fleet) -> Result<FxHashMap<TaskIx, Choice>, Refusal> {
        let mut chosen = FxHashMap::default();
        let settings = std::sync::Arc::clone(&self.state.settings);
        for (id, device) in &settings.assignments {
            if self.state.graph.find(id.as_str()).is_none() && self.state.graph.revision() > Revision(0) {
                continue; // An edit removed it.
            }
            let task = self.find_task(id)?;
            let ix = fleet
                .find(device)
                .ok_or_else(|| Refusal::UnknownDevice { device: device.clone(), known: fleet.ids() })?;
            let class = fleet.class(self.state.graph.spec(task));
            if fleet.eligible(class).binary_search(&ix).is_err() {
                let missing = self.missing_on(task, ix, fleet);
                return Err(Refusal::NotEligible { task: id.clone(), device: device.clone(), missing });
            }
            chosen.insert(task, Choice { device: ix, by_pin: false });
        }
        // What was said after the submission comes after it.
        for task in self.state.graph.indices() {
            if let Some(ix) = self.state.slot(task).planned.filter(|ix| fleet.is_registered(*ix)) {
                chosen.insert(task, Choice { device: ix, by_pin: false });
            }
        }
        for task in self.state.graph.indices() {
            if let Some(ix) = self.state.graph.spec(task).pin().and_then(|pin| fleet.find(pin)) {
                chosen.entry(task).or_insert(Choice { device: ix, by_pin: true });
            }
        }
        Ok(chosen)
    }

    /// Every task must fit a registered device, and every task that is not bound to one of them a connected
    /// one.
    fn check_eligible(
        &self,
        tasks: &[TaskIx],
        chosen: &FxHashMap<TaskIx, Choice>,
        fleet: &mut Fleet,
    ) -> Result<(), Refusal> {
        let mut impossible = Vec::new();
        let mut unbound = false;
        for task in tasks {
            let class = fleet.class(self.state.graph.spec(*task));
            if fleet.eligible(class).is_empty() && fleet.devices().next().is_some() {
                impossible.push((self.state.graph.id(*task).clone(), self.missing(*task, fleet)));
            }
            unbound |= !chosen.contains_key(task);
        }
        if !impossible.is_empty() {
            return Err(Refusal::NoEligibleDevice(impossible));
        }
        if unbound && self.strategy.is_some() && fleet.available() == 0 {
            return Err(Refusal::NoDevices);
        }
        Ok(())
    }

    pub(super) fn placements(
        &self,
        placed: &[(TaskIx, DeviceIx)],
        fleet: &Fleet,
    ) -> std::sync::Arc<[Placement]> {
        placed
            .iter()
            .map(|(task, device)| Placement {
                task: self.state.graph.reference(*task),
                device: Some(fleet.reference(*device)),
            })
            .collect()
    }

    /// What a task asks for and one device lacks.
    pub(super) fn missing_on(&self, task: TaskIx, device: DeviceIx, fleet: &Fleet) -> Vec<String> {
        fleet.missing(device, self.state.graph.spec(task))
    }

    pub(super) fn missing(&self, task: TaskIx, fleet: &Fleet) -> Vec<String> {
        fleet.missing_everywhere(self.state.graph.spec(task))
    }
}
