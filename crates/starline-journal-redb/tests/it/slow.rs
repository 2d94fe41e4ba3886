//! A disk that takes its time: requests wait, share a commit, and nobody is told too early.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use redb::backends::InMemoryBackend;
use starline_journal::Journal;
use starline_journal_redb::{RedbJournal, StorageBackend};

use crate::support::options;
use starline_testkit::journal::{facts, run};

/// A disk whose syncs wait for a gate, and are counted.
#[derive(Clone, Debug, Default)]
struct Gated(Arc<Gate>);

#[derive(Debug, Default)]
struct Gate {
    disk: InMemoryBackend,
    closed: Mutex<bool>,
    opened: Condvar,
    syncs: AtomicU64,
    waiting: AtomicU64,
}

impl Gated {
    fn set(&self, closed: bool) {
        *self.0.closed.lock().expect("sound") = closed;
        self.0.opened.notify_all();
    }

    fn syncs(&self) -> u64 {
        self.0.syncs.load(Ordering::SeqCst)
    }
}

impl StorageBackend for Gated {
    fn len(&self) -> io::Result<u64> {
        self.0.disk.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.disk.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.disk.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.waiting.fetch_add(1, Ordering::SeqCst);
        let closed = self.0.closed.lock().expect("sound");
        drop(self.0.opened.wait_while(closed, |closed| *closed).expect("sound"));
        self.0.syncs.fetch_add(1, Ordering::SeqCst);
        self.0.disk.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.disk.write(offset, data)
    }
}

#[test]
fn a_lone_append_costs_two_syncs() {
    let disk = Gated::default();
    let backend = disk.clone();
    let journal = RedbJournal::with_backend(move || Ok(backend.clone()), options()).expect("opened");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let a = run("a");
        let fence = journal.open(&a).await.expect("opened").fence;
        for step in 0..10 {
            let before = disk.syncs();
            journal.append(&a, fence, &facts(&a, step * 9 + 1..=step * 9 + 9)).await.expect("kept");
            assert!(disk.syncs() - before <= 2, "{} syncs", disk.syncs() - before);
        }
    });
}

#[test]
fn appends_that_wait_for_a_slow_sync_share_the_next_commit() {
    let disk = Gated::default();
    let backend = disk.clone();
    let journal =
        Arc::new(RedbJournal::with_backend(move || Ok(backend.clone()), options()).expect("opened"));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let mut tasks = Vec::new();
        let mut fences = Vec::new();
        for number in 0..100 {
            let run = run(&format!("r{number}"));
            fences.push((run.clone(), journal.open(&run).await.expect("opened").fence));
        }
        let before = disk.syncs();
        disk.set(true);
        for (run, fence) in fences {
            let journal = Arc::clone(&journal);
            tasks.push(tokio::task::spawn_local(async move {
                journal.append(&run, fence, &facts(&run, 1..=2)).await
            }));
        }
        // All of them have asked, and the first group is in its sync.
        while disk.0.waiting.load(Ordering::SeqCst) == before {
            tokio::task::yield_now().await;
        }
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        assert!(tasks.iter().all(|task| !task.is_finished()), "nobody is told before the disk has it");
        assert_eq!(journal.runs().await.expect("reads go on").len(), 100);
        disk.set(false);
        for task in tasks {
            task.await.expect("ran").expect("kept");
        }
        let syncs = disk.syncs() - before;
        assert!(syncs <= 6, "{syncs} syncs for a hundred appends");
    });
}
