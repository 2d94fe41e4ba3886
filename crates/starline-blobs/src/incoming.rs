//! Contents on their way in.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use starline_device::BlobHash;

use crate::kept;
use crate::verify::fault;

/// How the names of temporary files begin. No name of contents or of their folders does.
const PREFIX: &str = "incoming-";

/// A temporary file, removed when dropped unless it was kept.
///
/// Locked as long as it is open: that is how another process tells it from one that was left behind.
#[derive(Debug)]
pub(crate) struct Incoming {
    root: PathBuf,
    path: PathBuf,
    file: File,
    kept: bool,
}

impl Incoming {
    pub(crate) fn new(root: &Path) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = root.join(format!("{PREFIX}{}-{number}", std::process::id()));
            let file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                // Of an earlier process with our number, or of one that sees other numbers than we do.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                opened => opened.map_err(|error| fault("cannot make", &path, &error))?,
            };
            let incoming = Self { root: root.to_owned(), path, file, kept: false };
            // Somebody who opens the folder right now may lock it first, to remove it as left behind.
            match incoming.file.try_lock() {
                Ok(()) if incoming.file.metadata()?.nlink() > 0 => return Ok(incoming),
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(fault("cannot lock", &incoming.path, &error)),
            }
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes).map_err(|error| fault("cannot write", &self.path, &error))
    }

    /// Makes it the contents of a hash, in one step and for good.
    pub(crate) fn keep(mut self, hash: &BlobHash) -> io::Result<()> {
        self.file.sync_all().map_err(|error| fault("cannot write", &self.path, &error))?;
        let shard = kept::shard(&self.root, hash);
        match DirBuilder::new().mode(0o700).create(&shard) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(fault("cannot make", &shard, &error));
            }
            _ => {}
        }
        let place = kept::place(&self.root, hash);
        fs::rename(&self.path, &place).map_err(|error| fault("cannot make", &place, &error))?;
        self.kept = true;
        kept::sync(&self.root, hash)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.path); // Or it is found at the next opening.
        }
    }
}

/// Removes temporary files that nobody writes to.
pub(crate) fn remove_stale(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let is_incoming = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if !is_incoming || !entry.file_type()?.is_file() {
            continue;
        }
        let path = entry.path();
        // One that has become contents, or was removed, in the meantime.
        let Ok(file) = File::open(&path) else { continue };
        if file.try_lock().is_ok()
            && let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(fault("cannot remove", &path, &error));
        }
    }
    Ok(())
}
