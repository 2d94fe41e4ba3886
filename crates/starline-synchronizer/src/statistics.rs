//! What became of triggers.

use serde::{Deserialize, Serialize};
use starline_types::HoldReason;

/// What became of triggers. The total is the sum of the others and of those that are pending.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct HoldStatistics {
    /// Triggers.
    pub total_modifications: u64,
    /// Of holds that were committed or released.
    pub completed_modifications: u64,
    /// Of holds that expired.
    pub timeout_modifications: u64,
    /// Of holds that were cleared, lost their editor, or ended with the run.
    pub cancelled_modifications: u64,
}

impl HoldStatistics {
    pub(crate) fn close(&mut self, triggers: usize, reason: HoldReason) {
        let counter = match reason {
            HoldReason::Committed | HoldReason::Released => &mut self.completed_modifications,
            HoldReason::Expired => &mut self.timeout_modifications,
            HoldReason::Cleared | HoldReason::EditorLost | HoldReason::RunEnding => {
                &mut self.cancelled_modifications
            }
        };
        *counter += triggers as u64;
    }
}
