//! Two threads: one writes, one reads. Neither keeps anybody of the runtime waiting.

use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use starline_journal::{JournalError, RunId, Seq, SharedEnvelope};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::engine::Engine;
use crate::page;
use crate::request::{Reply, Request};
use crate::store::Store;

/// Records of a group, unless a single append has more.
const GROUP_RECORDS: usize = 512;
/// Bytes of a group, unless a single append has more.
const GROUP_BYTES: usize = 1 << 20;

/// What the reader is asked.
#[derive(Debug)]
pub(crate) enum Question {
    Read { run: RunId, after: Option<Seq>, most: usize, reply: Reply<Vec<SharedEnvelope>> },
    Runs { reply: Reply<Vec<RunId>> },
}

/// A thread with its queue. Dropped, it does what is queued, and ends.
#[derive(Debug)]
pub(crate) struct Worker<T> {
    queue: Option<Sender<T>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Worker<T> {
    fn start(name: &str, queue: usize, act: impl FnOnce(Receiver<T>) + Send + 'static) -> io::Result<Self> {
        let (sender, receiver) = channel(queue.max(1));
        let thread = Builder::new().name(name.to_owned()).spawn(move || act(receiver))?;
        Ok(Self { queue: Some(sender), thread: Some(thread) })
    }

    /// Asks; waits while the queue is full. False if the thread is gone.
    pub(crate) async fn ask(&self, what: T) -> bool {
        match &self.queue {
            Some(queue) => queue.send(what).await.is_ok(),
            None => false,
        }
    }
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked is gone, and has answered nobody.
            let _ = thread.join();
        }
    }
}

/// Starts the writer.
pub(crate) fn start_writer(mut engine: Engine, queue: usize) -> io::Result<Worker<Request>> {
    Worker::start("starline-journal", queue, move |mut requests| {
        let mut next = None;
        while let Some(first) = next.take().or_else(|| requests.blocking_recv()) {
            let (group, left) = group(first, || requests.try_recv().ok());
            next = left;
            engine.work(group);
        }
    })
}

/// What is queued, as far as it fits one commit, and the first that does not.
fn group(first: Request, mut more: impl FnMut() -> Option<Request>) -> (Vec<Request>, Option<Request>) {
    let (mut records, mut bytes) = first.size();
    let mut group = vec![first];
    while records < GROUP_RECORDS && bytes < GROUP_BYTES && group.len() < GROUP_RECORDS {
        let Some(request) = more() else { break };
        let size = request.size();
        records += size.0;
        bytes += size.1;
        if records > GROUP_RECORDS || bytes > GROUP_BYTES {
            return (group, Some(request));
        }
        group.push(request);
    }
    (group, None)
}

/// Starts the reader.
pub(crate) fn start_reader(store: Arc<Store>, queue: usize) -> io::Result<Worker<Question>> {
    Worker::start("starline-journal-reader", queue, move |mut questions| {
        while let Some(question) = questions.blocking_recv() {
            match question {
                Question::Read { run, after, most, reply } => {
                    let found = store.with(|database| page::read(database, &run, after, most));
                    // Whoever asked may have gone.
                    drop(reply.send(found));
                }
                Question::Runs { reply } => drop(reply.send(runs(&store))),
            }
        }
    })
}

fn runs(store: &Store) -> Result<Vec<RunId>, JournalError> {
    store.with(|database| {
        let mut rows = page::directory(database)?.map(|(_, rows)| rows).unwrap_or_default();
        rows.sort_by_key(|(_, row)| row.stream);
        Ok(rows.into_iter().map(|(run, _)| run).collect())
    })
}
