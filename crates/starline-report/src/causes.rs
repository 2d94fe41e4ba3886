//! Why a task was skipped: back to the task that began it.

use std::fmt;

use starline_types::{DependencyId, DependencyKind, OutcomeStatus, SkipReason, TaskId};

use crate::{History, words};

/// One link of a chain of causes.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Cause {
    /// The task.
    pub task: TaskId,
    /// How it ended.
    pub status: OutcomeStatus,
    /// The edge that was impossible because of the next link.
    pub edge: Option<DependencyId>,
    /// Error, condition or reason, in words; empty if there is no more to say than how it ended.
    pub text: String,
}

impl History {
    /// Why a task was skipped: the task itself first, then the source of the edge that ruled it out, and so on back
    /// to the first task that was not skipped. Empty for tasks that were not skipped.
    #[must_use]
    pub fn causes(&self, task: &TaskId) -> Vec<Cause> {
        let mut chain = Vec::new();
        let mut next = Some(task.clone());
        while let Some(id) = next.take() {
            let Some(task) = self.task(&id) else { break };
            let Some(status) = task.status else { break };
            if chain.is_empty() && status != OutcomeStatus::Skipped {
                break;
            }
            let edge = task.skip.as_ref().and_then(|skip| skip.edge.clone());
            next = task.skip.as_ref().and_then(|skip| skip.source.clone());
            chain.push(Cause { task: id, status, edge, text: self.what_happened(task) });
            if chain.len() > self.tasks.len() {
                break;
            }
        }
        chain
    }

    /// What there is to say beside how it ended.
    fn what_happened(&self, task: &crate::TaskHistory) -> String {
        let Some(skip) = &task.skip else {
            return match (&task.error, &task.cancellation) {
                (Some(error), _) => error.to_string(),
                (None, Some(cancellation)) => words::cancel(cancellation.reason).to_owned(),
                (None, None) => String::new(),
            };
        };
        let mut text = words::skip(skip.reason).to_owned();
        if matches!(skip.reason, SkipReason::ConditionFalse | SkipReason::ConditionError)
            && let Some(edge) = &skip.edge
            && let Some(edge) = self.graph.find_edge(edge.as_str())
            && let DependencyKind::When(condition) = edge.kind()
        {
            text = format!("{text}: {condition}");
        }
        match &skip.message {
            Some(message) => format!("{text} ({message})"),
            None => text,
        }
    }
}

impl fmt::Display for Cause {
    /// How the task ended, and what there is to say about that.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = if self.text.is_empty() { "" } else { ": " };
        write!(f, "{}{text}{}", self.status, self.text)
    }
}
