//! A simulated disk beneath the journal: power cuts, full and broken disks, and flipped bytes.
//!
//! Everything follows from a seed, and nothing takes longer than its work: the writer is called without its thread.

mod broken;
mod chance;
mod disk;
mod power_cut;
mod quiet;
mod rot;
mod world;

pub use broken::broken_disk;
pub use power_cut::power_cut;
pub use rot::{Reference, Rot};

/// What a seed did, if nothing was wrong.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Records that were acknowledged, and found again each time.
    pub records: u64,
    /// Times the store was opened after a fault.
    pub recoveries: u64,
    /// Faults that came to pass.
    pub faults: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.records += other.records;
        self.recoveries += other.recoveries;
        self.faults += other.faults;
    }
}
