//! The orchestrator through its public interface, under paused time.

mod devices;
mod editors;
mod manager;
mod order;
mod planners;
mod prompt;
mod recovery;
mod runs;
mod support;
