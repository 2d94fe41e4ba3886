#![doc = include_str!("../README.md")]

mod act;
mod ask;
mod builder;
mod clock;
mod command;
mod core;
mod dispatch;
mod driver;
mod editor;
mod error;
mod fleet;
mod hear;
mod inbox;
mod manager;
mod orchestrator;
mod planning;
mod recover;
mod registry;
mod run;
mod sync;
mod timing;

pub use builder::{Builder, RecoverOptions, RunOptions, StrategyChoice};
pub use editor::{Editor, HandedOver};
pub use error::{RecoverError, RunError, SubmitError};
pub use fleet::{DeviceRecord, FleetHandle};
pub use orchestrator::Orchestrator;
pub use run::Run;
pub use timing::{Histogram, Timings};

pub use starline_assign::AssignmentStrategy;
pub use starline_device::{Device, Transport};
pub use starline_event::{EventSink, EventSource};
pub use starline_journal::Journal;
pub use starline_planner::Planner;
pub use starline_scheduler::{Author, Limits, Refusal, Rejection, Role, Unread};
