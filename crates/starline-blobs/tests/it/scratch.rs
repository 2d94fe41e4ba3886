//! A folder for one test.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use starline_blobs::FolderBlobs;
use starline_device::{Artifact, BlobHash, BlobStore};

/// A folder for one test, removed at its end.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("starline-blobs-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a new folder");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn blobs(&self) -> FolderBlobs {
        FolderBlobs::open(self.0.join("blobs")).expect("a folder")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Stores a text, without a limit worth mentioning.
pub(crate) fn store(blobs: &FolderBlobs, text: &[u8]) -> Artifact {
    blobs.store("a.txt", &mut &*text, u64::MAX).expect("kept")
}

pub(crate) fn read(blobs: &FolderBlobs, hash: &BlobHash) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    blobs.open(hash)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Where contents are.
pub(crate) fn place(blobs: &FolderBlobs, hash: &BlobHash) -> PathBuf {
    blobs.path().join(&hash.as_str()[..2]).join(hash.as_str())
}

/// Temporary files that are there.
pub(crate) fn incoming(blobs: &FolderBlobs) -> Vec<String> {
    let names =
        fs::read_dir(blobs.path()).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    names.filter_map(|name| name.into_string().ok()).filter(|name| name.len() > 2).collect()
}
