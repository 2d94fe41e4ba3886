//! A run in virtual time, as far as a plan needs it.

use std::collections::BTreeMap;
use std::sync::Arc;

use starline::orchestrator::AssignmentStrategy;
use starline::sim::{Simulation, simulate};
use starline::types::{
    Dependency, DependencyKind, DeviceId, Envelope, Event, GraphSpec, Millis, RunId, TaskId, Timestamp,
};

use super::figures::{Figures, Levels};
use super::reason::{Code, Reason};
use super::{Expectation, Note, Plan, PlannedTask, Question};
use crate::attempts::{Attempts, DeviceUse};
use crate::failure::Failure;
use crate::line::skip_reason;
use crate::simulate::{failure, without_files};

/// What happened to the tasks.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// Tasks in the order in which they began, then those that did not.
    pub(super) order: Vec<TaskId>,
    pub(super) tasks: BTreeMap<TaskId, Passage>,
    /// What the strategy planned before the start, in the order of the file.
    pub(super) placements: Vec<(TaskId, Option<DeviceId>)>,
    pub(super) makespan: Millis,
    pub(super) peak: u32,
    devices: BTreeMap<DeviceId, DeviceUse>,
}

/// What happened to one task.
#[derive(Clone, Debug, Default)]
pub(super) struct Passage {
    pub(super) device: Option<DeviceId>,
    pub(super) start: Option<Timestamp>,
    pub(super) end: Option<Timestamp>,
    /// Why it did not complete, if so.
    pub(super) fault: Option<(Expectation, String)>,
}

impl Passage {
    /// Its time.
    pub(super) fn duration(&self) -> Millis {
        self.start.zip(self.end).map_or(Millis::ZERO, |(start, end)| end.since(start))
    }
}

/// Lets the run take its course.
///
/// # Errors
/// It cannot begin, or its strategy leaves tasks unplaced for ever.
pub(super) fn take(question: &Question, strategy: Box<dyn AssignmentStrategy>) -> Result<Course, Failure> {
    let slots = question.devices.iter().map(|device| (device.id.clone(), device.slots));
    let mut attempts = Attempts::of(slots);
    let mut course = Course::default();
    let (mut began, mut live) = (Timestamp(0), 0_u32);
    let mut observer = |envelope: &Envelope| {
        attempts.observe(envelope);
        match &envelope.event {
            Event::RunStarted { .. } => began = envelope.t,
            Event::TaskAssigned { .. } => {
                live += 1;
                course.peak = course.peak.max(live);
            }
            Event::TaskCompleted { .. } => live = live.saturating_sub(1),
            _ => {}
        }
        course.observe(envelope, began);
    };
    let mut settings = question.settings.clone();
    // Said in a note instead, as the rest of the plan is of interest all the same.
    settings.deadline = None;
    settings.approved_in_advance = true;
    let simulated = simulate(Simulation {
        run_id: RunId::system(),
        graph: without_files(&expected(&question.graph)),
        settings: Arc::new(settings),
        strategy: Some(strategy),
        assignments: Vec::new(),
        devices: question.devices.clone(),
        seed: question.seed,
        time_scale: 1.0,
        observer: &mut observer,
    })
    .map_err(failure)?;
    course.makespan = simulated.outcome.duration_ms;
    course.devices = attempts.finish(course.makespan);
    Ok(course)
}

/// The graph with every condition taken for true.
fn expected(graph: &Arc<GraphSpec>) -> Arc<GraphSpec> {
    let is_condition = |edge: &Dependency| matches!(edge.kind, DependencyKind::When(_));
    if !graph.dependencies.iter().any(is_condition) {
        return Arc::clone(graph);
    }
    let mut graph = GraphSpec::clone(graph);
    for edge in graph.dependencies.iter_mut().filter(|edge| is_condition(edge)) {
        edge.kind = DependencyKind::Success;
    }
    Arc::new(graph)
}

