//! The locks and atomics of the bus, scheduled by the test, and the rules that it breaks.

use std::cell::Cell;

pub(crate) use crate::shuttle::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
pub(crate) use crate::shuttle::sync::{Mutex, MutexGuard, PoisonError, RwLock};

/// See the module of the same name in the bus.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Rule {
    ReportGaps,
    RegisterUnderLock,
    ChangeUnderLock,
}

thread_local! {
    // All threads of a schedule share the thread that plays it.
    static BROKEN: Cell<Option<Rule>> = const { Cell::new(None) };
}

pub(crate) fn is_broken(rule: Rule) -> bool {
    BROKEN.get() == Some(rule)
}

/// Breaks a rule from now on, and no other.
pub(crate) fn break_rule(rule: Option<Rule>) {
    BROKEN.set(rule);
}
