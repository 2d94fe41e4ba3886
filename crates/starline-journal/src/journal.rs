//! How facts survive.

use std::fmt;

use async_trait::async_trait;
use starline_types::{RunId, Seq, SharedEnvelope};

use crate::{Checkpoint, JournalError, JournalFault};

/// One ownership of a run: grows with every [`Journal::open`]; only the latest may append.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd)]
pub struct Fence(pub u64);

/// What opening a run gives.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Opened {
    /// The right to append.
    pub fence: Fence,
    /// Number of the last record, if there is one.
    pub tail: Option<Seq>,
    /// The newest checkpoint that is sound: read on after its record. Without one, read from the start.
    pub checkpoint: Option<Checkpoint>,
}

/// How facts survive: one append-only stream for each run.
///
/// A journal has `open`, `append`, `read` and `runs`. Checkpoints and forgetting may be left to the default
/// implementations: without checkpoints a restart reads the whole stream, and records are kept for ever.
#[async_trait]
pub trait Journal: fmt::Debug + Send + Sync {
    /// Whether records are kept at all. If not, no envelope is built for the journal.
    fn keeps(&self) -> bool {
        true
    }

    /// Takes a run over: older fences of it can append no more, even if the run was forgotten meanwhile.
    ///
    /// After [`JournalFault::Full`] this is also how an owner asks whether there is space again.
    ///
    /// # Errors
    /// The store cannot be read or written.
    ///
    /// # Cancellation safety
    /// Dropping the future leaves open whether the run was taken over.
    async fn open(&self, run: &RunId) -> Result<Opened, JournalError>;

    /// Appends all of `events` or none; durable on return. Their numbers must continue the stream by one.
    ///
    /// # Errors
    /// The fence is not the current owner, the numbers do not continue the stream, or the store refuses.
    ///
    /// # Cancellation safety
    /// Dropping the future leaves open whether the records were kept: open the run again before appending.
    async fn append(&self, run: &RunId, fence: Fence, events: &[SharedEnvelope]) -> Result<(), JournalError>;

    /// Keeps a checkpoint; the one before it is kept as well. Records stay.
    ///
    /// The default keeps nothing: every restart reads the whole stream.
    ///
    /// # Errors
    /// The fence is not the current owner, the checkpoint is older than the newest one or ahead of the stream
    /// ([`JournalFault::OutOfOrder`]), it is not sound ([`JournalFault::Corrupt`]), or the store refuses.
    ///
    /// # Cancellation safety
    /// Dropping the future leaves open whether the checkpoint was kept. Either is sound.
    async fn checkpoint(
        &self,
        run: &RunId,
        fence: Fence,
        checkpoint: Checkpoint,
    ) -> Result<(), JournalError> {
        let _ = (run, fence, checkpoint);
        Ok(())
    }

    /// The next records of a run after a number, in order: `most` of them at the most, and fewer if the journal
    /// bounds a page otherwise. Only an empty page is the end of the stream; an unknown run has none.
    ///
    /// If records were removed because a checkpoint covers them, the first one read is not the next number.
    ///
    /// # Errors
    /// The store cannot be read, or a record of the page cannot be trusted ([`JournalFault::Corrupt`],
    /// [`JournalFault::Newer`]): what cannot be read is never left out.
    async fn read(
        &self,
        run: &RunId,
        after: Option<Seq>,
        most: usize,
    ) -> Result<Vec<SharedEnvelope>, JournalError>;

    /// The runs with records, in order of their first opening.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn runs(&self) -> Result<Vec<RunId>, JournalError>;

    /// Removes everything about a run, whoever owns it: the owner is fenced. An unknown run is no error.
    ///
    /// The default refuses, as records may not be dropped by accident.
    ///
    /// # Errors
    /// The journal cannot forget ([`JournalFault::Unsupported`]), or the store refuses.
    async fn forget(&self, run: &RunId) -> Result<(), JournalError> {
        Err(JournalError::new(JournalFault::Unsupported).of_run(run))
    }
}
