//! The trait that a strategy implements.

use std::fmt;

use starline_types::Event;

use crate::{PlaceError, Round};

/// When a strategy decides.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Binding {
    /// Ready tasks onto free slots, at the last moment.
    #[default]
    Late,
    /// Every unstarted task when the run becomes ready, later only what is added or displaced. A placement
    /// is a plan: slots do not limit it, and the task starts when its device has a free one.
    Early,
}

/// Decides where tasks run, never whether they may.
///
/// A [`Round`] lists the tasks that want a device and, for each, the devices that fit. The strategy places
/// what it likes; what it leaves out waits for the next round. It cannot break a rule, because
/// [`Round::place`] refuses a placement that does.
///
/// `assign` borrows the strategy immutably: what it should remember, it learns in [`observe`], from facts
/// alone. After a restart the same facts are replayed, and the strategy knows what it knew.
///
/// [`observe`]: AssignmentStrategy::observe
///
/// # Examples
///
/// A complete strategy: the least busy device, the first of equals.
///
/// ```
/// use starline_assign::{AssignmentStrategy, PlaceError, Round};
///
/// #[derive(Clone, Copy, Debug, Default)]
/// pub struct LeastBusy;
///
/// impl AssignmentStrategy for LeastBusy {
///     fn name(&self) -> &'static str {
///         "least_busy"
///     }
///
///     fn assign(&self, round: &mut Round<'_>) -> Result<(), PlaceError> {
///         for task in round.tasks() {
///             let best = round.candidates(task.ix).iter().min_by_key(|device| (device.in_flight, device.ix));
///             if let Some(device) = best {
///                 round.place(task.ix, device.ix)?;
///             }
///         }
///         Ok(())
///     }
/// }
/// ```
pub trait AssignmentStrategy: fmt::Debug + Send {
    /// Stable name, used in files and events.
    fn name(&self) -> &'static str;

    /// When the strategy decides. Asked once for each run.
    fn binding(&self) -> Binding {
        Binding::Late
    }

    /// Places tasks of the round. A task that is not placed waits.
    ///
    /// Must be a function of the round and of what `observe` learned: no clock, no randomness.
    ///
    /// # Errors
    /// Whatever [`Round::place`] refused. The scheduler discards the whole round, records
    /// `strategy_faulted`, and serves the tasks by its fallback.
    fn assign(&self, round: &mut Round<'_>) -> Result<(), PlaceError>;

    /// Learns from a fact, live or replayed. The only place where a strategy may change. The first fact of a run,
    /// `run_created`, may come again, when the run comes back from its journal: then everything begins anew.
    fn observe(&mut self, event: &Event) {
        let _ = event;
    }
}

impl<S: AssignmentStrategy + ?Sized> AssignmentStrategy for Box<S> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn binding(&self) -> Binding {
        (**self).binding()
    }

    fn assign(&self, round: &mut Round<'_>) -> Result<(), PlaceError> {
        (**self).assign(round)
    }

    fn observe(&mut self, event: &Event) {
        (**self).observe(event);
    }
}
