//! Why the orchestrator refused.

use starline_journal::JournalFault;
use starline_scheduler::{Refusal, Rejection, ReplayFault};
use starline_types::{RunId, RunState};

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

/// Why a run did not come back from the journal.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// The journal has no record of it.
    #[error("the journal has no run {0}")]
    UnknownRun(RunId),
    /// It is driven here already.
    #[error("run {0} is driven already")]
    Driven(RunId),
    /// It has ended: there is nothing to go on with.
    #[error("run {run} is {state}")]
    Ended {
        /// The run.
        run: RunId,
        /// How it ended.
        state: RunState,
    },
    /// Too many runs are open.
    #[error("{max} runs are open: forget ended ones first")]
    TooManyRuns {
        /// The limit.
        max: usize,
    },
    /// The records are not those of a run.
    #[error("the records of run {run} do not fit together")]
    Replay {
        /// The run.
        run: RunId,
        /// What is wrong with them.
        #[source]
        fault: ReplayFault,
    },
    /// The run cannot be driven.
    #[error(transparent)]
    Run(#[from] RunError),
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
