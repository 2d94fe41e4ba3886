//! Runs inputs and keeps what went wrong.

use std::collections::BTreeSet;
use std::time::Duration;

use super::shrink::shrink;
use super::{Slowest, Source, catch, meter};

/// Most that one call may take of an input, large or not: a second in a release build, and half as much again for the
/// checks of this one.
const SLOW: Duration = Duration::from_millis(1_500);
/// Most memory, in KiB: 256 MiB.
const MEMORY: u64 = 256 << 10;
/// Longest input that is made smaller when something is wrong with it.
const SHRUNK: usize = 256 << 10;

/// An input that something is wrong with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// What happened, and where: equal texts are one finding.
    pub what: String,
    /// Number of the input.
    pub index: u64,
    /// The input, as small as it was made.
    pub input: Vec<u8>,
}

/// What came of inputs.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Inputs that were read.
    pub inputs: u64,
    /// Those that were accepted.
    pub accepted: u64,
    /// The slowest call.
    pub slowest: Slowest,
    /// Number of the input that it was for.
    pub slowest_index: u64,
    /// The most memory that the process had, in KiB; 0 where that is not known.
    pub peak: u64,
}

/// A run over inputs of one target.
#[derive(Debug)]
pub struct Hunt<'s> {
    source: &'s Source,
    seed: u64,
    /// Whether time and memory are findings as well.
    measured: bool,
    known: BTreeSet<String>,
    tally: Tally,
}

impl<'s> Hunt<'s> {
    /// A run over the inputs of a seed; panics are findings.
    #[must_use]
    pub fn new(source: &'s Source, seed: u64) -> Self {
        Self { source, seed, measured: false, known: BTreeSet::new(), tally: Tally::default() }
    }

    /// The same, with calls that take more than a second and more than 256 MiB of memory as findings.
    ///
    /// Only for a process that does nothing else, and for a build that is optimised.
    #[must_use]
    pub fn measured(mut self) -> Self {
        self.measured = true;
        self
    }

    /// Runs the input of this number; gives a finding that is not known yet.
    pub fn run(&mut self, index: u64) -> Option<Finding> {
        let input = self.source.input(self.seed, index);
        let large = self.measured && self.source.is_large(index);
        if large {
            meter::forget_peak();
        }
        let mut what = self.judge(&input, index);
        if large {
            let peak = meter::peak();
            self.tally.peak = self.tally.peak.max(peak);
            if peak > MEMORY {
                what = what.or_else(|| Some("memory: more than 256 MiB".to_owned()));
            }
        }
        let what = what?;
        if !self.known.insert(what.clone()) {
            return None;
        }
        let input = if input.len() <= SHRUNK { self.smaller(&input, &what) } else { input };
        Some(Finding { what, index, input })
    }

    /// What came of all inputs.
    #[must_use]
    pub fn finish(mut self) -> Tally {
        self.tally.peak = self.tally.peak.max(meter::peak());
        self.tally
    }

    fn judge(&mut self, input: &[u8], index: u64) -> Option<String> {
        let check = self.source.target().check;
        let verdict = catch(|| check(input));
        let slowest = meter::slowest();
        self.tally.inputs += 1;
        self.tally.accepted += u64::from(verdict == Ok(true));
        if slowest.took > self.tally.slowest.took {
            (self.tally.slowest, self.tally.slowest_index) = (slowest, index);
        }
        match verdict {
            Err(what) => Some(key(&what)),
            Ok(_) if self.measured && slowest.took > SLOW => Some(format!("slow: {}", slowest.call)),
            Ok(_) => None,
        }
    }

    fn smaller(&self, input: &[u8], what: &str) -> Vec<u8> {
        let check = self.source.target().check;
        shrink(input, |shorter| catch(|| check(shorter)).is_err_and(|other| key(&other) == what))
    }
}

/// What makes a panic the same as another one: its place, or its first words.
fn key(what: &str) -> String {
    let line = what.lines().next().unwrap_or_default();
    let cut: String = line.chars().take(160).collect();
    // Values that were compared differ from input to input.
    match cut.split_once(": ") {
        Some((place, said)) if place.contains(".rs:") => {
            let said: String =
                said.split(['`', '"', '\'']).next().unwrap_or_default().chars().take(80).collect();
            format!("{place}: {said}")
        }
        _ => cut,
    }
}
