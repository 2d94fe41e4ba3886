//! The strategies of this crate by name.

use std::fmt;

use starline_assign::AssignmentStrategy;

use crate::{CapabilityMatch, LoadBalance, RoundRobin};

/// The names of all strategies of this crate, as files and events have them.
pub const NAMES: [&str; 3] = [RoundRobin::NAME, CapabilityMatch::NAME, LoadBalance::NAME];

/// Makes a strategy of this crate, as it is at the beginning of a run.
///
/// Hyphens may stand for underscores, and case does not matter.
///
/// # Errors
/// There is no strategy of that name here; the error lists those there are.
pub fn by_name(name: &str) -> Result<Box<dyn AssignmentStrategy>, UnknownStrategy> {
    match name.replace('-', "_").to_ascii_lowercase().as_str() {
        RoundRobin::NAME => Ok(Box::new(RoundRobin::default())),
        CapabilityMatch::NAME => Ok(Box::new(CapabilityMatch)),
        LoadBalance::NAME => Ok(Box::new(LoadBalance)),
        _ => Err(UnknownStrategy { name: name.to_owned() }),
    }
}

/// There is no strategy of a name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnknownStrategy {
    name: String,
}

impl UnknownStrategy {
    /// The name that was asked for.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for UnknownStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unknown assignment strategy: {}: known are {}", self.name, NAMES.join(", "))
    }
}

impl std::error::Error for UnknownStrategy {}
