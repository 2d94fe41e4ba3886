//! Records that do not belong.

use starline_report::{History, HistoryFault, to_markdown};
use starline_types::{Envelope, Event, RunId, Seq};

use crate::records::of;
use crate::story::story;

fn fault(records: &[Envelope]) -> (Option<Seq>, String) {
    let error = History::read(records).expect_err("it does not belong");
    (error.seq(), error.to_string())
}

#[test]
fn foreign_records_are_named_with_their_number() {
    let records = story().all;
    assert_eq!(fault(&[]).1, "there is no record");
    assert_eq!(fault(&records[1..]).1, "record 2: the first record is run_ready, not run_created");
    let mut missing = records.clone();
    missing.remove(5);
    assert_eq!(fault(&missing), (Some(Seq(7)), "record 7: record 6 is expected".to_owned()));
    let mut other = records.clone();
    other[4].run_id = RunId::new("run-2").expect("id");
    assert_eq!(fault(&other).1, "record 5: it is of run run-2, not of run-1");
    let mut twice = records.clone();
    twice[1].event = records[0].event.clone();
    assert_eq!(fault(&twice).1, "record 2: the run is created a second time");
    let mut unknown = records.clone();
    unknown[3].event = Event::ApprovalExpired { task: of("nobody") };
    assert_eq!(fault(&unknown).1, "record 4: there is no task nobody");
    let mut dead = records.clone();
    dead[4].event = Event::TaskCancelRequested {
        task: of("fetch"),
        attempt: 9,
        reason: starline_types::CancelReason::Task,
    };
    assert_eq!(fault(&dead).1, "record 5: attempt 9 of task fetch is not live");
    let mut misfit = records.clone();
    let edit = misfit.iter().position(|record| matches!(record.event, Event::EditCommitted(_)));
    let edit = edit.expect("an edit");
    misfit[0] = records[0].clone();
    let second = misfit[edit].clone();
    misfit[edit + 1].event = second.event;
    let error = History::read(&misfit).expect_err("it adds a task twice");
    assert!(matches!(error.fault(), HistoryFault::Misfit(_)));
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_refused_record_changes_nothing() {
    let records = story().all;
    let mut history = History::read(&records[..10]).expect("a beginning fits");
    let before = to_markdown(&history);
    for record in &records[..9] {
        history.push(record).expect_err("it was there");
    }
    assert_eq!(to_markdown(&history), before);
    for record in &records[10..] {
        history.push(record).expect("the rest fits");
    }
    assert_eq!(to_markdown(&history), to_markdown(&History::read(&records).expect("all of it")));
}

#[test]
fn lines_of_json_may_end_in_the_middle() {
    let line = |record: &Envelope| serde_json::to_string(record).expect("json") + "\n";
    let text: String = story().all.iter().map(line).collect();
    let whole = History::read_json_lines(&text).expect("all of it");
    assert!(!whole.is_torn());
    assert_eq!(to_markdown(&whole), to_markdown(&History::read(&story().all).expect("all of it")));
    let torn = History::read_json_lines(&text[..text.len() - 20]).expect("but for the end");
    assert!(torn.is_torn() && !torn.state().is_terminal());
    assert!(to_markdown(&torn).contains("in the middle of a line"));
    let error =
        History::read_json_lines(&text.replacen("run_ready", "run_steady", 1)).expect_err("a new kind");
    assert_eq!((error.seq(), error.to_string().as_str()), (Some(Seq(2)), "record 2: line 2 is not a record"));
    assert!(History::read_json_lines("").is_err());
    assert!(History::read_json_lines("{\"seq\":1").is_err());
}
