//! Dependencies: what an edge asks of its source, and what was decided about it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{DependencyId, OutcomeStatus, TaskId};

/// Largest text of a condition, in bytes.
pub const MAX_CONDITION_BYTES: usize = 4096;

/// What a dependency asks of its source.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DependencyKind {
    /// The source must complete.
    #[default]
    Success,
    /// The source must fail.
    Failure,
    /// The source must end, however.
    Completion,
    /// The source must end and the expression over its outcome must be true.
    When(Arc<str>),
}

impl DependencyKind {
    /// The verdict for an ended source, as far as the kind alone decides it: `None` for a condition.
    #[must_use]
    pub fn verdict(&self, status: OutcomeStatus) -> Option<Verdict> {
        let satisfied = match self {
            Self::Success => status == OutcomeStatus::Completed,
            Self::Failure => status == OutcomeStatus::Failed,
            Self::Completion => true,
            Self::When(_) => return None,
        };
        Some(if satisfied { Verdict::Satisfied } else { Verdict::Impossible })
    }
}

impl fmt::Display for DependencyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Success => f.write_str("success"),
            Self::Failure => f.write_str("failure"),
            Self::Completion => f.write_str("completion"),
            Self::When(condition) => write!(f, "when({condition})"),
        }
    }
}

/// An edge of a task graph as files and edits write it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Dependency {
    /// Id; `from->to` by default, then `from->to#2` and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<DependencyId>,
    /// The task that must end.
    pub from: TaskId,
    /// The task that waits.
    pub to: TaskId,
    /// What is asked of `from`.
    #[serde(default)]
    pub kind: DependencyKind,
    /// Prose for people and agents; never evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Arc<str>>,
}

impl Dependency {
    /// An edge of kind success.
    #[must_use]
    pub fn success(from: TaskId, to: TaskId) -> Self {
        Self { id: None, from, to, kind: DependencyKind::Success, note: None }
    }

    /// The same edge with another kind.
    #[must_use]
    pub fn with_kind(mut self, kind: DependencyKind) -> Self {
        self.kind = kind;
        self
    }
}

/// How an edit names a dependency.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum DependencyRef {
    /// By its id.
    Id {
        /// The id.
        id: DependencyId,
    },
    /// By its two ends, if only one edge joins them.
    Ends {
        /// Source.
        from: TaskId,
        /// Target.
        to: TaskId,
    },
}

/// What was decided about an edge when its source ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The target need not wait for this edge any more.
    Satisfied,
    /// The target can never run while this edge exists.
    Impossible,
}

/// The recorded judgement of one conditional edge, so that replay never evaluates.
///
/// Edges of the other kinds follow from the status of their source and are not recorded.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The edge.
    pub id: DependencyId,
    /// What was decided.
    pub verdict: Verdict,
    /// Why the condition could not be evaluated, if it could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<SmolStr>,
}

/// Why a task was skipped.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// The source of the impossible edge completed.
    SourceCompleted,
    /// The source failed.
    SourceFailed,
    /// The source was cancelled.
    SourceCancelled,
    /// The source was skipped.
    SourceSkipped,
    /// The condition was false.
    ConditionFalse,
    /// The condition could not be evaluated.
    ConditionError,
    /// An operator skipped the task.
    Operator,
}
