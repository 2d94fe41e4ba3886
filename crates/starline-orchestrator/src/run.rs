//! A handle on one run.

use std::sync::Arc;

use starline_scheduler::{Answer, Input};
use starline_types::{DeviceId, Outcome, RunId, RunOutcome, RunStatus, Snapshot, TaskId};

use crate::RunError;
use crate::command::{Command, Look, Reply};
use crate::orchestrator::Inner;
use crate::registry::RunShared;

/// A handle on one run: cheap to clone; dropping it cancels nothing.
///
/// Commands return once what they did is durable.
#[derive(Clone, Debug)]
pub struct Run {
    pub(crate) shared: Arc<RunShared>,
    pub(crate) inner: Arc<Inner>,
}

impl Run {
    /// The run.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.shared.id
    }

    /// The run in a few numbers, without asking anybody. O(1).
    #[must_use]
    pub fn status(&self) -> RunStatus {
        self.shared.status()
    }

    async fn tell(&self, input: Input) -> Result<Answer, RunError> {
        let run = self.shared.at;
        self.inner.ask(|reply| Command::Run { run, input, reply }).await?
    }

    async fn look<T>(&self, look: impl FnOnce(Reply<T>) -> Look) -> Result<T, RunError> {
        let run = self.shared.at;
        self.inner.ask(|reply| Command::Look { run, look: look(reply) }).await
    }

    /// Places every task, or says why that cannot be done; returns task and device in insertion order. With
    /// late binding there is no device yet.
    ///
    /// # Errors
    /// No device is available, some task fits none, or there is no strategy for it.
    pub async fn assign(&self) -> Result<Vec<(TaskId, Option<DeviceId>)>, RunError> {
        self.tell(Input::Prepare).await?;
        self.look(Look::Assignments).await
    }

    /// Begins execution, exactly once in the life of a run.
    ///
    /// # Errors
    /// As [`assign`](Self::assign), or the run was started before.
    pub async fn start(&self) -> Result<(), RunError> {
        self.tell(Input::Start).await.map(drop)
    }

    /// Starts nothing new until [`resume`](Self::resume); what runs goes on.
    ///
    /// # Errors
    /// The run is not executing.
    pub async fn pause(&self) -> Result<(), RunError> {
        self.tell(Input::Pause).await.map(drop)
    }

    /// Ends a pause.
    ///
    /// # Errors
    /// The run is not executing.
    pub async fn resume(&self) -> Result<(), RunError> {
        self.tell(Input::Resume).await.map(drop)
    }

    /// Cancels what has not started and asks live attempts to stop, at once with `force`. The run has ended
    /// when the last of them has.
    ///
    /// # Errors
    /// The run has ended.
    pub async fn cancel(&self, force: bool) -> Result<(), RunError> {
        self.tell(Input::CancelRun { force }).await.map(drop)
    }

    /// Cancels one task.
    ///
    /// # Errors
    /// The task is unknown or has ended.
    pub async fn cancel_task(&self, task: TaskId) -> Result<(), RunError> {
        self.tell(Input::CancelTask { task }).await.map(drop)
    }

    /// Skips an unstarted task.
    ///
    /// # Errors
    /// The task is unknown or has started.
    pub async fn skip_task(&self, task: TaskId) -> Result<(), RunError> {
        self.tell(Input::SkipTask { task }).await.map(drop)
    }

    /// Lets a task run that asks for approval.
    ///
    /// # Errors
    /// The task is unknown or does not ask now.
    pub async fn approve(&self, task: TaskId, by: &str) -> Result<(), RunError> {
        self.tell(Input::Approve { task, by: by.into() }).await.map(drop)
    }

    /// Refuses a task that asks for approval: it is cancelled.
    ///
    /// # Errors
    /// The task is unknown or does not ask now.
    pub async fn reject(&self, task: TaskId, by: &str) -> Result<(), RunError> {
        self.tell(Input::Reject { task, by: by.into() }).await.map(drop)
    }

    /// Plans an unstarted task on another device. False if the task is unknown.
    ///
    /// # Errors
    /// The task has started, or the device is unknown or does not fit.
    pub async fn reassign(&self, task: TaskId, device: DeviceId) -> Result<bool, RunError> {
        match self.tell(Input::Reassign { task, device }).await {
            Ok(_) => Ok(true),
            Err(RunError::Refused(starline_scheduler::Refusal::UnknownTask(_))) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Drops the plans of all unstarted tasks that are not pinned; returns their number.
    ///
    /// # Errors
    /// The run has ended or is being cancelled.
    pub async fn clear_assignments(&self) -> Result<usize, RunError> {
        match self.tell(Input::ClearAssignments).await? {
            Answer::Count(count) => Ok(count),
            Answer::Done => Ok(0),
        }
    }

    /// One line for each task without a valid device; none if all is well.
    ///
    /// # Errors
    /// The orchestrator has shut down.
    pub async fn validate_assignments(&self) -> Result<Vec<String>, RunError> {
        self.look(Look::Findings).await
    }

    /// Where a task is planned to run, runs, or ran last.
    ///
    /// # Errors
    /// The orchestrator has shut down.
    pub async fn task_device(&self, task: &TaskId) -> Result<Option<DeviceId>, RunError> {
        let all = self.look(Look::Assignments).await?;
        Ok(all.into_iter().find_map(|(id, device)| (id == *task).then_some(device).flatten()))
    }

    /// Number of tasks on each device: planned, running or ended there.
    ///
    /// # Errors
    /// The orchestrator has shut down.
    pub async fn utilisation(&self) -> Result<std::collections::BTreeMap<DeviceId, usize>, RunError> {
        let mut counts = std::collections::BTreeMap::new();
        for device in self.look(Look::Assignments).await?.into_iter().filter_map(|(_, device)| device) {
            *counts.entry(device).or_insert(0) += 1;
        }
        Ok(counts)
    }

    /// The run at one moment, complete; shared until something happens.
    ///
    /// # Errors
    /// The orchestrator has shut down.
    pub async fn snapshot(&self) -> Result<Arc<Snapshot>, RunError> {
        self.look(Look::Snapshot).await
    }

    /// The outcome of one task, once it has ended.
    ///
    /// # Errors
    /// The orchestrator has shut down.
    pub async fn task_outcome(&self, task: TaskId) -> Result<Option<Outcome>, RunError> {
        self.look(|reply| Look::TaskOutcome(task, reply)).await
    }

    /// Waits until the run has ended, and returns its numbers. A run that is paused has not ended.
    ///
    /// # Cancellation safety
    /// Dropping the future changes nothing.
    pub async fn wait(&self) -> RunStatus {
        self.shared.closed().await;
        self.status()
    }

    /// Waits until the run has ended, and returns everything about it.
    ///
    /// # Errors
    /// The orchestrator has shut down before.
    ///
    /// # Cancellation safety
    /// Dropping the future changes nothing.
    pub async fn outcome(&self) -> Result<RunOutcome, RunError> {
        self.wait().await;
        self.look(Look::Outcome).await?.ok_or(RunError::ShutDown)
    }
}
