#![doc = include_str!("../README.md")]

pub mod baseline;
mod clock;
mod dag;
mod edits;
mod error;
mod folder;
mod goal;
mod harness;
mod journal;
mod memory;
pub mod product;
mod python_random;
mod recovery;
pub mod report;
mod runtime;
mod schedules;
mod system;
mod verdict;

pub use clock::{Measurement, Stopwatch};
pub use dag::{Adjacency, Dag, NAMES, UnknownDag};
pub use edits::measure as measure_edits;
pub use error::RunError;
pub use goal::{Goal, UnknownGoal, memory_plan, time_plan};
pub use harness::{Cell, Effort, Figures, Group, Results, Sample};
pub use journal::measure as measure_journal;
pub use memory::Usage;
pub use recovery::measure as measure_recovery;
pub use runtime::{spawn, timed, timed_after};
pub use schedules::measure as measure_schedules;
pub use system::{System, UnknownSystem};
pub use verdict::{Source, Unit, Verdict, judge};
