//! Why a journal refused.

use std::error::Error;

/// Why a journal refused.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct JournalError {
    kind: JournalFault,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl JournalError {
    /// An error of a kind, without a cause.
    #[must_use]
    pub fn new(kind: JournalFault) -> Self {
        Self { kind, source: None }
    }

    /// An error of a kind with its cause.
    #[must_use]
    pub fn with_source(kind: JournalFault, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, source: Some(source.into()) }
    }

    /// What callers decide by.
    #[must_use]
    pub fn kind(&self) -> JournalFault {
        self.kind
    }
}

/// What callers decide by, through [`JournalError::kind`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum JournalFault {
    /// Another owner opened the run since.
    #[error("run has another owner")]
    Fenced,
    /// The numbers of the records do not continue the stream.
    #[error("records do not continue the stream")]
    OutOfOrder,
    /// No space is left.
    #[error("journal is full")]
    Full,
    /// The store failed; what is in memory can no longer be trusted.
    #[error("journal failed")]
    Failed,
}
