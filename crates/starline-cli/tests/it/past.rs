//! Looking back at runs.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use starline::journal::{Envelope, Journal as _, SharedEnvelope};
use starline::journal_redb::{Options, RedbJournal};

use crate::program::Folder;

const FLOW: &str = "
version: 1
name: flow
inputs: { n: { type: integer, default: 3 } }
tasks:
  first: { run: { sh: 'echo {{ inputs.n }}' }, outputs: { n: { from: stdout, type: integer } } }
  broken: { run: { sh: 'echo no such host >&2; exit 3' }, retry: { max: 1, base: 1ms } }
  second: { after: [first], run: { exec: [echo, '{{ tasks.first.outputs.n }}'] } }
  never: { after: [broken], run: { noop: {} } }
  nor_this: { after: [never], run: { noop: {} } }
";

fn ran() -> (Folder, String, PathBuf) {
    let folder = Folder::with("flow.yaml", FLOW);
    let facts = folder.run_json(&["run", "flow.yaml", "--seed", "1"]);
    let run = facts.result["run_id"].as_str().expect("an id").to_owned();
    let left = folder.path().join(".starline/runs").join(&run);
    (folder, run, left)
}

#[test]
fn a_run_is_shown_stage_by_stage() {
    let (folder, run, _) = ran();
    for wanted in [run.as_str(), "last", &run[..20], &run.to_lowercase()] {
        let ended = folder.run(&["show", wanted]);
        assert_eq!(ended.code, Some(0), "{wanted}: {ended:?}");
        let lines: Vec<&str> = ended.stdout.lines().collect();
        assert!(lines[0].starts_with(&format!("run {run} flow partially_failed: makespan ")), "{}", lines[0]);
        let expected = [
            "stage 1",
            "  completed  first     on local, ",
            "  failed     broken    on local, 2 attempts, ",
            "stage 2",
            "  completed  second    on local, ",
            "  skipped    never     source_failed by broken->never, since broken failed: exit_status: ",
            "stage 3",
            "  skipped    nor_this  source_skipped by never->nor_this, since broken failed",
            "device  local  4 attempts, ",
        ];
        let mut rest = lines.iter();
        for text in expected {
            assert!(rest.any(|line| line.starts_with(text)), "no {text:?}: {}", ended.stdout);
        }
        assert!(ended.stdout.contains(": n=3"), "{}", ended.stdout);
    }
    let object = folder.run(&["show", "last", "--json"]).object();
    assert_eq!(
        (&object["state"], &object["live"], &object["torn"]),
        (&json!("partially_failed"), &json!(false), &json!(false))
    );
    assert_eq!(object["tasks"].as_array().map(Vec::len), Some(5));
    assert_eq!(object["tasks"][0]["outputs"], json!({"n": 3}));
}

#[test]
fn a_task_is_shown_with_everything_about_it() {
    let (folder, run, _) = ran();
    let shown = folder.run(&["show", "last", "broken"]).stdout;
    for text in [
        &format!("task broken of run {run} failed on local, 2 attempts"),
        "  before  never: success (it is skipped)",
        "  1  failed on local at 0.",
        "; retry 1 after ",
        "     | no such host",
        "specification\n  broken:\n    run: { sh: \"echo no such host >&2; exit 3\" }",
        "retry: { max: 1, base: 1ms }",
    ] {
        assert!(shown.contains(text), "no {text:?}: {shown}");
    }
    let shown = folder.run(&["show", "last", "nor_this"]).stdout;
    assert!(shown.contains("causes\n  nor_this skipped by never->nor_this\n  never skipped by broken->never\n  broken failed: exit_status"), "{shown}");
    let object = folder.run(&["show", "last", "second", "--json"]).object();
    assert_eq!(
        (&object["status"], &object["attempts"][0]["outcome"]),
        (&json!("completed"), &json!("completed"))
    );
    assert_eq!(
        object["yaml"],
        "second:\n  after: [first]\n  run: { exec: [echo, \"{{ tasks.first.outputs.n }}\"] }\n"
    );
    let ended = folder.run(&["show", "last", "third"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("known are first, "), "{}", ended.stderr);
}

#[test]
fn all_runs_are_listed_the_latest_first() {
    let (folder, first, _) = ran();
    let second = folder.run_json(&["run", "flow.yaml", "--simulate"]);
    let shown = folder.run(&["show"]).stdout;
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].starts_with("run ") && lines[0].contains("state"), "{shown}");
    assert!(lines[1].starts_with(second.result["run_id"].as_str().expect("an id")), "{shown}");
    assert!(lines[1].contains("completed") && lines[1].contains("simulated"), "{shown}");
    assert!(lines[2].starts_with(&first) && lines[2].contains("partially_failed"), "{shown}");
    let object = folder.run(&["show", "--json"]).object();
    assert_eq!(
        (object["runs"].as_array().map(Vec::len), &object["runs"][1]["name"]),
        (Some(2), &json!("flow"))
    );
    let empty = Folder::new();
    assert_eq!(empty.run(&["show", "--json"]).object(), json!({"runs": []}));
    assert_eq!(empty.run(&["show", "last"]).code, Some(2));
    let ended = folder.run(&["show", "nothing"]);
    assert!(ended.stderr.contains("the last runs are"), "{ended:?}");
    let ended = folder.run(&["show", "0"]);
    assert!(ended.code == Some(2) && ended.stderr.contains("2 runs begin with 0"), "{ended:?}");
}

