//! Why the orchestrator refused.

use starline_journal::JournalFault;
use starline_scheduler::{Refusal, Rejection};
use starline_types::RunId;

/// Why a command about a run was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The run says no; nothing has changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Somebody answers the holds of the run already.
    #[error("an editor is attached to the run already")]
    HasEditor,
    /// No such run, or it was forgotten.
    #[error("no run {0}")]
    UnknownRun(RunId),
    /// The journal cannot be written: the run stands still.
    #[error("{0}")]
    Journal(JournalFault),
    /// The orchestrator has shut down.
    #[error("the orchestrator has shut down")]
    ShutDown,
}

/// Why a run was not accepted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// The graph has faults: all of them are listed.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The id is taken.
    #[error("a run {0} exists already")]
    DuplicateRun(RunId),
    /// Too many runs are open.
    #[error("{max} runs are open: forget ended ones first")]
    TooManyRuns {
        /// The limit.
        max: usize,
    },
    /// The run cannot be driven.
    #[error(transparent)]
    Run(#[from] RunError),
}
