//! The soft wish of a task.

use starline_assign::{DeviceIx, Round, Unplaced};

/// The device that the task would rather have, if it may take the task now.
pub(crate) fn preferred(round: &Round<'_>, task: &Unplaced<'_>) -> Option<DeviceIx> {
    let device = task.prefer?;
    round.candidates_of(task.class).find(device).map(|found| found.ix)
}
