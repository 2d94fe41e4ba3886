//! The journal in a file, beyond the laws of every journal.

use std::sync::Arc;

use starline_journal::{Checkpoint, Journal, JournalFault, Seq};
use starline_journal_redb::{Durability, Options, Reader, RedbJournal, verify};

use crate::repair::spoil_checkpoint;
use crate::support::{Folder, block_on, options};
use starline_testkit::journal::{fact, facts, run};

starline_testkit::journal_laws!(
    Folder::new,
    |folder| Arc::new(RedbJournal::open(folder.store(), options()).expect("opened")),
    |folder, _run| spoil_checkpoint(folder)
);

#[test]
fn a_store_has_one_owner() {
    let folder = Folder::new();
    let journal = RedbJournal::open(folder.store(), options()).expect("opened");
    let locked = |result: Result<(), _>| {
        let error: starline_journal::JournalError = result.expect_err("owned");
        assert_eq!(error.kind(), JournalFault::Locked, "{error}");
    };
    locked(RedbJournal::open(folder.store(), options()).map(drop));
    locked(Reader::open(folder.store()).map(drop));
    locked(verify(folder.store()).map(drop));
    drop(journal);
    let first = Reader::open(folder.store()).expect("nobody owns it");
    let second = Reader::open(folder.store()).expect("readers share it");
    locked(RedbJournal::open(folder.store(), options()).map(drop));
    drop((first, second));
    RedbJournal::open(folder.store(), options()).expect("opened");
}

#[test]
fn an_interval_is_refused_with_its_reason() {
    let folder = Folder::new();
    let options = Options { durability: Durability::Interval { ms: 50 }, ..options() };
    let error = RedbJournal::open(folder.store(), options).expect_err("refused");
    assert_eq!(error.kind(), JournalFault::Unsupported);
    let why = std::error::Error::source(&error).expect("a reason").to_string();
    assert!(why.starts_with("durability `interval` could give an attempt number twice"), "{why}");
    assert!(!folder.store().exists());
}

#[test]
fn appends_of_many_runs_share_commits_and_stay_whole() {
    let folder = Folder::new();
    let journal = Arc::new(RedbJournal::open(folder.store(), options()).expect("opened"));
    let runs: Vec<_> = (0..20).map(|number| run(&format!("r{number}"))).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let tasks = tokio::task::LocalSet::new();
    for run in runs.clone() {
        let journal = Arc::clone(&journal);
        tasks.spawn_local(async move {
            let fence = journal.open(&run).await.expect("opened").fence;
            for step in 0..30_u64 {
                let records = facts(&run, step * 3 + 1..=step * 3 + 3);
                journal.append(&run, fence, &records).await.expect("kept");
            }
        });
    }
    runtime.block_on(tasks);
    drop(journal);
    let reader = Reader::open(folder.store()).expect("opened");
    for run in &runs {
        assert_eq!(reader.read(run, None, 1000).expect("read"), facts(run, 1..=90));
    }
}

