//! How facts survive.

use std::fmt;

use async_trait::async_trait;
use starline_types::{RunId, Seq, SharedEnvelope};

use crate::JournalError;

/// One ownership of a run: grows with every [`Journal::open`]; only the latest may append.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd)]
pub struct Fence(pub u64);

/// What opening a run gives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Opened {
    /// The right to append.
    pub fence: Fence,
    /// Number of the last record, if there is one.
    pub tail: Option<Seq>,
}

/// How facts survive: one append-only stream for each run.
#[async_trait]
pub trait Journal: fmt::Debug + Send + Sync {
    /// Whether records are kept at all. If not, no envelope is built for the journal.
    fn keeps(&self) -> bool {
        true
    }

    /// Takes a run over: older fences of it can append no more.
    ///
    /// # Errors
    /// The store cannot be read or written.
    async fn open(&self, run: &RunId) -> Result<Opened, JournalError>;

    /// Appends all of `events` or none; durable on return. Their numbers must continue the stream by one.
    ///
    /// # Errors
    /// The fence is not the current owner, the numbers do not continue the stream, or the store refuses.
    ///
    /// # Cancellation safety
    /// Dropping the future leaves open whether the records were kept: open the run again before appending.
    async fn append(&self, run: &RunId, fence: Fence, events: &[SharedEnvelope]) -> Result<(), JournalError>;

    /// The records of a run after a number, in order; an unknown run has none.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn read(&self, run: &RunId, after: Option<Seq>) -> Result<Vec<SharedEnvelope>, JournalError>;

    /// The runs with records, in order of their first opening.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn runs(&self) -> Result<Vec<RunId>, JournalError>;
}