#[test]
fn a_run_that_was_killed_is_shown_as_far_as_it_got() {
    let (folder, run, left) = ran();
    let facts = folder.run(&["journal", "export", &run]).stdout;
    let facts: Vec<Envelope> =
        facts.lines().map(|line| serde_json::from_str(line).expect("a fact")).collect();
    fs::remove_file(left.join("result.json")).expect("a result");
    for count in 1..facts.len() {
        keep(&left, &facts[..count]);
        let ended = folder.run(&["show", &run]);
        assert_eq!(ended.code, Some(0), "{count}: {ended:?}");
        assert!(ended.stdout.contains("interrupted"), "{count}: {}", ended.stdout);
        assert!(ended.stdout.contains("its process is gone"), "{}", ended.stdout);
    }
    assert_eq!(folder.run(&["report", &run]).code, Some(0));
    assert_eq!(folder.run(&["export", &run, "--to", "svg"]).code, Some(0));
    assert!(folder.run(&["show"]).stdout.contains("interrupted"));
    let listed = folder.run(&["resume", "--json"]).object();
    assert_eq!(
        (&listed["runs"][0]["run_id"], &listed["runs"][0]["state"]),
        (&json!(run), &json!("interrupted"))
    );
    keep(&left, &[]);
    let ended = folder.run(&["show", &run]);
    assert!(ended.code == Some(74) && ended.stderr.contains("no fact was written"), "{ended:?}");
    let listed = folder.run(&["show"]);
    assert!(listed.stdout.contains("unreadable") && listed.stderr.contains("cannot be read"), "{listed:?}");
}

/// Leaves these facts in the journal of a run, as a process does that is killed behind the last of them.
fn keep(left: &Path, facts: &[Envelope]) {
    let path = left.join("journal.redb");
    fs::remove_file(&path).expect("a journal");
    let journal = RedbJournal::open(&path, Options::default()).expect("a journal");
    let kept = futures::executor::block_on(async {
        let Some(first) = facts.first() else { return Ok(()) };
        let fence = journal.open(&first.run_id).await?.fence;
        let facts: Vec<SharedEnvelope> = facts.iter().cloned().map(SharedEnvelope::from).collect();
        journal.append(&first.run_id, fence, &facts).await
    });
    kept.expect("kept");
}

#[test]
fn a_run_that_goes_on_is_told_from_one_that_was_killed() {
    let folder = Folder::with("flow.yaml", "version: 1\ntasks:\n  a: { run: { sleep: 60s } }\n");
    let mut live = folder.start(&["run", "flow.yaml", "--json"]);
    let begun = live.until("task_started");
    let run = begun["run_id"].as_str().expect("an id");
    let object = folder.run(&["show", run, "--json"]).object();
    assert_eq!((&object["state"], &object["live"]), (&json!("executing"), &json!(true)));
    assert_eq!(object["tasks"][0]["status"], "running");
    live.signal("KILL");
    let (code, _, _) = live.wait();
    assert_eq!(code, None);
    let object = folder.run(&["show", run, "--json"]).object();
    assert_eq!((&object["state"], &object["live"]), (&json!("interrupted"), &json!(false)));
}

#[test]
fn reports_are_written_again() {
    let (folder, run, left) = ran();
    let ended = folder.run(&["report", &run[..21], "-o", "there/report"]);
    assert_eq!((ended.code, ended.stdout.lines().count()), (Some(0), 4), "{ended:?}");
    let read = |folder: &Path, name: &str| fs::read_to_string(folder.join(name)).expect("a file");
    let there = folder.path().join("there/report");
    for name in ["trace.json", "graph.mmd"] {
        assert_eq!(read(&there, name), read(&left, name), "{name}");
    }
    // What attempts printed that were tried again is known only while they run.
    for name in ["report.html", "report.md"] {
        assert_eq!(read(&there, name).lines().next(), read(&left, name).lines().next(), "{name}");
    }
    fs::remove_file(left.join("report.md")).expect("a file");
    assert_eq!(folder.run(&["report", "last", "--json"]).object()["run_id"], run);
    assert!(left.join("report.md").exists());
    assert_eq!(folder.run(&["report", "none"]).code, Some(2));
}
