//! How much was simulated.

use std::collections::BTreeMap;
use std::fmt;

use starline_types::Millis;

use crate::Coverage;

/// How much was simulated, and which faults it met.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Schedules played.
    pub schedules: u64,
    /// Commits: bursts of inputs that were worked off and made durable.
    pub commits: u64,
    /// Facts recorded.
    pub facts: u64,
    /// Attempts dispatched.
    pub attempts: u64,
    /// Commits of edits.
    pub edits: u64,
    /// Holds opened.
    pub holds: u64,
    /// Answers of editors.
    pub answers: u64,
    /// Journals read again.
    pub replays: u64,
    /// Virtual time.
    pub time: Millis,
    /// Steps: inputs that runs took in.
    pub inputs: u64,
    /// Checkpoints that attempts put down.
    pub checkpoints: u64,
    /// Restarts of the orchestrator.
    pub restarts: u64,
    /// What met what.
    pub coverage: Coverage,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub(crate) fn fault(&mut self, kind: &'static str) {
        *self.faults.entry(kind).or_default() += 1;
    }

    /// Adds what another one counted.
    pub fn add(&mut self, other: &Self) {
        self.schedules += other.schedules;
        self.commits += other.commits;
        self.facts += other.facts;
        self.attempts += other.attempts;
        self.edits += other.edits;
        self.holds += other.holds;
        self.answers += other.answers;
        self.replays += other.replays;
        self.inputs += other.inputs;
        self.checkpoints += other.checkpoints;
        self.restarts += other.restarts;
        self.coverage.add(&other.coverage);
        self.time = Millis(self.time.0 + other.time.0);
        for (kind, count) in &other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = self.time.0 / 3_600_000;
        write!(f, "{} schedules, {} inputs, {} events", self.schedules, self.inputs, self.facts)?;
        write!(f, ", {} attempts, {} checkpoints", self.attempts, self.checkpoints)?;
        write!(f, ", {} commits of edits, {} holds", self.edits, self.holds)?;
        write!(f, ", {} restarts, {} replays, {hours} h of virtual time", self.restarts, self.replays)?;
        for (kind, count) in &self.faults {
            write!(f, "\n  {count:>10}  {kind}")?;
        }
        Ok(())
    }
}
