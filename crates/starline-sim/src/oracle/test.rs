//! The conditions of random graphs, evaluated a second time.

use starline_types::OutcomeStatus;

/// A condition as the oracle understands it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Test {
    Completed,
    NotCompleted,
    Above(i64),
    FailedOrBelow(i64),
    /// Can never be satisfied: its value is no truth value.
    NoTruthValue,
}

/// The conditions that random graphs use.
pub(crate) const CONDITIONS: [(&str, Test); 5] = [
    (r#"status == "completed""#, Test::Completed),
    (r#"status != "completed""#, Test::NotCompleted),
    ("outputs.n > 50", Test::Above(50)),
    (r#"status == "failed" or outputs.n < 50"#, Test::FailedOrBelow(50)),
    ("1", Test::NoTruthValue),
];

impl Test {
    pub(crate) fn of(text: &str) -> Option<Self> {
        CONDITIONS.iter().find(|(known, _)| *known == text).map(|(_, test)| *test)
    }

    /// Whether the condition is satisfied; `n` is the output of that name, if there is one.
    pub(crate) fn holds(self, status: OutcomeStatus, n: Option<i64>) -> bool {
        let completed = status == OutcomeStatus::Completed;
        match self {
            Self::Completed => completed,
            Self::NotCompleted => !completed,
            Self::Above(limit) => completed && n.is_some_and(|n| n > limit),
            Self::FailedOrBelow(limit) => {
                status == OutcomeStatus::Failed || completed && n.is_some_and(|n| n < limit)
            }
            Self::NoTruthValue => false,
        }
    }
}
