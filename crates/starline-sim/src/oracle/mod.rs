//! What must hold in every schedule, judged without asking the code that is judged: by the submitted graphs,
//! the facts, and what the simulated devices did.

mod book;
mod edits;
mod gates;
mod hear;
mod holds;
mod judge;
mod said;
mod settled;
mod shape;
mod tasks;
mod test;
mod undo;

use std::fmt;

use starline_types::Timestamp;

pub(crate) use book::fits;
pub(crate) use judge::Judge;
pub(crate) use test::CONDITIONS;

use crate::sim::{SimDevice, Truth};

/// A rule that is watched.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Oracle {
    /// At any instant at most one device executes a task, and an attempt is over on its device before it is
    /// over on record; none is sent that is not on record. Attempts on devices that are not fenced, and whose end was not confirmed, are exempt.
    O1,
    /// The graph that runs is the one that was submitted, with the edits that were committed, and has an order.
    O2,
    /// A task that has begun or ended is not planned anew, and no edit changes it or what it waits for.
    O3,
    /// A report is acknowledged once it is durable, and none is lost; nor is what an attempt put down: the next one
    /// gets the last that is on record.
    O4,
    /// A report is applied once, to the attempt that made it, with what that attempt did; what an attempt put down is
    /// its own, and it is the last one.
    O5,
    /// A task starts only when its dependencies allow it, on a device that fits, is there and has room; not
    /// while the run is paused, ending or at its limit, nor before its delay is over.
    O7,
    /// Replaying the journal gives the state that was alive; numbers are dense and times do not go back. Whoever takes
    /// a run over says so first, and ownerships grow.
    O8,
    /// Work goes on: nothing that could start waits, nothing that cannot run stays, and after the faults every
    /// run ends or says why it is paused.
    O9,
    /// Every batch is answered once and truly. Every task ends exactly once, for a reason, within its number of attempts; the sums agree.
    O10,
    /// Equal seeds give equal traces.
    O12,
}

impl fmt::Display for Oracle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A broken rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    /// Which.
    pub oracle: Oracle,
    /// What was seen.
    pub message: String,
    /// When, in virtual time.
    pub at: Timestamp,
    /// Commits before it.
    pub step: u64,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} (step {}): {}", self.oracle, self.at, self.step, self.message)
    }
}

/// What a judgement rests on beside the facts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ground<'a> {
    pub(crate) truth: &'a Truth,
    pub(crate) devices: &'a [SimDevice],
}

pub(crate) type Finding = (Oracle, String);

/// Objects unless a rule holds.
macro_rules! hold {
    ($oracle:ident, $rule:expr, $($message:tt)+) => {
        if !$rule {
            return Err((crate::oracle::Oracle::$oracle, format!($($message)+)));
        }
    };
}
pub(crate) use hold;
