//! A run without devices: every task takes the time that it is estimated to take.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashSet;
use starline_assign::AssignmentStrategy;
use starline_edit::{Surroundings, check_within};
use starline_graph::{TaskGraph, has_templates};
use starline_scheduler::{Effect, Fleet, Input, Limits, Plan, Refusal, Rejection, Scheduler, Step};
use starline_strategies::LoadBalance;
use starline_types::{
    DeviceId, DeviceIx, DeviceProfile, Edit, EditBatch, Envelope, GraphSpec, Millis, Payload, RunId,
    RunOutcome, RunSettings, RunState, Seq, TaskId, TaskIx, TaskRef, TaskReport, TaskSpec, Timestamp,
    UnixMillis,
};

use crate::agenda::Agenda;

/// What is to be simulated.
pub struct Simulation<'a> {
    /// Name of the run.
    pub run_id: RunId,
    /// The graph. Its tasks do nothing but take their time.
    pub graph: Arc<GraphSpec>,
    /// Settings of the run. Its seed is replaced by [`seed`](Self::seed).
    pub settings: Arc<RunSettings>,
    /// Where tasks run; `None`: as `load_balance` says, unless pins and assignments settle it.
    pub strategy: Option<Box<dyn AssignmentStrategy>>,
    /// Devices of single tasks, chosen by hand. Without [`devices`](Self::devices) they mean nothing.
    pub assignments: Vec<(TaskId, DeviceId)>,
    /// The devices, all connected from beginning to end. None: one device `simulated` with room for any
    /// number of tasks, which meets every requirement.
    pub devices: Vec<DeviceProfile>,
    /// Seed of every draw of the run.
    pub seed: u64,
    /// Every estimate is multiplied by this and rounded to one millisecond. Finite and not negative.
    pub time_scale: f64,
    /// Sees every fact, in order, as it happens in virtual time.
    pub observer: &'a mut dyn FnMut(&Envelope),
}

impl fmt::Debug for Simulation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation")
            .field("run_id", &self.run_id)
            .field("tasks", &self.graph.tasks.len())
            .field("strategy", &self.strategy)
            .field("devices", &self.devices)
            .field("seed", &self.seed)
            .field("time_scale", &self.time_scale)
            .finish_non_exhaustive()
    }
}

/// What a simulated run came to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SimulatedRun {
    /// How it ended. Times are virtual milliseconds since its start.
    pub outcome: RunOutcome,
    /// Facts that were recorded.
    pub records: Seq,
}

