//! Who proposes edits.

use std::fmt;

use async_trait::async_trait;

use crate::{PlanRequest, PlannerError, Proposal};

/// Proposes edits of a run when tasks of it end.
///
/// # When it is called
///
/// A task that completes or fails opens a *hold*: what is behind the task waits, everything else goes on. The
/// orchestrator then calls [`plan`](Self::plan), beside the execution:
///
/// - **Once for each round.** A round is a hold with the tasks that had ended when it was handed over, or a refused
///   answer to one. Tasks that end meanwhile belong to the next hold.
/// - **Again after a rejection,** for the same hold and with [`rejection`](PlanRequest::rejection) set, until the
///   answers that the run allows are used up. Then the hold is released.
/// - **Never twice at the same time for one run.** Calls for different runs may overlap: one planner may serve many.
///
/// An answer is judged when it arrives, by the rules that hold for every editor. It cannot reach beyond the policy
/// of the run, and can change nothing that has started.
///
/// # Memory
///
/// A request has everything that a planner without memory needs: equal requests may get equal answers. What a
/// planner remembers for itself is lost when the process restarts, and the round that was interrupted is asked for
/// again.
///
/// # Examples
///
/// A planner that gives every failed task one more try with twice the time, as a new task behind it:
///
/// ```
/// use std::sync::Arc;
///
/// use starline_planner::{
///     DependencyKind, Edit, Millis, OutcomeStatus, PlanRequest, Planner, PlannerError, Proposal, TaskId,
/// };
///
/// #[derive(Debug)]
/// struct SecondChance;
///
/// #[starline_planner::async_trait]
/// impl Planner for SecondChance {
///     fn name(&self) -> &str {
///         "second-chance"
///     }
///
///     async fn plan(&self, request: PlanRequest) -> Result<Proposal, PlannerError> {
///         if request.rejection.is_some() {
///             return Ok(Proposal::Nothing); // There is no second idea.
///         }
///         let mut edits = Vec::new();
///         for finished in &request.finished {
///             let tasks = &request.snapshot.graph.tasks;
///             let failed = finished.outcome.status == OutcomeStatus::Failed;
///             let spec = tasks.iter().find(|spec| spec.id == finished.task && failed);
///             let Some(spec) = spec.filter(|spec| !spec.id.as_str().ends_with("-again")) else { continue };
///             let Ok(id) = TaskId::new(format!("{}-again", spec.id)) else { continue };
///             let mut again = spec.as_ref().clone();
///             again.id = id;
///             again.run_timeout = again.run_timeout.map(|limit| Millis(limit.0.saturating_mul(2)));
///             let after = vec![(finished.task.clone(), DependencyKind::Failure)];
///             edits.push(Edit::AddTask { task: Arc::new(again), after });
///         }
///         Ok(if edits.is_empty() { Proposal::Nothing } else { request.batch(edits).into() })
///     }
/// }
/// ```
#[async_trait]
pub trait Planner: fmt::Debug + Send + Sync {
    /// The name under which its edits are recorded. Stable, short, without secrets.
    fn name(&self) -> &str;

    /// Answers one round.
    ///
    /// An answer after the deadline of the request is worth little: whatever takes long should be bounded by it.
    ///
    /// # Errors
    /// The planner has no answer: see [`PlannerError::kind`]. The hold is released and the run goes on.
    ///
    /// # Cancellation safety
    /// The future is dropped when an answer is no longer wanted: the hold has ended, or the run, or the process is
    /// about to. Nothing of a dropped call comes into force. Whatever the planner keeps between calls must bear
    /// that it may be left at any of its awaits.
    async fn plan(&self, request: PlanRequest) -> Result<Proposal, PlannerError>;
}

/// Never changes anything.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPlanner;

#[async_trait]
impl Planner for NoPlanner {
    fn name(&self) -> &str {
        "none"
    }

    async fn plan(&self, _: PlanRequest) -> Result<Proposal, PlannerError> {
        Ok(Proposal::Nothing)
    }
}
