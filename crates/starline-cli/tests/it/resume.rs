//! Runs whose process was killed go on in another one.

use std::fs;

use serde_json::json;

use crate::program::{Folder, is_alive, json as json_line, words};

/// The slow task is quick the second time.
const FLOW: &str = "
version: 1
tasks:
  first: { run: { sh: 'echo first >> ledger', cwd: . } }
  slow:
    after: [first]
    run:
      sh: |
        grep -q slow ledger && exit 0
        echo slow >> ledger
        sleep 30 & echo pid $!
        wait
        echo woken >> ledger
      cwd: .
  last: { after: [slow], run: { sh: 'echo last >> ledger', cwd: . } }
";

#[test]
fn a_killed_run_goes_on_where_it_was() {
    let folder = Folder::with("flow.yaml", FLOW);
    let mut live = folder.start(&["run", "flow.yaml", "--json", "--verbose"]);
    let run = live.until_task("task_started", "slow")["run_id"].as_str().expect("an id").to_owned();
    let pid = live.until_pid();
    live.signal("KILL");
    assert_eq!(live.wait().0, None);

    let listed = folder.run(&["resume"]);
    assert!(listed.code == Some(0) && listed.stdout.contains("interrupted"), "{listed:?}");
    let resumed = folder.run_json(&["resume", &run]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    assert_eq!(resumed.result["status"], "completed");
    assert!(!is_alive(pid), "nothing of the first life goes on");
    let ledger = fs::read_to_string(folder.path().join("ledger")).expect("a ledger");
    assert_eq!(ledger, "first\nslow\nlast\n", "what was done is not done again");
    assert_eq!(resumed.result["results"]["slow"]["attempts"], 2);
    assert_eq!(resumed.events[0]["kind"], "owner_changed", "{:?}", words(&resumed.events));

    let whole = folder.run(&["journal", "export", &run]).stdout;
    let numbers = whole.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a fact"));
    assert!(numbers.enumerate().all(|(at, fact)| fact["seq"] == json!(at + 1)));
    assert!(fs::exists(folder.path().join(format!(".starline/runs/{run}/report.html"))).expect("an answer"));
    let over = folder.run(&["resume", &run]);
    assert!(over.code == Some(3) && over.stderr.contains("nothing to go on with"), "{over:?}");
}

#[test]
fn a_pause_a_question_and_an_edit_outlive_the_process() {
    let flow = "
version: 1
tasks:
  gate: { approval: { prompt: 'go on?' }, run: { noop: {} } }
  other: { after: [gate], run: { noop: {} } }
";
    let folder = Folder::with("flow.yaml", flow);
    let mut live = folder.start(&["run", "flow.yaml", "--json"]);
    let run = live.until("approval_requested")["run_id"].as_str().expect("an id").to_owned();
    let edited = folder.run(&["edit", &run, "--add-task", "more", "--run", "{noop: {}}", "--after", "gate"]);
    assert_eq!(edited.code, Some(0), "{edited:?}");
    assert_eq!(folder.run(&["pause", &run]).code, Some(0));
    live.signal("KILL");
    assert_eq!(live.wait().0, None);

    let mut live = folder.start(&["resume", &run, "--json"]);
    live.until("run_resumed");
    let shown = folder.run(&["show", &run]);
    assert!(shown.code == Some(0) && shown.stdout.contains("more"), "{shown:?}");
    assert_eq!(folder.run(&["undo", &run]).code, Some(0), "the history of edits is there");
    assert_eq!(folder.run(&["redo", &run]).code, Some(0));
    assert_eq!(folder.run(&["approve", &run, "gate"]).code, Some(0));
    let (code, result) = live.end();
    assert_eq!((code, &result["status"], &result["total_tasks"]), (Some(0), &json!("completed"), &json!(3)));
}

#[test]
fn what_serve_had_taken_goes_on_when_it_serves_again() {
    let folder = Folder::with(
        "flow.yaml",
        "version: 1\ntasks:\n  a: { run: { sleep: 1s } }\n  b: { after: [a], run: { noop: {} } }\n",
    );
    let mut serve = folder.start(&["serve", "--json"]);
    serve.next().expect("an address");
    let handed = folder.run(&["run", "flow.yaml", "--detach", "--json"]).object();
    let run = handed["run_id"].as_str().expect("an id").to_owned();
    serve.signal("KILL");
    assert_eq!(serve.wait().0, None);

    let mut serve = folder.start(&["serve", "--json"]);
    serve.next().expect("an address");
    let watched = folder.run(&["watch", &run, "--json"]);
    assert_eq!(watched.code, Some(0), "{watched:?}");
    let first: serde_json::Value =
        serde_json::from_str(watched.stdout.lines().next().expect("a fact")).expect("a fact");
    assert_eq!((&first["seq"], &first["kind"]), (&json!(1), &json!("run_created")), "from the journal");
    assert!(watched.stdout.contains("owner_changed"), "{}", watched.stdout);

    // The run is over: what it did under the first process comes from its journal, and from any number on.
    let numbers = |after: u64| -> Vec<u64> {
        let watched = folder.run(&["watch", &run, "--json", "--after", &after.to_string()]);
        assert_eq!(watched.code, Some(0), "{watched:?}");
        let facts = watched.stdout.lines().map(json_line);
        facts.map(|fact| fact["seq"].as_u64().expect("a number")).collect()
    };
    let all = numbers(0);
    let last = all.len() as u64;
    assert_eq!(all, (1..=last).collect::<Vec<_>>());
    for after in [1, 3, last - 1, last, last + 5] {
        assert_eq!(numbers(after), (after + 1..=last).collect::<Vec<_>>(), "--after {after}");
    }
    serve.signal("TERM");
    serve.wait();
}

#[test]
fn what_cannot_go_on_is_said() {
    let folder = Folder::with("flow.yaml", "version: 1\ntasks:\n  a: { run: { noop: {} } }\n");
    assert_eq!(folder.run(&["resume", "last"]).code, Some(2));
    assert!(folder.run(&["resume"]).stdout.contains("no run waits"));
    assert_eq!(folder.run(&["run", "flow.yaml", "--simulate"]).code, Some(0));
    let over = folder.run(&["resume", "last"]);
    assert!(over.code == Some(3) && over.stderr.contains("completed"), "{over:?}");
    let replayed = folder.run(&["replay", "last", "--until", "3"]);
    assert!(replayed.code == Some(0) && replayed.stdout.contains("after fact 3"), "{replayed:?}");
}

#[test]
fn a_run_that_was_undone_does_not_go_on_and_one_that_had_not_begun_is_in_nobodys_way() {
    let flow = "
version: 1
tasks:
  a: { run: { noop: {} }, compensate: { run: { sh: 'echo undone >> ledger', cwd: . } } }
  b: { after: [a], run: { sleep: 60s } }
";
    let folder = Folder::with("flow.yaml", flow);
    let mut live = folder.start(&["run", "flow.yaml", "--json"]);
    let run = live.until_task("task_started", "b")["run_id"].as_str().expect("an id").to_owned();
    live.signal("KILL");
    assert_eq!(live.wait().0, None);

    // As a rollback leaves it that was killed before its first fact.
    let unbegun = folder.path().join(format!(".starline/runs/{run}.undo"));
    std::os::unix::fs::DirBuilderExt::mode(&mut fs::DirBuilder::new(), 0o700)
        .create(&unbegun)
        .expect("a folder");
    let undone = folder.run(&["rollback", &run]);
    assert_eq!(undone.code, Some(0), "{undone:?}");
    assert_eq!(fs::read_to_string(folder.path().join("ledger")).expect("a ledger"), "undone\n");
    let resumed = folder.run(&["resume", &run]);
    assert!(resumed.code == Some(3) && resumed.stderr.contains("was undone by"), "{resumed:?}");
    assert!(folder.run(&["resume"]).stdout.contains("no run waits"));
    assert_eq!(folder.run(&["resume", "nobody"]).code, Some(2));
}

#[test]
fn serve_does_not_go_on_with_what_was_undone_meanwhile() {
    let flow = "
version: 1
tasks:
  a: { run: { noop: {} }, compensate: { run: { noop: {} } } }
  b: { after: [a], run: { sleep: 60s } }
";
    let folder = Folder::with("flow.yaml", flow);
    let mut serve = folder.start(&["serve", "--json"]);
    serve.next().expect("an address");
    let handed = folder.run(&["run", "flow.yaml", "--detach", "--json"]).object();
    let run = handed["run_id"].as_str().expect("an id").to_owned();
    let mut watch = folder.start(&["watch", &run, "--json"]);
    watch.until_task("task_started", "b");
    serve.signal("KILL");
    assert_eq!(serve.wait().0, None);
    watch.wait();
    assert_eq!(folder.run(&["rollback", &run]).code, Some(0));

    let mut serve = folder.start(&["serve", "--json"]);
    serve.next().expect("an address");
    assert_eq!(folder.run(&["ls", "--json"]).object(), json!({"runs": []}));
    serve.signal("TERM");
    assert!(serve.wait().2.contains("has undone it"));
}
