//! The orchestrator through its public interface, under paused time.

mod devices;
mod manager;
mod order;
mod runs;
mod support;
