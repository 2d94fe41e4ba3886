//! Laws of every journal that keeps records.

use std::sync::Arc;

use starline_journal::{
    Checkpoint, Envelope, Event, Fence, Journal, JournalFault, Revision, RunId, Seq, SharedEnvelope,
    Timestamp, UnixMillis,
};

/// A journal under the laws: `place` is where it keeps records, and `open` opens it there. What is open is dropped
/// before the place is opened again, so everything that was acknowledged must be found.
pub(crate) async fn journal_laws<P>(place: impl Fn() -> P, open: impl Fn(&P) -> Arc<dyn Journal>) {
    appends_are_whole(&open(&place())).await;
    numbers_are_dense(&open(&place())).await;
    the_latest_owner_appends(&open(&place())).await;
    pages_join_up(&open(&place())).await;
    runs_keep_their_order(&open(&place())).await;
    checkpoints_return(&open(&place())).await;
    what_is_forgotten_is_gone(&open(&place())).await;
    what_was_acknowledged_is_found(&place(), &open).await;
}

/// An id.
pub(crate) fn run(name: &str) -> RunId {
    RunId::new(name).expect("an id")
}

/// A record.
pub(crate) fn fact(run_id: &RunId, seq: u64) -> SharedEnvelope {
    SharedEnvelope::from(Envelope {
        seq: Seq(seq),
        run_id: run_id.clone(),
        revision: Revision(seq / 3),
        t: Timestamp(seq / 2),
        at: UnixMillis(1_700_000_000_000),
        cause: (seq > 1).then(|| Seq(seq - 1)),
        event: Event::RunResumed { by: format!("operator {seq}").into() },
    })
}

/// Records with these numbers.
pub(crate) fn facts(run: &RunId, seqs: std::ops::RangeInclusive<u64>) -> Vec<SharedEnvelope> {
    seqs.map(|seq| fact(run, seq)).collect()
}

/// Everything about a run, read in pages of `most`.
pub(crate) async fn all(journal: &Arc<dyn Journal>, run: &RunId, most: usize) -> Vec<SharedEnvelope> {
    let mut found: Vec<SharedEnvelope> = Vec::new();
    loop {
        let page = journal.read(run, found.last().map(|last| last.seq), most).await.expect("read");
        assert!(page.len() <= most, "a page of {most} has {}", page.len());
        if page.is_empty() {
            return found;
        }
        found.extend(page);
    }
}

async fn appends_are_whole(journal: &Arc<dyn Journal>) {
    let (a, b) = (run("a"), run("b"));
    let fence = journal.open(&a).await.expect("opened").fence;
    let refused = |facts: Vec<SharedEnvelope>| {
        let a = &a;
        async move { journal.append(a, fence, &facts).await.expect_err("refused").kind() }
    };
    assert_eq!(refused(vec![fact(&a, 1), fact(&a, 3)]).await, JournalFault::OutOfOrder);
    assert_eq!(refused(vec![fact(&a, 1), fact(&b, 2)]).await, JournalFault::OutOfOrder);
    assert_eq!(all(journal, &a, 10).await, [], "nothing of what was refused");
    journal.append(&a, fence, &facts(&a, 1..=700)).await.expect("kept");
    assert_eq!(all(journal, &a, 1000).await, facts(&a, 1..=700));
}

async fn numbers_are_dense(journal: &Arc<dyn Journal>) {
    let a = run("a");
    let fence = journal.open(&a).await.expect("opened").fence;
    for wrong in [0, 2, u64::MAX] {
        let refused = journal.append(&a, fence, &[fact(&a, wrong)]).await.expect_err("refused");
        assert_eq!(refused.kind(), JournalFault::OutOfOrder, "first record {wrong}");
    }
    journal.append(&a, fence, &[]).await.expect("nothing is in order");
    for seq in 1..=5 {
        journal.append(&a, fence, &[fact(&a, seq)]).await.expect("kept");
        for wrong in [seq, seq + 2] {
            let refused = journal.append(&a, fence, &[fact(&a, wrong)]).await.expect_err("refused");
            assert_eq!(refused.kind(), JournalFault::OutOfOrder, "record {wrong} after {seq}");
        }
    }
    assert_eq!(journal.open(&a).await.expect("opened").tail, Some(Seq(5)));
}

async fn the_latest_owner_appends(journal: &Arc<dyn Journal>) {
    let (a, b) = (run("a"), run("b"));
    let unopened = journal.append(&b, Fence(1), &[fact(&b, 1)]).await.expect_err("never opened");
    assert_eq!(unopened.kind(), JournalFault::Fenced);
    let old = journal.open(&a).await.expect("opened").fence;
    journal.append(&a, old, &[fact(&a, 1)]).await.expect("kept");
    let new = journal.open(&a).await.expect("opened");
    assert!(new.fence > old, "{new:?} after {old:?}");
    assert_eq!(new.tail, Some(Seq(1)));
    for facts in [vec![fact(&a, 2)], vec![]] {
        let refused = journal.append(&a, old, &facts).await.expect_err("fenced");
        assert_eq!(refused.kind(), JournalFault::Fenced);
    }
    journal.append(&a, new.fence, &[fact(&a, 2)]).await.expect("kept");
    assert_eq!(all(journal, &a, 10).await, facts(&a, 1..=2));
}

