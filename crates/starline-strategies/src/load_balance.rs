//! The least loaded device.

use starline_assign::{AssignmentStrategy, Binding, PlaceError, Round};

use crate::least_loaded;

/// Places each task on the device with the smallest load ratio, the one registered first of equals.
///
/// The load ratio of a device is its live attempts, planned tasks and placements of the round, divided by its
/// slots. It is compared exactly and counts every placement, preferred ones included. A preferred device that
/// fits is taken whatever its load.
///
/// O((tasks + devices) * classes * log devices) at worst; O(tasks * log devices) for tasks that ask for the same.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LoadBalance;

impl LoadBalance {
    /// The name in files and events.
    pub const NAME: &'static str = "load_balance";
}

impl AssignmentStrategy for LoadBalance {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn binding(&self) -> Binding {
        Binding::Early
    }

    fn assign(&self, round: &mut Round<'_>) -> Result<(), PlaceError> {
        least_loaded::assign(round, |_| 0)
    }
}