/// Why a run could not be simulated to its end.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SimulationError {
    /// The graph has faults.
    #[error("the graph was rejected")]
    Rejected(#[from] Rejection),
    /// The run cannot start, for example because no device fits a task.
    #[error("the run cannot start")]
    Refused(#[from] Refusal),
    /// The factor for times is no number, infinite or negative.
    #[error("time scale {0} is not a finite number from zero up")]
    TimeScale(f64),
    /// Nothing is left to happen, and yet the run has not ended: its strategy leaves tasks where they are.
    #[error("the run is {state} with {pending} tasks that no device was given to")]
    Stalled {
        /// State of the run.
        state: RunState,
        /// Tasks that have not ended.
        pending: u32,
    },
}

/// Runs a graph in virtual time: each attempt takes `estimate.duration` (else the time of a `sleep` payload,
/// else no time) and completes with the result null.
///
/// Nothing is carried out. Templates are not filled in, declared outputs are not produced, and time limits of
/// attempts do not apply; queue limits and the deadline of the run do. A condition is judged on the result
/// null: one that reads outputs cannot be evaluated, and its target is skipped.
///
/// O((n + m) log n), in one call and without a clock: a million tasks take seconds.
///
/// # Errors
/// The graph has faults, the run cannot start, or its strategy leaves tasks unplaced for ever.
pub fn simulate(request: Simulation<'_>) -> Result<SimulatedRun, SimulationError> {
    let Simulation { run_id, graph, settings, strategy, assignments, devices, seed, time_scale, observer } =
        request;
    if !(time_scale.is_finite() && time_scale >= 0.0) {
        return Err(SimulationError::TimeScale(time_scale));
    }
    let anywhere = devices.is_empty();
    let mut settings = settings;
    if settings.seed != seed {
        Arc::make_mut(&mut settings).seed = seed;
    }
    let mut fleet = Fleet::new();
    for profile in if anywhere { vec![simulated_device()] } else { devices } {
        let device = fleet.register(DeviceProfile { local: true, ..profile });
        fleet.set_connected(device, true);
    }
    let by_hand: BTreeSet<&TaskId> = assignments.iter().map(|(task, _)| task).collect();
    let settled = |task: &TaskSpec| task.pin().is_some() || by_hand.contains(&task.id);
    let strategy = match strategy {
        None if !anywhere && graph.tasks.iter().all(|task| settled(task)) => None,
        None => Some(Box::new(LoadBalance) as Box<dyn AssignmentStrategy>),
        some => some,
    };
    let assignments = if anywhere { Vec::new() } else { assignments };
    let graph = hollow(graph, anywhere, time_scale)?;
    let plan = Plan { graph, settings, assignments, limits: Limits::ceiling() };
    Course::begin(run_id, plan, strategy, fleet, time_scale, observer)?.finish()
}

/// The device of simulations that name none.
fn simulated_device() -> DeviceProfile {
    let id = DeviceId::new("simulated").expect("a word is an id");
    DeviceProfile::new(id, "simulated").with_slots(u32::MAX)
}

fn duration(task: &TaskSpec, time_scale: f64) -> Millis {
    let estimate = task.estimate.as_ref().and_then(|estimate| estimate.duration);
    let span = estimate.unwrap_or(match task.run {
        Payload::Sleep(span) => span,
        _ => Millis::ZERO,
    });
    // Beyond a float's whole numbers lie times that no run reaches.
    Millis((span.0 as f64 * time_scale).round() as u64)
}

/// The graph with tasks that ask for nothing that a simulation does not have.
fn hollow(graph: Arc<GraphSpec>, anywhere: bool, time_scale: f64) -> Result<Arc<GraphSpec>, Rejection> {
    let endless = |task: &TaskSpec| task.run_timeout.is_some_and(|limit| duration(task, time_scale) >= limit);
    let is_solid = |task: &TaskSpec| !task.outputs.is_empty() || has_templates(task);
    let is_hollow = |task: &TaskSpec| {
        let demanding = anywhere && task.device.is_some();
        !(demanding || endless(task) || is_solid(task))
    };
    if graph.tasks.iter().all(|task| is_hollow(task)) {
        return Ok(graph);
    }
    if graph.tasks.iter().any(|task| is_solid(task)) {
        // What is left out below is no less checked for that.
        let edits = vec![Edit::Build { graph: Arc::clone(&graph), clear_existing: true }];
        let batch = EditBatch { edits, ..EditBatch::default() };
        let around = Surroundings { limits: Limits::ceiling(), ..Surroundings::default() };
        drop(check_within(&mut TaskGraph::default(), &batch, &around)?);
    }
    let mut copy = (*graph).clone();
    for task in &mut copy.tasks {
        if is_hollow(task) {
            continue;
        }
        let (endless, templated) = (endless(task), has_templates(task));
        let task = Arc::make_mut(task);
        task.outputs.clear();
        if anywhere {
            task.device = None;
        }
        if endless {
            task.run_timeout = None;
        }
        if templated {
            if !matches!(task.run, Payload::Sleep(_)) {
                task.run = Payload::Noop;
            }
            task.inputs.clear();
            if let Some(details) = &mut task.details {
                Arc::make_mut(details).description.clear();
            }
        }
    }
    Ok(Arc::new(copy))
}

/// A simulated run on its way.
struct Course<'a> {
    now: Timestamp,
    scheduler: Scheduler,
    fleet: Fleet,
    step: Step,
    /// Attempts by the time of their end.
    running: Agenda<(TaskRef, u32, DeviceIx)>,
    /// Attempts that are to end at once, and those that did.
    stopping: Vec<(TaskRef, u32, DeviceIx)>,
    stopped: FxHashSet<(TaskIx, u32)>,
    time_scale: f64,
    observer: &'a mut dyn FnMut(&Envelope),
}

