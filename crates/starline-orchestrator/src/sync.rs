//! What the threads that share the core meet at, and how long they look for each other.
//!
//! The test `interleave` compiles the mailbox, the driver and the dispatcher over locks, tasks and sizes of its own, and
//! breaks these rules.

pub(crate) use std::hint::spin_loop;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use tokio::runtime::Handle;
pub(crate) use tokio::task::JoinSet;
pub(crate) use tokio::time::{Sleep, sleep};

/// Commands that wait for the core; a sender waits when there are more.
pub(crate) const COMMANDS: usize = 65_536;
/// Bursts after which whoever is not the driver lets go of the core.
pub(crate) const ROUNDS: usize = 32;
/// The same while there are commands: their senders look for the answers.
pub(crate) const COMMAND_ROUNDS: usize = 128;
/// Times that somebody looks for the core or for an answer before something else is done: up to some fifty
/// microseconds, which is what it costs a processor to sleep and be woken. Mostly a burst ends before.
pub(crate) const LOOKS: usize = 2_000;
/// Looks of which one takes the lock.
pub(crate) const LOCKED_LOOKS: usize = 16;

/// Threads that run at the same time.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// A rule that can be broken on purpose, to show that a test notices.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Rule {
    /// Whoever gives the core back looks for what came meanwhile.
    LookAgain,
    /// The driver is woken for what nobody else does.
    WakeDriver,
    /// The driver is woken for a deadline that is earlier than its timer.
    WakeForDeadline,
    /// A closed mailbox takes nothing.
    RefuseWhenClosed,
    /// A mailbox that closes lets go of what waits in it.
    DropWhatWaits,
    /// A runner that goes to sleep looks for attempts once more.
    LookBeforeSleep,
}

/// Whether a rule is broken: here, none is.
#[inline(always)]
pub(crate) const fn is_broken(_: Rule) -> bool {
    false
}
