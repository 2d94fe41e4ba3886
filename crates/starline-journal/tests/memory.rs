//! The journals of this crate keep the promises of the contract.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use starline_journal::{
    Checkpoint, Fence, Journal, JournalError, JournalFault, MemoryJournal, NoJournal, Opened, RunId, Seq,
    SharedEnvelope,
};

use starline_testkit::journal::{fact, run};

/// Nothing in these journals waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("it does not wait")
}

starline_testkit::journal_laws!(|| Arc::new(MemoryJournal::new()));

#[test]
fn no_journal_keeps_nothing_and_says_so() {
    let a = run("a");
    assert!(!NoJournal.keeps() && MemoryJournal::new().keeps());
    let fence = now(NoJournal.open(&a)).expect("opened").fence;
    now(NoJournal.append(&a, fence, &[fact(&a, 7)])).expect("taken");
    now(NoJournal.checkpoint(&a, fence, Checkpoint::new(Seq(7), Vec::new()))).expect("taken");
    assert_eq!(now(NoJournal.read(&a, None, 10)).expect("read"), []);
    assert_eq!(now(NoJournal.runs()).expect("runs"), [] as [RunId; 0]);
    now(NoJournal.forget(&a)).expect("nothing to forget");
}

/// What a journal has to have, and no more.
#[derive(Debug)]
struct Plain(MemoryJournal);

#[async_trait]
impl Journal for Plain {
    async fn open(&self, run: &RunId) -> Result<Opened, JournalError> {
        self.0.open(run).await
    }

    async fn append(&self, run: &RunId, fence: Fence, events: &[SharedEnvelope]) -> Result<(), JournalError> {
        self.0.append(run, fence, events).await
    }

    async fn read(
        &self,
        run: &RunId,
        after: Option<Seq>,
        most: usize,
    ) -> Result<Vec<SharedEnvelope>, JournalError> {
        self.0.read(run, after, most).await
    }

    async fn runs(&self) -> Result<Vec<RunId>, JournalError> {
        self.0.runs().await
    }
}

starline_testkit::journal_laws!(mod plain: || Arc::new(Plain(MemoryJournal::new())));

#[test]
fn a_plain_journal_keeps_no_checkpoints_and_forgets_nothing() {
    let (journal, a) = (Plain(MemoryJournal::new()), run("a"));
    let fence = now(journal.open(&a)).expect("opened").fence;
    now(journal.append(&a, fence, &[fact(&a, 1)])).expect("kept");
    now(journal.checkpoint(&a, fence, Checkpoint::new(Seq(1), Vec::new()))).expect("taken");
    assert_eq!(now(journal.open(&a)).expect("opened").checkpoint, None);
    let refused = now(journal.forget(&a)).expect_err("not by accident");
    assert_eq!(refused.kind(), JournalFault::Unsupported);
    assert_eq!(refused.to_string(), "run a: journal cannot do this");
}

#[test]
fn errors_name_the_run_and_the_record() {
    let damaged = JournalError::new(JournalFault::Corrupt { at: Some(Seq(17)) }).of_run(&run("nightly"));
    assert_eq!(damaged.to_string(), "run nightly: journal is damaged at record 17");
    assert_eq!(damaged.run(), Some(&run("nightly")));
    let newer = JournalError::with_source(JournalFault::Newer { at: None }, "format 2");
    assert_eq!(newer.to_string(), "journal was written by a newer version");
    let hash = Checkpoint::new(Seq(1), Vec::new()).hash.to_string();
    assert_eq!(hash, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
}
