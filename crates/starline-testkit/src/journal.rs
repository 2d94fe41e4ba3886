//! Laws of every journal that keeps records. [`journal_laws!`](crate::journal_laws) makes a test of each.
//!
//! A law takes a [`JournalSubject`] and panics with what broke it. A journal may leave checkpoints and forgetting to the
//! defaults of the contract; then the laws ask that it does so each time.

use std::fmt;
use std::sync::Arc;

use starline_journal::{
    Checkpoint, Envelope, Event, Fence, Journal, JournalFault, Revision, RunId, Seq, SharedEnvelope,
    Timestamp, UnixMillis,
};

use crate::block_on;

/// A journal under the laws: a place of its own for each of them, and how it is opened there.
///
/// What is open is dropped before the place is opened again, so everything that was acknowledged must be found.
#[derive(Clone, Copy)]
pub struct JournalSubject<P> {
    /// Makes an empty place, such as a new folder. It is dropped after what was opened there.
    pub place: fn() -> P,
    /// Opens the journal there.
    pub open: fn(&P) -> Arc<dyn Journal>,
    /// Damages the newest checkpoint of a run in a place where nothing is open, as a disk would; `None`: nobody can.
    pub spoil: Option<fn(&P, &RunId)>,
}

impl<P> fmt::Debug for JournalSubject<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalSubject").field("spoil", &self.spoil.is_some()).finish_non_exhaustive()
    }
}

impl<P> JournalSubject<P> {
    fn with_journal(&self, law: impl AsyncFnOnce(&dyn Journal)) {
        let place = (self.place)();
        let journal = (self.open)(&place);
        block_on(law(journal.as_ref()));
    }
}

/// A run with a name.
///
/// # Panics
/// The name is no id.
#[must_use]
pub fn run(name: &str) -> RunId {
    RunId::new(name).unwrap_or_else(|error| panic!("{error}"))
}

/// A record of a run, the same each time.
#[must_use]
pub fn fact(run: &RunId, seq: u64) -> SharedEnvelope {
    SharedEnvelope::from(Envelope {
        seq: Seq(seq),
        run_id: run.clone(),
        revision: Revision(seq / 3),
        t: Timestamp(seq / 2),
        at: UnixMillis(1_700_000_000_000),
        cause: (seq > 1).then(|| Seq(seq - 1)),
        event: Event::RunResumed { by: format!("operator {seq}").into() },
    })
}

/// The records of a run with these numbers.
#[must_use]
pub fn facts(run: &RunId, seqs: std::ops::RangeInclusive<u64>) -> Vec<SharedEnvelope> {
    seqs.map(|seq| fact(run, seq)).collect()
}

/// Everything about a run, read in pages of up to `most` records.
///
/// # Panics
/// The journal cannot be read, a page has more, or pages do not come to an end.
pub async fn all(journal: &dyn Journal, run: &RunId, most: usize) -> Vec<SharedEnvelope> {
    let mut found: Vec<SharedEnvelope> = Vec::new();
    loop {
        let after = found.last().map(|last| last.seq);
        let page = journal.read(run, after, most).await.expect("read");
        assert!(page.len() <= most, "a page of {most} has {}", page.len());
        let Some(first) = page.first() else { return found };
        assert!(Some(first.seq) > after, "record {} is read again after {after:?}", first.seq.0);
        found.extend(page);
    }
}

/// An append is all or nothing.
///
/// # Panics
/// The law is broken.
pub fn appends_are_whole<P>(subject: JournalSubject<P>) {
    subject.with_journal(async |journal| {
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
    });
}

/// Numbers continue the stream by one, from 1.
///
/// # Panics
/// The law is broken.
pub fn numbers_are_dense<P>(subject: JournalSubject<P>) {
    subject.with_journal(async |journal| {
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
    });
}

/// Who opened a run last owns it, and nobody else appends.
///
/// # Panics
/// The law is broken.
pub fn the_latest_owner_appends<P>(subject: JournalSubject<P>) {
    subject.with_journal(async |journal| {
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
    });
}

/// Pages of any size join up to the whole stream.
///
/// # Panics
/// The law is broken.
pub fn pages_join_up<P>(subject: JournalSubject<P>) {
    subject.with_journal(async |journal| {
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
    });
}

