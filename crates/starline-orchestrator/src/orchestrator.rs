//! The orchestrator: runs and devices.

use std::sync::Arc;
use std::time::Duration;

use starline_assign::AssignmentStrategy;
use starline_event::EventSink;
use starline_journal::Journal;
use starline_types::{DeviceId, DeviceSelector, GraphSpec, Outcome, RunId, RunStatus, TaskSpec};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::command::Command;
use crate::inbox::{Inbox, Said};
use crate::planning;
use crate::registry::RunShared;
use crate::timing::Timers;
use crate::{
    Builder, FleetHandle, RecoverError, RecoverOptions, Run, RunError, RunOptions, SubmitError, Timings,
};

/// What every handle holds.
#[derive(Debug)]
pub(crate) struct Inner {
    inbox: Arc<Inbox>,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) directory: Arc<dashmap::DashMap<RunId, Arc<RunShared>>>,
    timers: Arc<Timers>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.inbox.abandon();
    }
}

impl Inner {
    pub(crate) fn new(
        inbox: Arc<Inbox>,
        journal: Arc<dyn Journal>,
        directory: Arc<dashmap::DashMap<RunId, Arc<RunShared>>>,
        timers: Arc<Timers>,
    ) -> Self {
        Self { inbox, journal, directory, timers }
    }

    /// Says that nobody answers the holds of a run any more.
    pub(crate) fn editor_gone(&self, run: u32) {
        self.inbox.say(Said::EditorGone { run });
    }

    /// Sends a command and waits for its answer. If the core is free, the sender does the work itself.
    pub(crate) async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, RunError> {
        self.inbox.ask(command).await
    }
}

/// Runs graphs over devices: any number of runs, one fleet.
///
/// One task owns all state; handles send it commands and read what it publishes. Dropping the orchestrator
/// and every handle ends it without waiting for live attempts; [`shut_down`](Self::shut_down) waits.
#[derive(Debug)]
pub struct Orchestrator {
    inner: Arc<Inner>,
    driver: JoinHandle<()>,
}

impl Orchestrator {
    pub(crate) fn new(inner: Inner, driver: JoinHandle<()>) -> Self {
        Self { inner: Arc::new(inner), driver }
    }

    /// Begins an orchestrator from its required parts: where facts are kept, where they are shown, and the
    /// strategy of runs that name none (one instance for each run).
    pub fn builder(
        journal: Arc<dyn Journal>,
        events: Arc<dyn EventSink>,
        strategy: impl Fn() -> Box<dyn AssignmentStrategy> + Send + Sync + 'static,
    ) -> Builder {
        Builder::new(journal, events, strategy)
    }

    /// The devices.
    #[must_use]
    pub fn fleet(&self) -> FleetHandle {
        FleetHandle { inner: Arc::clone(&self.inner) }
    }

    /// How long checks of edits and writes to the journal took since the orchestrator began. O(1), without asking
    /// anybody.
    #[must_use]
    pub fn timings(&self) -> Timings {
        self.inner.timers.read()
    }

    /// Takes a graph: checked, recorded, not started.
    ///
    /// # Errors
    /// Every fault of the graph; or the id is taken, or too many runs are open.
    ///
    /// # Cancellation safety
    /// Dropping the future leaves open whether the run was accepted.
    pub async fn submit(
        &self,
        graph: impl Into<Arc<GraphSpec>>,
        options: RunOptions,
    ) -> Result<Run, SubmitError> {
        let (graph, mut options) = (graph.into(), options);
        let planner = options.planner.take();
        let attempts = options.settings.editor.as_ref().map_or(planning::ATTEMPTS, |editor| editor.attempts);
        let shared =
            self.inner.ask(|reply| Command::Submit { graph, options: Box::new(options), reply }).await??;
        let run = Run { shared, inner: Arc::clone(&self.inner) };
        if let Some(planner) = planner {
            let editor = run.editor(planner.name()).await?;
            planning::start(editor, planner, attempts);
        }
        Ok(run)
    }

