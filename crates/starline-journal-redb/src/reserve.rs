//! Space that is kept for the end.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Space that can be given up, and taken again.
pub(crate) trait Reserve: fmt::Debug + Send {
    /// Takes the space, if there is twice as much.
    fn take(&self) -> io::Result<()>;

    /// Gives it up.
    fn give_up(&self) -> io::Result<()>;
}

/// A file of nothing.
#[derive(Debug)]
pub(crate) struct ReserveFile {
    path: PathBuf,
    bytes: u64,
}

impl ReserveFile {
    /// The reserve beside a store.
    pub(crate) fn beside(store: &Path, bytes: u64) -> Self {
        Self { path: beside(store, "reserve"), bytes }
    }
}

/// A file beside the store, with its name and one more ending.
pub(crate) fn beside(store: &Path, ending: &str) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

impl Reserve for ReserveFile {
    fn take(&self) -> io::Result<()> {
        if fs::metadata(&self.path).is_ok_and(|found| found.is_file() && found.len() == self.bytes) {
            return Ok(());
        }
        let taken = fill(&self.path, self.bytes);
        if taken.is_err() {
            // What was written is needed elsewhere; the next attempt begins anew.
            let _ = fs::remove_file(&self.path);
        }
        taken
    }

    fn give_up(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Writes every byte, since a file of holes has no space; and twice as many as are kept, so that the reserve is
/// not the last space there is. What is written cannot be compressed away.
fn fill(path: &Path, bytes: u64) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let (mut chunk, mut state) = (vec![0_u8; 1 << 16], 0x9e37_79b9_7f4a_7c15_u64);
    let mut left = bytes.saturating_mul(2);
    while left > 0 {
        for byte in &mut chunk {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = state.to_le_bytes()[7];
        }
        let count = usize::try_from(left).unwrap_or(chunk.len()).min(chunk.len());
        file.write_all(&chunk[..count])?;
        left -= count as u64;
    }
    file.sync_data()?;
    file.set_len(bytes)?;
    file.sync_all()
}
