#![doc = include_str!("../README.md")]

mod bug;
mod decide;
mod effect;
mod evolve;
mod fleet;
mod input;
mod queue;
mod rng;
mod scheduler;
mod state;
mod timers;
mod view;

#[cfg(feature = "seeded-bugs")]
pub use bug::Bug;
pub use effect::{Effect, Step};
pub use fleet::Fleet;
pub use input::{Answer, DeviceChange, Input, Refusal, Undelivered};
pub use scheduler::{Plan, ReplayFault, Scheduler};

pub use starline_assign::{AssignmentStrategy, Binding};
pub use starline_edit::{Limits, Rejection};
