//! The journals of many runs: each has its own file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use starline::journal::{Fence, Journal, JournalError, JournalFault, Opened, RunId, Seq, SharedEnvelope};

use crate::journal::{JOURNAL, Read, RunJournal, reader};

/// The journals of the runs that are under way. A run without one keeps nothing; those of runs that are over can be
/// read.
#[derive(Debug)]
pub(crate) struct Journals {
    open: Mutex<BTreeMap<RunId, Arc<RunJournal>>>,
    /// The folders of all runs.
    runs: PathBuf,
}

impl Journals {
    /// Journals of runs with folders in this one.
    pub(crate) fn new(runs: PathBuf) -> Self {
        Self { open: Mutex::default(), runs }
    }

    /// From now on facts of the run are written into its journal.
    pub(crate) fn add(&self, run: &RunId, journal: Arc<RunJournal>) {
        self.open().insert(run.clone(), journal);
    }

    /// The run is over.
    pub(crate) fn remove(&self, run: &RunId) {
        self.open().remove(run);
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<RunId, Arc<RunJournal>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, run: &RunId) -> Option<Arc<RunJournal>> {
        self.open().get(run).cloned()
    }
}

#[async_trait]
impl Journal for Journals {
    async fn open(&self, run: &RunId) -> Result<Opened, JournalError> {
        match self.of(run) {
            Some(journal) => journal.open(run).await,
            None => Ok(Opened { fence: Fence(1), tail: None, checkpoint: None }),
        }
    }

    async fn append(&self, run: &RunId, fence: Fence, events: &[SharedEnvelope]) -> Result<(), JournalError> {
        match self.of(run) {
            Some(journal) => journal.append(run, fence, events).await,
            None => Ok(()),
        }
    }

    async fn read(
        &self,
        run: &RunId,
        after: Option<Seq>,
        most: usize,
    ) -> Result<Vec<SharedEnvelope>, JournalError> {
        match self.of(run) {
            Some(journal) => journal.read(run, after, most).await,
            None => {
                let (folder, run) = (self.runs.join(run.as_str()), run.clone());
                let read = tokio::task::spawn_blocking(move || match reader(&folder) {
                    Ok(Read::Idle(reader)) => reader.read(&run, after, most),
                    // Whoever has it reads it as well, and lets it go soon.
                    Ok(Read::Live) => Err(JournalError::new(JournalFault::Locked).of_run(&run)),
                    // A run that keeps nothing has none.
                    Err(_) if !folder.join(JOURNAL).exists() => Ok(Vec::new()),
                    Err(_) => Err(JournalError::new(JournalFault::Failed).of_run(&run)),
                });
                read.await.unwrap_or(Ok(Vec::new()))
            }
        }
    }

    async fn runs(&self) -> Result<Vec<RunId>, JournalError> {
        Ok(Self::open(self).keys().cloned().collect())
    }
}
