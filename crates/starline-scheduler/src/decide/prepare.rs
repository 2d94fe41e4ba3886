//! Making a run ready: every task gets a device, or it is known that it can get one.

use rustc_hash::FxHashMap;
use starline_types::{DeviceIx, Event, Placement, RunState, TaskIx, Timestamp};

use crate::{Answer, Fleet, Refusal, Scheduler, Step};

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
        for task in tasks {
            match chosen.get(&task) {
                Some(device) => assignments.push((task, *device)),
                None => open.push(task),
            }
        }
        if self.strategy.is_none() && !open.is_empty() {
            let tasks = open.iter().map(|task| self.state.graph.id(*task).clone()).collect();
            return Err(Refusal::Unassigned { tasks, devices: fleet.ids() });
        }
        if self.early && !open.is_empty() {
            assignments.extend(self.early_round(now, &open, fleet, step));
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
    fn chosen(&mut self, fleet: &mut Fleet) -> Result<FxHashMap<TaskIx, DeviceIx>, Refusal> {
        let mut chosen = FxHashMap::default();
        let settings = std::sync::Arc::clone(&self.state.settings);
        for (id, device) in &settings.assignments {
            let task = self.state.graph.find(id.as_str()).ok_or_else(|| Refusal::UnknownTask(id.clone()));
            let ix = fleet
                .find(device)
                .ok_or_else(|| Refusal::UnknownDevice { device: device.clone(), known: fleet.ids() });
            let (task, ix) = (task?, ix?);
            let class = fleet.class(self.state.graph.spec(task).device.as_ref());
            if fleet.eligible(class).binary_search(&ix).is_err() {
                let missing = self.missing_on(task, ix, fleet);
                return Err(Refusal::NotEligible { task: id.clone(), device: device.clone(), missing });
            }
            chosen.insert(task, ix);
        }
        // What was said after the submission comes after it.
        for task in self.state.graph.indices() {
            if let Some(ix) = self.state.slot(task).planned.filter(|ix| fleet.is_registered(*ix)) {
                chosen.insert(task, ix);
            }
        }
        for task in self.state.graph.indices() {
            if let Some(ix) = self.state.graph.spec(task).pin().and_then(|pin| fleet.find(pin)) {
                chosen.entry(task).or_insert(ix);
            }
        }
        Ok(chosen)
    }

    /// Every task must fit a registered device, and every task that is not bound to one of them a connected
    /// one.
    fn check_eligible(
        &self,
        tasks: &[TaskIx],
        chosen: &FxHashMap<TaskIx, DeviceIx>,
        fleet: &mut Fleet,
    ) -> Result<(), Refusal> {
        let mut impossible = Vec::new();
        let mut unbound = false;
        for task in tasks {
            let class = fleet.class(self.state.graph.spec(*task).device.as_ref());
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
        let selector = self.state.graph.spec(task).device.as_ref();
        selector.map(|selector| fleet.missing(device, selector)).unwrap_or_default()
    }

    /// What a task asks for and the device that comes nearest lacks.
    pub(super) fn missing(&self, task: TaskIx, fleet: &Fleet) -> Vec<String> {
        let lacks = fleet.devices().map(|device| self.missing_on(task, device, fleet));
        lacks.min_by_key(Vec::len).unwrap_or_else(|| vec!["a device".into()])
    }
}