    /// Goes on with a run that another process, or an earlier life of this one, began: it comes back from its
    /// records in the journal as it was, with its holds, deadlines, retry delays, questions and pause. What it had
    /// running is asked for at the devices ([`Device::rejoin`](crate::Device::rejoin)): at once with those that are
    /// connected, and with others when they are; until then it counts as running, for the length of a lease.
    ///
    /// Connect the devices first: a run whose devices are there goes on at once. O(records).
    ///
    /// # Errors
    /// There is no such run, it has ended, it is driven here already, or its records cannot be read.
    ///
    /// # Cancellation safety
    /// Dropping the future leaves open whether the run came back.
    pub async fn recover(&self, run: RunId, mut options: RecoverOptions) -> Result<Run, RecoverError> {
        let planner = options.planner.take();
        let options = Box::new(options);
        let shared = self.inner.ask(|reply| Command::Recover { run, options, reply }).await??;
        let attempts = shared.settings.editor.as_ref().map_or(planning::ATTEMPTS, |editor| editor.attempts);
        let run = Run { shared, inner: Arc::clone(&self.inner) };
        if let Some(planner) = planner {
            let editor = run.editor(planner.name()).await?;
            planning::start(editor, planner, attempts);
        }
        Ok(run)
    }

    /// Runs one task and waits for its end: on the given device, or on the first connected one that fits.
    ///
    /// # Errors
    /// The task has faults, or no device is available.
    ///
    /// # Cancellation safety
    /// Dropping the future does not cancel the task.
    pub async fn execute_single_task(
        &self,
        mut task: TaskSpec,
        device: Option<DeviceId>,
    ) -> Result<Outcome, SubmitError> {
        let id = task.id.clone();
        if let Some(device) = device {
            let selector = task.device.as_deref().cloned().unwrap_or_default();
            task.device = Some(Arc::new(DeviceSelector { on: Some(device), ..selector }));
        } else if self.fleet().available().await?.is_empty() {
            return Err(SubmitError::Run(RunError::Refused(starline_scheduler::Refusal::NoDevicesForTask)));
        }
        let graph = GraphSpec { name: id.to_string(), tasks: vec![Arc::new(task)], ..GraphSpec::default() };
        let run = self.submit(graph, RunOptions::default()).await?;
        run.start().await?;
        run.wait().await;
        let outcome = run.task_outcome(id).await?;
        self.forget(run.id()).await?;
        outcome.ok_or(SubmitError::Run(RunError::ShutDown))
    }

    /// A run by id.
    #[must_use]
    pub fn run(&self, id: &RunId) -> Option<Run> {
        let shared = self.inner.directory.get(id)?.value().clone();
        Some(Run { shared, inner: Arc::clone(&self.inner) })
    }

    /// All runs, by id, which sorts made-up ids by time.
    #[must_use]
    pub fn runs(&self) -> Vec<RunStatus> {
        let mut runs: Vec<RunStatus> = self.inner.directory.iter().map(|run| run.value().status()).collect();
        runs.sort_by(|a, b| a.run_id.cmp(&b.run_id));
        runs
    }

    /// Forgets a run that is not executing. False if it is unknown.
    ///
    /// # Errors
    /// The run is executing or paused.
    pub async fn forget(&self, id: &RunId) -> Result<bool, RunError> {
        let run = id.clone();
        self.inner.ask(|reply| Command::Forget { run, reply }).await?
    }

    /// Stops placing tasks, waits up to `grace` for live attempts, ends the rest, and returns when every task
    /// of the orchestrator is gone.
    pub async fn shut_down(self, grace: Duration) {
        // A driver that is gone already needs no telling.
        let _ = self.inner.ask(|reply| Command::ShutDown { grace, reply }).await;
        let _ = self.driver.await;
    }
}
