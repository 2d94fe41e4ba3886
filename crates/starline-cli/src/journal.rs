//! The journal of a run: a store of its own, in which a fact is durable before anything is done because of it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::executor::block_on;
use starline::journal::{
    Checkpoint, Fence, Journal, JournalError, JournalFault, Opened, RunId, Seq, SharedEnvelope,
};
use starline::journal_redb::{Options, Reader, RedbJournal};
use starline::types::Envelope;
use tokio::sync::watch;

use crate::exit::Exit;
use crate::failure::{Failure, with_causes};
use crate::moment::pause;
use crate::output::notice;

/// Name of the store in the folder of its run.
pub(crate) const JOURNAL: &str = "journal.redb";
/// Facts that wait at most until they are written, where nothing is done because of them.
const BUFFER: usize = 4096;
/// Records read at once.
const PAGE: usize = 8192;
/// Bytes that a run may keep: 4 GiB.
const QUOTA: u64 = 4 << 30;

/// The journal of one run. Once it has failed it takes nothing more.
#[derive(Debug)]
pub(crate) struct RunJournal {
    path: PathBuf,
    store: RedbJournal,
    waiting: Mutex<Waiting>,
    has_failed: watch::Sender<bool>,
}

/// Facts that nothing is done because of.
#[derive(Debug, Default)]
struct Waiting {
    facts: Vec<SharedEnvelope>,
    fence: Option<Fence>,
    /// What went wrong for good, in words.
    failure: Option<String>,
    /// Whether there was no room the last time.
    is_full: bool,
}

impl RunJournal {
    /// Makes the store in a folder, or opens the one that is there.
    ///
    /// # Errors
    /// It cannot be made or read, or another process has it.
    pub(crate) fn open(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(JOURNAL);
        // A reserve for each run that there ever was would take more than it saves.
        let options = Options { quota: Some(QUOTA), reserve: 0, ..Options::default() };
        let mut tries = TRIES;
        let store = loop {
            match RedbJournal::open(&path, options.clone()) {
                // What a killed process had forked has the file as well, until it becomes its program.
                Err(error) if error.kind() == JournalFault::Locked && tries > 0 => {
                    tries -= 1;
                    pause(BETWEEN);
                }
                opened => break opened,
            }
        };
        let store = store.map_err(|error| match error.kind() {
            JournalFault::Locked => {
                let run = folder.file_name().unwrap_or_default().to_string_lossy();
                Failure::new(Exit::Refused, "locked", format!("run {run} goes on in another process"))
                    .with_hint(format!("follow it with `starline watch {run}`"))
            }
            _ => Failure::journal(format!("failed to open {}", path.display()), &error),
        })?;
        let (waiting, has_failed) = (Mutex::default(), watch::Sender::new(false));
        Ok(Self { path, store, waiting, has_failed })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a fact that nothing is done because of; it is written with those after it. Outside of a runtime.
    pub(crate) fn take(&self, envelope: &Envelope) {
        let mut waiting = self.waiting();
        if waiting.failure.is_none() {
            waiting.facts.push(SharedEnvelope::from(envelope.clone()));
        }
        if waiting.facts.len() >= BUFFER {
            self.write(&mut waiting);
        }
    }

    /// Writes what was taken. Outside of a runtime.
    pub(crate) fn flush(&self) {
        self.write(&mut self.waiting());
    }

    fn write(&self, waiting: &mut Waiting) {
        let facts = std::mem::take(&mut waiting.facts);
        let Some(first) = facts.first().filter(|_| waiting.failure.is_none()) else { return };
        let run = first.run_id.clone();
        let written = block_on(async {
            let fence = match waiting.fence {
                Some(fence) => fence,
                None => self.store.open(&run).await?.fence,
            };
            self.store.append(&run, fence, &facts).await.map(|()| fence)
        });
        match written {
            Ok(fence) => waiting.fence = Some(fence),
            Err(error) => self.fail(waiting, &error),
        }
    }

    fn fail(&self, waiting: &mut Waiting, error: &JournalError) {
        if waiting.failure.is_none() {
            waiting.failure =
                Some(with_causes(format!("failed to write {}", self.path.display()), Some(error)));
        }
        self.has_failed.send_if_modified(|failed| !std::mem::replace(failed, true));
    }

    /// What went wrong for good, if something did.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.waiting().failure.clone().map(|message| Failure::new(Exit::Journal, "journal", message))
    }

