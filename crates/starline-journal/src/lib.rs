#![doc = include_str!("../README.md")]

mod checkpoint;
mod error;
mod journal;
mod memory;
mod none;

pub use checkpoint::{Checkpoint, StateHash};
pub use error::{JournalError, JournalFault};
pub use journal::{Fence, Journal, Opened};
pub use memory::MemoryJournal;
pub use none::NoJournal;

pub use futures_core::stream::BoxStream;
pub use starline_types::{
    Envelope, Event, EventKind, Revision, RunId, Seq, SharedEnvelope, Timestamp, UnixMillis,
};
