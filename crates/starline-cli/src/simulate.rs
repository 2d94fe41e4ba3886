//! A run in virtual time.

use std::borrow::Cow;
use std::sync::Arc;

use starline::orchestrator::AssignmentStrategy;
use starline::sim::{Simulation, SimulationError, simulate};
use starline::types::{DeviceProfile, Envelope, Event, GraphSpec, RunId, RunSettings};

use crate::attempts::Attempts;
use crate::drive::Watcher;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::records::Records;
use crate::summary::Summary;

/// Facts after which they may be shown.
const GRIP: u64 = 1024;

/// What is to be simulated.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) run_id: RunId,
    pub(crate) graph: Arc<GraphSpec>,
    pub(crate) settings: RunSettings,
    pub(crate) strategy: Box<dyn AssignmentStrategy>,
    /// None: one device with room for everything.
    pub(crate) devices: Vec<DeviceProfile>,
    pub(crate) time_scale: f64,
    pub(crate) records: Records,
}

/// Simulates a job.
///
/// # Errors
/// The run cannot begin, or its strategy leaves tasks unplaced for ever.
pub(crate) fn run(job: Job, output: &Output, watcher: &mut dyn Watcher) -> Result<Summary, Failure> {
    let Job { run_id, graph, mut settings, strategy, devices, time_scale, mut records } = job;
    let mut attempts = Attempts::of(devices.iter().map(|device| (device.id.clone(), device.slots)));
    let seed = settings.seed;
    // Nobody is asked what to do in a run that is none.
    settings.approved_in_advance = true;
    let given = Arc::clone(&graph);
    let mut observer = |envelope: &Envelope| {
        let envelope = &as_given(envelope, &given);
        attempts.observe(envelope);
        records.event(envelope);
        watcher.event(envelope);
        if envelope.seq.0.is_multiple_of(GRIP) {
            watcher.caught_up();
        }
    };
    let simulated = simulate(Simulation {
        run_id,
        graph: without_files(&graph),
        settings: Arc::new(settings),
        strategy: Some(strategy),
        assignments: Vec::new(),
        devices,
        seed,
        time_scale,
        observer: &mut observer,
    });
    let outcome = match simulated {
        Ok(simulated) => simulated.outcome,
        Err(error) => {
            records.discard();
            return Err(failure(error));
        }
    };
    Ok(Summary::new(outcome, attempts, true).kept(records, output))
}

/// The graph without the files that tasks are sent: nothing is there that could be.
pub(crate) fn without_files(graph: &Arc<GraphSpec>) -> Arc<GraphSpec> {
    if graph.tasks.iter().all(|task| task.files().is_empty()) {
        return Arc::clone(graph);
    }
    let mut graph = GraphSpec::clone(graph);
    for task in graph.tasks.iter_mut().filter(|task| !task.files().is_empty()) {
        if let Some(details) = &mut Arc::make_mut(task).details {
            Arc::make_mut(details).files.clear();
        }
    }
    Arc::new(graph)
}

/// The fact with the graph that was given: a simulation carries out one that has lost what it cannot know, such as
/// templates over outputs.
fn as_given<'e>(envelope: &'e Envelope, given: &Arc<GraphSpec>) -> Cow<'e, Envelope> {
    let Event::RunCreated { name, settings, .. } = &envelope.event else { return Cow::Borrowed(envelope) };
    let (name, settings) = (name.clone(), Arc::clone(settings));
    let event = Event::RunCreated { name, graph: Arc::clone(given), settings };
    Cow::Owned(Envelope { event, ..envelope.clone() })
}

/// Why there was no simulation, or no end to it.
pub(crate) fn failure(error: SimulationError) -> Failure {
    match error {
        SimulationError::Rejected(rejection) => Failure::from(rejection),
        SimulationError::Refused(refusal) => Failure::from(refusal),
        error => Failure::new(Exit::Refused, "simulation", error.to_string()),
    }
}
