//! Stores that earlier versions wrote are read for ever.
//!
//! Each is a store and the lines that were exported from it. `STARLINE_WRITE_GOLDEN=NAME` writes the one of this
//! version; those that are there are never changed.

use std::fs;
use std::path::{Path, PathBuf};

use starline_journal::{
    Checkpoint, Envelope, Event, Journal, Revision, Seq, SharedEnvelope, Timestamp, UnixMillis,
};
use starline_journal_redb::{Reader, RedbJournal, verify};

use crate::support::{Folder, block_on, options};
use starline_testkit::journal::run;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Facts of several kinds.
fn facts() -> Vec<SharedEnvelope> {
    let event = |json: &str| serde_json::from_str::<Event>(json).expect("an event");
    let events = [
        event(r#"{"kind":"run_started","data":{"total_tasks":2,"strategy":"load_balance"}}"#),
        event(r#"{"kind":"task_assigned","data":{"task":"a","attempt":1,"device":"laptop"}}"#),
        event(r#"{"kind":"task_started","data":{"task":"a","attempt":1,"device":"laptop"}}"#),
        event(r#"{"kind":"run_paused","data":{"cause":"operator","reason":"naïve ünïcode ✓"}}"#),
        event(r#"{"kind":"run_resumed","data":{"by":"operator"}}"#),
        event(r#"{"kind":"device_disconnected","data":{"device":"laptop","all_devices":{}}}"#),
    ];
    (1..)
        .zip(events)
        .map(|(seq, event)| {
            SharedEnvelope::from(Envelope {
                seq: Seq(seq),
                run_id: run("golden"),
                revision: Revision(0),
                t: Timestamp(seq * 1000),
                at: UnixMillis(1_700_000_000_000 + seq),
                cause: (seq > 1).then(|| Seq(seq - 1)),
                event,
            })
        })
        .collect()
}

#[test]
fn golden_stores_are_read() {
    if let Some(name) = std::env::var_os("STARLINE_WRITE_GOLDEN") {
        write(&folder().join(name));
    }
    let mut found = 0;
    for entry in fs::read_dir(folder()).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "redb") {
            continue;
        }
        found += 1;
        let expected = fs::read_to_string(path.with_extension("jsonl")).expect("its lines");
        let copy = Folder::new();
        fs::copy(&path, copy.store()).expect("copied");
        assert!(verify(copy.store()).expect("read").is_clean(), "{}", path.display());
        let reader = Reader::open(copy.store()).expect("opened");
        let (mut lines, golden) = (Vec::new(), run("golden"));
        reader.export(&golden, &mut lines).expect("exported");
        assert_eq!(String::from_utf8(lines).expect("text"), expected, "{}", path.display());
        let checkpoint = reader.checkpoint(&golden).expect("read").expect("there");
        assert_eq!(checkpoint, Checkpoint::new(Seq(4), b"state".to_vec()));
        drop(reader);
        // And an owner goes on with it.
        let journal = RedbJournal::open(copy.store(), options()).expect("opened");
        let opened = block_on(journal.open(&golden)).expect("opened");
        assert_eq!(opened.tail, Some(Seq(expected.lines().count() as u64)));
        assert_eq!(opened.checkpoint, Some(checkpoint));
    }
    assert!(found > 0, "no golden store");
}

fn write(path: &Path) {
    let path = path.with_extension("redb");
    assert!(!path.exists(), "golden stores are never changed");
    let journal = RedbJournal::open(&path, options()).expect("opened");
    let golden = run("golden");
    block_on(async {
        let fence = journal.open(&golden).await.expect("opened").fence;
        let facts = facts();
        journal.append(&golden, fence, &facts[..4]).await.expect("kept");
        journal.checkpoint(&golden, fence, Checkpoint::new(Seq(4), b"state".to_vec())).await.expect("kept");
        journal.append(&golden, fence, &facts[4..]).await.expect("kept");
    });
    drop(journal);
    // A store begins with room for more than this.
    redb::Database::open(&path).expect("opened").compact().expect("compacted");
    drop(RedbJournal::open(&path, options()).expect("opened"));
    let lines = fs::File::create_new(path.with_extension("jsonl")).expect("made");
    Reader::open(&path).expect("opened").export(&golden, lines).expect("exported");
}
