#![doc = include_str!("../README.md")]

#[cfg(not(unix))]
compile_error!("starline-transport-process needs the process groups of a Unix system");

mod adopt;
mod capture;
mod command;
mod device;
mod folder;
mod group;
mod idempotency;
mod live;
mod options;
mod progress;
mod report;
mod strays;
mod supervise;
mod table;
mod transport;

pub use adopt::adopt_orphans;
pub use device::ProcessDevice;
pub use options::{OptionsError, ProcessOptions};
pub use transport::ProcessTransport;
