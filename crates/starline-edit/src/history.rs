//! Undo and redo: commits are taken back and brought back by commits.

use std::collections::VecDeque;
use std::sync::Arc;

use starline_types::{Applied, Edit, EditBatch, Origin, Revision};

use crate::{Code, Fault, Rejection};

/// Commits that can be taken back.
pub const MAX_HISTORY: usize = 100;

/// The commits that can be taken back, and those that were. Follows recorded facts alone.
#[derive(Clone, Debug, Default)]
pub struct History {
    done: VecDeque<Arc<Applied>>,
    undone: Vec<Arc<Applied>>,
}

impl History {
    /// Learns of a commit. The 101st oldest is forgotten; a new edit forgets what was taken back. A commit that
    /// changed nothing is not remembered: there is nothing to take back. O(1).
    pub fn learn(&mut self, applied: &Arc<Applied>) {
        if applied.inverse.is_empty() && applied.batch.edits.is_empty() {
            return; // It made no revision.
        }
        match applied.origin {
            Origin::Edit | Origin::Rollback => {
                self.undone.clear();
                self.push(Arc::clone(applied));
            }
            Origin::Undo => self.undone.extend(self.done.pop_back()),
            Origin::Redo => {
                self.undone.pop();
                self.push(Arc::clone(applied));
            }
        }
    }

    fn push(&mut self, applied: Arc<Applied>) {
        if applied.inverse.is_empty() {
            return;
        }
        if self.done.len() == MAX_HISTORY {
            self.done.pop_front();
        }
        self.done.push_back(applied);
    }

    /// The batch that takes the last commit back.
    ///
    /// # Errors
    /// There is none (`nothing_to_undo`), or the graph is at another revision than the one expected (`conflict`).
    pub fn undo(&self, current: Revision, expected: Option<Revision>) -> Result<EditBatch, Rejection> {
        as_expected(current, expected)?;
        let last = self
            .done
            .back()
            .ok_or_else(|| nothing(current, Code::NothingToUndo, "no commit is left to take back"))?;
        Ok(batch(current, last.inverse.clone(), format!("undo of revision {}", last.revision.0)))
    }

    /// The batch that brings the last commit back that was taken back.
    ///
    /// # Errors
    /// There is none (`nothing_to_redo`), or the graph is at another revision than the one expected (`conflict`).
    pub fn redo(&self, current: Revision, expected: Option<Revision>) -> Result<EditBatch, Rejection> {
        as_expected(current, expected)?;
        let last = self.undone.last();
        let last = last.ok_or_else(|| nothing(current, Code::NothingToRedo, "no commit was taken back"))?;
        Ok(batch(current, last.batch.edits.clone(), format!("redo of revision {}", last.revision.0)))
    }

    /// The commit that [`undo`](Self::undo) takes back.
    #[must_use]
    pub fn last_done(&self) -> Option<&Arc<Applied>> {
        self.done.back()
    }

    /// The commit that [`redo`](Self::redo) brings back.
    #[must_use]
    pub fn last_undone(&self) -> Option<&Arc<Applied>> {
        self.undone.last()
    }

    /// Commits that can be taken back, and that can be brought back.
    #[must_use]
    pub fn len(&self) -> (usize, usize) {
        (self.done.len(), self.undone.len())
    }

    /// Whether there is neither.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == (0, 0)
    }
}

fn batch(current: Revision, edits: Vec<Edit>, reason: String) -> EditBatch {
    EditBatch { base: current, edits, reason: Some(reason), ..EditBatch::default() }
}

fn nothing(current: Revision, code: Code, message: &str) -> Rejection {
    Rejection { current, faults: vec![Fault::new(0, code, "history", message)] }
}

fn as_expected(current: Revision, expected: Option<Revision>) -> Result<(), Rejection> {
    match expected.filter(|expected| *expected != current) {
        None => Ok(()),
        Some(expected) => {
            let message = format!("the graph is at revision {}, not at {}", current.0, expected.0);
            Err(Rejection { current, faults: vec![Fault::new(0, Code::Conflict, "revision", message)] })
        }
    }
}
