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

/// Attempts that are running.
#[derive(Debug, Default)]
pub(crate) struct LiveAttempts(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    next: u64,
    attempts: BTreeMap<u64, Arc<Live>>,
}

#[derive(Debug)]
struct Live {
    id: AttemptId,
    stop: watch::Sender<Stop>,
    over: watch::Sender<bool>,
}

/// Keeps an attempt in the table; dropping it says that the attempt is over.
#[derive(Debug)]
pub(crate) struct Ticket {
    table: Arc<LiveAttempts>,
    number: u64,
    live: Arc<Live>,
}

impl LiveAttempts {
    pub(crate) fn enter(self: &Arc<Self>, id: AttemptId) -> Ticket {
        let live = Arc::new(Live { id, stop: watch::Sender::new(Stop::No), over: watch::Sender::new(false) });
        let mut table = self.table();
        let number = table.next;
        table.next += 1;
        table.attempts.insert(number, Arc::clone(&live));
        drop(table);
        Ticket { table: Arc::clone(self), number, live }
    }

    /// Asks an attempt to stop and waits until it is over. O(live attempts).
    pub(crate) async fn stop(&self, id: &AttemptId, how: Stop) {
        let found: Vec<_> = self.table().attempts.values().filter(|live| live.id == *id).cloned().collect();
        for live in found {
            live.ask(how);
            // The sender is in `live`: waiting cannot fail.
            let _ = live.over.subscribe().wait_for(|over| *over).await;
        }
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
}

impl Ticket {
    pub(crate) fn id(&self) -> &AttemptId {
        &self.live.id
    }

    pub(crate) fn ask(&self, how: Stop) {
        self.live.ask(how);
    }

    /// The most urgent request so far.
    pub(crate) fn asked(&self) -> Stop {
        *self.live.stop.borrow()
    }

    /// Waits for a request that is at least this urgent.
    pub(crate) async fn until(&self, least: Stop) {
        // The sender is in `live`: waiting cannot fail.
        let _ = self.live.stop.subscribe().wait_for(|stop| *stop >= least).await;
    }

    pub(crate) fn requests(&self) -> watch::Receiver<Stop> {
        self.live.stop.subscribe()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.table.table().attempts.remove(&self.number);
        self.live.over.send_replace(true);
    }
}
