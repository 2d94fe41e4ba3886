//! Damage is found, named, and cut out without losing what is sound.

use std::fs;

use redb::{Database, ReadableTable, TableDefinition};
use starline_journal::{Checkpoint, Journal, JournalFault, Seq};
use starline_journal_redb::{Reader, RecordFault, RedbJournal, repair, verify};

use crate::support::{Folder, block_on, options};
use starline_testkit::journal::{facts, run};

const RECORDS: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("records");

/// Two runs of fifty records, `a` with checkpoints at 10 and 40.
fn store() -> Folder {
    let folder = Folder::new();
    let journal = RedbJournal::open(folder.store(), options()).expect("opened");
    block_on(async {
        for name in ["a", "b"] {
            let run = run(name);
            let fence = journal.open(&run).await.expect("opened").fence;
            journal.append(&run, fence, &facts(&run, 1..=50)).await.expect("kept");
            if name == "a" {
                for seq in [10, 40] {
                    journal
                        .checkpoint(&run, fence, Checkpoint::new(Seq(seq), vec![1; 9]))
                        .await
                        .expect("kept");
                }
            }
        }
    });
    folder
}

/// Changes a stored record as damage would that no page checksum sees.
fn change(folder: &Folder, key: (u64, u64), change: impl FnOnce(&mut Vec<u8>) -> bool) {
    let database = Database::open(folder.store()).expect("opened");
    let transaction = database.begin_write().expect("begun");
    {
        let mut table = transaction.open_table(RECORDS).expect("there");
        let mut frame = table.get(key).expect("read").expect("there").value().to_vec();
        if change(&mut frame) {
            table.insert(key, frame.as_slice()).expect("written");
        } else {
            table.remove(key).expect("removed");
        }
    }
    transaction.commit().expect("committed");
}

fn flip(folder: &Folder, key: (u64, u64)) {
    change(folder, key, |frame| {
        frame[40] ^= 4;
        true
    });
}

