//! A handle on one run.

use std::sync::Arc;
use std::time::Duration;

use starline_graph::TaskGraph;
use starline_scheduler::{Answer, Author, Input, Role, Unread};
use starline_types::{
    Applied, DeviceId, EditBatch, Explanation, HoldId, Millis, Outcome, Policy, Revision, RunId, RunOutcome,
    RunSettings, RunStatus, Seq, SharedEnvelope, Snapshot, TaskId,
};

use crate::command::{Command, Look, Reply};
use crate::orchestrator::Inner;
use crate::registry::RunShared;
use crate::{Editor, RunError};

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

    /// The settings, fixed when the run was submitted.
    #[must_use]
    pub fn settings(&self) -> &RunSettings {
        &self.shared.settings
    }

    /// The facts of the run after a number, as the journal has them: at most so many; none if it keeps none.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn records(&self, after: Option<Seq>, most: usize) -> Result<Vec<SharedEnvelope>, RunError> {
        let read = self.inner.journal.read(self.id(), after, most).await;
        read.map_err(|error| RunError::Journal(error.kind()))
    }

    pub(crate) async fn tell(&self, input: Input) -> Result<Answer, RunError> {
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

    /// Undoes what the run has done: cancels what has not started, lets live attempts end, or ends them at once with
    /// `force`, and then runs what undoes each task, in reverse order. The run ends cancelled. Asked again it changes
    /// nothing.
    ///
    /// # Errors
    /// The run is neither executing nor paused, or is being cancelled.
    pub async fn rollback(&self, force: bool, by: &str) -> Result<(), RunError> {
        self.tell(Input::Rollback { force, by: by.into() }).await.map(drop)
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
            Err(RunError::Refused(starline_scheduler::Refusal::UnknownTask { .. })) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn devices(&self) -> Result<Vec<crate::DeviceRecord>, RunError> {
        self.inner.ask(|reply| Command::Devices { reply }).await
    }

    /// The guard rails of the run.
    ///
    /// # Errors
    /// The orchestrator has shut down.
    pub async fn policy(&self) -> Result<Option<Arc<Policy>>, RunError> {
        self.look(Look::Policy).await
    }

    pub(crate) async fn submit(
        &self,
        batch: EditBatch,
        unread: Option<Unread>,
        author: Author,
        check_only: bool,
    ) -> Result<Option<Arc<Applied>>, RunError> {
        let (batch, unread) = (Arc::new(batch), unread.map(Arc::new));
        match self.tell(Input::Submit { batch, unread, author, check_only }).await? {
            Answer::Committed(applied) | Answer::Checked(applied) => Ok(Some(applied)),
            Answer::Done | Answer::Count(_) => Ok(None),
        }
    }

    /// Commits a batch of edits, as the program that the orchestrator is a part of. `None` for an empty batch, which
    /// makes no revision.
    ///
    /// # Errors
    /// Every fault of the batch ([`Refusal::Rejected`](crate::Refusal::Rejected)); nothing has changed.
    pub async fn apply(&self, batch: EditBatch) -> Result<Option<Arc<Applied>>, RunError> {
        self.apply_as(batch, None, Author::new("embedder", Role::Embedder)).await
    }

    /// Commits a batch of edits on behalf of somebody; faults of edits that could not be read belong to the answer.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub async fn apply_as(
        &self,
        batch: EditBatch,
        unread: Option<Unread>,
        author: Author,
    ) -> Result<Option<Arc<Applied>>, RunError> {
        self.submit(batch, unread, author, false).await
    }

    /// Commits a batch that a function makes of the graph, or with `check_only` gives the verdict on it. Nothing comes
    /// between the look at the graph and the verdict: a batch whose base is the revision that the function sees is
    /// never in conflict. Returns what else the function found with the answer to the batch.
    ///
    /// The owner of the graph runs the function between two steps, so it must be quick and must not wait; every run of
    /// the orchestrator stands still meanwhile.
    ///
    /// # Errors
    /// The orchestrator has shut down, or the function panicked. Within, as [`apply`](Self::apply).
    pub async fn apply_made<T: Send + 'static>(
        &self,
        make: impl FnOnce(&TaskGraph) -> (EditBatch, Option<Unread>, T) + Send + 'static,
        author: Author,
        check_only: bool,
    ) -> Result<(T, Result<Option<Arc<Applied>>, RunError>), RunError> {
        let (found, finds) = tokio::sync::oneshot::channel();
        let make = Box::new(move |graph: &TaskGraph| {
            let (batch, unread, rest) = make(graph);
            // Who asked may have gone.
            let _ = found.send(rest);
            Input::Submit { batch: Arc::new(batch), unread: unread.map(Arc::new), author, check_only }
        });
        let run = self.shared.at;
        let answer = self.inner.ask(|reply| Command::Make { run, make, reply }).await?;
        let rest = finds.await.map_err(|_| RunError::ShutDown)?;
        Ok((rest, answer.map(committed)))
    }

    /// What committing a batch would come to; nothing changes and nothing is recorded.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub async fn check(
        &self,
        batch: EditBatch,
        unread: Option<Unread>,
        author: Author,
    ) -> Result<Option<Arc<Applied>>, RunError> {
        self.submit(batch, unread, author, true).await
    }

    /// Takes the last commit back, by a commit. With `expect`, only if the graph is at that revision.
    ///
    /// # Errors
    /// There is nothing to take back, or it cannot be taken back any more.
    pub async fn undo(
        &self,
        expect: Option<Revision>,
        author: Author,
    ) -> Result<Option<Arc<Applied>>, RunError> {
        self.tell(Input::Undo { expect, author }).await.map(committed)
    }

    /// Brings the last commit back that was taken back, by a commit. With `expect`, only if the graph is at that
    /// revision.
    ///
    /// # Errors
    /// There is nothing to bring back, or it cannot be brought back any more.
    pub async fn redo(
        &self,
        expect: Option<Revision>,
        author: Author,
    ) -> Result<Option<Arc<Applied>>, RunError> {
        self.tell(Input::Redo { expect, author }).await.map(committed)
    }

    /// Ends the retry delay of a task, or tries a task again that failed or was cancelled: as a copy, by a commit.
    ///
    /// # Errors
    /// The task is unknown, or neither waits for a retry nor failed nor was cancelled.
    pub async fn retry_task(&self, task: TaskId, author: Author) -> Result<Option<Arc<Applied>>, RunError> {
        self.tell(Input::RetryTask { task, author }).await.map(committed)
    }

    /// Attaches an editor: from now on ends of tasks open holds, which it answers.
    ///
    /// # Errors
    /// Somebody is attached already, or the run has ended.
    pub async fn editor(&self, name: &str) -> Result<Editor, RunError> {
        Editor::attach(self.clone(), name).await
    }

    /// Closes a hold without a change.
    ///
    /// # Errors
    /// The hold is not open.
    pub async fn release_hold(&self, hold: HoldId) -> Result<(), RunError> {
        self.tell(Input::ReleaseHold { hold }).await.map(drop)
    }

    /// Covers more tasks by a hold, and what is behind them.
    ///
    /// # Errors
    /// The hold is not open, or a task is unknown.
    pub async fn extend_hold(&self, hold: HoldId, tasks: Vec<TaskId>) -> Result<(), RunError> {
        self.tell(Input::ExtendHold { hold, tasks }).await.map(drop)
    }

    /// Closes all holds; returns the number of tasks whose end waited for an answer.
    ///
    /// # Errors
    /// The run has ended.
    pub async fn clear_holds(&self) -> Result<usize, RunError> {
        match self.tell(Input::ClearHolds).await? {
            Answer::Count(count) => Ok(count),
            Answer::Done | Answer::Committed(_) | Answer::Checked(_) => Ok(0),
        }
    }

    /// Sets how long the editor may take, for holds that become active later.
    ///
    /// # Errors
    /// The time is zero, or the run has ended.
    pub async fn set_modification_timeout(&self, timeout: Millis) -> Result<(), RunError> {
        self.tell(Input::SetHoldTimeout { timeout }).await.map(drop)
    }

    /// Number of tasks whose end waits for an answer. O(1), without asking anybody.
    #[must_use]
    pub fn pending_count(&self) -> usize {
        *self.shared.pending.borrow()
    }

    /// Whether the end of some task waits for an answer. O(1), without asking anybody.
    #[must_use]
    pub fn has_pending(&self) -> bool {
        self.pending_count() > 0
    }

    /// Tasks whose end waits for an answer, in the order in which they registered.
    ///
    /// # Errors
    /// The orchestrator has shut down.
    pub async fn pending_task_ids(&self) -> Result<Vec<TaskId>, RunError> {
        let snapshot = self.snapshot().await?;
        Ok(snapshot.holds.iter().flat_map(|hold| hold.triggers.iter().cloned()).collect())
    }

    /// Waits until the end of no task waits for an answer, those included that come while it waits. False if that
    /// takes longer than the time given; no hold closes because of it.
    ///
    /// # Cancellation safety
    /// Dropping the future changes nothing.
    pub async fn wait_for_pending(&self, timeout: Duration) -> bool {
        let mut pending = self.shared.pending.subscribe();
        let settled = pending.wait_for(|pending| *pending == 0);
        tokio::time::timeout(timeout, settled).await.is_ok_and(|settled| settled.is_ok())
    }

    /// Drops the plans of all unstarted tasks that are not pinned; returns their number.
    ///
    /// # Errors
    /// The run has ended or is being cancelled.
    pub async fn clear_assignments(&self) -> Result<usize, RunError> {
        match self.tell(Input::ClearAssignments).await? {
            Answer::Count(count) => Ok(count),
            Answer::Done | Answer::Committed(_) | Answer::Checked(_) => Ok(0),
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

    /// Why a task is where it is, and what comes next. `None` for an unknown task.
    ///
    /// # Errors
    /// The orchestrator has shut down.
    pub async fn explain(&self, task: TaskId) -> Result<Option<Explanation>, RunError> {
        self.look(|reply| Look::Explanation(task, reply)).await
    }

    /// What a function finds in the graph as it is now, with its states.
    ///
    /// The owner of the graph runs it between two steps, so it must be quick and must not wait; every run of the
    /// orchestrator stands still meanwhile.
    ///
    /// # Errors
    /// The orchestrator has shut down, or the function panicked.
    pub async fn read_graph<T: Send + 'static>(
        &self,
        read: impl FnOnce(&TaskGraph) -> T + Send + 'static,
    ) -> Result<T, RunError> {
        self.look(|reply| {
            Look::Graph(Box::new(move |graph| {
                // Who asked may have gone.
                let _ = reply.send(read(graph));
            }))
        })
        .await
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

fn committed(answer: Answer) -> Option<Arc<Applied>> {
    match answer {
        Answer::Committed(applied) | Answer::Checked(applied) => Some(applied),
        Answer::Done | Answer::Count(_) => None,
    }
}
