//! What the threads of publishers and readers meet at.
//!
//! The test `interleave` compiles the modules beside this one over locks of its own, and breaks these rules.

pub(crate) use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

/// A rule that can be broken on purpose, to show that a test notices.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Rule {
    /// What finds no room is reported.
    ReportGaps,
    /// A reader that finds nothing registers before it lets go of the queue.
    RegisterUnderLock,
    /// The list of listeners is read and replaced in one go.
    ChangeUnderLock,
}

/// Whether a rule is broken: here, none is.
#[inline(always)]
pub(crate) const fn is_broken(_: Rule) -> bool {
    false
}
