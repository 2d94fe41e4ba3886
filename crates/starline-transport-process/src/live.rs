//! Attempts that are running, so that they can be cancelled.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use starline_device::AttemptId;
use tokio::sync::watch;

/// How urgently an attempt should end.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) enum Stop {
    No,
    Politely,
    AtOnce,
}

/// How far an attempt is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
enum Stage {
    Running,
    /// No process of it is left.
    Stopped,
    /// Its folder is gone as well.
    Over,
}

/// Attempts that are running.
#[derive(Debug, Default)]
pub(crate) struct LiveAttempts(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    closed: bool,
    next: u64,
    attempts: BTreeMap<u64, Arc<Live>>,
}

#[derive(Debug)]
struct Live {
    id: AttemptId,
    stop: watch::Sender<Stop>,
    stage: watch::Sender<Stage>,
}

/// Keeps an attempt in the table; dropping it says that the attempt is over.
#[derive(Debug)]
pub(crate) struct Ticket {
    table: Arc<LiveAttempts>,
    number: u64,
    live: Arc<Live>,
}

/// Ends an attempt at once when it is dropped. Without effect on one that is over.
#[derive(Debug)]
pub(crate) struct StopOnDrop(Arc<Live>);

impl LiveAttempts {
    /// Notes an attempt; `None` once the table is closed.
    pub(crate) fn enter(self: &Arc<Self>, id: AttemptId) -> Option<Ticket> {
        let stop = watch::Sender::new(Stop::No);
        let live = Arc::new(Live { id, stop, stage: watch::Sender::new(Stage::Running) });
        let mut table = self.table();
        if table.closed {
            return None;
        }
        let number = table.next;
        table.next += 1;
        table.attempts.insert(number, Arc::clone(&live));
        drop(table);
        Some(Ticket { table: Arc::clone(self), number, live })
    }

    /// Asks an attempt to stop and waits until no process of it is left. O(live attempts).
    pub(crate) async fn stop(&self, id: &AttemptId, how: Stop) {
        let found = self.all(|live| live.id == *id);
        for live in &found {
            live.ask(how);
        }
        for live in found {
            live.reached(Stage::Stopped).await;
        }
    }

    /// Takes no further attempt and asks every attempt to stop at once.
    pub(crate) fn close(&self) {
        self.table().closed = true;
        for live in self.all(|_| true) {
            live.ask(Stop::AtOnce);
        }
    }

    /// Waits until every attempt that is here now is over.
    pub(crate) async fn over(&self) {
        for live in self.all(|_| true) {
            live.reached(Stage::Over).await;
        }
    }

    fn all(&self, pick: impl Fn(&Live) -> bool) -> Vec<Arc<Live>> {
        self.table().attempts.values().filter(|live| pick(live)).cloned().collect()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// A request may become more urgent, never less.
    fn ask(&self, how: Stop) {
        self.stop.send_if_modified(|stop| {
            let more = how > *stop;
            *stop = how.max(*stop);
            more
        });
    }

    async fn reached(&self, least: Stage) {
        // The sender is in `self`: waiting cannot fail.
        let _ = self.stage.subscribe().wait_for(|stage| *stage >= least).await;
    }
}

impl Ticket {
    /// The most urgent request so far.
    pub(crate) fn asked(&self) -> Stop {
        *self.live.stop.borrow()
    }

    /// Waits for a request more urgent than this one.
    pub(crate) async fn asked_beyond(&self, heard: Stop) -> Stop {
        // The sender is in `live`: waiting cannot fail.
        self.live.stop.subscribe().wait_for(|stop| *stop > heard).await.map_or(Stop::AtOnce, |stop| *stop)
    }

    /// Says that no process of the attempt is left.
    pub(crate) fn stopped(&self) {
        self.live.stage.send_replace(Stage::Stopped);
    }

    pub(crate) fn stop_on_drop(&self) -> StopOnDrop {
        StopOnDrop(Arc::clone(&self.live))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.table.table().attempts.remove(&self.number);
        self.live.stage.send_replace(Stage::Over);
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.ask(Stop::AtOnce);
    }
}
