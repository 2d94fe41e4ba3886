//! How long the steps take that everything else waits for, measured where the clock is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper ends of the buckets, in microseconds.
const ENDS: [u64; 18] = [
    10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 5_000_000, 30_000_000,
];

/// How long steps of an orchestrator took since it began: see
/// [`Orchestrator::timings`](crate::Orchestrator::timings).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Timings {
    /// From a batch of edits at the owner of its graph to the verdict, with the commit if there is one. An undo and a
    /// redo are batches as well. What is refused as it comes too fast is not looked at, and not counted.
    pub edit_check: Histogram,
    /// From facts of one run to the answer of the journal that they are kept. Nothing where the journal keeps nothing.
    pub journal_append: Histogram,
}

/// How often something took how long.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Histogram {
    counts: [u64; ENDS.len() + 1],
    sum: Duration,
}

impl Histogram {
    /// The upper end of each bucket, and how often something took that long but longer than the end before. The last
    /// bucket has no end.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<Duration>, u64)> {
        let ends = ENDS.iter().map(|end| Some(Duration::from_micros(*end)));
        ends.chain([None]).zip(self.counts)
    }

    /// How often it happened.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How long it took in all.
    #[must_use]
    pub fn sum(&self) -> Duration {
        self.sum
    }
}

/// A histogram in the making: two additions for each observation, and no lock.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    counts: [AtomicU64; ENDS.len() + 1],
    nanos: AtomicU64,
}

impl Recorder {
    pub(crate) fn observe(&self, took: Duration) {
        let micros = took.as_nanos().div_ceil(1_000);
        let bucket = ENDS.partition_point(|end| u128::from(*end) < micros);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn read(&self) -> Histogram {
        let counts = std::array::from_fn(|at| self.counts[at].load(Ordering::Relaxed));
        Histogram { counts, sum: Duration::from_nanos(self.nanos.load(Ordering::Relaxed)) }
    }
}

/// Timings in the making.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    pub(crate) edit_check: Recorder,
    pub(crate) journal_append: Recorder,
}

impl Timers {
    pub(crate) fn read(&self) -> Timings {
        Timings { edit_check: self.edit_check.read(), journal_append: self.journal_append.read() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_include_their_ends() {
        let recorder = Recorder::default();
        for nanos in [0, 10_000, 10_001, 1_000_000, 31_000_000_000] {
            recorder.observe(Duration::from_nanos(nanos));
        }
        let found = recorder.read();
        let full: Vec<_> = found.buckets().filter(|(_, count)| *count > 0).collect();
        let micros = |end| Some(Duration::from_micros(end));
        assert_eq!(full, [(micros(10), 2), (micros(25), 1), (micros(1_000), 1), (None, 1)]);
        assert_eq!((found.count(), found.sum()), (5, Duration::from_nanos(31_001_020_001)));
    }
}
