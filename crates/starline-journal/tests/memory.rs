//! The memory journal keeps the promises of the contract.

use futures_util::FutureExt as _;
use starline_journal::{
    Envelope, Fence, Journal, JournalFault, MemoryJournal, NoJournal, RunId, Seq, SharedEnvelope,
};
use starline_types::{Event, Revision, Timestamp, UnixMillis};

fn run(name: &str) -> RunId {
    RunId::new(name).expect("id")
}

fn fact(run_id: &RunId, seq: u64) -> SharedEnvelope {
    SharedEnvelope::from(Envelope {
        seq: Seq(seq),
        run_id: run_id.clone(),
        revision: Revision(0),
        t: Timestamp(seq),
        at: UnixMillis(0),
        cause: None,
        event: Event::RunResumed { by: "test".into() },
    })
}

/// Nothing in these journals waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("it does not wait")
}

#[test]
fn records_are_kept_in_order_and_read_from_anywhere() {
    let (journal, a, b) = (MemoryJournal::new(), run("a"), run("b"));
    let opened = now(journal.open(&a)).expect("opened");
    assert_eq!((opened.fence, opened.tail), (Fence(1), None));
    let facts: Vec<_> = (1..=5).map(|seq| fact(&a, seq)).collect();
    now(journal.append(&a, opened.fence, &facts[..2])).expect("kept");
    now(journal.append(&a, opened.fence, &facts[2..])).expect("kept");
    let fence = now(journal.open(&b)).expect("opened").fence;
    now(journal.append(&b, fence, &[fact(&b, 1)])).expect("kept");
    let seqs = |after| -> Vec<u64> {
        now(journal.read(&a, after)).expect("read").iter().map(|record| record.seq.0).collect()
    };
    assert_eq!(seqs(None), [1, 2, 3, 4, 5]);
    assert_eq!(seqs(Some(Seq(3))), [4, 5]);
    assert_eq!(seqs(Some(Seq(9))), [0; 0]);
    assert_eq!(now(journal.runs()).expect("runs"), [a.clone(), b]);
    assert_eq!(now(journal.read(&run("c"), None)).expect("read"), []);
    assert_eq!(now(journal.open(&a)).expect("opened").tail, Some(Seq(5)));
}

#[test]
fn only_the_latest_owner_appends_and_only_what_continues_the_stream() {
    let (journal, a, b) = (MemoryJournal::new(), run("a"), run("b"));
    let old = now(journal.open(&a)).expect("opened").fence;
    let new = now(journal.open(&a)).expect("opened").fence;
    let refused =
        |fence, facts: &[SharedEnvelope]| now(journal.append(&a, fence, facts)).expect_err("refused").kind();
    assert_eq!(refused(old, &[fact(&a, 1)]), JournalFault::Fenced);
    assert_eq!(refused(new, &[fact(&a, 2)]), JournalFault::OutOfOrder);
    assert_eq!(refused(new, &[fact(&b, 1)]), JournalFault::OutOfOrder);
    // All of a batch or none of it.
    assert_eq!(refused(new, &[fact(&a, 1), fact(&a, 3)]), JournalFault::OutOfOrder);
    assert_eq!(now(journal.read(&a, None)).expect("read"), []);
    now(journal.append(&a, new, &[fact(&a, 1), fact(&a, 2)])).expect("kept");
    let unopened = now(journal.append(&b, Fence(1), &[fact(&b, 1)])).expect_err("never opened");
    assert_eq!(unopened.kind(), JournalFault::Fenced);
}

#[test]
fn no_journal_keeps_nothing_and_says_so() {
    let a = run("a");
    assert!(!NoJournal.keeps() && MemoryJournal::new().keeps());
    let fence = now(NoJournal.open(&a)).expect("opened").fence;
    now(NoJournal.append(&a, fence, &[fact(&a, 7)])).expect("taken");
    assert_eq!(now(NoJournal.read(&a, None)).expect("read"), []);
    assert_eq!(now(NoJournal.runs()).expect("runs"), [] as [RunId; 0]);
}
