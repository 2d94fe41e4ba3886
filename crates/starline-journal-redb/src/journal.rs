//! The journal in one file.

use std::io;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use redb::StorageBackend;
use starline_journal::{
    Checkpoint, Fence, Journal, JournalError, JournalFault, Opened, RunId, Seq, SharedEnvelope,
};
use tokio::sync::oneshot;

use crate::disk::{self, Source};
use crate::engine::Engine;
use crate::fault::again;
use crate::options::Options;
use crate::record::Batch;
use crate::request::{Reply, Request};
use crate::reserve::{Reserve, ReserveFile};
use crate::store::{State, Store};
use crate::writer::{Question, Worker, start_reader, start_writer};

/// A durable journal in one file, for any number of runs.
///
/// One process has the file at a time. Dropping the journal does what is queued, closes the file, and blocks until
/// that is done.
#[derive(Debug)]
pub struct RedbJournal {
    writer: Option<Worker<Request>>,
    reader: Option<Worker<Question>>,
    store: Arc<Store>,
}

impl RedbJournal {
    /// Opens the store of a path, and makes it if there is none. Its folder must exist.
    ///
    /// Blocks while the file is opened and read once: every page of it is checked.
    ///
    /// # Errors
    /// [`JournalFault::Locked`] if another process has it, [`JournalFault::Corrupt`] if it is damaged,
    /// [`JournalFault::Newer`] if a newer version wrote it, [`JournalFault::Full`] and [`JournalFault::Failed`] for
    /// what the disk says, and [`JournalFault::Unsupported`] for options that cannot be kept.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, JournalError> {
        let path = path.as_ref().to_owned();
        let reserve: Option<Box<dyn Reserve>> = match options.reserve {
            0 => None,
            bytes => Some(Box::new(ReserveFile::beside(&path, bytes))),
        };
        Self::start(Box::new(move || disk::open_file(&path, true)), options, reserve)
    }

    /// Opens a store on something else than a file: a disk that fails when it is told to, for instance.
    ///
    /// `backend` gives access to the same bytes each time: it is called again after the disk was full.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn with_backend<B: StorageBackend>(
        backend: impl Fn() -> io::Result<B> + Send + Sync + 'static,
        options: Options,
    ) -> Result<Self, JournalError> {
        Self::start(Box::new(move || Ok(Box::new(backend()?))), options, None)
    }

    fn start(
        source: Source,
        options: Options,
        reserve: Option<Box<dyn Reserve>>,
    ) -> Result<Self, JournalError> {
        options.check()?;
        let store = Arc::new(Store::new(source, options.cache));
        let engine = Engine::open(Arc::clone(&store), &options, reserve)?;
        let no_thread = |error: io::Error| JournalError::with_source(JournalFault::Failed, error);
        let writer = start_writer(engine, options.queue).map_err(no_thread)?;
        let reader = start_reader(Arc::clone(&store), options.queue).map_err(no_thread)?;
        Ok(Self { writer: Some(writer), reader: Some(reader), store })
    }

    /// Asks the writer, and waits until what it did is durable.
    async fn write<T>(&self, make: impl FnOnce(Reply<T>) -> Request) -> Result<T, JournalError> {
        let (reply, answer) = oneshot::channel();
        match &self.writer {
            Some(writer) if writer.ask(make(reply)).await => answer.await.unwrap_or_else(|_| self.gone()),
            _ => self.gone(),
        }
    }

    async fn ask<T>(&self, make: impl FnOnce(Reply<T>) -> Question) -> Result<T, JournalError> {
        let (reply, answer) = oneshot::channel();
        match &self.reader {
            Some(reader) if reader.ask(make(reply)).await => answer.await.unwrap_or_else(|_| self.gone()),
            _ => self.gone(),
        }
    }

    /// Why nobody answers.
    fn gone<T>(&self) -> Result<T, JournalError> {
        Err(match &*self.store.state() {
            State::Broken(error) => again(error),
            _ => JournalError::new(JournalFault::Failed),
        })
    }
}

impl Drop for RedbJournal {
    fn drop(&mut self) {
        self.writer = None;
        self.reader = None;
        self.store.close();
    }
}

#[async_trait]
impl Journal for RedbJournal {
    async fn open(&self, run: &RunId) -> Result<Opened, JournalError> {
        self.write(|reply| Request::Open { run: run.clone(), reply }).await
    }

    async fn append(&self, run: &RunId, fence: Fence, events: &[SharedEnvelope]) -> Result<(), JournalError> {
        let batch = Batch::new(run, events)?;
        self.write(|reply| Request::Append { run: run.clone(), fence, batch, reply }).await
    }

    async fn checkpoint(
        &self,
        run: &RunId,
        fence: Fence,
        checkpoint: Checkpoint,
    ) -> Result<(), JournalError> {
        self.write(|reply| Request::Checkpoint { run: run.clone(), fence, checkpoint, reply }).await
    }

    async fn read(
        &self,
        run: &RunId,
        after: Option<Seq>,
        most: usize,
    ) -> Result<Vec<SharedEnvelope>, JournalError> {
        self.ask(|reply| Question::Read { run: run.clone(), after, most, reply }).await
    }

    async fn runs(&self) -> Result<Vec<RunId>, JournalError> {
        self.ask(|reply| Question::Runs { reply }).await
    }

    async fn forget(&self, run: &RunId) -> Result<(), JournalError> {
        self.write(|reply| Request::Forget { run: run.clone(), reply }).await
    }
}
