//! A state folder is served by one process at a time.

use serde_json::json;

use crate::program::{Folder, Live};

const FLOW: &str = "version: 1\ntasks:\n  a: { run: { noop: {} } }\n";

/// A process that serves, with its address and its number.
fn serving(folder: &Folder) -> (Live, String, String) {
    let mut live = folder.start(&["serve", "--json"]);
    let told = live.next().expect("it listens");
    let address = told["address"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned();
    (live, address, told["pid"].to_string())
}

#[test]
fn a_second_server_is_refused_and_told_of_the_first() {
    let folder = Folder::with("flow.yaml", FLOW);
    let (first, address, pid) = serving(&folder);
    let second = folder.run(&["serve"]);
    assert_eq!(second.code, Some(4), "{second:?}");
    let told = format!("process {pid} at http://{address} serves the state folder .starline already");
    assert!(second.stderr.contains(&told), "{}", second.stderr);
    let error = folder.run(&["serve", "--json"]).object();
    assert_eq!(error["error"]["code"], "already_serving");
    // Elsewhere, and for itself, anybody may work.
    let run = folder.run(&["run", "flow.yaml", "--json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(folder.run(&["run", "flow.yaml", "--detach"]).code, Some(0), "the first takes workflows");
    let mut other = folder.start(&["serve", "--json", "--state-dir", "other"]);
    assert!(other.next().is_some_and(|line| line["address"].is_string()));
    for live in [first, other] {
        live.signal("TERM");
        assert_eq!(live.code(), Some(0));
    }
    let (next, ..) = serving(&folder);
    next.signal("TERM");
    assert_eq!(next.code(), Some(0));
}

#[test]
fn a_server_that_was_killed_is_in_nobodys_way() {
    let folder = Folder::new();
    let (first, ..) = serving(&folder);
    first.signal("KILL");
    assert_eq!(first.code(), None);
    let (next, ..) = serving(&folder);
    next.signal("TERM");
    assert_eq!(next.code(), Some(0));
}

#[test]
fn of_many_that_begin_at_once_one_serves() {
    let folder = Folder::new();
    let mut all: Vec<Live> = (0..4).map(|_| folder.start(&["serve", "--json"])).collect();
    let told: Vec<_> = all.iter_mut().map(|live| live.next().expect("a line")).collect();
    let refused = |line: &serde_json::Value| line["error"]["code"] == json!("already_serving");
    assert_eq!(told.iter().filter(|line| line["address"].is_string()).count(), 1, "{told:?}");
    assert_eq!(told.iter().filter(|line| refused(line)).count(), 3, "{told:?}");
    for (live, line) in all.into_iter().zip(&told) {
        if refused(line) {
            assert_eq!(live.code(), Some(4));
        } else {
            live.signal("TERM");
            assert_eq!(live.code(), Some(0));
        }
    }
}
