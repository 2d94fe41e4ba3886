//! Undoing what a run has done, with a file as the ledger of what was done and undone.

use std::fs;

use serde_json::json;

use crate::program::Folder;

const FLOW: &str = "
version: 1
name: deploy
run: { on_failure: rollback }
tasks:
  a:
    run: { sh: 'echo do a >> ledger; echo 7', cwd: . }
    outputs: { n: { from: stdout, type: integer } }
    compensate: { run: { sh: 'echo undo a {{ tasks.a.outputs.n }} >> ledger', cwd: . } }
  b:
    after: [a]
    run: { sh: 'echo do b >> ledger', cwd: . }
    compensate: { run: { sh: 'echo undo b {{ tasks.a.outputs.n }} >> ledger', cwd: . } }
  c: { after: [b], run: { sh: 'echo do c >> ledger; exit 3', cwd: . } }
  d: { after: [c], run: { noop: {} }, compensate: { run: { sh: 'echo undo d >> ledger', cwd: . } } }
";

fn ledger(folder: &Folder) -> Vec<String> {
    let text = fs::read_to_string(folder.path().join("ledger")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_failure_undoes_what_was_done_in_reverse_order() {
    let folder = Folder::with("flow.yaml", FLOW);
    let facts = folder.run_json(&["run", "flow.yaml"]);
    assert_eq!(facts.code, Some(1), "{}", facts.stderr);
    assert_eq!(ledger(&folder), ["do a", "do b", "do c", "undo b 7", "undo a 7"]);
    assert_eq!(
        (&facts.result["status"], &facts.result["reason"]),
        (&json!("partially_failed"), &json!("rolled_back"))
    );
    assert_eq!((facts.status("a.undo"), facts.status("d")), ("completed", "skipped"));
    let commits = facts.of("edit_committed");
    assert_eq!(commits.len(), 1);
    assert_eq!(commits[0]["data"]["author"], "rollback");
    let again = folder.run(&["rollback", "last"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.stdout.contains("nothing to undo"), "{again:?}");

    let dead = folder.run(&["ls", "--dead", "--json"]).object();
    let listed = dead["dead"].as_array().expect("a list");
    assert_eq!(listed.len(), 1, "{dead}");
    assert_eq!(
        (&listed[0]["task"], &listed[0]["attempts"], &listed[0]["error"]["kind"], &listed[0]["device"]),
        (&json!("c"), &json!(1), &json!("exit_status"), &json!("local"))
    );
    let table = folder.run(&["ls", "--dead"]);
    assert!(table.stdout.contains("exit_status") && table.stdout.contains(" UTC"), "{table:?}");
}

#[test]
fn a_run_that_is_over_is_undone_by_another_one_and_once() {
    let folder = Folder::with("flow.yaml", &FLOW.replace("run: { on_failure: rollback }\n", ""));
    let facts = folder.run_json(&["run", "flow.yaml"]);
    assert_eq!(ledger(&folder), ["do a", "do b", "do c"]);
    let run = facts.result["run_id"].as_str().expect("an id");
    let undone = folder.run_json(&["rollback", run]);
    assert_eq!(undone.code, Some(0), "{}", undone.stderr);
    assert_eq!(undone.result["run_id"], format!("{run}.undo"));
    assert_eq!(ledger(&folder), ["do a", "do b", "do c", "undo b 7", "undo a 7"]);
    let again = folder.run(&["rollback", run]);
    assert!(again.stdout.contains("nothing to undo"), "{again:?}");
    assert_eq!(folder.run(&["rollback", "nothing"]).code, Some(2));
}

#[test]
fn a_run_that_goes_on_is_rolled_back_from_elsewhere() {
    let flow = FLOW
        .replace("run: { on_failure: rollback }\n", "")
        .replace("'echo do b >> ledger'", "'echo do b >> ledger; while ! test -e go; do sleep 0.02; done'");
    let folder = Folder::with("flow.yaml", &flow);
    let mut live = folder.start(&["run", "flow.yaml", "--json"]);
    live.until_task("task_started", "b");
    let asked = folder.run(&["rollback", "last", "--json"]);
    assert_eq!(asked.code, Some(0), "{asked:?}");
    live.until("rollback_requested");
    folder.write("go", "");
    let (code, result) = live.end();
    assert_eq!(
        (code, &result["status"], &result["reason"]),
        (Some(130), &json!("cancelled"), &json!("rolled_back"))
    );
    assert_eq!(ledger(&folder), ["do a", "do b", "undo b 7", "undo a 7"]);
}

#[test]
fn one_that_fails_waits_for_a_person() {
    let flow = FLOW.replace(
        "'echo undo b {{ tasks.a.outputs.n }} >> ledger'",
        "'test -e mended && echo undo b >> ledger'",
    );
    let folder = Folder::with("flow.yaml", &flow);
    let mut live = folder.start(&["run", "flow.yaml", "--json"]);
    let paused = live.until("run_paused");
    assert_eq!(paused["data"]["cause"], "needs_operator");
    folder.write("mended", "");
    let dead = folder.run(&["ls", "--dead"]);
    assert!(dead.stderr.contains("starline retry"), "{dead:?}");
    assert_eq!(folder.run(&["retry", "last", "b.undo"]).code, Some(0));
    assert_eq!(folder.run(&["resume", "last"]).code, Some(0));
    let (code, result) = live.end();
    assert_eq!((code, &result["reason"]), (Some(1), &json!("rolled_back")));
    assert_eq!(ledger(&folder), ["do a", "do b", "do c", "undo b", "undo a 7"]);
}
