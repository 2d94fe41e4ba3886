//! Rounds: tasks that want a device, given to the strategy.

use std::fmt;

use starline_assign::{Binding, ClassIx, GraphView, Round, RoundInput, Unplaced};
use starline_types::{DeviceIx, Event, TaskIx, TaskSpec, Timestamp};

use crate::bug::Bug;
use crate::state::Avoid;
use crate::state::State;
use crate::{Fleet, Scheduler, Step};

/// The graph as a strategy sees it.
struct View<'a>(&'a State);

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "graph of {} tasks", self.0.graph.len())
    }
}

impl GraphView for View<'_> {
    fn len(&self) -> usize {
        self.0.graph.len()
    }

    fn spec(&self, task: TaskIx) -> &TaskSpec {
        self.0.graph.spec(task)
    }

    fn tasks(&self) -> Vec<TaskIx> {
        self.0.graph.in_order()
    }

    fn predecessors(&self, task: TaskIx) -> Vec<TaskIx> {
        self.0.graph.predecessors(task).collect()
    }

    fn successors(&self, task: TaskIx) -> Vec<TaskIx> {
        self.0.graph.successors(task).collect()
    }

    fn device(&self, task: TaskIx) -> Option<DeviceIx> {
        self.0.slot(task).planned.or_else(|| self.0.graph.record(task).device)
    }

    fn last_device_before(&self, task: TaskIx) -> Option<DeviceIx> {
        let ended =
            self.0.graph.predecessors(task).filter(|source| self.0.graph.state(*source).is_terminal());
        let last =
            ended.max_by_key(|source| (self.0.graph.record(*source).finished, self.0.graph.order(*source)));
        last.and_then(|source| self.0.graph.record(source).device)
    }
}