#[test]
fn a_run_beyond_its_quota_keeps_what_no_checkpoint_covers() {
    let folder = Folder::new();
    let options = Options { quota: Some(20_000), ..options() };
    let journal = RedbJournal::open(folder.store(), options.clone()).expect("opened");
    let (a, b) = (run("a"), run("b"));
    block_on(async {
        let fence = journal.open(&a).await.expect("opened").fence;
        let other = journal.open(&b).await.expect("opened").fence;
        let mut tail = 0;
        let full = loop {
            match journal.append(&a, fence, &facts(&a, tail + 1..=tail + 10)).await {
                Ok(()) => tail += 10,
                Err(error) => break error,
            }
        };
        assert_eq!(full.kind(), JournalFault::Full);
        assert_eq!(full.to_string(), "run a: journal is full");
        assert!(tail >= 50, "{tail} records");
        journal.append(&b, other, &facts(&b, 1..=10)).await.expect("other runs go on");
        // A checkpoint makes room for what comes after it.
        journal.checkpoint(&a, fence, Checkpoint::new(Seq(20), vec![2])).await.expect("kept");
        journal.checkpoint(&a, fence, Checkpoint::new(Seq(40), vec![4])).await.expect("kept");
        journal.append(&a, fence, &facts(&a, tail + 1..=tail + 10)).await.expect("room again");
        let first = journal.read(&a, None, 1).await.expect("read")[0].seq;
        assert_eq!(first, Seq(21), "the older checkpoint was enough");
        tail += 10;
        journal.append(&a, fence, &facts(&a, tail + 1..=tail + 20)).await.expect("room still");
        tail += 20;
        let first = journal.read(&a, None, 1).await.expect("read")[0].seq;
        assert_eq!(first, Seq(41));
        let opened = journal.open(&a).await.expect("opened");
        assert_eq!(opened.checkpoint, Some(Checkpoint::new(Seq(40), vec![4])));
        assert_eq!(opened.tail, Some(Seq(tail)));
    });
    drop(journal);
    assert!(verify(folder.store()).expect("read").is_clean());
    let journal = RedbJournal::open(folder.store(), options).expect("opened");
    assert_eq!(block_on(journal.read(&a, Some(Seq(10)), 1)).expect("read")[0].seq, Seq(41));
}

#[test]
fn the_reserve_lies_beside_the_store() {
    let folder = Folder::new();
    let options = Options { reserve: 100_000, ..options() };
    let reserve = folder.path().join("serve.redb.reserve");
    for _ in 0..2 {
        drop(RedbJournal::open(folder.store(), options.clone()).expect("opened"));
        let found = std::fs::metadata(&reserve).expect("made");
        assert_eq!(found.len(), 100_000);
        #[cfg(unix)]
        assert!(std::os::unix::fs::MetadataExt::blocks(&found) * 512 >= 100_000, "it has no holes");
    }
}

#[test]
fn a_reader_exports_lines() {
    let folder = Folder::new();
    let a = run("a");
    let journal = RedbJournal::open(folder.store(), options()).expect("opened");
    block_on(async {
        let fence = journal.open(&a).await.expect("opened").fence;
        journal.append(&a, fence, &facts(&a, 1..=2500)).await.expect("kept");
        journal.checkpoint(&a, fence, Checkpoint::new(Seq(9), vec![9])).await.expect("kept");
    });
    drop(journal);
    let before = std::fs::read(folder.store()).expect("bytes");
    let reader = Reader::open(folder.store()).expect("opened");
    assert_eq!(reader.runs().expect("runs"), std::slice::from_ref(&a));
    assert_eq!(reader.checkpoint(&a).expect("read"), Some(Checkpoint::new(Seq(9), vec![9])));
    let mut lines = Vec::new();
    assert_eq!(reader.export(&a, &mut lines).expect("exported"), 2500);
    let lines = String::from_utf8(lines).expect("text");
    let first = serde_json::to_string(&fact(&a, 1)).expect("json");
    assert_eq!(lines.lines().count(), 2500);
    assert_eq!(lines.lines().next(), Some(first.as_str()));
    drop(reader);
    assert!(before == std::fs::read(folder.store()).expect("bytes"), "reading changes nothing");
}

#[test]
fn what_is_no_journal_is_refused() {
    let folder = Folder::new();
    std::fs::write(folder.store(), vec![7; 10_000]).expect("written");
    for error in [
        RedbJournal::open(folder.store(), options()).map(drop).expect_err("no journal"),
        Reader::open(folder.store()).map(drop).expect_err("no journal"),
    ] {
        assert_eq!(error.kind(), JournalFault::Corrupt { at: None }, "{error}");
    }
    let report = verify(folder.store()).expect("a report");
    assert!(!report.is_clean() && report.runs.is_empty(), "{report:?}");
    let missing = Reader::open(folder.path().join("none.redb")).map(drop).expect_err("no file");
    assert_eq!(missing.kind(), JournalFault::Failed);
}
