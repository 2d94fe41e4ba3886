//! Edits by rules.

mod fault;
mod form;
mod planner;
mod reading;
mod rule;

pub use fault::RuleFault;
pub use planner::ScriptedPlanner;
