//! Placement by load ratio, with a queue of devices for each class of tasks.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use starline_assign::{Binding, Candidate, Candidates, DeviceIx, DeviceProfile, PlaceError, Round, Unplaced};

use crate::preference::preferred;

/// What decides between devices of equal load: less goes first.
type Rank = fn(&DeviceProfile) -> usize;

/// Places each task on its preferred device if it may, else on the candidate with the smallest load ratio,
/// then the smallest rank, then the one registered first.
pub(crate) fn assign(round: &mut Round<'_>, rank: Rank) -> Result<(), PlaceError> {
    let tasks = round.tasks();
    // A queue costs as much to fill as the devices to look through, and allocates.
    let alone = tasks.len() == 1;
    let mut queues = Queues { rank, of_class: Vec::new() };
    for task in tasks {
        let device = match preferred(round, task) {
            Some(device) => Some(device),
            None if alone => least(round, task, rank),
            None => queues.least(round, task),
        };
        if let Some(device) = device {
            round.place(task.ix, device)?;
        }
    }
    Ok(())
}

/// The candidate that goes first, by looking at all of them.
fn least(round: &Round<'_>, task: &Unplaced<'_>, rank: Rank) -> Option<DeviceIx> {
    let order = |a: &Candidate<'_>, b: &Candidate<'_>| {
        a.cmp_load_ratio(b).then_with(|| rank(a.profile).cmp(&rank(b.profile)))
    };
    // Of equals `min_by` takes the first, which was registered first.
    round.candidates_of(task.class).iter().min_by(order).map(|device| device.ix)
}

/// Candidates of each class, those that go first in front.
///
/// Placements of one class make the queues of others out of date. That is put right when a device comes to
/// the front: loads only grow during a round, so a device can only have got too far to the front.
#[derive(Debug)]
struct Queues {
    rank: Rank,
    of_class: Vec<Option<BinaryHeap<Entry>>>,
}

impl Queues {
    fn least(&mut self, round: &Round<'_>, task: &Unplaced<'_>) -> Option<DeviceIx> {
        let candidates = round.candidates_of(task.class);
        if candidates.is_empty() {
            return None;
        }
        let class = task.class.at();
        if self.of_class.len() <= class {
            self.of_class.resize_with(class + 1, || None);
        }
        let queue = self.of_class[class].get_or_insert_with(|| queue(&candidates, self.rank));
        let late = round.binding() == Binding::Late;
        loop {
            let mut front = queue.peek_mut()?;
            let device = candidates.nth(front.place)?;
            if late && device.free_slots() == 0 {
                // No slot becomes free during a round.
                PeekMut::pop(front);
            } else if front.load == device.load() {
                return Some(device.ix);
            } else {
                front.load = device.load();
            }
        }
    }
}

fn queue(candidates: &Candidates<'_, '_>, rank: Rank) -> BinaryHeap<Entry> {
    let entry = |place| {
        let device = candidates.nth(place)?;
        Some(Entry { load: device.load(), slots: device.slots, rank: rank(device.profile), place })
    };
    (0..candidates.len()).filter_map(entry).collect()
}

/// A device in a queue, with its load when it was last looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Entry {
    load: u64,
    slots: u32,
    rank: usize,
    /// Place among the candidates of the class, which are in order of registration.
    place: usize,
}

impl Ord for Entry {
    /// The largest goes first: it has the smallest load ratio, then the smallest rank, then place.
    fn cmp(&self, other: &Self) -> Ordering {
        // A load has up to 33 bits and a number of slots 32: their product outgrows 64.
        let cross = |load: u64, slots: u32| u128::from(load) * u128::from(slots);
        cross(other.load, self.slots)
            .cmp(&cross(self.load, other.slots))
            .then_with(|| other.rank.cmp(&self.rank))
            .then_with(|| other.place.cmp(&self.place))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
