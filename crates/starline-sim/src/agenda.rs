//! What is going to happen, by time and then in the order in which it was planned.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use starline_types::Timestamp;

/// A queue of future happenings. Equal times come out in the order in which they were added.
#[derive(Clone, Debug)]
pub(crate) struct Agenda<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    added: u64,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    at: Timestamp,
    order: u64,
    what: T,
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), added: 0 }
    }
}

impl<T> Agenda<T> {
    /// Plans a happening. O(log n).
    pub(crate) fn add(&mut self, at: Timestamp, what: T) {
        self.added += 1;
        self.heap.push(Reverse(Entry { at, order: self.added, what }));
    }

    /// When the next one happens.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }

    /// Takes out one that is due. O(log n).
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<T> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry.what)
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Entry<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_times_keep_their_order() {
        let mut agenda = Agenda::default();
        for (at, what) in [(2, 'c'), (1, 'a'), (2, 'd'), (1, 'b')] {
            agenda.add(Timestamp(at), what);
        }
        assert_eq!(agenda.pop_due(Timestamp(0)), None);
        let taken: String = std::iter::from_fn(|| agenda.pop_due(Timestamp(2))).collect();
        assert_eq!(taken, "abcd");
    }
}
