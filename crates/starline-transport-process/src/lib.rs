#![doc = include_str!("../README.md")]

#[cfg(not(unix))]
compile_error!("starline-transport-process needs the process groups of a Unix system");

mod adopt;
mod allow;
mod capture;
mod checkpoint;
mod collect;
mod command;
mod device;
mod environment;
mod folder;
mod gate;
mod group;
mod idempotency;
mod inline;
mod inputs;
mod interpreters;
mod leftovers;
mod limits;
mod live;
mod options;
mod program;
mod progress;
mod record;
mod register;
mod report;
mod sandbox;
mod section;
mod starter;
mod strays;
mod supervise;
#[cfg(target_os = "linux")]
mod sweep;
#[cfg(not(target_os = "linux"))]
#[path = "sweep_elsewhere.rs"]
mod sweep;
mod table;
mod transport;
mod veil;
mod watch;

pub use adopt::adopt_orphans;
pub use device::ProcessDevice;
pub use leftovers::{Leftovers, LeftoversError};
pub use limits::Limits;
pub use options::{AllowedProgram, AllowedScript, OptionsError, ProcessOptions, Sandbox};
pub use transport::ProcessTransport;
