//! Devices that may take a task, with their load as of now.

use std::cmp::Ordering;

use starline_types::{DeviceIx, DeviceProfile};

use crate::{Binding, Round};

/// A device that fits a task.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The device.
    pub ix: DeviceIx,
    /// What it is.
    pub profile: &'a DeviceProfile,
    /// Live attempts, of all runs, and placements of this round.
    pub in_flight: u32,
    /// Unstarted tasks planned on it, of all runs.
    pub queued: u32,
    /// Attempts it runs at the same time; at least 1.
    pub slots: u32,
}

impl Candidate<'_> {
    /// Work on the device: live, planned and placed in this round.
    #[must_use]
    pub fn load(&self) -> u64 {
        u64::from(self.in_flight) + u64::from(self.queued)
    }

    /// Slots with neither a live attempt nor a placement of this round. Plans do not count.
    #[must_use]
    pub fn free_slots(&self) -> u32 {
        self.slots.saturating_sub(self.in_flight)
    }

    /// Compares the load for each slot with that of another device, exactly.
    #[must_use]
    pub fn cmp_load_ratio(&self, other: &Self) -> Ordering {
        // A load has up to 33 bits and a number of slots 32: their product outgrows 64.
        let cross = |load: u64, slots: u32| u128::from(load) * u128::from(slots);
        cross(self.load(), other.slots).cmp(&cross(other.load(), self.slots))
    }
}

/// The devices that may take a task, in order of registration.
///
/// With late binding [`iter`](Self::iter) and [`find`](Self::find) leave out devices without a free slot;
/// [`nth`](Self::nth) and [`len`](Self::len) count them, so that places stay the same during a round.
#[derive(Clone, Copy, Debug)]
pub struct Candidates<'a, 'r> {
    round: &'r Round<'a>,
    devices: &'r [DeviceIx],
}

impl<'a, 'r> Candidates<'a, 'r> {
    pub(crate) fn new(round: &'r Round<'a>, devices: &'r [DeviceIx]) -> Self {
        Self { round, devices }
    }

    /// The devices that may take the task now, with their load as of now.
    pub fn iter(&self) -> impl Iterator<Item = Candidate<'a>> + use<'a, 'r> {
        let round = self.round;
        let late = round.binding() == Binding::Late;
        self.devices
            .iter()
            .map(move |ix| round.candidate(*ix))
            .filter(move |candidate| !late || candidate.free_slots() > 0)
    }

    /// The device at a place among the eligible and available ones, whether it is full or not. O(1).
    #[must_use]
    pub fn nth(&self, place: usize) -> Option<Candidate<'a>> {
        self.devices.get(place).map(|ix| self.round.candidate(*ix))
    }

    /// Number of eligible and available devices, full ones included. O(1).
    #[must_use]
    pub fn len(&self) -> usize {
        self.devices.len()
    }

    /// Whether no device is eligible and available.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty()
    }

    /// One device, if it may take the task now. O(log devices).
    #[must_use]
    pub fn find(&self, device: DeviceIx) -> Option<Candidate<'a>> {
        let place = self.devices.binary_search(&device).ok()?;
        let late = self.round.binding() == Binding::Late;
        self.nth(place).filter(|candidate| !late || candidate.free_slots() > 0)
    }
}

#[cfg(test)]
mod tests {
    use starline_types::DeviceId;

    use super::*;

    #[test]
    fn load_ratios_are_compared_exactly_at_the_edge_of_their_range() {
        let profile = DeviceProfile::new(DeviceId::new("a").expect("id"), "local");
        let candidate = |in_flight, queued, slots| Candidate {
            ix: DeviceIx(0),
            profile: &profile,
            in_flight,
            queued,
            slots,
        };
        let (full, less) =
            (candidate(u32::MAX, u32::MAX, u32::MAX), candidate(u32::MAX, u32::MAX - 1, u32::MAX));
        assert_eq!(full.cmp_load_ratio(&less), Ordering::Greater);
        assert_eq!(less.cmp_load_ratio(&full), Ordering::Less);
        assert_eq!(full.cmp_load_ratio(&candidate(2, 0, 1)), Ordering::Equal);
        // A third is not equal to its rounded decimal.
        assert_eq!(candidate(1, 0, 3).cmp_load_ratio(&candidate(333, 0, 1000)), Ordering::Greater);
        assert_eq!((candidate(3, 9, 2).free_slots(), candidate(1, 9, 2).free_slots()), (0, 1));
    }
}