impl Course {
    fn observe(&mut self, envelope: &Envelope, began: Timestamp) {
        let now = Timestamp(envelope.t.since(began).0);
        match &envelope.event {
            Event::RunReady { assignments, .. } => {
                let placements = assignments.iter();
                self.placements = placements
                    .map(|placement| {
                        let device = placement.device.as_ref().map(|device| device.id().clone());
                        (placement.task.id().clone(), device)
                    })
                    .collect();
            }
            Event::TaskAssigned { task, device, .. } => {
                self.order.push(task.id().clone());
                let passage = self.tasks.entry(task.id().clone()).or_default();
                passage.device = Some(device.id().clone());
                passage.start = Some(now);
            }
            Event::TaskCompleted { task, .. } => {
                self.tasks.entry(task.id().clone()).or_default().end = Some(now);
            }
            Event::TaskFailed { task, error, .. } => {
                let text = format!("{}: {}", error.kind, error.message);
                self.fault(task.id(), Expectation::Failed, text);
            }
            Event::TaskSkipped { task, edge, reason, .. } => {
                let edge = edge.as_ref().map(|edge| format!(" by {edge}")).unwrap_or_default();
                self.fault(task.id(), Expectation::Skipped, format!("{}{edge}", skip_reason(*reason)));
            }
            Event::TaskCancelled { task, .. } => {
                self.fault(task.id(), Expectation::Skipped, "cancelled".to_owned());
            }
            _ => {}
        }
    }

    fn fault(&mut self, task: &TaskId, status: Expectation, text: String) {
        let passage = self.tasks.entry(task.clone()).or_default();
        if passage.start.is_none() {
            self.order.push(task.clone());
        }
        passage.fault = Some((status, text));
    }

    /// Time of a task.
    pub(super) fn duration(&self, task: &TaskId) -> Millis {
        self.tasks.get(task).map_or(Millis::ZERO, Passage::duration)
    }

    /// The plan that says what happened here.
    pub(super) fn into_plan(
        self,
        question: &Question,
        strategy: &str,
        figures: Figures,
        levels: &Levels,
        mut reasons: BTreeMap<TaskId, Reason>,
        notes: Vec<Note>,
    ) -> Plan {
        let critical: std::collections::BTreeSet<&TaskId> = figures.critical_path.iter().collect();
        let specs: BTreeMap<&TaskId, _> =
            question.graph.tasks.iter().map(|task| (&task.id, task.as_ref())).collect();
        // Those that did not begin come last, whenever that was known.
        let (begun, others): (Vec<_>, Vec<_>) =
            self.order.iter().partition(|task| self.tasks.get(*task).is_some_and(|it| it.start.is_some()));
        let tasks = begun.into_iter().chain(others).map(|task| {
            let passage = self.tasks.get(task).cloned().unwrap_or_default();
            let (status, fault) = passage.fault.clone().unzip();
            let reason = match fault {
                Some(fault) => Reason { code: Code::NotRun, eligible: 0, text: fault },
                None => reasons.remove(task).unwrap_or_else(|| Reason::of_strategy(strategy)),
            };
            let span = |time: Option<Timestamp>| time.map(|time| Millis(time.0));
            PlannedTask {
                task: task.clone(),
                status: status.unwrap_or(Expectation::Planned),
                stage: levels.stage(task),
                device: passage.device,
                reason,
                start_ms: span(passage.start),
                end_ms: span(passage.end),
                estimated: specs.get(task).is_some_and(|spec| super::note::is_estimated(spec)),
                slack_ms: levels.slack(task),
                critical: critical.contains(task),
            }
        });
        let tasks = tasks.collect();
        let busy: u64 = self.devices.values().map(|device| device.busy_ms.0).sum();
        let slots: u64 = question.devices.iter().map(|device| u64::from(device.slots)).sum();
        let offered = self.makespan.0 as f64 * slots as f64;
        Plan {
            strategy: strategy.to_owned(),
            tasks,
            stages: levels.stages(),
            makespan_ms: self.makespan,
            peak: self.peak,
            utilisation: if offered > 0.0 { busy as f64 / offered } else { 0.0 },
            figures,
            devices: self.devices,
            notes,
        }
    }
}
