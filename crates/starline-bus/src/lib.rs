#![doc = include_str!("../README.md")]

mod backlog;
mod bus;
mod queue;
mod subscription;
mod sync;

pub use backlog::misses_every_run;
pub use bus::{DEFAULT_CAPACITY, EventBus, ObserverGuard};
pub use subscription::Subscription;
