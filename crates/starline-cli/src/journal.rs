//! The journal of a run: a file with one fact on each line.
//!
//! A fact is handed to the system before anything is done because of it, and what could not be written is not done:
//! it outlives this process, and not a loss of power.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use starline::journal::{Fence, Journal, JournalError, JournalFault, Opened, RunId, Seq, SharedEnvelope};
use starline::types::Envelope;
use tokio::sync::watch;

use crate::failure::Failure;
use crate::state::private_file;

/// Bytes that wait at most until they are written.
const BUFFER: usize = 1 << 16;

/// The journal of one run. Once it has failed it takes nothing more.
#[derive(Debug)]
pub(crate) struct RunJournal {
    path: PathBuf,
    pages: Mutex<Pages>,
    has_failed: watch::Sender<bool>,
}

#[derive(Debug)]
struct Pages {
    /// Locked as long as the run lives.
    file: File,
    /// What is not written yet: whole facts.
    waiting: Vec<u8>,
    /// Length of what is written.
    length: u64,
    fault: Option<io::Error>,
}

impl RunJournal {
    /// Makes the file.
    ///
    /// # Errors
    /// It is there already, or cannot be made.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = private_file(path)?;
        // Whoever reads it can tell a run that lives from one that was killed. Where there are no locks, it cannot.
        let _ = file.try_lock();
        let pages = Pages { file, waiting: Vec::new(), length: 0, fault: None };
        Ok(Self { path: path.to_owned(), pages: Mutex::new(pages), has_failed: watch::Sender::new(false) })
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a fact; it is written with those after it.
    pub(crate) fn take(&self, envelope: &Envelope) {
        let mut pages = self.pages();
        pages.take(envelope);
        if pages.waiting.len() >= BUFFER {
            pages.write();
        }
        self.tell(&pages);
    }

    /// Writes what was taken.
    pub(crate) fn flush(&self) {
        let mut pages = self.pages();
        pages.write();
        self.tell(&pages);
    }

    fn tell(&self, pages: &Pages) {
        if pages.fault.is_some() {
            self.has_failed.send_if_modified(|failed| !std::mem::replace(failed, true));
        }
    }

    /// What went wrong, if something did.
    pub(crate) fn failure(&self) -> Option<Failure> {
        let pages = self.pages();
        let what = format!("failed to write {}", self.path.display());
        pages.fault.as_ref().map(|fault| Failure::journal(what, fault))
    }

    /// Waits until something goes wrong.
    ///
    /// # Cancellation safety
    /// Dropping the future loses nothing.
    pub(crate) async fn failed(&self) {
        let mut has_failed = self.has_failed.subscribe();
        // The sender lives in `self`, so this cannot fail.
        let _ = has_failed.wait_for(|failed| *failed).await;
    }
}

impl Pages {
    fn take(&mut self, envelope: &Envelope) {
        if self.fault.is_some() {
            return;
        }
        match serde_json::to_writer(&mut self.waiting, envelope) {
            Ok(()) => self.waiting.push(b'\n'),
            Err(error) => self.fault = Some(error.into()),
        }
    }

    fn write(&mut self) {
        if self.fault.is_some() || self.waiting.is_empty() {
            return;
        }
        match self.file.write_all(&self.waiting) {
            Ok(()) => self.length += self.waiting.len() as u64,
            Err(error) => {
                // The journal ends with a whole fact, if the system lets it.
                let _ = self.file.set_len(self.length);
                self.fault = Some(error);
            }
        }
        self.waiting.clear();
    }
}

#[async_trait]
impl Journal for RunJournal {
    async fn open(&self, _run: &RunId) -> Result<Opened, JournalError> {
        Ok(Opened { fence: Fence(1), tail: None, checkpoint: None })
    }

    async fn append(
        &self,
        _run: &RunId,
        _fence: Fence,
        events: &[SharedEnvelope],
    ) -> Result<(), JournalError> {
        let mut pages = self.pages();
        events.iter().for_each(|envelope| pages.take(envelope));
        pages.write();
        self.tell(&pages);
        // Nobody waits for space: whoever started the run is told, and starts it again.
        if pages.fault.is_some() { Err(JournalError::new(JournalFault::Failed)) } else { Ok(()) }
    }

    async fn read(
        &self,
        run: &RunId,
        after: Option<Seq>,
        most: usize,
    ) -> Result<Vec<SharedEnvelope>, JournalError> {
        let failed = |error: io::Error| JournalError::with_source(JournalFault::Failed, error);
        let text = fs::read_to_string(&self.path).map_err(failed)?;
        let mut records = Vec::new();
        for line in text.lines() {
            if records.len() == most {
                break;
            }
            let envelope: Envelope = serde_json::from_str(line).map_err(|error| failed(error.into()))?;
            if envelope.run_id == *run && after.is_none_or(|after| envelope.seq > after) {
                records.push(SharedEnvelope::from(envelope));
            }
        }
        Ok(records)
    }

    async fn runs(&self) -> Result<Vec<RunId>, JournalError> {
        let run =
            self.path.parent().and_then(Path::file_name).and_then(|name| RunId::new(name.to_str()?).ok());
        Ok(run.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use starline::types::{Event, Revision, Timestamp, UnixMillis};

    fn fact(seq: u64) -> SharedEnvelope {
        let event = Event::RunResumed { by: "somebody".into() };
        let run_id = RunId::new("r").expect("id");
        let (revision, t, at) = (Revision(0), Timestamp(seq), UnixMillis(seq));
        SharedEnvelope::from(Envelope { seq: Seq(seq), run_id, revision, t, at, cause: None, event })
    }

    #[tokio::test]
    async fn what_was_appended_is_read() {
        let folder = std::env::temp_dir().join(format!("starline-journal-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("journal.jsonl");
        let _ = fs::remove_file(&path);
        let journal = RunJournal::create(&path).expect("a file");
        let run = RunId::new("r").expect("id");
        journal.append(&run, Fence(1), &[fact(1), fact(2)]).await.expect("written");
        let read = journal.read(&run, Some(Seq(1)), 10).await.expect("read");
        assert_eq!(read, [fact(2)]);
        assert!(journal.failure().is_none());
        fs::remove_dir_all(folder).expect("removed");
    }

    /// A device that is always full.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_full_disk_ends_the_journal() {
        let file = fs::OpenOptions::new().write(true).open("/dev/full").expect("a device of every system");
        let pages = Pages { file, waiting: Vec::new(), length: 0, fault: None };
        let path = PathBuf::from("runs/r/journal.jsonl");
        let journal = RunJournal { path, pages: Mutex::new(pages), has_failed: watch::Sender::new(false) };
        let run = RunId::new("r").expect("id");
        for _ in 0..2 {
            let refused = journal.append(&run, Fence(1), &[fact(1)]).await.expect_err("no space");
            assert_eq!(refused.kind(), JournalFault::Failed);
        }
        journal.failed().await;
        let failure = journal.failure().expect("told").to_string();
        assert!(failure.starts_with("failed to write runs/r/journal.jsonl: No space left"), "{failure}");
    }
}
