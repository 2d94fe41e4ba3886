//! Deadlines: the next one is known at any time, and what is due comes out in order.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use starline_types::{HoldId, Millis, TaskIx, Timestamp};

/// What is due. Who takes a timer out asks whether it still means anything: nothing is ever disarmed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) enum Timer {
    /// An attempt has run as long as it may.
    RunTimeout { task: TaskIx, attempt: u32 },
    /// A polite request to stop was not answered.
    CancelGrace { task: TaskIx, attempt: u32 },
    /// The lease of an attempt is over.
    LeaseEnd { task: TaskIx, attempt: u32 },
    /// The delay of a retry, or the time for which a device is left out, is over.
    Backoff { task: TaskIx },
    /// A ready task has waited as long as it may.
    QueueTimeout { task: TaskIx },
    /// A ready task had no device that could ever fit.
    NoDevice { task: TaskIx },
    /// A question has stood as long as it may.
    Approval { task: TaskIx },
    /// An editor was asked, and has not answered.
    HoldDeadline { hold: HoldId },
    /// The window is over in which triggers join a hold.
    HandOver { hold: HoldId },
    /// The run has lasted as long as it may.
    RunDeadline,
    /// A paused run waited for an edit.
    EditWait,
}

/// Timers of equal length: they are due in the order in which they were armed.
#[derive(Debug)]
struct Equal {
    length: Millis,
    queue: VecDeque<(Timestamp, TaskIx, u32)>,
}

/// All timers of a run.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<(Timestamp, u64, Timer)>>,
    /// Equal deadlines come out in the order in which they were armed.
    armed: u64,
    run_timeouts: Vec<Equal>,
}

impl Timers {
    /// Arms a timer. O(log n).
    pub(crate) fn arm(&mut self, at: Timestamp, timer: Timer) {
        self.armed += 1;
        self.heap.push(Reverse((at, self.armed, timer)));
    }

    /// Arms the time limit of an attempt. O(1): most attempts have the same limit. `is_live` tells whether an
    /// older attempt is still of interest, so that the queue stays as short as the list of live attempts.
    pub(crate) fn arm_run_timeout(
        &mut self,
        at: Timestamp,
        length: Millis,
        task: TaskIx,
        attempt: u32,
        is_live: impl Fn(TaskIx, u32) -> bool,
    ) {
        let found = self.run_timeouts.iter_mut().position(|equal| equal.length == length);
        let equal = match found {
            Some(position) => &mut self.run_timeouts[position],
            None => {
                self.run_timeouts.push(Equal { length, queue: VecDeque::new() });
                let last = self.run_timeouts.len() - 1;
                &mut self.run_timeouts[last]
            }
        };
        if equal.queue.back().is_some_and(|(last, _, _)| *last > at) {
            // Time ran backwards, as after a replay: the heap takes any order.
            self.arm(at, Timer::RunTimeout { task, attempt });
            return;
        }
        let mut looked_at = 0;
        while looked_at < 4 && equal.queue.front().is_some_and(|(_, task, attempt)| !is_live(*task, *attempt))
        {
            equal.queue.pop_front();
            looked_at += 1;
        }
        if equal.queue.len() == equal.queue.capacity() && equal.queue.len() >= 64 {
            // Before it grows: one long attempt at the front must not keep the ended ones behind it.
            equal.queue.retain(|(_, task, attempt)| is_live(*task, *attempt));
        }
        equal.queue.push_back((at, task, attempt));
    }

    /// The next deadline; it may turn out to mean nothing any more.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        let equal = self.run_timeouts.iter().filter_map(|equal| equal.queue.front().map(|(at, _, _)| *at));
        equal.chain(self.heap.peek().map(|Reverse((at, _, _))| *at)).min()
    }

    /// Takes out one timer that is due.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<Timer> {
        for equal in &mut self.run_timeouts {
            if equal.queue.front().is_some_and(|(at, _, _)| *at <= now) {
                return equal.queue.pop_front().map(|(_, task, attempt)| Timer::RunTimeout { task, attempt });
            }
        }
        if self.heap.peek().is_some_and(|Reverse((at, _, _))| *at <= now) {
            return self.heap.pop().map(|Reverse((_, _, timer))| timer);
        }
        None
    }

    /// Whether any timer is armed that can move the run by itself.
    pub(crate) fn has_any(&self, holds: impl Fn(&Timer) -> bool) -> bool {
        self.heap.iter().any(|Reverse((_, _, timer))| holds(timer))
    }

    /// Timers in memory.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.heap.len() + self.run_timeouts.iter().map(|equal| equal.queue.len()).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_come_out_in_order_and_ended_attempts_do_not_pile_up() {
        let mut timers = Timers::default();
        timers.arm(Timestamp(30), Timer::RunDeadline);
        timers.arm(Timestamp(10), Timer::EditWait);
        assert_eq!(timers.next(), Some(Timestamp(10)));
        assert_eq!(timers.pop_due(Timestamp(9)), None);
        assert_eq!(timers.pop_due(Timestamp(10)), Some(Timer::EditWait));
        let live = |task: TaskIx, _: u32| task.0 == 0 || task.0 >= 9_990;
        for task in 0..10_000 {
            let at = Timestamp(1000 + u64::from(task));
            timers.arm_run_timeout(at, Millis(1000), TaskIx(task), 1, live);
        }
        assert!(timers.len() < 200, "{} timers for a handful of live attempts", timers.len());
    }
}
