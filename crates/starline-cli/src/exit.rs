//! What the exit code says.

use std::process::ExitCode;

use starline::types::RunState;

/// How a command ended, as the exit code says it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Exit {
    /// Done; a run has completed.
    Done,
    /// A run has failed, as a whole or in part.
    Failed,
    /// The input or the command line is wrong.
    Invalid,
    /// The input is right, and yet it was refused.
    Refused,
    /// Something around starline is in the way: a file, a device, a limit.
    Infrastructure,
    /// The journal of a run cannot be written, or cannot be trusted.
    Journal,
    /// The run was cancelled.
    Cancelled,
}

impl Exit {
    /// The number.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Invalid => 2,
            Self::Refused => 3,
            Self::Infrastructure => 4,
            Self::Journal => 74,
            Self::Cancelled => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl From<RunState> for Exit {
    fn from(state: RunState) -> Self {
        match state {
            RunState::Completed => Self::Done,
            RunState::Failed | RunState::PartiallyFailed => Self::Failed,
            RunState::Cancelled => Self::Cancelled,
            // A run that is asked for its end has one.
            RunState::Created | RunState::Ready | RunState::Executing | RunState::Paused => {
                Self::Infrastructure
            }
        }
    }
}
