//! What came of a long run.

use std::collections::BTreeMap;
use std::fmt;

use crate::options::Options;

/// Inputs and findings of every target.
pub(crate) struct Report {
    targets: BTreeMap<&'static str, Line>,
    findings: BTreeMap<(String, String), Found>,
}

#[derive(Default)]
struct Line {
    inputs: u64,
    accepted: u64,
    /// In microseconds.
    slowest: u64,
    slowest_index: u64,
    call: String,
    /// In KiB.
    peak: u64,
}

struct Found {
    path: String,
    times: u64,
}

impl Report {
    pub(crate) fn new(options: &Options) -> Self {
        let targets = options.targets.iter().map(|target| (target.name, Line::default())).collect();
        Self { targets, findings: BTreeMap::new() }
    }

    /// Reads what a child said.
    pub(crate) fn read(&mut self, target: &str, said: &str) {
        for line in said.lines() {
            if let Some((path, what)) = line.strip_prefix("finding ").and_then(|rest| rest.split_once(' ')) {
                let key = (target.to_owned(), what.to_owned());
                let found =
                    self.findings.entry(key).or_insert_with(|| Found { path: path.to_owned(), times: 0 });
                found.times += 1;
            } else if let Some(rest) = line.strip_prefix("tally ")
                && let Some(line) = self.targets.get_mut(target)
            {
                line.add(rest);
            }
        }
    }

    /// Counts the inputs of a child that ended before it could tell.
    pub(crate) fn lost(&mut self, target: &str, inputs: u64) {
        if let Some(line) = self.targets.get_mut(target) {
            line.inputs += inputs;
        }
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

impl Line {
    fn add(&mut self, said: &str) {
        let mut words = said.splitn(6, ' ');
        let mut number = || words.next().and_then(|word| word.parse::<u64>().ok()).unwrap_or_default();
        let (inputs, accepted, slowest, index, peak) = (number(), number(), number(), number(), number());
        self.inputs += inputs;
        self.accepted += accepted;
        self.peak = self.peak.max(peak);
        if slowest > self.slowest {
            (self.slowest, self.slowest_index) = (slowest, index);
            words.next().unwrap_or_default().clone_into(&mut self.call);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<10} {:>10} {:>9} {:>11} {:>9}  slowest call",
            "target", "inputs", "accepted", "slowest ms", "peak MiB"
        )?;
        for (name, line) in &self.targets {
            let share = 100.0 * line.accepted as f64 / line.inputs.max(1) as f64;
            let (slowest, peak) = (line.slowest as f64 / 1000.0, line.peak as f64 / 1024.0);
            writeln!(
                f,
                "{name:<10} {:>10} {share:>8.1}% {slowest:>11.1} {peak:>9.1}  {} of input {}",
                line.inputs, line.call, line.slowest_index
            )?;
        }
        let inputs: u64 = self.targets.values().map(|line| line.inputs).sum();
        writeln!(f, "{inputs} inputs, {} findings", self.findings.len())?;
        for ((target, what), found) in &self.findings {
            writeln!(f, "finding: {target}: {what}\n  in {} of the children; {}", found.times, found.path)?;
        }
        Ok(())
    }
}
