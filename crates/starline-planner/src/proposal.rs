//! What a planner may propose.

use starline_types::EditBatch;

use crate::UnreadEdits;

/// What a planner answers to a request.
///
/// Exhaustive on purpose: whoever drives a planner must answer each case.
#[derive(Clone, Debug, PartialEq)]
pub enum Proposal {
    /// A batch of edits. It is committed, which closes the hold, or refused as a whole; then the planner is asked
    /// again with the faults, while answers are left. A batch without edits is [`Nothing`](Self::Nothing).
    Edit(ProposedBatch),
    /// The graph stays as it is. The hold is released.
    Nothing,
    /// The graph stays as it is, and the planner has no more wishes for this run: the hold is released, and the
    /// planner is asked no more. It does not end the run, which ends when all of its tasks have.
    Finish,
}

impl From<EditBatch> for Proposal {
    fn from(batch: EditBatch) -> Self {
        Self::Edit(batch.into())
    }
}

/// A batch, and what is wrong with edits that could not be read into it.
///
/// A planner that builds edits as values has nothing unread. One that reads them from text, as models and files
/// write them, reads the text itself, with `read_batch` of `starline-workflow`, and passes on what that found: an
/// answer that is half readable then gets all of its faults at once, those of reading and those of the check.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProposedBatch {
    /// The edits that could be read, with base and hold of the request.
    pub batch: EditBatch,
    /// Edits that could not be read; `None`: all could.
    pub unread: Option<UnreadEdits>,
}

impl From<EditBatch> for ProposedBatch {
    fn from(batch: EditBatch) -> Self {
        Self { batch, unread: None }
    }
}
