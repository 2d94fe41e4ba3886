//! Contents kept by their hash.

use std::fmt;
use std::io::{self, Read};

use starline_types::{Artifact, BlobHash};

/// Keeps contents by their hash, for as long as runs refer to them.
///
/// The calls block: from asynchronous code they belong on a thread for blocking work.
pub trait BlobStore: fmt::Debug + Send + Sync {
    /// Keeps what a reader brings, up to its end. Contents that are there already are not kept twice.
    ///
    /// # Errors
    /// The contents cannot be read or kept, or are larger than `limit` bytes
    /// ([`FileTooLarge`](io::ErrorKind::FileTooLarge)); then nothing is kept.
    fn store(&self, name: &str, contents: &mut dyn Read, limit: u64) -> io::Result<Artifact>;

    /// Opens contents. Whoever reads them to the end has read what was kept, or met an error.
    ///
    /// # Errors
    /// There are no contents with this hash, or they cannot be opened.
    fn open(&self, hash: &BlobHash) -> io::Result<Box<dyn Read + Send>>;
}
