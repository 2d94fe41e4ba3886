//! What the writer is asked.

use starline_journal::{Checkpoint, Fence, JournalError, JournalFault, Opened, RunId};
use tokio::sync::oneshot;

use crate::fault::again;
use crate::record::Batch;

/// Where an answer goes.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, JournalError>>;

/// What the writer is asked.
#[derive(Debug)]
pub(crate) enum Request {
    Open { run: RunId, reply: Reply<Opened> },
    Append { run: RunId, fence: Fence, batch: Batch, reply: Reply<()> },
    Checkpoint { run: RunId, fence: Fence, checkpoint: Checkpoint, reply: Reply<()> },
    Forget { run: RunId, reply: Reply<()> },
}

impl Request {
    /// Records and bytes that it brings.
    pub(crate) fn size(&self) -> (usize, usize) {
        match self {
            Self::Append { batch, .. } => (batch.len(), batch.bytes()),
            Self::Checkpoint { checkpoint, .. } => (0, checkpoint.state.len()),
            Self::Open { .. } | Self::Forget { .. } => (0, 0),
        }
    }

    /// The run.
    pub(crate) fn run(&self) -> &RunId {
        match self {
            Self::Open { run, .. }
            | Self::Append { run, .. }
            | Self::Checkpoint { run, .. }
            | Self::Forget { run, .. } => run,
        }
    }

    /// Answers that it was not done.
    pub(crate) fn refuse(self, error: &JournalError) {
        let error = again(error).of_run(self.run());
        match self {
            Self::Open { reply, .. } => Answer::Opened(reply, Err(error)).tell(),
            Self::Append { reply, .. } | Self::Checkpoint { reply, .. } | Self::Forget { reply, .. } => {
                Answer::Done(reply, Err(error)).tell();
            }
        }
    }
}

/// An answer that waits for what it says to be durable.
#[derive(Debug)]
pub(crate) enum Answer {
    Opened(Reply<Opened>, Result<Opened, JournalError>),
    Done(Reply<()>, Result<(), JournalError>),
}

impl Answer {
    /// Whoever asked may have gone: then nobody is told.
    pub(crate) fn tell(self) {
        match self {
            Self::Opened(reply, answer) => drop(reply.send(answer)),
            Self::Done(reply, answer) => drop(reply.send(answer)),
        }
    }

    /// Tells that it did not become durable.
    pub(crate) fn fail(self, error: &JournalError) {
        let error = again(error);
        match self {
            Self::Opened(reply, _) => drop(reply.send(Err(error))),
            Self::Done(reply, _) => drop(reply.send(Err(error))),
        }
    }
}

/// The error of a run.
pub(crate) fn refusal(run: &RunId, kind: JournalFault) -> JournalError {
    JournalError::new(kind).of_run(run)
}
