//! Tasks that fail, take too long, depend on each other, on this machine and in earnest.

use serde_json::json;

use crate::program::{Ended, Folder, is_alive};

#[test]
fn a_task_is_tried_again_until_it_works() {
    let flow = "
version: 1
tasks:
  flaky:
    run: { sh: 'echo attempt $STARLINE_ATTEMPT; test $STARLINE_ATTEMPT -eq 3 || { echo not yet >&2; exit 9; }' }
    retry: { max: 5, base: 10ms, jitter: none }
";
    let facts = Folder::with("flow.yaml", flow).run_json(&["run", "flow.yaml", "--ephemeral"]);
    assert_eq!((facts.code, facts.status("flaky")), (Some(0), "completed"));
    let flaky = &facts.result["results"]["flaky"];
    assert_eq!((&flaky["attempts"], &flaky["result"]["stdout"]), (&json!(3), &json!("attempt 3\n")));
    let delays: Vec<_> =
        facts.of("task_retry_scheduled").iter().map(|event| event["data"]["delay_ms"].clone()).collect();
    assert_eq!(delays, [10, 20]);
    let error = &facts.of("task_retry_scheduled")[0]["data"]["error"];
    assert_eq!(error, &json!({"kind": "exit_status", "message": "exit status 9: not yet"}));
}

#[test]
fn a_task_that_takes_too_long_is_ended_with_its_children() {
    let flow = "
version: 1
tasks:
  slow: { run: { sh: 'sleep 600 & echo pid $!; wait' }, run_timeout: 500ms }
";
    let folder = Folder::with("flow.yaml", flow);
    let mut live = folder.start(&["run", "flow.yaml", "--json", "--verbose", "--ephemeral"]);
    let pid = live.until_pid();
    let failed = live.until("task_failed");
    assert_eq!(failed["data"]["error"]["kind"], "timeout");
    assert!(!is_alive(pid), "its end is known only when nothing of it is left");
    let (code, lines, _) = live.wait();
    assert_eq!((code, &lines.last().expect("a result")["status"]), (Some(1), &json!("failed")));
}

#[test]
fn branches_are_taken_by_condition_and_by_failure() {
    let flow = "
version: 1
tasks:
  count: { run: { sh: 'echo 12' }, outputs: { n: { from: stdout, type: integer } } }
  many: { after: { count: { when: outputs.n > 10 } }, run: { sh: 'echo {{ tasks.count.outputs.n }} is many' } }
  few: { after: { count: { when: outputs.n <= 10 } }, run: { noop: {} } }
  after_few: { after: [few], run: { noop: {} } }
  broken: { run: { sh: 'echo lost >&2; exit 4' } }
  needs_broken: { after: [broken], run: { noop: {} } }
  repair: { after: { broken: failure }, run: { sh: 'echo repaired' } }
  last: { after: { many: completion, few: completion, repair: success }, run: { noop: {} } }
";
    let folder = Folder::with("flow.yaml", flow);
    let facts = folder.run_json(&["run", "flow.yaml", "--ephemeral"]);
    assert_eq!((facts.code, facts.result["status"].as_str()), (Some(1), Some("partially_failed")));
    let expected = [
        ("count", "completed"),
        ("many", "completed"),
        ("few", "skipped"),
        ("after_few", "skipped"),
        ("broken", "failed"),
        ("needs_broken", "skipped"),
        ("repair", "completed"),
        ("last", "completed"),
    ];
    for (task, status) in expected {
        assert_eq!(facts.status(task), status, "{task}");
    }
    let reasons =
        [("few", "condition_false"), ("after_few", "source_skipped"), ("needs_broken", "source_failed")];
    for (task, reason) in reasons {
        assert_eq!(facts.result["results"][task]["skip_reason"], reason, "{task}");
    }
    assert!(facts.position("task_assigned", "repair") > facts.position("task_failed", "broken"));
    assert_eq!(facts.result["results"]["many"]["result"]["stdout"], "12 is many\n");

    let ended = folder.run(&["run", "flow.yaml", "--ephemeral"]);
    assert!(ended.stdout.contains("failed     broken on local"), "{}", ended.stdout);
    assert!(ended.stdout.contains("| lost"), "the last line explains it: {}", ended.stdout);
    assert!(ended.stdout.contains("skipped    few: condition_false"), "{}", ended.stdout);
}

#[test]
fn folders_of_tasks_belong_to_the_workflow_file() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("project")).expect("a folder");
    folder.write("project/data.txt", "ERROR one\nok\nERROR two\n");
    let flow = "
version: 1
tasks:
  count: { run: { sh: 'grep -c ERROR data.txt', cwd: . }, outputs: { n: { from: stdout, type: integer } } }
  alone: { run: { sh: 'ls -A | wc -l' }, outputs: { n: { from: stdout, type: integer } } }
";
    folder.write("project/flow.yaml", flow);
    let facts = folder.run_json(&["run", "project/flow.yaml", "--ephemeral"]);
    assert_eq!(facts.result["results"]["count"]["outputs"]["n"], 2);
    assert_eq!(facts.result["results"]["alone"]["outputs"]["n"], 0, "an empty folder of its own");
}

#[test]
fn hostile_values_stay_values() {
    let flow = "
version: 1
inputs: { word: { type: string } }
tasks:
  echo: { run: { sh: 'printf %s {{ inputs.word }}' } }
";
    let folder = Folder::with("flow.yaml", flow);
    let word = "word=$(touch pwned); `id` '\"\\\n*";
    let facts = folder.run_json(&["run", "flow.yaml", "--ephemeral", "--input", word]);
    assert_eq!(facts.result["results"]["echo"]["result"]["stdout"], word["word=".len()..]);
}

#[test]
fn only_devices_that_allow_it_run_scripts() {
    let folder = Folder::with("flow.yaml", "version: 1\ntasks: { a: { run: { sh: 'echo hi' } } }\n");
    folder.write("strict.yaml", "version: 1\ndevices: [{ id: strict, kind: process }]\n");
    let ended = folder.run(&["run", "flow.yaml", "--devices", "strict.yaml", "--ephemeral", "--json"]);
    assert_eq!((ended.code, &ended.object()["error"]["code"]), (Some(3), &"no_eligible_device".into()));
}

#[test]
fn nothing_is_left_behind_where_descriptors_are_short() {
    let tasks: String = (0..100).map(|n| format!("  t{n}: {{ run: {{ sh: 'echo > file' }} }}\n")).collect();
    let folder = Folder::with("flow.yaml", &format!("version: 1\ntasks:\n{tasks}"));
    let device = "{ id: here, kind: process, slots: 32, exec: { allow_sh: true } }";
    folder.write("devices.yaml", format!("version: 1\ndevices: [{device}]\n"));
    let mut command = std::process::Command::new("sh");
    let program = env!("CARGO_BIN_EXE_starline");
    let script = format!("ulimit -n 48 && exec '{program}' run flow.yaml --devices devices.yaml --json");
    command.args(["-c", &script]).current_dir(folder.path());
    let facts = Ended::of(command).facts();
    assert_eq!((facts.code, facts.result["counts"]["completed"].as_u64()), (Some(0), Some(100)), "{facts:?}");
    let run = facts.result["folder"].as_str().expect("a folder");
    assert!(!folder.path().join(run).join("work").exists(), "every folder of an attempt is gone");
}