impl<'a> Course<'a> {
    fn begin(
        run: RunId,
        plan: Plan,
        strategy: Option<Box<dyn AssignmentStrategy>>,
        mut fleet: Fleet,
        time_scale: f64,
        observer: &'a mut dyn FnMut(&Envelope),
    ) -> Result<Self, SimulationError> {
        let (now, mut step) = (Timestamp(0), Step::default());
        let mut scheduler = Scheduler::create(run, plan, strategy, now, &mut fleet, &mut step)?;
        scheduler.step_into(now, Input::Start, &mut fleet, &mut step);
        if let Some(Err(refusal)) = step.answer.take() {
            return Err(refusal.into());
        }
        Ok(Self {
            now,
            scheduler,
            fleet,
            step,
            running: Agenda::default(),
            stopping: Vec::new(),
            stopped: FxHashSet::default(),
            time_scale,
            observer,
        })
    }

    fn finish(mut self) -> Result<SimulatedRun, SimulationError> {
        loop {
            while self.scheduler.place(self.now, &mut self.fleet, usize::MAX, &mut self.step) {}
            self.publish_and_act();
            if let Some(outcome) = self.scheduler.outcome(&self.fleet) {
                return Ok(SimulatedRun { outcome, records: self.scheduler.seq() });
            }
            if !self.stopping.is_empty() {
                self.stop();
                continue;
            }
            let due = self.scheduler.next_deadline();
            let Some(next) = [self.running.next(), due].into_iter().flatten().min() else {
                let pending = self.scheduler.graph().counts().open();
                return Err(SimulationError::Stalled { state: self.scheduler.run_state(), pending });
            };
            self.now = self.now.max(next);
            while let Some((task, attempt, device)) = self.running.pop_due(self.now) {
                if !self.was_stopped(&task, attempt) {
                    self.report(task, attempt, device, TaskReport::done());
                }
            }
            if due.is_some_and(|due| due <= self.now) {
                self.scheduler.step_into(self.now, Input::Tick, &mut self.fleet, &mut self.step);
            }
        }
    }

    fn report(&mut self, task: TaskRef, attempt: u32, device: DeviceIx, report: TaskReport) {
        let input = Input::Reported { task, attempt, device, report };
        self.scheduler.step_into(self.now, input, &mut self.fleet, &mut self.step);
    }

    fn stop(&mut self) {
        for (task, attempt, device) in std::mem::take(&mut self.stopping) {
            if let Some(ix) = task.hint()
                && self.stopped.insert((ix, attempt))
            {
                self.report(task, attempt, device, TaskReport::Stopped);
            }
        }
    }

    fn was_stopped(&self, task: &TaskRef, attempt: u32) -> bool {
        !self.stopped.is_empty() && task.hint().is_some_and(|ix| self.stopped.contains(&(ix, attempt)))
    }

    fn publish_and_act(&mut self) {
        let mut seq = self.step.first(self.scheduler.seq());
        for event in self.step.events.drain(..) {
            let envelope = Envelope {
                seq,
                run_id: self.scheduler.run().clone(),
                revision: self.scheduler.revision(),
                t: self.now,
                at: UnixMillis(self.now.0),
                cause: None,
                event,
            };
            (self.observer)(&envelope);
            seq = seq.next();
        }
        for effect in self.step.effects.drain(..) {
            match effect {
                Effect::Dispatch { device, attempt } => {
                    let end = self.now + duration(&attempt.spec, self.time_scale);
                    self.running.add(end, (attempt.id.task, attempt.id.number, device));
                }
                Effect::Cancel { device, attempt, .. } => {
                    self.stopping.push((attempt.task, attempt.number, device));
                }
                Effect::Acknowledge { .. }
                | Effect::HandOver(_)
                | Effect::HoldOver { .. }
                | Effect::Close => {}
            }
        }
    }
}