async fn pages_join_up(journal: &Arc<dyn Journal>) {
    let a = run("a");
    let fence = journal.open(&a).await.expect("opened").fence;
    journal.append(&a, fence, &facts(&a, 1..=40)).await.expect("kept");
    journal.append(&a, fence, &facts(&a, 41..=100)).await.expect("kept");
    for most in [1, 7, 99, 100, 101, usize::MAX] {
        assert_eq!(all(journal, &a, most).await, facts(&a, 1..=100), "pages of {most}");
    }
    let read = |after: u64, most| journal.read(&a, Some(Seq(after)), most);
    assert_eq!(read(90, 5).await.expect("read"), facts(&a, 91..=95));
    assert_eq!(read(0, 1).await.expect("read"), facts(&a, 1..=1));
    for after in [100, 101, u64::MAX] {
        assert_eq!(read(after, 5).await.expect("read"), [], "after {after}");
    }
    assert_eq!(read(3, 0).await.expect("read"), [], "a page of nothing");
    assert_eq!(journal.read(&run("unknown"), None, 5).await.expect("read"), []);
}

async fn runs_keep_their_order(journal: &Arc<dyn Journal>) {
    let names = ["n", "b", "z", "a"].map(run);
    for name in &names {
        journal.open(name).await.expect("opened");
    }
    journal.open(&names[0]).await.expect("opened again");
    assert_eq!(journal.runs().await.expect("runs"), names);
}

async fn checkpoints_return(journal: &Arc<dyn Journal>) {
    let a = run("a");
    let opened = journal.open(&a).await.expect("opened");
    assert_eq!(opened.checkpoint, None);
    let fence = opened.fence;
    journal.append(&a, fence, &facts(&a, 1..=30)).await.expect("kept");
    let at = |seq: u64| Checkpoint::new(Seq(seq), format!("state {seq}").repeat(1000).into_bytes());
    let newest = || async { journal.open(&a).await.expect("opened") };
    journal.checkpoint(&a, fence, at(10)).await.expect("kept");
    let opened = newest().await;
    assert_eq!(opened.checkpoint, Some(at(10)));
    let refused = journal.checkpoint(&a, fence, at(20)).await.expect_err("fenced");
    assert_eq!(refused.kind(), JournalFault::Fenced);
    let fence = opened.fence;
    for seq in [12, 14, 20] {
        journal.checkpoint(&a, fence, at(seq)).await.expect("kept");
    }
    for wrong in [0, 20, 19, 31] {
        let refused = journal.checkpoint(&a, fence, at(wrong)).await.expect_err("out of order");
        assert_eq!(refused.kind(), JournalFault::OutOfOrder, "checkpoint {wrong}");
    }
    // One that is not what it says is not kept, and the one before it stays.
    let unsound = Checkpoint { state: b"another".to_vec(), ..at(25) };
    let refused = journal.checkpoint(&a, fence, unsound).await.expect_err("unsound");
    assert_eq!(refused.kind(), JournalFault::Corrupt { at: Some(Seq(25)) });
    assert_eq!(newest().await.checkpoint, Some(at(20)));
    assert_eq!(all(journal, &a, 100).await, facts(&a, 1..=30), "checkpoints remove nothing");
}

async fn what_is_forgotten_is_gone(journal: &Arc<dyn Journal>) {
    let (a, b) = (run("a"), run("b"));
    let fence = journal.open(&a).await.expect("opened").fence;
    let other = journal.open(&b).await.expect("opened").fence;
    journal.append(&a, fence, &facts(&a, 1..=3)).await.expect("kept");
    journal.append(&b, other, &facts(&b, 1..=3)).await.expect("kept");
    journal.checkpoint(&a, fence, Checkpoint::new(Seq(2), vec![1])).await.expect("kept");
    journal.forget(&a).await.expect("forgotten");
    journal.forget(&run("unknown")).await.expect("nothing to forget");
    assert_eq!(all(journal, &a, 10).await, []);
    assert_eq!(journal.runs().await.expect("runs"), std::slice::from_ref(&b));
    let refused = journal.append(&a, fence, &[fact(&a, 4)]).await.expect_err("gone");
    assert_eq!(refused.kind(), JournalFault::Fenced);
    let again = journal.open(&a).await.expect("opened");
    assert!(again.fence > fence && again.tail.is_none() && again.checkpoint.is_none(), "{again:?}");
    let refused = journal.append(&a, fence, &[fact(&a, 1)]).await.expect_err("an owner of before");
    assert_eq!(refused.kind(), JournalFault::Fenced);
    journal.append(&a, again.fence, &[fact(&a, 1)]).await.expect("kept");
    assert_eq!(all(journal, &b, 10).await, facts(&b, 1..=3));
}

async fn what_was_acknowledged_is_found<P>(place: &P, open: &impl Fn(&P) -> Arc<dyn Journal>) {
    let (a, b) = (run("a"), run("b"));
    let mut last = Fence(0);
    for life in 0..4_u64 {
        let journal = open(place);
        let opened = journal.open(&a).await.expect("opened");
        assert!(opened.fence > last, "{opened:?} after {last:?}");
        last = opened.fence;
        assert_eq!(opened.tail, (life > 0).then_some(Seq(life * 10)));
        let before = (life > 0).then(|| Checkpoint::new(Seq(life * 10 - 5), vec![7; 100]));
        assert_eq!(opened.checkpoint, before);
        journal.append(&a, opened.fence, &facts(&a, life * 10 + 1..=life * 10 + 10)).await.expect("kept");
        journal
            .checkpoint(&a, opened.fence, Checkpoint::new(Seq(life * 10 + 5), vec![7; 100]))
            .await
            .expect("kept");
        assert_eq!(all(&journal, &a, 6).await, facts(&a, 1..=life * 10 + 10));
        journal.open(&b).await.expect("opened");
        assert_eq!(journal.runs().await.expect("runs"), [a.clone(), b.clone()]);
    }
}