/// Runs are listed in order of their first opening.
///
/// # Panics
/// The law is broken.
pub fn runs_keep_their_order<P>(subject: JournalSubject<P>) {
    subject.with_journal(async |journal| {
        let names = ["n", "b", "z", "a"].map(run);
        for name in &names {
            journal.open(name).await.expect("opened");
        }
        journal.open(&names[0]).await.expect("opened again");
        assert_eq!(journal.runs().await.expect("runs"), names);
    });
}

/// The newest checkpoint that was kept comes back, and what is wrong is not kept.
///
/// # Panics
/// The law is broken.
pub fn checkpoints_return<P>(subject: JournalSubject<P>) {
    subject.with_journal(async |journal| {
        let a = run("a");
        let opened = journal.open(&a).await.expect("opened");
        assert_eq!(opened.checkpoint, None);
        let fence = opened.fence;
        journal.append(&a, fence, &facts(&a, 1..=30)).await.expect("kept");
        let at = |seq: u64| Checkpoint::new(Seq(seq), format!("state {seq}").repeat(1000).into_bytes());
        let newest = || async { journal.open(&a).await.expect("opened") };
        journal.checkpoint(&a, fence, at(10)).await.expect("kept");
        let opened = newest().await;
        if opened.checkpoint.is_none() {
            // It keeps none, as the contract allows: then the whole stream stays, and more of them change nothing.
            journal.checkpoint(&a, opened.fence, at(20)).await.expect("taken");
            assert_eq!(newest().await.checkpoint, None);
            assert_eq!(all(journal, &a, 100).await, facts(&a, 1..=30));
            return;
        }
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
    });
}

/// What is forgotten is gone, its owner is fenced, and other runs stay.
///
/// # Panics
/// The law is broken.
pub fn what_is_forgotten_is_gone<P>(subject: JournalSubject<P>) {
    subject.with_journal(async |journal| {
        let (a, b) = (run("a"), run("b"));
        let fence = journal.open(&a).await.expect("opened").fence;
        let other = journal.open(&b).await.expect("opened").fence;
        journal.append(&a, fence, &facts(&a, 1..=3)).await.expect("kept");
        journal.append(&b, other, &facts(&b, 1..=3)).await.expect("kept");
        journal.checkpoint(&a, fence, Checkpoint::new(Seq(2), vec![1])).await.expect("kept");
        if let Err(refused) = journal.forget(&a).await {
            assert_eq!(refused.kind(), JournalFault::Unsupported);
            assert_eq!(all(journal, &a, 10).await, facts(&a, 1..=3), "what cannot be forgotten stays");
            journal.append(&a, fence, &[fact(&a, 4)]).await.expect("its owner goes on");
            return;
        }
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
    });
}

/// What was acknowledged is found when the place is opened again, and owners of before are fenced.
///
/// # Panics
/// The law is broken.
pub fn what_was_acknowledged_is_found<P>(subject: JournalSubject<P>) {
    let (a, b, place) = (run("a"), run("b"), (subject.place)());
    let (mut last, mut kept) = (Fence(0), None);
    for life in 0..4_u64 {
        let journal = (subject.open)(&place);
        let journal = journal.as_ref();
        block_on(async {
            let opened = journal.open(&a).await.expect("opened");
            assert!(opened.fence > last, "{opened:?} after {last:?}");
            assert_eq!(opened.tail, (life > 0).then_some(Seq(life * 10)), "life {life}");
            assert_eq!(opened.checkpoint, kept, "life {life}");
            if life > 0 {
                let refused = journal.append(&a, last, &[fact(&a, life * 10 + 1)]).await;
                let fault = refused.expect_err("an owner of an earlier life").kind();
                assert_eq!(fault, JournalFault::Fenced);
            }
            let records = facts(&a, life * 10 + 1..=life * 10 + 10);
            journal.append(&a, opened.fence, &records).await.expect("kept");
            let checkpoint = Checkpoint::new(Seq(life * 10 + 5), vec![7; 100]);
            journal.checkpoint(&a, opened.fence, checkpoint.clone()).await.expect("kept");
            // It may keep none; what it gives out now, it gives out in the next life.
            let again = journal.open(&a).await.expect("opened");
            assert!(again.checkpoint.as_ref().is_none_or(|found| *found == checkpoint), "{again:?}");
            (last, kept) = (again.fence, again.checkpoint);
            assert_eq!(all(journal, &a, 6).await, facts(&a, 1..=life * 10 + 10));
            journal.open(&b).await.expect("opened");
            assert_eq!(journal.runs().await.expect("runs"), [a.clone(), b.clone()]);
        });
    }
}

