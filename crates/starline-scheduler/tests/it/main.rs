//! Scenarios and edge cases of the scheduler, through its public interface alone: virtual time, and devices
//! that answer after given times.

mod accepts;
mod checkpoints;
mod devices;
mod explain;
mod gates;
mod graph;
mod indices;
mod invariants;
mod job;
mod late;
mod losses;
mod manager;
mod placing;
mod rates;
mod readiness;
mod recovery;
mod refusals;
mod retries;
mod rollback;
mod runs;
mod stalls;
mod statistics;
mod support;
mod timeouts;
mod volume;
