//! What a task puts down to go on from, on its way out of its folder and into that of its next attempt.

use std::convert::Infallible;
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::libc::{O_NOFOLLOW, O_NONBLOCK};
use starline_device::{
    AttemptId, Checkpoint, DeviceSignal, ErrorKind, MAX_CHECKPOINT_BYTES, ProgressStream, TaskError,
};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::progress::Outlet;
use crate::veil::Veil;

/// The file in which an attempt finds what an earlier one has put down, in its folder.
pub(crate) const GIVEN: &str = ".starline-checkpoint";
/// The file in which it puts down its own.
pub(crate) const TAKEN: &str = ".starline-checkpoint-out";
/// Time between two looks at the file of an attempt that runs.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// Longest time in which the reader of signals takes the last one of an attempt.
const PATIENCE: Duration = Duration::from_secs(1);

/// Gives an attempt what an earlier one has put down, if there is something.
pub(crate) async fn give(checkpoint: Option<&Checkpoint>, folder: &Path) -> Result<(), TaskError> {
    let Some(checkpoint) = checkpoint.cloned() else { return Ok(()) };
    let path = folder.join(GIVEN);
    let write = move || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(checkpoint.as_bytes())
    };
    let written = spawn_blocking(write).await.unwrap_or_else(|error| Err(io::Error::other(error)));
    written.map_err(|error| {
        TaskError::new(ErrorKind::DeviceError, format!("checkpoint could not be written: {error}"))
    })
}

/// Takes what an attempt puts down, whenever it is new.
#[derive(Debug)]
pub(crate) struct Taker<'a> {
    path: PathBuf,
    attempt: &'a AttemptId,
    outlet: &'a Outlet,
    veil: &'a Veil,
    /// The file as it was when it was last read.
    seen: Option<Stamp>,
    /// What whoever listens knows.
    last: Option<Checkpoint>,
    /// What nobody has taken yet, as too many other signals wait.
    waiting: Option<Checkpoint>,
}

/// Differs when a file was written or exchanged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Stamp {
    inode: u64,
    bytes: u64,
    written: (i64, i64),
    changed: (i64, i64),
}

impl From<&Metadata> for Stamp {
    fn from(found: &Metadata) -> Self {
        Self {
            inode: found.ino(),
            bytes: found.len(),
            written: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }
}

impl<'a> Taker<'a> {
    pub(crate) fn new(
        folder: &Path,
        attempt: &'a AttemptId,
        given: Option<&Checkpoint>,
        outlet: &'a Outlet,
        veil: &'a Veil,
    ) -> Self {
        let path = folder.join(TAKEN);
        Self { path, attempt, outlet, veil, seen: None, last: given.cloned(), waiting: None }
    }

    /// Looks again and again. May be dropped at any time.
    pub(crate) async fn follow(&mut self) -> Infallible {
        loop {
            sleep(BETWEEN_LOOKS).await;
            self.look().await;
            self.waiting = self.waiting.take().and_then(|checkpoint| {
                let left = self.outlet.offer(self.signal(&checkpoint));
                left.is_err().then_some(checkpoint)
            });
        }
    }

    /// Looks for the last time, and waits a moment for a reader who is behind.
    pub(crate) async fn finish(mut self) {
        self.look().await;
        if let Some(checkpoint) = self.waiting.take()
            && !self.outlet.deliver(self.signal(&checkpoint), PATIENCE).await
        {
            self.say("it was lost, as nobody takes the signals of this device");
        }
    }

    async fn look(&mut self) {
        // A name of the file system, so it takes microseconds; nothing is read unless it has changed.
        let Ok(found) = fs::symlink_metadata(&self.path) else { return };
        let stamp = Stamp::from(&found);
        if self.seen == Some(stamp) {
            return;
        }
        let path = self.path.clone();
        let read =
            spawn_blocking(move || read(&path)).await.unwrap_or_else(|error| Err(io::Error::other(error)));
        self.seen = Some(stamp);
        match read {
            Ok(Some(checkpoint)) if self.last.as_ref() == Some(&checkpoint) => {}
            Ok(Some(checkpoint)) if self.holds_secret(&checkpoint) => {
                self.say("it is left out, since there is a secret in it");
            }
            Ok(Some(checkpoint)) => {
                self.last = Some(checkpoint.clone());
                self.waiting = Some(checkpoint);
            }
            Ok(None) => {
                self.say(&format!("it is left out, since it has more than {MAX_CHECKPOINT_BYTES} bytes"))
            }
            // Exchanged between the two looks: the next one sees it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.seen = None,
            Err(error) => self.say(&format!("it cannot be read: {error}")),
        }
    }

    /// It would be masked anywhere else, and could not be used then.
    fn holds_secret(&self, checkpoint: &Checkpoint) -> bool {
        let text = String::from_utf8_lossy(checkpoint.as_bytes());
        self.veil.text(&text) != text
    }

    fn signal(&self, checkpoint: &Checkpoint) -> DeviceSignal {
        DeviceSignal::Checkpoint { attempt: self.attempt.clone(), content: checkpoint.clone() }
    }

    fn say(&self, what: &str) {
        self.outlet.send(self.attempt, ProgressStream::Message, &format!("checkpoint: {what}"));
    }
}

/// The contents of a file, unless they are too long.
fn read(path: &Path) -> io::Result<Option<Checkpoint>> {
    // A link could lead out of a sandbox, and a pipe to nowhere.
    let file = OpenOptions::new().read(true).custom_flags(O_NOFOLLOW | O_NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_CHECKPOINT_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Checkpoint::new(bytes))
}
