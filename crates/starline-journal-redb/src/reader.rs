//! A store that nobody owns, read without changing it.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::{Builder, Database, StorageBackend};
use starline_journal::{Checkpoint, JournalError, JournalFault, RunId, Seq, SharedEnvelope};

use crate::disk::{self, Source};
use crate::fault::{Trouble, guarded};
use crate::overlay::Overlay;
use crate::{page, slots};

/// Records of a page while exporting.
const PAGE: usize = 1024;

/// Bytes of pages that are cached: none, so that nothing of a damaged view is looked at when it is closed. The system
/// caches the file.
const CACHE: usize = 0;

/// A store that nobody owns, read without changing it: to list, show, replay and export runs.
///
/// It shares the file with other readers, and keeps owners out as long as it lives. A store whose owner was killed
/// reads like one that was closed; the file stays as it is.
pub struct Reader {
    database: Option<Database>,
    end: Arc<AtomicBool>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl Reader {
    /// Opens the store of a path. Every page is checked, and each record when it is read.
    ///
    /// # Errors
    /// [`JournalFault::Locked`] if a process owns it: ask that process. [`JournalFault::Corrupt`] if the file
    /// is damaged: see [`verify`](crate::verify), [`JournalFault::Failed`] if there is no such file or the disk fails.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, JournalError> {
        let path = path.as_ref().to_owned();
        let source: Source = Box::new(move || disk::open_file_to_read(&path));
        Self::of(&source)
    }

    /// Opens a store on something else than a file.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn with_backend<B: StorageBackend>(
        backend: impl Fn() -> io::Result<B> + Send + Sync + 'static,
    ) -> Result<Self, JournalError> {
        let source: Source = Box::new(move || Ok(Box::new(backend()?)));
        Self::of(&source)
    }

    pub(crate) fn of(source: &Source) -> Result<Self, JournalError> {
        Self::view(source, true).map_err(|trouble| trouble.into_error(None))
    }

    /// A store as it is; without `verify`, whatever state it is in.
    pub(crate) fn view(source: &Source, verify: bool) -> Result<Self, Trouble> {
        let amendment = slots::look(source, verify)?;
        let overlay = Overlay::new(source()?);
        let end = overlay.end();
        guarded(move || {
            if let Some(amendment) = amendment {
                overlay.write(amendment.at, &[amendment.byte])?;
            }
            let database = Builder::new().set_cache_size(CACHE).create_with_backend(overlay)?;
            Ok(Self { database: Some(database), end })
        })
    }

    pub(crate) fn with<T>(&self, act: impl FnOnce(&Database) -> Result<T, Trouble>) -> Result<T, Trouble> {
        match &self.database {
            Some(database) => guarded(|| act(database)),
            None => Err(JournalError::new(JournalFault::Failed).into()),
        }
    }

    fn ask<T>(&self, act: impl FnOnce(&Database) -> Result<T, Trouble>) -> Result<T, JournalError> {
        self.with(act).map_err(|trouble| trouble.into_error(None))
    }

    /// The runs, in order of their first opening.
    ///
    /// # Errors
    /// The store is damaged, or the disk fails.
    pub fn runs(&self) -> Result<Vec<RunId>, JournalError> {
        self.ask(|database| {
            let mut rows = page::directory(database)?.map(|(_, rows)| rows).unwrap_or_default();
            rows.sort_by_key(|(_, row)| row.stream);
            Ok(rows.into_iter().map(|(run, _)| run).collect())
        })
    }

    /// The next records of a run after a number, as [`Journal::read`](starline_journal::Journal::read) gives them.
    ///
    /// # Errors
    /// The store or a record is damaged, or the disk fails.
    pub fn read(
        &self,
        run: &RunId,
        after: Option<Seq>,
        most: usize,
    ) -> Result<Vec<SharedEnvelope>, JournalError> {
        self.ask(|database| page::read(database, run, after, most))
    }

    /// The newest sound checkpoint of a run.
    ///
    /// # Errors
    /// The store is damaged, or the disk fails.
    pub fn checkpoint(&self, run: &RunId) -> Result<Option<Checkpoint>, JournalError> {
        self.ask(|database| page::newest_checkpoint(database, run))
    }

    /// Writes the records of a run, one JSON object on each line, and returns how many there are.
    ///
    /// # Errors
    /// The store or a record is damaged, or either end fails. What was written before is sound.
    pub fn export(&self, run: &RunId, mut to: impl Write) -> Result<u64, JournalError> {
        let (mut after, mut count) = (None, 0);
        loop {
            let page = self.read(run, after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.seq);
            count += page.len() as u64;
            write_lines(&page, &mut to)
                .map_err(|error| JournalError::with_source(JournalFault::Failed, error))?;
        }
        to.flush().map_err(|error| JournalError::with_source(JournalFault::Failed, error))?;
        Ok(count)
    }
}

/// Writes records as lines.
fn write_lines(records: &[SharedEnvelope], to: &mut impl Write) -> io::Result<()> {
    for record in records {
        serde_json::to_writer(&mut *to, record)?;
        to.write_all(b"\n")?;
    }
    Ok(())
}

impl Drop for Reader {
    fn drop(&mut self) {
        let database = self.database.take();
        self.end.store(true, Ordering::Release);
        // What a database does at its end may panic, if its file contradicts itself.
        let _ = guarded(|| {
            drop(database);
            Ok(())
        });
    }
}
