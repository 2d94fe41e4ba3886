#![doc = include_str!("../README.md")]

mod hold;
mod statistics;
mod synchronizer;

pub use hold::{Hold, Phase};
pub use statistics::HoldStatistics;
pub use synchronizer::{Answered, Registration, Synchronizer};
