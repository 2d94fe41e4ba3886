#![doc = include_str!("../README.md")]

mod agenda;
mod chance;
mod coverage;
mod office;
mod oracle;
mod schedule;
mod script;
mod sim;
mod simulate;
mod strategist;
mod tally;
mod trace;

pub use coverage::{Coverage, Pair, Stage, Subject};
pub use oracle::{Oracle, Violation};
pub use schedule::{Played, Schedule};
pub use script::{PlayedScript, Script, ScriptError};
pub use sim::{Action, Crash, Forged, Reply, Saying, Sim, Speaker, Work};
pub use simulate::{SimulatedRun, Simulation, SimulationError, simulate};
pub use strategist::Strategist;
pub use tally::Tally;

#[cfg(feature = "seeded-bugs")]
pub use starline_scheduler::Bug;
