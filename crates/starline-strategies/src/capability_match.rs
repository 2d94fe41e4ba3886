//! The least loaded device, and of equals the least able one.

use std::collections::BTreeSet;

use starline_assign::{AssignmentStrategy, Binding, DeviceProfile, PlaceError, Round};

use crate::least_loaded;

/// Places each task on the device with the smallest load ratio; of equals on the one with the fewest
/// capabilities that the task has no use for, then on the one registered first.
///
/// So rare abilities are kept for the tasks that need them, as long as that costs no balance. The load ratio
/// is that of [`LoadBalance`](crate::LoadBalance), as are preferences and complexity.
///
/// What a task needs is hard and settled before a round begins: a task that fits no device is never placed
/// on another.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct CapabilityMatch;

impl CapabilityMatch {
    /// The name in files and events.
    pub const NAME: &'static str = "capability_match";
}

impl AssignmentStrategy for CapabilityMatch {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn binding(&self) -> Binding {
        Binding::Early
    }

    fn assign(&self, round: &mut Round<'_>) -> Result<(), PlaceError> {
        least_loaded::assign(round, capabilities)
    }
}

/// Number of capabilities. A candidate has all that the task needs, so that fewer in total are fewer to spare.
fn capabilities(profile: &DeviceProfile) -> usize {
    profile.capabilities.iter().collect::<BTreeSet<_>>().len()
}
