//! Journals that keep the laws, and such as break one each.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use starline_journal::{
    Checkpoint, Fence, Journal, JournalError, JournalFault, MemoryJournal, Opened, RunId, Seq, SharedEnvelope,
};
use starline_testkit::journal::{self, JournalSubject};

use crate::breaks;

/// What is wrong with a journal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Flaw {
    /// Nothing, and it has only what every journal must have.
    Plain,
    /// Keeps the beginning of an append that it refuses.
    Torn,
    /// Takes any numbers.
    Gaps,
    /// Lets owners of before append.
    Unfenced,
    /// Reads the first record twice.
    Overlap,
    /// Gives pages that are larger than asked for.
    LargePages,
    /// Lists runs by name.
    Sorted,
    /// Gives out the first checkpoint for ever.
    OldCheckpoint,
    /// Forgets no checkpoints.
    Remembers,
    /// Loses what it kept when it is opened again.
    Forgetful,
    /// Loses checkpoints when it is opened again.
    Fades,
    /// Gives out checkpoints without looking at them.
    Blind,
}

/// A journal with a flaw.
#[derive(Debug)]
struct Flawed {
    flaw: Flaw,
    inner: Mutex<Arc<MemoryJournal>>,
    first: Mutex<Option<Checkpoint>>,
    fence: Mutex<Fence>,
}

impl Flawed {
    fn new(flaw: Flaw) -> Self {
        Self { flaw, inner: Mutex::default(), first: Mutex::default(), fence: Mutex::default() }
    }

    fn inner(&self) -> Arc<MemoryJournal> {
        Arc::clone(&self.inner.lock().expect("a lock"))
    }
}

#[async_trait]
impl Journal for Flawed {
    async fn open(&self, run: &RunId) -> Result<Opened, JournalError> {
        let mut opened = self.inner().open(run).await?;
        *self.fence.lock().expect("a lock") = opened.fence;
        let first = self.first.lock().expect("a lock").clone();
        match self.flaw {
            Flaw::Plain => opened.checkpoint = None,
            Flaw::OldCheckpoint | Flaw::Remembers | Flaw::Fades | Flaw::Blind => opened.checkpoint = first,
            _ => {}
        }
        Ok(opened)
    }

    async fn append(&self, run: &RunId, fence: Fence, events: &[SharedEnvelope]) -> Result<(), JournalError> {
        let inner = self.inner();
        match self.flaw {
            Flaw::Torn => {
                for event in events {
                    inner.append(run, fence, std::slice::from_ref(event)).await?;
                }
                inner.append(run, fence, &[]).await
            }
            Flaw::Gaps => match inner.append(run, fence, events).await {
                Err(error) if error.kind() == JournalFault::OutOfOrder => Ok(()),
                said => said,
            },
            Flaw::Unfenced => {
                let fence = *self.fence.lock().expect("a lock");
                inner.append(run, fence, events).await
            }
            _ => inner.append(run, fence, events).await,
        }
    }

    async fn checkpoint(
        &self,
        run: &RunId,
        fence: Fence,
        checkpoint: Checkpoint,
    ) -> Result<(), JournalError> {
        if self.flaw == Flaw::Plain {
            return Ok(());
        }
        self.inner().checkpoint(run, fence, checkpoint.clone()).await?;
        let mut first = self.first.lock().expect("a lock");
        if self.flaw != Flaw::OldCheckpoint || first.is_none() {
            *first = Some(checkpoint);
        }
        Ok(())
    }

    async fn read(
        &self,
        run: &RunId,
        after: Option<Seq>,
        most: usize,
    ) -> Result<Vec<SharedEnvelope>, JournalError> {
        match self.flaw {
            Flaw::Overlap => {
                let after = after.map(|Seq(seq)| Seq(seq.saturating_sub(1)));
                self.inner().read(run, after, most).await
            }
            Flaw::LargePages => self.inner().read(run, after, most.saturating_add(1)).await,
            _ => self.inner().read(run, after, most).await,
        }
    }

    async fn runs(&self) -> Result<Vec<RunId>, JournalError> {
        let mut runs = self.inner().runs().await?;
        if self.flaw == Flaw::Sorted {
            runs.sort_unstable();
        }
        Ok(runs)
    }

    async fn forget(&self, run: &RunId) -> Result<(), JournalError> {
        if self.flaw == Flaw::Plain {
            return Err(JournalError::new(JournalFault::Unsupported).of_run(run));
        }
        self.inner().forget(run).await
    }
}

macro_rules! subject {
    ($flaw:ident) => {
        JournalSubject {
            place: || Arc::new(Flawed::new(Flaw::$flaw)),
            open: |place| {
                if place.flaw == Flaw::Forgetful {
                    *place.inner.lock().expect("a lock") = Arc::default();
                }
                if place.flaw == Flaw::Fades {
                    *place.first.lock().expect("a lock") = None;
                }
                let journal = Arc::clone(place);
                journal
            },
            spoil: Some(|place: &Arc<Flawed>, _: &RunId| {
                if let Some(first) = place.first.lock().expect("a lock").as_mut() {
                    first.state.push(0);
                }
            }),
        }
    };
}

starline_testkit::journal_laws!(mod memory: || Arc::new(MemoryJournal::new()));
starline_testkit::journal_laws!(mod plain: || Arc::new(Flawed::new(Flaw::Plain)));

#[test]
fn every_flaw_is_noticed() {
    breaks(|| journal::appends_are_whole(subject!(Torn)), "nothing of what was refused");
    breaks(|| journal::numbers_are_dense(subject!(Gaps)), "refused");
    breaks(|| journal::the_latest_owner_appends(subject!(Unfenced)), "fenced");
    breaks(|| journal::pages_join_up(subject!(Overlap)), "is read again after");
    breaks(|| journal::pages_join_up(subject!(LargePages)), "a page of 1 has 2");
    breaks(|| journal::runs_keep_their_order(subject!(Sorted)), "left == right");
    breaks(|| journal::checkpoints_return(subject!(OldCheckpoint)), "left == right");
    breaks(|| journal::what_is_forgotten_is_gone(subject!(Remembers)), "checkpoint: Some");
    breaks(|| journal::what_was_acknowledged_is_found(subject!(Forgetful)), "after Fence");
    breaks(|| journal::what_was_acknowledged_is_found(subject!(Fades)), "life 1");
    breaks(|| journal::a_damaged_checkpoint_gives_way_to_the_one_before(subject!(Blind)), "left == right");
}
