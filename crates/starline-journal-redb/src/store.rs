//! The database behind the journal, and whether it can be used.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use redb::{Builder, Database};
use starline_journal::{JournalError, JournalFault};

use crate::disk::{Latch, Source, Watched};
use crate::fault::{Trouble, again, guarded};
use crate::slots;

/// The database behind a journal. Readers hold it while they read a page, so that a database that is closed is
/// closed for all.
pub(crate) struct Store {
    source: Source,
    cache: usize,
    state: RwLock<State>,
}

/// Whether the database can be used.
pub(crate) enum State {
    /// It can.
    Ready(Database, Arc<Latch>),
    /// The disk was full: it may be opened again.
    Full(JournalError),
    /// It never can again in this process.
    Broken(JournalError),
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("state", &*self.state()).finish_non_exhaustive()
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready(..) => f.write_str("Ready"),
            Self::Full(_) => f.write_str("Full"),
            Self::Broken(error) => write!(f, "Broken({:?})", error.kind()),
        }
    }
}

impl Store {
    /// A store that is not opened yet.
    pub(crate) fn new(source: Source, cache: usize) -> Self {
        let state = RwLock::new(State::Full(JournalError::new(JournalFault::Full)));
        Self { source, cache, state }
    }

    /// Opens the database, which must not be open.
    pub(crate) fn open(&self) -> Result<(), JournalError> {
        let opened = self.database();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let (found, result) = match opened {
            Ok((database, latch)) => (State::Ready(database, latch), Ok(())),
            Err(error) if error.kind() == JournalFault::Full => (State::Full(again(&error)), Err(error)),
            Err(error) => (State::Broken(again(&error)), Err(error)),
        };
        *state = found;
        result
    }

    fn database(&self) -> Result<(Database, Arc<Latch>), JournalError> {
        let amendment = slots::look(&self.source, true).map_err(|trouble| trouble.into_error(None))?;
        let backend = (self.source)().map_err(|error| Trouble::from(error).into_error(None))?;
        let (watched, latch) = Watched::new(backend, amendment);
        let opened =
            guarded(|| Ok(Builder::new().set_cache_size(self.cache).create_with_backend(watched)?));
        match opened {
            Ok(database) => Ok((database, latch)),
            Err(trouble) => Err(trouble.into_error(Some(&latch))),
        }
    }

    pub(crate) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Uses the database. An error of the store does not close it: see [`fail`](Self::fail).
    pub(crate) fn with<T>(
        &self,
        act: impl FnOnce(&Database) -> Result<T, Trouble>,
    ) -> Result<T, JournalError> {
        match &*self.state() {
            State::Ready(database, latch) => {
                guarded(|| act(database)).map_err(|trouble| trouble.into_error(Some(latch)))
            }
            State::Full(error) | State::Broken(error) => Err(again(error)),
        }
    }

    /// Closes the database after an error of it: a full disk may be asked again, all else is for ever.
    pub(crate) fn fail(&self, error: &JournalError) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let next = match error.kind() {
            JournalFault::Full => State::Full(again(error)),
            _ => State::Broken(again(error)),
        };
        let last = std::mem::replace(&mut *state, next);
        // To tidy up, the engine would go through pages that are known to be damaged, and could end the process. So
        // it is left alone, at the price of its memory: the file is sound when it is opened, so this is rare.
        if matches!(error.kind(), JournalFault::Corrupt { .. })
            && let State::Ready(database, latch) = last
        {
            latch.end();
            std::mem::forget(database);
            return;
        }
        // What a database does at its end may panic as well, if its file contradicts itself.
        let _ = guarded(|| {
            drop(last);
            Ok(())
        });
    }

    /// Closes the database for good.
    pub(crate) fn close(&self) {
        self.fail(&JournalError::new(JournalFault::Failed));
    }
}
