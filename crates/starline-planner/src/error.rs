//! Why a planner gave no answer.

use std::error::Error;

/// Why a planner gave no answer.
///
/// Whatever the kind, the graph stays as it is and the hold is released: a planner that fails never stops a run.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct PlannerError {
    kind: PlannerFault,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl PlannerError {
    /// An error of a kind, without a cause.
    #[must_use]
    pub fn new(kind: PlannerFault) -> Self {
        Self { kind, source: None }
    }

    /// An error of a kind with its cause.
    #[must_use]
    pub fn with_source(kind: PlannerFault, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, source: Some(source.into()) }
    }

    /// What callers decide by.
    #[must_use]
    pub fn kind(&self) -> PlannerFault {
        self.kind
    }
}

/// What callers decide by, through [`PlannerError::kind`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlannerFault {
    /// The planner failed; asking again with the same request would not help.
    #[error("planner failed")]
    Failed,
    /// What the planner needs cannot be reached; another hold may find it back.
    #[error("planner is not available")]
    Unavailable,
    /// The planner has an answer, and it is no proposal.
    #[error("answer of the planner is no proposal")]
    InvalidAnswer,
}
