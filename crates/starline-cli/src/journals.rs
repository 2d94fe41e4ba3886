//! The journals of many runs: each has its own file.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use starline::journal::{Fence, Journal, JournalError, Opened, RunId, Seq, SharedEnvelope};

use crate::journal::RunJournal;

/// The journals of the runs that are under way. A run without one keeps nothing.
#[derive(Debug, Default)]
pub(crate) struct Journals(Mutex<BTreeMap<RunId, Arc<RunJournal>>>);

impl Journals {
    /// From now on facts of the run are written into its journal.
    pub(crate) fn add(&self, run: &RunId, journal: Arc<RunJournal>) {
        self.open().insert(run.clone(), journal);
    }

    /// The run is over.
    pub(crate) fn remove(&self, run: &RunId) {
        self.open().remove(run);
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<RunId, Arc<RunJournal>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
            None => Ok(Vec::new()),
        }
    }

    async fn runs(&self) -> Result<Vec<RunId>, JournalError> {
        Ok(Self::open(self).keys().cloned().collect())
    }
}
