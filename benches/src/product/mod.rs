//! The product's side of the comparison: the one file to change when it gains or loses a figure.
//!
//! Each entry is a function of the shape the baselines have. An entry that is `None` leaves its figures out
//! of tables and verdicts; nothing is put in their place.

mod orchestrator;
mod plan;
mod scheduler;

pub(crate) use orchestrator::{Prepared as Started, prepare as start};
pub(crate) use plan::graph as plan;
pub use scheduler::{Prepared, execute, prepare};

use crate::{Dag, Measurement, RunError};

/// Runs a graph on this many worker threads.
pub type OnWorkers = fn(&Dag, usize) -> Result<Measurement, RunError>;
/// Runs a graph in the calling thread.
pub type InThread = fn(&Dag) -> Result<Measurement, RunError>;
/// Runs a graph and returns how many bytes of its memory are payload.
pub type ForMemory = fn(&Dag) -> Result<u64, RunError>;

/// What the product can be measured in.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    /// The whole orchestrator in process, on this many worker threads: local devices that do nothing, one
    /// live subscriber, holds and edits possible, attempts fenced, no journal. Only the execution is
    /// measured, through [`timed`](crate::timed); [`RunError::unless_complete`] checks its result.
    pub orchestrator: Option<OnWorkers>,
    /// The scheduler alone: `step` in a loop, without a runtime.
    pub scheduler: Option<InThread>,
    /// Runs the graph once without a journal, in a process of its own, and returns how many bytes of the peak
    /// are payload: ids and bodies of tasks that the caller handed in and the product keeps.
    pub memory: Option<ForMemory>,
}

/// What is measured today.
pub const PRODUCT: Product = Product {
    orchestrator: Some(orchestrator::run),
    scheduler: Some(scheduler::run),
    memory: Some(orchestrator::memory),
};
