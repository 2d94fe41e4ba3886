//! A private folder for each attempt.

use std::collections::hash_map::RandomState;
use std::fs::{self, OpenOptions};
use std::hash::BuildHasher;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use starline_device::AttemptId;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// Tries to remove a folder while descriptors are short, and the time between two.
const REMOVALS: u32 = 20;
const BETWEEN_REMOVALS: Duration = Duration::from_millis(50);

/// Where folders of attempts are made.
#[derive(Debug)]
pub(crate) struct WorkRoot {
    path: PathBuf,
    keep: bool,
    next: AtomicU64,
    names: RandomState,
}

/// The folder of one attempt. Removed with everything in it when dropped, unless folders are kept.
#[derive(Debug)]
pub(crate) struct WorkFolder {
    path: PathBuf,
    /// The file with its script, beside the folder: the attempt may run in there, and finds nothing of ours.
    script: Option<PathBuf>,
    remove: bool,
}

impl WorkRoot {
    pub(crate) fn new(path: PathBuf, keep: bool) -> Self {
        Self { path, keep, next: AtomicU64::new(1), names: RandomState::new() }
    }

    /// Makes a folder that nobody else can look into, under a name that nobody can guess. Ids appear in it
    /// as a hash only: they come from outside and are no file names.
    pub(crate) async fn folder(self: &Arc<Self>, id: &AttemptId) -> io::Result<WorkFolder> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let hash = self.names.hash_one((id.run.as_str(), id.task.id().as_str(), id.number, number));
        let name = format!("{number}-{hash:016x}");
        let root = Arc::clone(self);
        spawn_blocking(move || {
            let path = open_root(&root.path)?.join(name);
            // Not recursive: fails if something has the name already.
            fs::DirBuilder::new().mode(0o700).create(&path)?;
            Ok(WorkFolder { path, script: None, remove: !root.keep })
        })
        .await?
    }
}

/// Makes the root if it is missing, and refuses one in which somebody else could exchange our folders.
pub(crate) fn open_root(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
    let found = fs::symlink_metadata(&path)?;
    let refuse = |why: &str| {
        let message = format!("work folder {} {why}", path.display());
        Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
    };
    if !found.is_dir() {
        return refuse("is a symbolic link");
    }
    if found.uid() != nix::unistd::geteuid().as_raw() {
        return refuse("belongs to somebody else");
    }
    if found.mode() & 0o022 != 0 {
        return refuse("may be written to by others");
    }
    Ok(path)
}

impl WorkFolder {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a script into a file that nobody else can read, and that goes when the folder does.
    pub(crate) async fn write_script(&mut self, text: &str) -> io::Result<&Path> {
        let mut name = self.path.clone().into_os_string();
        name.push(".sh");
        let (path, text) = (PathBuf::from(name), text.to_owned());
        // Known before it is there, so that it is removed even if it could not be written.
        let script = self.script.insert(path.clone());
        let write = move || {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(text.as_bytes())
        };
        spawn_blocking(write).await??;
        Ok(script)
    }

    /// Removes the folder without blocking the runtime.
    pub(crate) async fn close(mut self) -> io::Result<()> {
        if !self.remove {
            return Ok(());
        }
        if let Some(script) = self.script.take() {
            spawn_blocking(move || fs::remove_file(script)).await??;
        }
        let mut removed = remove(self.path.clone()).await;
        for _ in 1..REMOVALS {
            if !removed.as_ref().is_err_and(is_exhausted) {
                break;
            }
            // Others have all the descriptors, and each attempt that ends gives some back.
            sleep(BETWEEN_REMOVALS).await;
            removed = remove(self.path.clone()).await;
        }
        self.remove = false;
        removed.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", self.path.display())))
    }
}

async fn remove(path: PathBuf) -> io::Result<()> {
    // To remove an empty folder takes no descriptor.
    spawn_blocking(move || fs::remove_dir(&path).or_else(|_| fs::remove_dir_all(&path))).await?
}

/// Whether the process, or the system, has no descriptor left.
fn is_exhausted(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw);
    matches!(code, Some(Errno::EMFILE | Errno::ENFILE))
}

impl Drop for WorkFolder {
    /// Reached without [`close`](WorkFolder::close) only when the runtime goes away under an attempt.
    fn drop(&mut self) {
        if self.remove {
            let _ = fs::remove_dir_all(&self.path);
            let _ = self.script.as_ref().map(fs::remove_file);
        }
    }
}
