//! Times in fixed buckets.

use std::fmt::{Display, Write as _};
use std::time::Duration;

use starline_types::Millis;

/// Upper ends of the buckets, in milliseconds, with the text that Prometheus reads in seconds. What took longer is in
/// the last bucket, which has no end.
const BUCKETS: [(u64, &str); 17] = [
    (1, "0.001"),
    (5, "0.005"),
    (10, "0.01"),
    (25, "0.025"),
    (50, "0.05"),
    (100, "0.1"),
    (250, "0.25"),
    (500, "0.5"),
    (1_000, "1"),
    (2_500, "2.5"),
    (5_000, "5"),
    (10_000, "10"),
    (30_000, "30"),
    (60_000, "60"),
    (300_000, "300"),
    (1_800_000, "1800"),
    (3_600_000, "3600"),
];

/// How often which time was taken. Its size is fixed.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    /// Not cumulative; the last one is for whatever took longer than every bucket.
    counts: [u64; BUCKETS.len() + 1],
    sum: Millis,
}

impl Histogram {
    pub(crate) fn observe(&mut self, took: Millis) {
        let bucket = BUCKETS.partition_point(|(end, _)| *end < took.0);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.sum = Millis(self.sum.0.saturating_add(took.0));
    }

    /// The samples of the family with this name, in the text format of Prometheus.
    pub(crate) fn samples(&self, name: &str) -> String {
        let ends = BUCKETS.iter().map(|(_, end)| *end).chain(["+Inf"]);
        written(name, ends.zip(self.counts), &seconds(self.sum))
    }
}

/// The samples of the family with this name, of steps that take much less than a millisecond.
pub(crate) fn fine_samples(name: &str, histogram: &starline_orchestrator::Histogram) -> String {
    let end =
        |end: Option<Duration>| end.map_or_else(|| "+Inf".to_owned(), |end| end.as_secs_f64().to_string());
    let sum = histogram.sum();
    let sum = format!("{}.{:09}", sum.as_secs(), sum.subsec_nanos());
    written(name, histogram.buckets().map(|(to, count)| (end(to), count)), &sum)
}

fn written(name: &str, buckets: impl Iterator<Item = (impl Display, u64)>, sum: &str) -> String {
    let mut text = String::new();
    let mut total = 0;
    // Writing to a text cannot fail.
    for (end, count) in buckets {
        total += count;
        let _ = writeln!(text, "{name}_bucket{{le=\"{end}\"}} {total}");
    }
    let _ = writeln!(text, "{name}_sum {sum}");
    let _ = write!(text, "{name}_count {total}");
    text
}

/// A span in seconds, exact to the millisecond.
pub(crate) fn seconds(span: Millis) -> String {
    format!("{}.{:03}", span.0 / 1000, span.0 % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_include_their_ends() {
        let mut histogram = Histogram::default();
        for took in [0, 1, 2, 1_000, 1_001, 3_600_000, 3_600_001, u64::MAX / 2] {
            histogram.observe(Millis(took));
        }
        let text = histogram.samples("x");
        for line in [
            "x_bucket{le=\"0.001\"} 2",
            "x_bucket{le=\"0.005\"} 3",
            "x_bucket{le=\"1\"} 4",
            "x_bucket{le=\"2.5\"} 5",
            "x_bucket{le=\"3600\"} 6",
            "x_bucket{le=\"+Inf\"} 8",
            "x_count 8",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
        assert!(BUCKETS.is_sorted(), "fixed, and in order");
        assert!(BUCKETS.iter().all(|(ms, text)| text.parse() == Ok(*ms as f64 / 1000.0)));
    }

    #[test]
    fn sums_are_exact() {
        assert_eq!(seconds(Millis(61_007)), "61.007");
    }
}
