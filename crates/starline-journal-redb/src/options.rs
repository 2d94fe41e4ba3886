//! What can be chosen about a store.

use starline_journal::{JournalError, JournalFault};

/// What can be chosen about a store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Options {
    /// What an acknowledged record survives.
    pub durability: Durability,
    /// Bytes of records that a run may keep; none for no bound.
    ///
    /// When a run passes it, the records behind its newest sound checkpoint are removed. If that is not enough,
    /// the append is refused as [`JournalFault::Full`], and other runs go on.
    pub quota: Option<u64>,
    /// Bytes of a file beside the store that is given up when the disk is full, so that the end of what runs can
    /// be recorded. It is made again when there is twice its size. 0 for none; none for a store that is not a
    /// file.
    pub reserve: u64,
    /// Bytes of pages that are cached.
    pub cache: usize,
    /// Requests that wait for the writer at the most. Beyond it, whoever asks waits.
    pub queue: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { durability: Durability::Always, quota: None, reserve: 16 << 20, cache: 64 << 20, queue: 1024 }
    }
}

impl Options {
    /// Refuses what cannot be kept.
    pub(crate) fn check(&self) -> Result<(), JournalError> {
        match self.durability {
            Durability::Always => Ok(()),
            Durability::Interval { .. } => {
                Err(JournalError::with_source(JournalFault::Unsupported, UnsafeDurability))
            }
        }
    }
}

/// What an acknowledged record survives. To keep records in memory alone, take
/// [`MemoryJournal`](starline_journal::MemoryJournal).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Durability {
    /// The end of the process and a power cut.
    #[default]
    Always,
    /// The end of the process; a power cut loses up to the interval. **Refused** when the store is opened: after
    /// a loss, attempts would get numbers that were used before, and two devices could do one task.
    Interval {
        /// Milliseconds.
        ms: u64,
    },
}

/// Why an interval is refused.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "durability `interval` could give an attempt number twice after a power cut; choose `always`, or keep the \
     journal in memory"
)]
struct UnsafeDurability;
