//! A run that another process watches and edits.

use serde_json::{Value, json};

use crate::program::{Folder, Live};

/// `first` runs until the file `go` is there.
const LONG: &str = "\
version: 1
name: long
tasks:
  first: { run: { sh: \"while ! test -e go; do sleep 0.02; done; echo 1\", cwd: . } }
  second: { after: [first], run: { sh: \"echo 2\" } }
  third: { after: [second], approval: Really?, run: { noop: {} } }
";

/// A run whose first task is under way.
fn begun(folder: &Folder, arguments: &[&str]) -> Live {
    let arguments: Vec<&str> = ["run", "long.yaml", "--json"].iter().chain(arguments).copied().collect();
    let mut live = folder.start(&arguments);
    live.until_task("task_started", "first");
    live
}

fn ok(folder: &Folder, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
    let ended = folder.run(&arguments);
    assert_eq!(ended.code, Some(0), "{arguments:?}: {}{}", ended.stdout, ended.stderr);
    ended.object()
}

#[test]
fn a_second_terminal_sees_edits_and_controls_a_run() {
    let folder = Folder::with("long.yaml", LONG);
    let live = begun(&folder, &[]);
    let runs = ok(&folder, &["ls"]);
    assert_eq!((&runs["runs"][0]["name"], &runs["runs"][0]["state"]), (&json!("long"), &json!("executing")));

    let added = ok(&folder, &["edit", "last", "--add-task", "probe", "--sh", "echo p", "--after", "first"]);
    assert_eq!((&added["revision"], &added["summary"]["added_tasks"]), (&json!(1), &json!(["probe"])));
    let set =
        ["edit", "last", "--update-task", "probe", "--set", "priority=high", "--set", "run={sleep: 1ms}"];
    assert_eq!(ok(&folder, &set)["summary"]["modified_tasks"]["probe"], json!(["run", "priority"]));
    let checked = ok(&folder, &["edit", "last", "--remove-task", "second", "--check"]);
    assert_eq!((&checked["checked"], &checked["revision"]), (&json!(true), &json!(3)));
    assert_eq!(ok(&folder, &["undo", "last"])["revision"], 3);
    assert_eq!(ok(&folder, &["redo", "last"])["revision"], 4);

    let cycle = folder.run(&["edit", "last", "--add-dependency", "third", "second"]);
    assert_eq!(cycle.code, Some(3));
    assert!(cycle.stderr.contains("edit 0: would_cycle"), "{}", cycle.stderr);
    assert!(cycle.stderr.contains("third -> second"), "{}", cycle.stderr);
    let started = folder.run(&["edit", "last", "--remove-task", "first", "--json"]);
    assert_eq!(
        (started.code, &started.object()["rejections"][0]["code"]),
        (Some(3), &json!("task_not_pending"))
    );
    let old = folder.run(&["edit", "last", "--update-task", "probe", "--set", "priority=low", "--base", "0"]);
    assert_eq!(old.code, Some(3), "{}", old.stderr);
    assert!(old.stderr.contains("probe changed; the run is at revision 4"), "{}", old.stderr);

    let why = folder.run(&["explain", "last", "second"]);
    assert_eq!(why.code, Some(0));
    assert!(why.stdout.contains("second is waiting") && why.stdout.contains("first (success) is running"));
    for verb in ["explain", "approve", "reject", "retry", "skip", "cancel", "show"] {
        let ended = folder.run(&[verb, "last", "secnd"]);
        assert_eq!(ended.code, Some(2), "{verb}: {}", ended.stderr);
        assert!(ended.stderr.contains("known are second, "), "{verb}: {}", ended.stderr);
    }
    assert_eq!(ok(&folder, &["pause", "last"])["state"], "paused");
    assert_eq!(folder.run(&["pause", "last"]).code, Some(0), "pausing twice is no fault");
    assert_eq!(ok(&folder, &["resume", "last"])["state"], "executing");
    assert_eq!(ok(&folder, &["skip", "last", "probe"])["state"], "executing");

    let mut watching = folder.start(&["watch", "last", "--json"]);
    watching.until_task("task_started", "first");
    folder.write("go", "");
    watching.until_task("approval_requested", "third");
    ok(&folder, &["approve", "last", "third"]);
    watching.until_task("task_completed", "third");
    assert_eq!(watching.code(), Some(0));
    let (code, result) = live.end();
    let status = |task: &str| &result["results"][task]["status"];
    assert_eq!((code, status("probe"), status("third")), (Some(0), &json!("skipped"), &json!("completed")));
    assert_eq!((&result["edits"]["committed"], &result["revision"]), (&json!(4), &json!(4)));
    let gone = folder.run(&["edit", "last", "--remove-task", "third"]);
    assert_eq!(gone.code, Some(4));
    assert!(gone.stderr.contains("no process carries run"), "{}", gone.stderr);
}

#[test]
fn a_batch_in_a_file_is_in_force_as_a_whole_or_tells_every_fault() {
    let folder = Folder::with("long.yaml", LONG);
    let live = begun(&folder, &[]);
    folder.write(
        "bad.json",
        r#"{ "base": 0, "edits": [
            { "op": "add_task", "task": { "id": "new", "run": { "noop": {} } }, "after": { "secnd": "success" } },
            { "op": "remove_task", "id": "first" },
            { "op": "add_dependency", "from": "third", "to": "second" } ] }"#,
    );
    let ended = folder.run(&["edit", "last", "--file", "bad.json", "--json"]);
    let answer = ended.object();
    let codes: Vec<_> =
        answer["rejections"].as_array().expect("faults").iter().map(|fault| &fault["code"]).collect();
    assert_eq!((ended.code, codes.len()), (Some(3), 3), "{answer}");
    assert!(answer["rejections"][0]["hint"].as_str().is_some_and(|hint| hint.contains("second")), "{answer}");
    folder.write("good.yaml", "edits:\n- { op: remove_task, id: third }\n- { op: add_task, task: { id: new, run: { noop: {} } } }\n");
    let applied =
        ok(&folder, &["edit", "last", "--file", "good.yaml", "--reason", "less to ask", "--request", "k-1"]);
    assert_eq!((&applied["revision"], &applied["applied"]), (&json!(1), &json!(2)));
    let again =
        ok(&folder, &["edit", "last", "--file", "good.yaml", "--reason", "less to ask", "--request", "k-1"]);
    assert_eq!(again["revision"], 1, "a resend is answered like the first one");
    let late = folder.run(&["edit", "last", "--file", "nothing.json"]);
    assert_eq!(late.code, Some(2));
    ok(&folder, &["cancel", "last"]);
    assert_eq!(live.end().0, Some(130));
}

#[test]
fn holds_wait_for_an_editor_in_another_process() {
    let policy = "policy: { only: { kinds: [noop] } }\n";
    let folder = Folder::with("long.yaml", &(LONG.replace("approval: Really?, ", "") + policy));
    let mut live = begun(&folder, &["--editor", "external", "--modification-timeout", "60s"]);
    folder.write("go", "");
    live.until("hold_activated");
    let why = ok(&folder, &["explain", "last", "second"]);
    assert_eq!((&why["status"], &why["reasons"][0]["code"]), (&json!("held"), &json!("held")));
    let hold = why["reasons"][0]["hold"].as_str().expect("a hold").to_owned();
    let answer =
        ["edit", "last", "--hold", &hold, "--add-task", "extra", "--run", "{noop: {}}", "--after", "first"];
    assert_eq!(ok(&folder, &answer)["revision"], 1);
    live.until("hold_closed");
    live.until_task("task_completed", "second");
    ok(&folder, &["cancel", "last", "--force"]);
    live.end();
}

#[test]
fn a_server_takes_runs_of_others() {
    let folder = Folder::with("long.yaml", &LONG.replace("approval: Really?, ", ""));
    let refused = folder.run(&["run", "long.yaml", "--detach"]);
    assert_eq!(refused.code, Some(4));
    assert!(refused.stderr.contains("starline serve"), "{}", refused.stderr);
    let mut server = folder.start(&["serve", "--json"]);
    assert!(server.next().is_some_and(|line| line["address"].is_string()));
    let run = folder.run(&["run", "long.yaml", "--detach"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let run = run.stdout.trim().to_owned();
    folder.write("broken.yaml", "version: 1\ntasks: { a: { after: [b], run: { noop: {} } } }\n");
    let broken = folder.run(&["run", "broken.yaml", "--detach"]);
    let validated = folder.run(&["validate", "broken.yaml"]);
    assert_eq!((broken.code, validated.code), (Some(2), Some(2)), "{}", broken.stderr);
    assert!(broken.stderr.contains("broken.yaml:2:"), "{}", broken.stderr);
    assert_eq!(broken.stderr, validated.stderr, "told as `validate` tells it");
    let told = folder.run(&["run", "broken.yaml", "--detach", "--json"]).object();
    assert_eq!((&told["file"], &told["errors"][0]["line"]), (&json!("broken.yaml"), &json!(2)), "{told}");
    let strategy = folder.run(&["run", "long.yaml", "--detach", "--strategy", "nothing"]);
    assert_eq!(strategy.code, Some(2), "{}", strategy.stderr);
    // The server knows folders by their whole path, with which this text is beyond the limit: found behind the file.
    let script = "x".repeat((256 << 10) - 10);
    folder.write(
        "large.yaml",
        format!("version: 1\ntasks: {{ a: {{ run: {{ sh: \"# {script}\", cwd: . }} }} }}\n"),
    );
    assert_eq!(folder.run(&["validate", "large.yaml"]).code, Some(0));
    let large = folder.run(&["run", "large.yaml", "--detach"]);
    assert_eq!(large.code, Some(2), "invalid input, and no edit: {}", large.stderr);
    assert!(large.stderr.contains("large.yaml: task a has"), "{}", large.stderr);
    let mut watching = folder.start(&["watch", &run, "--json"]);
    watching.until_task("task_started", "first");
    ok(&folder, &["edit", &run, "--add-task", "more", "--sh", "pwd", "--after", "third"]);
    folder.write("go", "");
    watching.until_task("task_completed", "more");
    assert_eq!(watching.code(), Some(0));
    server.signal("TERM");
    assert_eq!(server.code(), Some(0));
    assert_eq!(ok(&folder, &["show", &run])["state"], "completed");
}

#[test]
fn ten_editors_at_once_are_all_answered_and_none_is_lost() {
    let folder = Folder::with("long.yaml", LONG);
    let live = begun(&folder, &[]);
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let edit = |editor: usize| {
            let folder = &folder;
            scope.spawn(move || {
                let add = |n: usize| {
                    let id = format!("t{editor}_{n}");
                    ok(
                        folder,
                        &["edit", "last", "--add-task", &id, "--run", "{noop: {}}", "--after", "first"],
                    )
                };
                (0..5).map(add).collect::<Vec<_>>()
            })
        };
        let editors: Vec<_> = (0..10).map(edit).collect();
        editors.into_iter().flat_map(|editor| editor.join().expect("answers")).collect()
    });
    let mut revisions: Vec<u64> = answers.iter().filter_map(|answer| answer["revision"].as_u64()).collect();
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=50).collect::<Vec<_>>(), "each edit has a revision of its own");
    ok(&folder, &["edit", "last", "--remove-task", "third"]);
    folder.write("go", "");
    let (code, result) = live.end();
    assert_eq!((code, &result["counts"]["completed"]), (Some(0), &json!(52)));
}

