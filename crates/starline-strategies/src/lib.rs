#![doc = include_str!("../README.md")]

mod capability_match;
mod least_loaded;
mod load_balance;
mod names;
mod preference;
mod round_robin;

pub use capability_match::CapabilityMatch;
pub use load_balance::LoadBalance;
pub use names::{NAMES, UnknownStrategy, by_name};
pub use round_robin::RoundRobin;