#[test]
fn a_clean_store_is_left_alone() {
    let folder = store();
    let report = verify(folder.store()).expect("read");
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(report.sound(), 100);
    let a = &report.runs[0];
    assert_eq!((a.run.as_str(), a.first, a.last, a.checkpoints), ("a", Seq(1), Some(Seq(50)), 2));
    let before = fs::read(folder.store()).expect("bytes");
    assert_eq!(repair(folder.store()).expect("repaired").done, None);
    assert!(before == fs::read(folder.store()).expect("bytes"));
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[test]
fn a_damaged_record_is_named_and_cut_with_what_follows() {
    let folder = store();
    flip(&folder, (1, 31));
    let report = verify(folder.store()).expect("read");
    let fault = report.runs[0].fault.clone().expect("found");
    assert_eq!(fault.0, Seq(31));
    assert!(matches!(fault.1, RecordFault::Checksum { .. }), "{fault:?}");
    assert_eq!((report.runs[0].sound, report.runs[1].sound), (30, 50));
    // Whoever reads is told as well, and gets what is sound before it.
    let reader = Reader::open(folder.store()).expect("opened");
    let error = reader.read(&run("a"), None, 100).expect_err("damaged");
    assert_eq!(error.kind(), JournalFault::Corrupt { at: Some(Seq(31)) });
    assert_eq!(error.to_string(), "run a: journal is damaged at record 31");
    assert_eq!(reader.read(&run("a"), None, 30).expect("sound"), facts(&run("a"), 1..=30));
    let mut lines = Vec::new();
    assert!(reader.export(&run("a"), &mut lines).is_err());
    drop(reader);

    let repaired = repair(folder.store()).expect("repaired");
    assert!(repaired.after.is_clean() && repaired.before == report, "{repaired:?}");
    let done = repaired.done.expect("done");
    let cut = fs::read_to_string(&done.cut).expect("text");
    assert_eq!(cut.lines().count() as u64, done.lines);
    assert_eq!(done.lines, 21, "twenty records and a checkpoint");
    assert!(cut.starts_with(r#"{"bytes":""#) && cut.contains(r#""fault":"checksum is "#), "{cut}");
    assert!(cut.contains(r#""seq":50"#) && cut.contains(r#""checkpoint":40"#), "{cut}");
    assert!(!verify(&done.damaged).expect("read").is_clean(), "the damaged store is kept");
    let journal = RedbJournal::open(folder.store(), options()).expect("opened");
    block_on(async {
        let (a, b) = (run("a"), run("b"));
        let opened = journal.open(&a).await.expect("opened");
        assert_eq!(opened.tail, Some(Seq(30)));
        assert_eq!(opened.checkpoint, Some(Checkpoint::new(Seq(10), vec![1; 9])));
        journal.append(&a, opened.fence, &facts(&a, 31..=35)).await.expect("kept");
        assert_eq!(journal.read(&b, None, 100).await.expect("read"), facts(&b, 1..=50));
        assert_eq!(journal.runs().await.expect("runs"), [a, b]);
    });
}

#[test]
fn a_missing_record_is_not_passed_over() {
    let folder = store();
    change(&folder, (2, 20), |_| false);
    let journal = RedbJournal::open(folder.store(), options()).expect("pages are sound");
    let error = block_on(journal.read(&run("b"), Some(Seq(10)), 100)).expect_err("missing");
    assert_eq!(error.kind(), JournalFault::Corrupt { at: Some(Seq(20)) });
    drop(journal);
    assert_eq!(verify(folder.store()).expect("read").runs[1].fault, Some((Seq(20), RecordFault::Missing)));
    // The last one as well: the row of the run says that it should be there.
    change(&folder, (1, 50), |_| false);
    let journal = RedbJournal::open(folder.store(), options()).expect("pages are sound");
    let error = block_on(journal.open(&run("a"))).expect_err("missing");
    assert_eq!(error.kind(), JournalFault::Corrupt { at: Some(Seq(50)) });
    let error = block_on(journal.read(&run("a"), Some(Seq(45)), 100)).expect_err("missing");
    assert_eq!(error.kind(), JournalFault::Corrupt { at: Some(Seq(50)) });
    drop(journal);
    let repaired = repair(folder.store()).expect("repaired");
    let sound: Vec<_> = repaired.after.runs.iter().map(|run| run.sound).collect();
    assert_eq!(sound, [49, 19]);
}

#[test]
fn what_only_a_newer_version_reads_is_refused_and_not_cut() {
    let folder = store();
    change(&folder, (1, 50), |frame| {
        frame[0] = 2;
        true
    });
    let journal = RedbJournal::open(folder.store(), options()).expect("pages are sound");
    let error = block_on(journal.open(&run("a"))).expect_err("newer");
    assert_eq!(error.kind(), JournalFault::Newer { at: Some(Seq(50)) });
    drop(journal);
    assert_eq!(repair(folder.store()).expect_err("newer").kind(), JournalFault::Newer { at: Some(Seq(50)) });
}

/// Damages the newest checkpoint that is sound, as [`change`] does a record.
pub(crate) fn spoil_checkpoint(folder: &Folder) {
    const CHECKPOINTS: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("checkpoints");
    const NOTHING: &[u8] = b"no";
    let database = Database::open(folder.store()).expect("opened");
    let transaction = database.begin_write().expect("begun");
    {
        let mut table = transaction.open_table(CHECKPOINTS).expect("there");
        let newest = table.iter().expect("read").rev().map(|entry| entry.expect("read"));
        let sound = newest.filter(|(_, frame)| frame.value() != NOTHING).map(|(key, _)| key.value()).next();
        table.insert(sound.expect("a checkpoint"), NOTHING).expect("written");
    }
    transaction.commit().expect("committed");
}

#[test]
fn unsound_checkpoints_are_counted() {
    let folder = store();
    for unsound in 1..=2 {
        spoil_checkpoint(&folder);
        assert_eq!(verify(folder.store()).expect("read").runs[0].unsound_checkpoints, unsound);
    }
}