impl Scheduler {
    /// Asks the strategy for devices of unstarted tasks, whatever slots are free.
    pub(super) fn early_round(
        &mut self,
        now: Timestamp,
        tasks: &[TaskIx],
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Vec<(TaskIx, DeviceIx)> {
        self.round(now, Binding::Early, tasks, fleet, step)
    }

    /// Asks the strategy; if it errs, its round is discarded and the least loaded device is taken.
    pub(super) fn round(
        &mut self,
        now: Timestamp,
        binding: Binding,
        tasks: &[TaskIx],
        fleet: &mut Fleet,
        step: &mut Step,
    ) -> Vec<(TaskIx, DeviceIx)> {
        let classes: Vec<ClassIx> = tasks
            .iter()
            .map(|task| {
                let spec = self.state.graph.spec(*task);
                let selector = spec.device.as_ref().filter(|_| !self.has_bug(Bug::RequirementsIgnored));
                fleet.class_within(spec, selector)
            })
            .collect();
        let mut own_classes = Vec::new();
        let unplaced: Vec<Unplaced<'_>> = tasks
            .iter()
            .zip(classes)
            .map(|(task, class)| {
                let spec: &TaskSpec = self.state.graph.spec(*task);
                let class = match self.without_avoided(now, *task, class, fleet) {
                    Some(devices) => {
                        own_classes.push(devices);
                        ClassIx(
                            u32::try_from(fleet.classes().len() + own_classes.len() - 1).unwrap_or(u32::MAX),
                        )
                    }
                    None => class,
                };
                Unplaced { ix: *task, class, prefer: spec.preference().and_then(|id| fleet.find(id)), spec }
            })
            .collect();
        let loads = fleet.loads();
        let all_classes;
        let classes = if own_classes.is_empty() {
            fleet.classes()
        } else {
            all_classes = [fleet.classes(), &own_classes].concat();
            &all_classes
        };
        let view = View(&self.state);
        let input = || RoundInput { binding, graph: &view, tasks: &unplaced, devices: &loads, classes };
        let mut round = Round::new(input());
        let Some(strategy) = &self.strategy else { return Vec::new() };
        let fault = match strategy.assign(&mut round) {
            Ok(()) => return round.into_placements(),
            Err(fault) => fault,
        };
        let event = Event::StrategyFaulted { strategy: strategy.name().into(), message: fault.to_string() };
        let mut round = Round::new(input());
        take_least_loaded(&mut round);
        let placements = round.into_placements();
        self.record(now, event, fleet, step);
        placements
    }

    /// The devices that a task may take now, if some of its class are left out for it.
    fn without_avoided(
        &self,
        now: Timestamp,
        task: TaskIx,
        class: ClassIx,
        fleet: &Fleet,
    ) -> Option<Vec<DeviceIx>> {
        let avoid =
            self.state.rare_ref(task).map(|rare| rare.avoid.as_slice()).filter(|list| !list.is_empty())?;
        let refused =
            |device: &DeviceIx| avoid.iter().any(|(avoided, why)| avoided == device && why.is_refusal(now));
        let lost = |device: &DeviceIx| avoid.contains(&(*device, Avoid::Lost));
        let willing: Vec<DeviceIx> =
            fleet.eligible(class).iter().copied().filter(|device| !refused(device)).collect();
        let others: Vec<DeviceIx> =
            willing.iter().copied().filter(|device| !lost(device) && fleet.is_available(*device)).collect();
        // A device that was lost is taken again if no other one fits.
        Some(if others.is_empty() { willing } else { others })
    }

    /// Plans anew what has no device, or one that takes nothing now while another one would. O(tasks); called
    /// when the fleet changes.
    pub(super) fn replan_displaced(&mut self, now: Timestamp, fleet: &mut Fleet, step: &mut Step) {
        if !self.early || self.has_bug(Bug::LossForgotten) {
            return;
        }
        let mut displaced: Vec<TaskIx> = self
            .state
            .graph
            .indices()
            .filter(|task| self.state.graph.state(*task).is_unstarted())
            .filter(|task| self.state.slot(*task).planned.is_none_or(|device| !fleet.is_available(device)))
            .filter(|task| self.strategy.is_some() || self.state.graph.spec(*task).pin().is_some())
            .collect();
        displaced.sort_by_key(|task| self.state.graph.order(*task));
        self.plan(now, &displaced, fleet, step);
    }

    /// Without a strategy a task that an edit added has the device that it names, if any.
    fn pinned(&self, tasks: &[TaskIx], fleet: &mut Fleet) -> Vec<(TaskIx, DeviceIx)> {
        let open = tasks.iter().filter(|task| self.state.slot(**task).planned.is_none());
        let placed = open.filter_map(|task| {
            let spec = self.state.graph.spec(*task);
            let device = fleet.find(spec.pin()?)?;
            let class = fleet.class(spec);
            fleet.eligible(class).binary_search(&device).is_ok().then_some((*task, device))
        });
        placed.collect()
    }

    /// Plans tasks with early binding; what finds no device waits for the fleet to change.
    pub(super) fn plan(&mut self, now: Timestamp, tasks: &[TaskIx], fleet: &mut Fleet, step: &mut Step) {
        if tasks.is_empty() {
            return;
        }
        let placed = match &self.strategy {
            Some(_) => self.early_round(now, tasks, fleet, step),
            None => self.pinned(tasks, fleet),
        };
        if !placed.is_empty() {
            let assignments = self.placements(&placed, fleet);
            self.record(now, Event::TasksPlaced { assignments }, fleet, step);
        }
    }
}

/// What serves when a strategy errs.
fn take_least_loaded(round: &mut Round<'_>) {
    for task in round.tasks() {
        let best = round.candidates(task.ix).iter().min_by(|a, b| a.cmp_load_ratio(b).then(a.ix.cmp(&b.ix)));
        if let Some(device) = best {
            let placed = round.place(task.ix, device.ix);
            debug_assert!(placed.is_ok(), "a candidate was refused: {placed:?}");
        }
    }
}
