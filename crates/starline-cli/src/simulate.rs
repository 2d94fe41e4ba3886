//! A run in virtual time.

use std::sync::Arc;

use starline::orchestrator::AssignmentStrategy;
use starline::sim::{Simulation, SimulationError, simulate};
use starline::types::{DeviceProfile, Envelope, GraphSpec, RunId, RunSettings};

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
    pub(crate) records: Option<Records>,
}

/// Simulates a job.
///
/// # Errors
/// The run cannot begin, or its strategy leaves tasks unplaced for ever.
pub(crate) fn run(job: Job, output: &Output, watcher: &mut dyn Watcher) -> Result<Summary, Failure> {
    let Job { run_id, graph, settings, strategy, devices, time_scale, mut records } = job;
    let mut attempts = Attempts::of(devices.iter().map(|device| (device.id.clone(), device.slots)));
    let seed = settings.seed;
    let mut observer = |envelope: &Envelope| {
        attempts.observe(envelope);
        if let Some(records) = &mut records {
            records.event(envelope);
        }
        watcher.event(envelope);
        if envelope.seq.0.is_multiple_of(GRIP) {
            watcher.caught_up();
        }
    };
    let simulated = simulate(Simulation {
        run_id,
        graph,
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
            if let Some(records) = records {
                records.discard();
            }
            return Err(failure(error));
        }
    };
    Ok(Summary::new(outcome, attempts, true).kept(records, output))
}

/// Why there was no simulation, or no end to it.
pub(crate) fn failure(error: SimulationError) -> Failure {
    match error {
        SimulationError::Rejected(rejection) => Failure::from(rejection),
        SimulationError::Refused(refusal) => Failure::from(refusal),
        error => Failure::new(Exit::Refused, "simulation", error.to_string()),
    }
}
