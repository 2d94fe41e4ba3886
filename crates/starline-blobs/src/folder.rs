//! The folder as a whole.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use starline_device::{Artifact, BlobHash, BlobStore};

use crate::incoming::{self, Incoming};
use crate::kept::{self, Kept};
use crate::verify::{Verified, fault};

/// Bytes read at a time.
const CHUNK: usize = 64 * 1024;
/// What only the owner may do.
const PRIVATE: u32 = 0o077;

/// A folder that keeps contents by their hash.
///
/// Contents are in `ab/abcdef…`: the first two digits of the hash, then all of them. See the page of the crate for
/// what holds at which moment.
#[derive(Clone, Debug)]
pub struct FolderBlobs {
    root: PathBuf,
}

/// What a collection of garbage has removed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Collected {
    /// Number of contents.
    pub contents: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

impl FolderBlobs {
    /// Opens a folder, makes it with the mode 0700 if it is missing, and removes temporary files that an earlier
    /// process has left behind.
    ///
    /// # Errors
    /// The folder cannot be made or read, is a symbolic link, belongs to somebody else, or may be entered by
    /// others ([`PermissionDenied`](io::ErrorKind::PermissionDenied)).
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let root = std::path::absolute(path)?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&root).or_else(|error| {
            // A link to a folder is told below, as what it is.
            if root.symlink_metadata().is_ok() { Ok(()) } else { Err(error) }
        })?;
        refuse_foreign(&root)?;
        incoming::remove_stale(&root)?;
        Ok(Self { root })
    }

    /// Where it is, as an absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// How many contents there are. O(contents), with a look at each folder.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn len(&self) -> io::Result<u64> {
        kept::all(&self.root).try_fold(0, |sum, kept| kept.map(|_| sum + 1))
    }

    /// Whether there are no contents.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn is_empty(&self) -> io::Result<bool> {
        kept::all(&self.root).next().transpose().map(|first| first.is_none())
    }

    /// How large all contents are, in bytes. O(contents), with a look at each file.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn bytes(&self) -> io::Result<u64> {
        kept::all(&self.root).try_fold(0, |sum, kept| Ok(sum + kept?.bytes()?))
    }

    /// Removes all contents but these.
    ///
    /// Call it while nobody stores: contents that were stored after `keep` was put together are removed as well.
    /// Whoever reads contents that are removed reads them to their end.
    ///
    /// # Errors
    /// Contents cannot be removed; others may have been removed before.
    pub fn collect_garbage(&self, keep: &BTreeSet<BlobHash>) -> io::Result<Collected> {
        let mut collected = Collected::default();
        for kept in kept::all(&self.root) {
            let kept = kept?;
            if keep.contains(&kept.hash) {
                continue;
            }
            let bytes = kept.bytes()?;
            fs::remove_file(&kept.path).map_err(|error| fault("cannot remove", &kept.path, &error))?;
            collected.contents += 1;
            collected.bytes += bytes;
        }
        Ok(collected)
    }

    /// Whether these contents are here, and undamaged.
    fn holds(&self, artifact: &Artifact) -> bool {
        let place = kept::place(&self.root, &artifact.hash);
        let right_size = fs::symlink_metadata(place).is_ok_and(|found| found.len() == artifact.bytes);
        right_size
            && Verified::open(&self.root, &artifact.hash)
                .and_then(|mut reader| io::copy(&mut reader, &mut io::sink()))
                .is_ok()
    }
}

impl BlobStore for FolderBlobs {
    fn store(&self, name: &str, contents: &mut dyn Read, limit: u64) -> io::Result<Artifact> {
        let mut incoming = Incoming::new(&self.root)?;
        let mut hasher = blake3::Hasher::new();
        let mut chunk = vec![0; CHUNK];
        let mut bytes: u64 = 0;
        loop {
            let length = match contents.read(&mut chunk) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            bytes = bytes.saturating_add(length as u64);
            if bytes > limit {
                let message = format!("{name:?} is larger than the {limit} bytes that are kept");
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
            }
            hasher.update(&chunk[..length]);
            incoming.write(&chunk[..length])?;
        }
        let digits = hasher.finalize().to_hex();
        let hash = BlobHash::from_hex(&digits).map_err(io::Error::other)?;
        let artifact = Artifact { hash, bytes, name: name.to_owned() };
        if self.holds(&artifact) {
            // Whoever stored them may not have come to this yet.
            kept::sync(&self.root, &artifact.hash)?;
        } else {
            incoming.keep(&artifact.hash)?;
        }
        Ok(artifact)
    }

    fn open(&self, hash: &BlobHash) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Verified::open(&self.root, hash)?))
    }
}

/// Refuses a folder in which somebody else could see or exchange contents.
fn refuse_foreign(root: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(root)?;
    let refuse = |why: &str| {
        let message = format!("folder {} {why}", root.display());
        Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
    };
    if found.is_symlink() {
        return refuse("is a symbolic link");
    }
    if !found.is_dir() {
        return refuse("is no folder");
    }
    if found.uid() != nix::unistd::geteuid().as_raw() {
        return refuse("belongs to somebody else");
    }
    if found.mode() & PRIVATE != 0 {
        let mode = found.mode() & 0o777;
        return refuse(&format!("has the mode {mode:03o}, which others may use: it must be 700"));
    }
    Ok(())
}

impl Kept {
    fn bytes(&self) -> io::Result<u64> {
        let found = fs::symlink_metadata(&self.path);
        found.map(|found| found.len()).map_err(|error| fault("cannot look at", &self.path, &error))
    }
}
