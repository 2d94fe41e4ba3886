//! Times of single operations.

use std::time::{Duration, Instant};

use crate::clock;

/// Time after which a system makes no more edits of a round, if it has made the least number of them.
const BUDGET: Duration = Duration::from_millis(60);
const LEAST: usize = 20;

/// How long the edits of a round may take, so that slow ones do not take minutes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget(Instant);

impl Budget {
    pub(crate) fn start() -> Self {
        Self(clock::now())
    }

    pub(crate) fn is_spent(&self, times: &Times) -> bool {
        times.len() >= LEAST && self.0.elapsed() > BUDGET
    }

    /// Whether an edit is so slow that the round ends early: then there is nothing to warm up.
    pub(crate) fn is_slow(edit: Duration) -> bool {
        edit > BUDGET / 1_000
    }
}

/// Times of single operations, in µs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times(Vec<f64>);

impl Times {
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self(Vec::with_capacity(count))
    }

    pub(crate) fn add(&mut self, time: Duration) {
        self.add_micros(time.as_secs_f64() * 1e6);
    }

    pub(crate) fn add_micros(&mut self, micros: f64) {
        self.0.push(micros);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The least time that so many of a hundred operations do not exceed. NaN if there are none.
    pub(crate) fn percentile(&mut self, percent: usize) -> f64 {
        self.0.sort_by(f64::total_cmp);
        let at = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0.get(at).copied().unwrap_or(f64::NAN)
    }
}

/// The least median and the least other percentiles of several rounds, not necessarily of the same one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Best {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    /// Operations of all rounds.
    pub(crate) count: usize,
}

impl Default for Best {
    fn default() -> Self {
        Self { p50: f64::INFINITY, p90: f64::INFINITY, p99: f64::INFINITY, count: 0 }
    }
}

impl Best {
    pub(crate) fn take(&mut self, mut round: Times) {
        // The least of a number and NaN is the number.
        self.p50 = self.p50.min(round.percentile(50));
        self.p90 = self.p90.min(round.percentile(90));
        self.p99 = self.p99.min(round.percentile(99));
        self.count += round.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(of: impl Iterator<Item = u64>) -> Times {
        let mut times = Times::default();
        of.for_each(|micros| times.add(Duration::from_micros(micros)));
        times
    }

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let mut times = times((1..=200).rev());
        assert_eq!([50, 99, 100].map(|percent| times.percentile(percent).round()), [100.0, 198.0, 200.0]);
        assert!(Times::default().percentile(50).is_nan());
    }

    #[test]
    fn the_best_of_several_rounds_counts() {
        let mut best = Best::default();
        best.take(times([5, 5, 9].into_iter()));
        best.take(times([4, 4, 30].into_iter()));
        best.take(Times::default());
        assert_eq!([best.p50.round(), best.p99.round()], [4.0, 9.0]);
        assert_eq!(best.count, 6);
    }
}
