//! Errors of the engine as errors of a journal.

use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};

use starline_journal::{JournalError, JournalFault};

use crate::disk::{self, Latch};

/// Anything that went wrong beneath the journal.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The store said so.
    Store(redb::Error),
    /// The journal itself refuses.
    Journal(JournalError),
    /// The store panicked: it met what it takes for impossible.
    Panic,
}

macro_rules! from_store {
    ($($error:ty),* $(,)?) => {
        $(impl From<$error> for Trouble {
            fn from(error: $error) -> Self {
                Self::Store(error.into())
            }
        })*
    };
}

from_store! {
    redb::CommitError,
    redb::DatabaseError,
    redb::SetDurabilityError,
    redb::StorageError,
    redb::TableError,
    redb::TransactionError,
    std::io::Error,
}

impl From<JournalError> for Trouble {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

/// Why the store panicked, as far as can be said.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the store contradicts itself")]
struct Contradiction;

/// What the store said; its own type is not shared between threads.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Said(String);

/// Runs a call of the store, which panics where a file contradicts itself.
pub(crate) fn guarded<T>(act: impl FnOnce() -> Result<T, Trouble>) -> Result<T, Trouble> {
    // Whoever calls this never uses the store again after a panic.
    catch_unwind(AssertUnwindSafe(act)).unwrap_or(Err(Trouble::Panic))
}

impl Trouble {
    /// The error for whoever asked.
    pub(crate) fn into_error(self, latch: Option<&Latch>) -> JournalError {
        let error = match self {
            Self::Journal(error) => return error,
            Self::Panic => {
                return match latch.and_then(Latch::fault) {
                    Some(kind) => disk_error(kind, latch),
                    None => JournalError::with_source(JournalFault::Corrupt { at: None }, Contradiction),
                };
            }
            Self::Store(error) => error,
        };
        if let Some(kind) = latch.and_then(Latch::fault) {
            return disk_error(kind, latch);
        }
        let damaged = JournalFault::Corrupt { at: None };
        let kind = match &error {
            redb::Error::DatabaseAlreadyOpen => JournalFault::Locked,
            redb::Error::UpgradeRequired(_) => JournalFault::Unsupported,
            redb::Error::Io(error) if disk::is_full(error) => JournalFault::Full,
            redb::Error::Io(error) if error.kind() == ErrorKind::UnexpectedEof => damaged,
            redb::Error::Io(error) if error.kind() == ErrorKind::InvalidData => damaged,
            redb::Error::Io(_) | redb::Error::PreviousIo | redb::Error::DatabaseClosed => {
                JournalFault::Failed
            }
            // The rest is what a file says of itself, and cannot be true of one that we wrote.
            _ => damaged,
        };
        JournalError::with_source(kind, Said(error.to_string()))
    }
}

fn disk_error(kind: JournalFault, latch: Option<&Latch>) -> JournalError {
    match latch.and_then(Latch::cause) {
        Some(cause) => JournalError::with_source(kind, Said(cause.to_owned())),
        None => JournalError::new(kind),
    }
}

/// The same error again, for another who asked.
pub(crate) fn again(error: &JournalError) -> JournalError {
    let copy = match std::error::Error::source(error) {
        Some(source) => JournalError::with_source(error.kind(), Said(source.to_string())),
        None => JournalError::new(error.kind()),
    };
    match error.run() {
        Some(run) => copy.of_run(run),
        None => copy,
    }
}
