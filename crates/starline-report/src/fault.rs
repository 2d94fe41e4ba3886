//! Why records are not the history of one run.

use std::error::Error;
use std::fmt;

use starline_edit::Rejection;
use starline_types::{EventKind, RunId, Seq, TaskId};

/// A record that does not belong to the history it was given to. The history is as it was before it.
#[derive(Debug)]
pub struct HistoryError {
    seq: Option<Seq>,
    fault: HistoryFault,
}

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(seq) = self.seq {
            write!(f, "record {}: ", seq.0)?;
        }
        fmt::Display::fmt(&self.fault, f)
    }
}

impl Error for HistoryError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The fault is in the text; what caused it comes next in the chain.
        self.fault.source()
    }
}

impl HistoryError {
    pub(crate) fn new(seq: Seq, fault: HistoryFault) -> Self {
        Self { seq: Some(seq), fault }
    }

    pub(crate) fn nowhere(fault: HistoryFault) -> Self {
        Self { seq: None, fault }
    }

    pub(crate) fn unreadable(seq: Option<Seq>, line: usize, cause: serde_json::Error) -> Self {
        Self { seq, fault: HistoryFault::Unreadable { line, cause } }
    }

    /// Number of the record, where it has one.
    #[must_use]
    pub fn seq(&self) -> Option<Seq> {
        self.seq
    }

    /// What is wrong with it.
    #[must_use]
    pub fn fault(&self) -> &HistoryFault {
        &self.fault
    }
}

/// What is wrong with a record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryFault {
    /// There is no record at all.
    #[error("there is no record")]
    Empty,
    /// The first record does not create the run.
    #[error("the first record is {0}, not run_created")]
    NoBeginning(EventKind),
    /// The run is created twice.
    #[error("the run is created a second time")]
    SecondBeginning,
    /// The record is about another run.
    #[error("it is of run {found}, not of {expected}")]
    OtherRun {
        /// The run of the history.
        expected: RunId,
        /// The run of the record.
        found: RunId,
    },
    /// A record is missing, or comes twice.
    #[error("record {} is expected", .0.0)]
    OutOfOrder(Seq),
    /// The graph has no such task.
    #[error("there is no task {0}")]
    UnknownTask(TaskId),
    /// The attempt is not the live one of its task; 0 stands for a task that has not started.
    #[error("attempt {attempt} of task {task} is not live")]
    NotLive {
        /// The task.
        task: TaskId,
        /// The attempt.
        attempt: u32,
    },
    /// The first graph or an edit does not fit.
    #[error("the edits do not fit the graph")]
    Misfit(#[source] Rejection),
    /// A line is not a record, or one of a kind that this version does not know.
    #[error("line {line} is not a record")]
    Unreadable {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        cause: serde_json::Error,
    },
}
