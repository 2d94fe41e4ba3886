//! The locks, tasks and sizes of the shell, scheduled by the test, and the rules that it breaks.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use starline_types::Timestamp;

use crate::clock::Clock;
use crate::shuttle::future::{self, JoinHandle};

pub(crate) use crate::shuttle::hint::spin_loop;
pub(crate) use crate::shuttle::sync::atomic::{AtomicBool, AtomicU64, Ordering};
pub(crate) use crate::shuttle::sync::{Mutex, MutexGuard, PoisonError};

/// Few, so that senders wait for places.
pub(crate) const COMMANDS: usize = 2;
/// Few, so that holders let go while there is more.
pub(crate) const ROUNDS: usize = 2;
pub(crate) const COMMAND_ROUNDS: usize = 3;
/// Few, as each one is a step.
pub(crate) const LOOKS: usize = 4;
pub(crate) const LOCKED_LOOKS: usize = 2;

pub(crate) fn processors() -> usize {
    WORKERS.get()
}

/// How many runners there are from now on.
pub(crate) fn set_workers(workers: usize) {
    WORKERS.set(workers);
}

/// The runtime: it starts tasks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handle;

impl Handle {
    pub(crate) fn current() -> Self {
        Self
    }

    pub(crate) fn metrics(self) -> Self {
        self
    }

    pub(crate) fn num_workers(self) -> usize {
        WORKERS.get()
    }
}

/// Tasks that end with the set.
#[derive(Debug)]
pub(crate) struct JoinSet<T> {
    tasks: Vec<JoinHandle<T>>,
}

impl<T> Default for JoinSet<T> {
    fn default() -> Self {
        Self { tasks: Vec::new() }
    }
}

impl<T: Send + 'static> JoinSet<T> {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn spawn(&mut self, work: impl Future<Output = T> + Send + 'static) {
        self.tasks.push(future::spawn(work));
    }

    pub(crate) fn spawn_on(&mut self, work: impl Future<Output = T> + Send + 'static, _: &Handle) {
        self.spawn(work);
    }

    pub(crate) fn try_join_next(&mut self) -> Option<()> {
        let at = self.tasks.iter().position(JoinHandle::is_finished)?;
        drop(self.tasks.swap_remove(at));
        Some(())
    }

    pub(crate) async fn shutdown(&mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
            // It ends in one way or the other.
            let _ = task.await;
        }
    }
}

/// Waits for a moment of the clock of the test.
#[derive(Debug)]
pub(crate) struct Sleep {
    clock: Clock,
    at: Timestamp,
}

impl Sleep {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, at: Timestamp(0) }
    }

    pub(crate) fn reset(mut self: Pin<&mut Self>, at: Timestamp) {
        self.at = at;
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.clock.poll(self.at, cx)
    }
}

/// Lets others go first.
pub(crate) async fn sleep(_: Duration) {
    future::yield_now().await;
}

/// See the module of the same name in the orchestrator.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Rule {
    LookAgain,
    WakeDriver,
    WakeForDeadline,
    RefuseWhenClosed,
    DropWhatWaits,
    LookBeforeSleep,
}

thread_local! {
    // All threads of a schedule share the thread that plays it.
    static BROKEN: Cell<Option<Rule>> = const { Cell::new(None) };
    static WORKERS: Cell<usize> = const { Cell::new(2) };
}

pub(crate) fn is_broken(rule: Rule) -> bool {
    BROKEN.get() == Some(rule)
}

/// Breaks a rule from now on, and no other.
pub(crate) fn break_rule(rule: Option<Rule>) {
    BROKEN.set(rule);
}