#[test]
fn a_field_is_said_once() {
    let folder = Folder::with("long.yaml", LONG);
    for flags in [
        ["--set", "name=x", "--unset", "name"].as_slice(),
        &["--set", "name=x", "--set", "name=y"],
        &["--unset", "tips", "--unset", "tips"],
        &["--set", "run={noop: {}}", "--sh", "date"],
        &["--sh", "date", "--unset", "run"],
    ] {
        let arguments: Vec<&str> =
            ["edit", "last", "--update-task", "second"].iter().chain(flags).copied().collect();
        let ended = folder.run(&arguments);
        assert_eq!(ended.code, Some(2), "{flags:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("is said twice"), "{flags:?}: {}", ended.stderr);
    }
}

#[test]
fn a_hold_is_released_by_hand() {
    let folder = Folder::with("long.yaml", &LONG.replace("approval: Really?, ", ""));
    let mut live = begun(&folder, &["--editor", "external"]);
    folder.write("go", "");
    live.until("hold_activated");
    let unknown = folder.run(&["release", "last", "h-9"]);
    assert_eq!(unknown.code, Some(2), "{}", unknown.stderr);
    let released = folder.run(&["release", "last", "h-1"]);
    assert_eq!(released.code, Some(0), "{}", released.stderr);
    assert!(released.stdout.contains("goes on without an answer to h-1"), "{}", released.stdout);
    live.until_task("task_started", "second");
    live.until("hold_activated");
    assert_eq!(ok(&folder, &["release", "last", "2"])["state"], "executing");
    live.until("hold_activated");
    ok(&folder, &["release", "last", "h-3"]);
    assert_eq!(live.wait().0, Some(0));
}