    /// Waits until something goes wrong for good.
    ///
    /// # Cancellation safety
    /// Dropping the future loses nothing.
    pub(crate) async fn failed(&self) {
        let mut has_failed = self.has_failed.subscribe();
        // The sender lives in `self`, so this cannot fail.
        let _ = has_failed.wait_for(|failed| *failed).await;
    }

    /// Notes what cannot be mended, and says what can: where there is no room there may be some later.
    fn noted<T>(&self, done: Result<T, JournalError>) -> Result<T, JournalError> {
        let mut waiting = self.waiting();
        match &done {
            Ok(_) => {
                if std::mem::take(&mut waiting.is_full) {
                    notice("there is room in the journal again: the run goes on");
                }
            }
            Err(error) if error.kind() == JournalFault::Full => {
                if !std::mem::replace(&mut waiting.is_full, true) {
                    notice(&format!(
                        "{} is full: nothing more is started or changed until there is room; what is running goes on",
                        self.path.display()
                    ));
                }
            }
            Err(error) => self.fail(&mut waiting, error),
        }
        done
    }
}

#[async_trait]
impl Journal for RunJournal {
    async fn open(&self, run: &RunId) -> Result<Opened, JournalError> {
        self.noted(self.store.open(run).await)
    }

    async fn append(&self, run: &RunId, fence: Fence, events: &[SharedEnvelope]) -> Result<(), JournalError> {
        self.noted(self.store.append(run, fence, events).await)
    }

    async fn checkpoint(
        &self,
        run: &RunId,
        fence: Fence,
        checkpoint: Checkpoint,
    ) -> Result<(), JournalError> {
        self.noted(self.store.checkpoint(run, fence, checkpoint).await)
    }

    async fn read(
        &self,
        run: &RunId,
        after: Option<Seq>,
        most: usize,
    ) -> Result<Vec<SharedEnvelope>, JournalError> {
        self.store.read(run, after, most).await
    }

    async fn runs(&self) -> Result<Vec<RunId>, JournalError> {
        self.store.runs().await
    }
}

/// How often a journal that somebody has is asked for again.
const TRIES: u32 = 40;
/// Time between that.
const BETWEEN: Duration = Duration::from_millis(50);

/// What is read of a journal.
#[derive(Debug)]
pub(crate) enum Read<T> {
    /// No process has it.
    Idle(T),
    /// A process writes it, and has to be asked.
    Live,
}

/// The store in the folder of a run, to be read.
///
/// # Errors
/// There is none, or it cannot be read.
pub(crate) fn reader(folder: &Path) -> Result<Read<Reader>, Failure> {
    let path = folder.join(JOURNAL);
    if !path.exists() {
        let error = io::Error::from(io::ErrorKind::NotFound);
        return Err(Failure::journal(format!("failed to read {}", path.display()), &error));
    }
    match Reader::open(&path) {
        Ok(reader) => Ok(Read::Idle(reader)),
        Err(error) if error.kind() == JournalFault::Locked => Ok(Read::Live),
        Err(error) => Err(unreadable(folder, &error)),
    }
}

/// Hands every fact of a run over, in order, until somebody has seen enough.
///
/// # Errors
/// The store cannot be read.
pub(crate) fn each(
    reader: &Reader,
    folder: &Path,
    mut see: impl FnMut(&Envelope) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let told = |error: JournalError| unreadable(folder, &error);
    for run in reader.runs().map_err(told)? {
        let mut after = None;
        loop {
            let page = reader.read(&run, after, PAGE).map_err(told)?;
            let Some(last) = page.last() else { break };
            after = Some(last.seq);
            for fact in &page {
                if !see(fact)? {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

fn unreadable(folder: &Path, error: &JournalError) -> Failure {
    let path = folder.join(JOURNAL);
    let run = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let failure = Failure::journal(format!("failed to read {}", path.display()), error);
    match error.kind() {
        JournalFault::Corrupt { .. } => failure.with_hint(format!(
            "see what is damaged with `starline journal verify {run}`; `starline journal repair {run}` keeps what is \
             sound"
        )),
        _ => failure,
    }
}
