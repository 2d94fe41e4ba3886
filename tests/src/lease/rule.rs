//! The rules, each of which can be broken.

/// A rule of single assignment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rule {
    /// A result counts if it names the attempt, the device and the incarnation on record.
    ResultNamesAttempt,
    /// The deadline of a dispatch is counted from the stamp of a heartbeat, not from its arrival.
    DeadlineFromStamp,
    /// A device refuses what is meant for another incarnation.
    RefuseIncarnation,
    /// A device refuses a dispatch whose deadline has passed.
    RefuseLate,
    /// A device refuses a lower epoch than it has seen.
    RefuseEpoch,
    /// A device refuses an attempt that is not higher than those it has seen.
    RefuseAttempt,
    /// A device ends an attempt at its deadline.
    EndAtDeadline,
    /// A renewal is for the attempts that it names.
    RenewNamed,
    /// Another attempt begins only when the end of the last one is certain.
    WaitForReason,
    /// The wait is as much longer than the lease as clocks may differ.
    CountRates,
    /// An owner that knows no lease times waits for a whole lease.
    WaitOut,
    /// A device host comes back when all groups of its earlier life are gone.
    EndLeftovers,
    /// A device host notes a group before it starts it.
    NoteBeforeStart,
    /// The store takes writes of the present epoch alone.
    CompareEpoch,
    /// An owner renews leases only while nobody else can own the run.
    RenewWhileOwner,
}

/// Every rule.
pub const ALL: [Rule; 15] = [
    Rule::ResultNamesAttempt,
    Rule::DeadlineFromStamp,
    Rule::RefuseIncarnation,
    Rule::RefuseLate,
    Rule::RefuseEpoch,
    Rule::RefuseAttempt,
    Rule::EndAtDeadline,
    Rule::RenewNamed,
    Rule::WaitForReason,
    Rule::CountRates,
    Rule::WaitOut,
    Rule::EndLeftovers,
    Rule::NoteBeforeStart,
    Rule::CompareEpoch,
    Rule::RenewWhileOwner,
];

/// Which rules are broken.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    broken: u32,
}

impl Rules {
    /// Breaks one more.
    #[must_use]
    pub fn without(self, rule: Rule) -> Self {
        Self { broken: self.broken | 1 << rule as u32 }
    }

    /// Whether a rule is kept.
    #[must_use]
    pub fn keep(self, rule: Rule) -> bool {
        self.broken & 1 << rule as u32 == 0
    }
}
