//! Whoever answers the holds of a run.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use starline_scheduler::{Author, Input, Role, Unread};
use starline_types::{Applied, EditBatch, HoldId, HoldScope, Outcome, Revision, TaskId, Timestamp};
use tokio::sync::watch;

use crate::{Run, RunError};

/// A hold in the hands of its editor.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HandedOver {
    /// The hold; a batch that names it closes it.
    pub hold: HoldId,
    /// What waits meanwhile.
    pub scope: HoldScope,
    /// The revision of the graph.
    pub revision: Revision,
    /// The tasks whose end is the reason, with how they ended.
    pub finished: Vec<(TaskId, Outcome)>,
    /// When the hold closes by itself, in run time.
    pub deadline: Timestamp,
    /// When it was handed over, in run time.
    pub handed_at: Timestamp,
}

impl HandedOver {
    /// How long an answer may take, counted from the hand-over.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.deadline.since(self.handed_at).into()
    }
}

/// Whoever answers the holds of a run: while it exists, ends of tasks open holds. There is one at a time.
///
/// Dropping it detaches it: open holds close, and what they covered goes on.
#[derive(Debug)]
pub struct Editor {
    run: Run,
    author: Author,
    hands: watch::Receiver<Option<Arc<HandedOver>>>,
    seen: HoldId,
}

impl Editor {
    pub(crate) async fn attach(run: Run, name: &str) -> Result<Self, RunError> {
        if run.shared.has_editor.swap(true, Ordering::AcqRel) {
            return Err(RunError::HasEditor);
        }
        let hands = run.shared.hands.subscribe();
        let editor = Self { run, author: Author::new(name, Role::Editor), hands, seen: HoldId(0) };
        // Dropped on an error, which detaches again.
        editor.run.tell(Input::EditorAttached).await?;
        Ok(editor)
    }

    /// The run.
    #[must_use]
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// Waits for the next hold; `None` once the run has ended.
    ///
    /// # Cancellation safety
    /// Dropping the future loses nothing: the hold is handed over until it closes.
    pub async fn next_hold(&mut self) -> Option<Arc<HandedOver>> {
        loop {
            let handed = self.hands.borrow_and_update().clone();
            if let Some(handed) = handed.filter(|handed| handed.hold > self.seen) {
                self.seen = handed.hold;
                return Some(handed);
            }
            tokio::select! {
                changed = self.hands.changed() => {
                    if changed.is_err() {
                        return None;
                    }
                }
                () = self.run.shared.closed() => return None,
            }
        }
    }

    /// Whether a hold is still in the hands of the editor.
    #[must_use]
    pub fn holds(&self, hold: HoldId) -> bool {
        self.hands.borrow().as_ref().is_some_and(|handed| handed.hold == hold)
    }

    /// Waits until a hold is not in the hands of the editor any more.
    pub(crate) async fn hold_is_over(&mut self, hold: HoldId) {
        let is_over =
            |handed: &Option<Arc<HandedOver>>| handed.as_ref().is_none_or(|handed| handed.hold != hold);
        tokio::select! {
            // The sender lives as long as the run.
            _ = self.hands.wait_for(is_over) => {}
            () = self.run.shared.closed() => {}
        }
    }

    /// Commits a batch, which closes the hold that it names unless it asks to keep it open.
    ///
    /// # Errors
    /// Every fault of the batch ([`Refusal::Rejected`](crate::Refusal::Rejected)): nothing has changed, and the hold
    /// is open until its deadline.
    pub async fn apply(&self, batch: EditBatch) -> Result<Option<Arc<Applied>>, RunError> {
        self.apply_read(batch, None).await
    }

    /// Commits a batch of which some edits could not be read: it is refused with their faults and those of the
    /// others.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub async fn apply_read(
        &self,
        batch: EditBatch,
        unread: Option<Unread>,
    ) -> Result<Option<Arc<Applied>>, RunError> {
        self.run.submit(batch, unread, self.author.clone(), false).await
    }

    /// Says that there is nothing to change.
    ///
    /// # Errors
    /// The hold is not open.
    pub async fn release(&self, hold: HoldId) -> Result<(), RunError> {
        self.run.release_hold(hold).await
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        self.run.shared.has_editor.store(false, Ordering::Release);
        self.run.inner.editor_gone(self.run.shared.at);
    }
}
