#![doc = include_str!("../README.md")]

mod bug;
mod decide;
mod edited;
mod effect;
mod evolve;
mod explain;
mod fleet;
mod hash;
mod input;
mod leftovers;
mod queue;
mod recovery;
mod rng;
mod scheduler;
mod state;
mod timers;
mod view;
mod wish;

#[cfg(feature = "seeded-bugs")]
pub use bug::Bug;
pub use effect::{Effect, Step};
pub use fleet::Fleet;
pub use input::{Answer, Author, DeviceChange, Input, Refusal, Role, Undelivered};
pub use recovery::{Recovery, ReplayFault};
pub use scheduler::{Plan, Scheduler};

pub use starline_assign::{AssignmentStrategy, Binding};
pub use starline_edit::{Code, Fault, Limits, Nearest, Rejection, Unread};
pub use starline_synchronizer::HoldStatistics;
