//! The whole orchestrator in process: asynchronous devices that do nothing, one live subscriber, no journal.

use std::sync::Arc;

use async_trait::async_trait;
use starline::bus::Subscription;
use starline::device::{Attempt, AttemptId, Device, DeviceError, DeviceProfile, TaskReport};
use starline::event::{EventFilter, RunId};
use starline::orchestrator::{Limits, Orchestrator, Run, RunOptions};
use starline::types::{DeviceId, GraphSpec};

use super::plan;
use crate::{Dag, Measurement, RunError, timed_after};

const NAME: &str = "starline";
/// Devices, and slots of each: enough to keep every graph as wide as it is on most levels.
const DEVICES: u32 = 4;
const SLOTS: u32 = 256;

/// A device whose attempts are asynchronous functions that end at once.
#[derive(Debug)]
struct NoopDevice(DeviceProfile);

#[async_trait]
impl Device for NoopDevice {
    fn profile(&self) -> &DeviceProfile {
        &self.0
    }

    async fn run(self: Arc<Self>, _: Attempt) -> Result<TaskReport, DeviceError> {
        Ok(TaskReport::done())
    }

    async fn cancel(&self, _: AttemptId, _: bool) -> Result<(), DeviceError> {
        Ok(())
    }
}

/// A run that is ready to start.
#[derive(Debug)]
pub(crate) struct Prepared {
    orchestrator: Orchestrator,
    run: Run,
    events: Subscription,
}

/// Submits a graph to an orchestrator with one live subscriber.
pub(crate) async fn prepare(graph: GraphSpec) -> Result<Prepared, RunError> {
    let failed = |error: &dyn std::fmt::Display| RunError::failed(NAME, error.to_string());
    let (orchestrator, bus) = starline::embedded();
    for device in 0..DEVICES {
        let id = DeviceId::new(format!("d{device}")).map_err(|error| failed(&error))?;
        let mut profile = DeviceProfile::new(id, "local").with_slots(SLOTS);
        profile.local = true;
        orchestrator.fleet().connect(Arc::new(NoopDevice(profile))).await.map_err(|error| failed(&error))?;
    }
    let id = RunId::new("bench").map_err(|error| failed(&error))?;
    let options = RunOptions { id: Some(id.clone()), limits: Limits::ceiling(), ..RunOptions::default() };
    let run = orchestrator.submit(graph, options).await.map_err(|error| failed(&error))?;
    run.assign().await.map_err(|error| failed(&error))?;
    let events = bus.subscribe_with(EventFilter::all().run(id), 1 << 22);
    Ok(Prepared { orchestrator, run, events })
}

/// A run that has ended. Dropping it takes time.
#[derive(Debug)]
pub(crate) struct Finished {
    run: Run,
    _orchestrator: Orchestrator,
    /// Tasks that the subscriber saw complete.
    pub(crate) completed: usize,
}

impl Prepared {
    pub(crate) fn run(&self) -> &Run {
        &self.run
    }

    /// Starts the run and reads its facts to the end.
    pub(crate) async fn execute(self) -> Result<Finished, RunError> {
        let Self { orchestrator, run, mut events } = self;
        run.start().await.map_err(|error| RunError::failed(NAME, error))?;
        let mut completed = 0;
        let mut batch = Vec::with_capacity(1024);
        loop {
            events.recv_many(&mut batch, 1024).await;
            for event in batch.drain(..) {
                let event = event.map_err(|gap| RunError::failed(NAME, gap))?;
                match &event.event {
                    starline::types::Event::TaskCompleted { .. } => completed += 1,
                    other if other.run_end().is_some() => {
                        return Ok(Finished { run, _orchestrator: orchestrator, completed });
                    }
                    _ => {}
                }
            }
        }
    }
}

/// Runs the graph on this many worker threads.
pub(super) fn run(dag: &Dag, workers: usize) -> Result<Measurement, RunError> {
    let graph = plan::graph(dag)?;
    let (measurement, finished) = timed_after(NAME, workers, prepare(graph), Prepared::execute)?;
    RunError::unless_complete(NAME, finished.completed, dag.tasks)?;
    RunError::unless_complete(NAME, finished.run.status().counts.completed as usize, dag.tasks)?;
    Ok(measurement)
}

/// Runs the graph once and returns how many bytes of the peak are payload: the ids of the tasks, which are
/// inside their specifications, count as the product's own.
pub(super) fn memory(dag: &Dag) -> Result<u64, RunError> {
    run(dag, 1)?;
    Ok(0)
}
