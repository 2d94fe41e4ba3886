//! Ready tasks by the place where they may run, most urgent first.

use std::collections::BinaryHeap;

use starline_types::{Priority, TaskIx, Timestamp};

/// Tasks lose one point of priority for every 10 s by which they became ready later.
const AGEING: u64 = 10_000;

/// How urgent a ready task is: priority less the time at which it became ready, then order of insertion.
/// Fixed once the task is ready; larger is more urgent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) struct Urgency(u64);

impl Urgency {
    pub(crate) fn new(priority: Priority, ready_since: Timestamp, order: u32) -> Self {
        // 2^31 steps of 10 s are 680 years: the subtraction saturates long after any run has ended.
        let late = i64::try_from(ready_since.0 / AGEING).unwrap_or(i64::MAX);
        let rank = i64::from(priority.value()).saturating_sub(late).clamp(i32::MIN.into(), i32::MAX.into());
        let rank = u64::from((rank - i64::from(i32::MIN)) as u32);
        Self(rank << 32 | u64::from(!order))
    }
}

/// Ready tasks that wait for the same: for one device, or for any device of a class.
///
/// Entries are not removed when a task leaves: who takes one out asks whether it still holds.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    heap: BinaryHeap<(Urgency, TaskIx)>,
    /// Whether the lane is on the list of lanes to be looked at.
    pub(crate) awake: bool,
}

impl Lane {
    pub(crate) fn push(&mut self, urgency: Urgency, task: TaskIx) {
        self.heap.push((urgency, task));
    }

    pub(crate) fn peek(&self) -> Option<(Urgency, TaskIx)> {
        self.heap.peek().copied()
    }

    pub(crate) fn pop(&mut self) -> Option<(Urgency, TaskIx)> {
        self.heap.pop()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urgency_is_priority_then_age_then_insertion() {
        let urgency = |priority, since, order| Urgency::new(priority, Timestamp(since), order);
        assert!(urgency(Priority::CRITICAL, 0, 9) > urgency(Priority::MEDIUM, 0, 1));
        assert!(urgency(Priority::MEDIUM, 0, 1) > urgency(Priority::MEDIUM, 0, 2));
        assert!(urgency(Priority::MEDIUM, 9_999, 1) > urgency(Priority::MEDIUM, 0, 2), "same step of age");
        assert!(urgency(Priority::MEDIUM, 0, 2) > urgency(Priority::MEDIUM, 10_000, 1));
        assert!(urgency(Priority::LOW, 0, 1) > urgency(Priority::MEDIUM, 260_000, 1), "age wins in the end");
    }
}
