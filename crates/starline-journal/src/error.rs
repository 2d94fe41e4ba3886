//! Why a journal refused.

use std::error::Error;
use std::fmt;

use starline_types::{RunId, Seq};

/// Why a journal refused: a kind to decide by, the run if it concerns one, and the cause as its source.
#[derive(Debug)]
pub struct JournalError {
    kind: JournalFault,
    run: Option<RunId>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl JournalError {
    /// An error of a kind, without a cause.
    #[must_use]
    pub fn new(kind: JournalFault) -> Self {
        Self { kind, run: None, source: None }
    }

    /// An error of a kind with its cause.
    #[must_use]
    pub fn with_source(kind: JournalFault, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, run: None, source: Some(source.into()) }
    }

    /// The same error, with the run it concerns.
    #[must_use]
    pub fn of_run(mut self, run: &RunId) -> Self {
        self.run = Some(run.clone());
        self
    }

    /// What callers decide by.
    #[must_use]
    pub fn kind(&self) -> JournalFault {
        self.kind
    }

    /// The run, if the error concerns one alone.
    #[must_use]
    pub fn run(&self) -> Option<&RunId> {
        self.run.as_ref()
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.run {
            Some(run) => write!(f, "run {run}: {}", self.kind),
            None => self.kind.fmt(f),
        }
    }
}

impl Error for JournalError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<JournalFault> for JournalError {
    fn from(kind: JournalFault) -> Self {
        Self::new(kind)
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
    /// No space is left, or the run has reached its quota. There may be space later: open the run again.
    #[error("journal is full")]
    Full,
    /// The store failed; what is in memory can no longer be trusted, and neither can the store in this process.
    #[error("journal failed")]
    Failed,
    /// Another process owns the store.
    #[error("journal belongs to another process")]
    Locked,
    /// What was kept is no longer what was written. The number is that of the first record that cannot be
    /// trusted, if the damage could be placed.
    #[error("journal is damaged{}", AtRecord(*at))]
    Corrupt {
        /// The record, if one is known.
        at: Option<Seq>,
    },
    /// A newer version wrote this: a format or a kind of fact that this version does not know.
    #[error("journal was written by a newer version{}", AtRecord(*at))]
    Newer {
        /// The record, if it is one record and not the store.
        at: Option<Seq>,
    },
    /// This journal cannot do what was asked.
    #[error("journal cannot do this")]
    Unsupported,
}

/// The place of a fault in the stream, as the end of a sentence.
struct AtRecord(Option<Seq>);

impl fmt::Display for AtRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(Seq(seq)) => write!(f, " at record {seq}"),
            None => Ok(()),
        }
    }
}
