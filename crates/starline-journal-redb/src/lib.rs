#![doc = include_str!("../README.md")]

mod disk;
mod engine;
mod fault;
mod journal;
mod options;
mod overlay;
mod page;
mod reader;
mod record;
mod repair;
mod request;
mod reserve;
mod slots;
mod store;
mod table;
#[cfg(any(test, feature = "torture"))]
pub mod torture;
mod verify;
mod writer;

pub use journal::RedbJournal;
pub use options::{Durability, Options};
pub use reader::Reader;
pub use record::RecordFault;
pub use repair::{Done, Repair, repair};
pub use verify::{Report, RunReport, verify};

pub use redb::StorageBackend;
