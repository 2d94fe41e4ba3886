//! The process device as an orchestrator sees it, with real processes. Nothing waits for a time to pass: a
//! test waits for a line of output, for the end of an attempt, or for the end of a pipe.

mod checkpoints;
mod ending;
mod files;
mod laws;
#[cfg(target_os = "linux")]
mod leftovers;
mod limits;
mod options;
mod output;
mod programs;
mod quoting;
mod request;
mod sandbox;
mod secrets;
mod starting;