/// A checkpoint that was damaged is not given out: the one before it is, and without that none. Records are read as
/// before. For journals whose checkpoints can be [damaged](JournalSubject::spoil); nothing is said of others.
///
/// # Panics
/// The law is broken.
pub fn a_damaged_checkpoint_gives_way_to_the_one_before<P>(subject: JournalSubject<P>) {
    let Some(spoil) = subject.spoil else { return };
    let (a, place) = (run("a"), (subject.place)());
    let at = |seq: u64| Checkpoint::new(Seq(seq), format!("state {seq}").repeat(100).into_bytes());
    {
        let journal = (subject.open)(&place);
        block_on(async {
            let fence = journal.open(&a).await.expect("opened").fence;
            journal.append(&a, fence, &facts(&a, 1..=30)).await.expect("kept");
            for seq in [10, 20] {
                journal.checkpoint(&a, fence, at(seq)).await.expect("kept");
            }
        });
    }
    for left in [Some(at(10)), None] {
        spoil(&place, &a);
        let journal = (subject.open)(&place);
        block_on(async {
            let opened = journal.open(&a).await.expect("opened");
            assert_eq!(opened.checkpoint, left);
            assert_eq!(opened.tail, Some(Seq(30)));
            assert_eq!(all(journal.as_ref(), &a, 100).await, facts(&a, 1..=30));
        });
    }
}

/// Makes a module with a test of each [law](crate::journal) of a journal.
///
/// With one argument, a function or a closure that captures nothing and gives an [`Arc`] of an empty journal: it lives as
/// long as it is open. With two, the first makes an empty place, and the second opens the journal there, once more each
/// time it is called. A third one damages the newest checkpoint of a run. The module is called `journal_laws`, unless a
/// name is given.
///
/// ```
/// use starline_journal::MemoryJournal;
/// use std::sync::Arc;
///
/// starline_testkit::journal_laws!(|| Arc::new(MemoryJournal::new()));
/// starline_testkit::journal_laws!(mod reopened: || Arc::new(MemoryJournal::new()), Arc::clone);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! journal_laws {
    (mod $name:ident: $make:expr $(,)?) => {
        $crate::journal_laws!(mod $name: $make, ::std::sync::Arc::clone);
    };
    (mod $name:ident: $place:expr, $open:expr $(,)?) => {
        $crate::journal_laws!(@module $name, $place, $open, ::std::option::Option::None);
    };
    (mod $name:ident: $place:expr, $open:expr, $spoil:expr $(,)?) => {
        $crate::journal_laws!(@module $name, $place, $open, ::std::option::Option::Some($spoil));
    };
    (@module $name:ident, $place:expr, $open:expr, $spoil:expr) => {
        mod $name {
            use super::*;

            $crate::laws! {
                journal,
                $crate::journal::JournalSubject { place: $place, open: |place| { let journal = $crate::journal::opened($open, place); journal }, spoil: $spoil };
                appends_are_whole,
                numbers_are_dense,
                the_latest_owner_appends,
                pages_join_up,
                runs_keep_their_order,
                checkpoints_return,
                what_is_forgotten_is_gone,
                what_was_acknowledged_is_found,
                a_damaged_checkpoint_gives_way_to_the_one_before,
            }
        }
    };
    ($($subject:expr),+ $(,)?) => {
        $crate::journal_laws!(mod journal_laws: $($subject),+);
    };
}

/// Calls what opens a journal: the place gives its argument a type.
#[doc(hidden)]
pub fn opened<P, J>(open: impl FnOnce(&P) -> J, place: &P) -> J {
    open(place)
}
