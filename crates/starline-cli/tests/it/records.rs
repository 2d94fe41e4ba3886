//! What runs leave behind, and for whom.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};

use crate::program::{Folder, json};

const FLOW: &str = "version: 1\ntasks:\n  a: { run: { sh: 'pwd; echo kept > file' } }\n";

#[test]
fn a_run_leaves_its_facts_and_its_result_for_its_owner_alone() {
    let folder = Folder::with("flow.yaml", FLOW);
    let facts = folder.run_json(&["run", "flow.yaml"]);
    let run = facts.result["run_id"].as_str().expect("an id");
    let left = folder.path().join(".starline/runs").join(run);
    let mode = |path: &std::path::Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    for path in [".starline", ".starline/runs"] {
        assert_eq!(mode(&folder.path().join(path)), 0o700, "{path}");
    }
    assert_eq!(mode(&left), 0o700);
    let mut names: Vec<_> =
        fs::read_dir(&left).expect("a folder").flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    assert_eq!(names, ["events.jsonl", "result.json"], "folders of attempts are gone");
    for name in ["events.jsonl", "result.json"] {
        assert_eq!(mode(&left.join(name)), 0o600, "{name}");
    }
    let events = fs::read_to_string(left.join("events.jsonl")).expect("facts");
    assert_eq!(events.lines().map(json).collect::<Vec<_>>(), facts.events);
    assert_eq!(json(&fs::read_to_string(left.join("result.json")).expect("a result")), facts.result);
    assert_eq!(facts.result["folder"], format!(".starline/runs/{run}"));

    let working = facts.result["results"]["a"]["result"]["stdout"].as_str().expect("a path").trim_end();
    assert!(working.contains(&format!("runs/{run}/work/")), "{working}");
}

#[test]
fn an_ephemeral_run_leaves_nothing() {
    let folder = Folder::with("flow.yaml", FLOW);
    let facts = folder.run_json(&["run", "flow.yaml", "--ephemeral"]);
    assert_eq!((facts.code, facts.result["folder"].is_null()), (Some(0), true));
    assert!(!folder.path().join(".starline").exists());
    let working = facts.result["results"]["a"]["result"]["stdout"].as_str().expect("a path").trim_end();
    assert!(!fs::exists(working).expect("an answer"), "{working}");
}

#[test]
fn a_state_folder_that_others_may_change_is_refused() {
    let folder = Folder::with("flow.yaml", FLOW);
    let mut builder = fs::DirBuilder::new();
    let open = folder.path().join("open");
    builder.mode(0o777).create(&open).expect("a folder");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).expect("a mode");
    let ended = folder.run(&["run", "flow.yaml", "--state-dir", "open"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stderr.contains("may be changed by others"), "{}", ended.stderr);
    assert_eq!(fs::read_dir(&open).expect("a folder").count(), 0);
}

#[test]
fn a_run_that_does_not_begin_leaves_nothing() {
    let folder =
        Folder::with("flow.yaml", "version: 1\ntasks:\n  a: { device: { os: cp-m }, run: { noop: {} } }\n");
    assert_eq!(folder.run(&["run", "flow.yaml"]).code, Some(3));
    assert!(!folder.path().join(".starline").exists());
}
