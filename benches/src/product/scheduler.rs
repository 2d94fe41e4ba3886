//! The scheduler alone: inputs in a loop, without a runtime, a journal or a reader.

use std::sync::Arc;

use starline::scheduler::{Effect, Fleet, Input, Limits, Plan, Scheduler, Step};
use starline::strategies::LoadBalance;
use starline::types::{DeviceId, DeviceProfile, RunId, TaskReport, Timestamp};

use super::plan;
use crate::{Dag, Measurement, RunError, Stopwatch};

const NAME: &str = "starline_scheduler";
/// Tasks placed at once, as many as the orchestrator does.
const TURN: usize = 64;

/// A scheduler that is ready to start, with its fleet.
#[derive(Debug)]
pub struct Prepared {
    scheduler: Scheduler,
    fleet: Fleet,
    step: Step,
}

/// A scheduler that is ready to start, with four devices of 256 slots, as for the whole orchestrator.
///
/// # Errors
///
/// [`RunError::Failed`] when the product refuses the graph.
pub fn prepare(dag: &Dag) -> Result<Prepared, RunError> {
    let failed = |error: &dyn std::fmt::Display| RunError::failed(NAME, error.to_string());
    let mut fleet = Fleet::new();
    for device in 0..4 {
        let id = DeviceId::new(format!("d{device}")).map_err(|error| failed(&error))?;
        let mut profile = DeviceProfile::new(id, "local").with_slots(256);
        profile.local = true;
        let ix = fleet.register(profile);
        fleet.set_connected(ix, true);
    }
    let run = RunId::new("bench").map_err(|error| failed(&error))?;
    let plan = Plan { graph: Arc::new(plan::graph(dag)?), limits: Limits::ceiling(), ..Plan::default() };
    let mut step = Step::default();
    let strategy = Box::new(LoadBalance);
    let mut scheduler = Scheduler::create(run, plan, Some(strategy), Timestamp(0), &mut fleet, &mut step)
        .map_err(|error| failed(&error))?;
    scheduler.step_into(Timestamp(0), Input::Prepare, &mut fleet, &mut step);
    step.clear();
    Ok(Prepared { scheduler, fleet, step })
}

/// Runs to the end, every attempt reported as soon as it is dispatched. Returns the number of attempts.
pub fn execute(prepared: &mut Prepared) -> usize {
    let Prepared { scheduler, fleet, step } = prepared;
    let now = Timestamp(1);
    scheduler.step_into(now, Input::Start, fleet, step);
    let mut effects = Vec::new();
    let mut completed = 0;
    while !scheduler.is_closed() {
        scheduler.place(now, fleet, TURN, step);
        std::mem::swap(&mut effects, &mut step.effects);
        step.clear();
        for effect in effects.drain(..) {
            if let Effect::Dispatch { device, attempt } = effect {
                completed += 1;
                let input = Input::Reported {
                    task: attempt.id.task,
                    attempt: attempt.id.number,
                    device,
                    report: TaskReport::done(),
                };
                scheduler.step_into(now, input, fleet, step);
            }
        }
    }
    step.clear();
    completed
}

/// Runs the graph in this thread.
pub(super) fn run(dag: &Dag) -> Result<Measurement, RunError> {
    let mut prepared = prepare(dag)?;
    let watch = Stopwatch::start();
    let completed = execute(&mut prepared);
    let measurement = watch.stop();
    RunError::unless_complete(NAME, completed, dag.tasks)?;
    Ok(measurement)
}
