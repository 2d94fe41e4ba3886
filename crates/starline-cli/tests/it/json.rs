//! What programs rely on: one fact on each line, and the result last.

use serde_json::{Value, json};

use crate::program::{Ended, Folder};

const FLOW: &str = "
version: 1
name: flow
inputs: { n: { type: integer, default: 3 }, word: { type: string, default: hello } }
tasks:
  first:
    run: { sh: 'echo {{ inputs.n }}; echo noise >&2' }
    outputs: { n: { from: stdout, type: integer } }
  second: { after: [first], run: { exec: [echo, '{{ inputs.word }} {{ tasks.first.outputs.n }}'] } }
";

#[test]
fn facts_are_dense_and_the_result_is_last() {
    let folder = Folder::with("flow.yaml", FLOW);
    let facts = folder.run_json(&["run", "flow.yaml"]);
    assert_eq!((facts.code, facts.stderr.as_str()), (Some(0), ""));
    let run = facts.result["run_id"].clone();
    for (at, event) in facts.events.iter().enumerate() {
        assert_eq!(event["seq"], at + 1, "{event}");
        assert_eq!(event["run_id"], run, "{event}");
        for field in ["revision", "t", "at"] {
            assert!(event[field].is_u64(), "{field}: {event}");
        }
        assert!(event["kind"].is_string() && event["data"].is_object(), "{event}");
    }
    let kinds: Vec<&str> = facts.events.iter().filter_map(|event| event["kind"].as_str()).collect();
    let expected = [
        "run_created",
        "run_ready",
        "run_started",
        "task_assigned",
        "task_started",
        "task_completed",
        "task_assigned",
        "task_started",
        "task_completed",
        "run_completed",
    ];
    assert_eq!(kinds, expected);

    let result = &facts.result;
    assert_eq!(result["status"], "completed");
    assert_eq!(result["total_tasks"], 2);
    let counts =
        json!({"pending": 0, "running": 0, "completed": 2, "failed": 0, "cancelled": 0, "skipped": 0});
    assert_eq!(result["counts"], counts);
    assert_eq!(result["results"].as_object().map(serde_json::Map::len), Some(2));
    let first = &result["results"]["first"];
    assert_eq!(first["outputs"], json!({"n": 3}));
    assert_eq!(first["result"], json!({"exit_code": 0, "stdout": "3\n", "stderr": "noise\n"}));
    assert_eq!(
        (&first["attempts"], &first["device"], &first["error"]),
        (&json!(1), &json!("local"), &Value::Null)
    );
    for field in ["started_at", "finished_at", "duration_ms"] {
        assert!(first[field].is_u64(), "{field}: {first}");
    }
    assert_eq!(result["results"]["second"]["result"]["stdout"], "hello 3\n");
    assert_eq!(result["statistics"]["critical_path_tasks"], json!(["first", "second"]));
    assert_eq!(result["devices"]["local"]["attempts"], 2);
}

#[test]
fn quiet_leaves_the_result_alone() {
    let folder = Folder::with("flow.yaml", FLOW);
    let ended = folder.run(&["run", "flow.yaml", "--json", "--quiet", "--ephemeral"]);
    assert_eq!(ended.object()["status"], "completed");
    let ended = folder.run(&["run", "flow.yaml", "--quiet", "--ephemeral"]);
    assert_eq!((ended.stdout.lines().count(), ended.stderr.as_str()), (1, ""), "{ended:?}");
}

#[test]
fn verbose_shows_what_tasks_print() {
    let folder = Folder::with("flow.yaml", FLOW);
    let facts = folder.run_json(&["run", "flow.yaml", "--verbose", "--ephemeral"]);
    let texts: Vec<&Value> = facts.of("progress").into_iter().map(|event| &event["data"]["text"]).collect();
    assert!(texts.contains(&&json!("noise")) && texts.contains(&&json!("hello 3")), "{texts:?}");
    let numbered: Vec<&Value> = facts.events.iter().filter(|event| event["kind"] != "progress").collect();
    assert!(numbered.iter().enumerate().all(|(at, event)| event["seq"] == at + 1));
    let ended = folder.run(&["run", "flow.yaml", "-v", "--ephemeral"]);
    assert!(ended.stderr.lines().any(|line| line.contains("output") && line.contains("noise")), "{ended:?}");
}

#[test]
fn lines_for_people_have_words_and_no_codes() {
    let folder = Folder::with("flow.yaml", FLOW);
    let ended = folder.run(&["run", "flow.yaml", "--ephemeral"]);
    assert!(!ended.stderr.contains('\u{1b}') && !ended.stdout.contains('\u{1b}'), "{ended:?}");
    let words: Vec<&str> = ended.stderr.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    let expected = [
        "created",
        "ready",
        "executing",
        "assigned",
        "running",
        "completed",
        "assigned",
        "running",
        "completed",
        "completed",
    ];
    assert_eq!(words, expected, "one line for each fact");
    let mut command = folder.command(&["run", "flow.yaml", "--ephemeral", "--color", "always"]);
    command.env("NO_COLOR", "1");
    assert!(Ended::of(command).stdout.contains('\u{1b}'), "who asks for colours gets them");
    let mut command = folder.command(&["run", "flow.yaml", "--ephemeral"]);
    command.env("STARLINE_COLOR", "always");
    assert!(Ended::of(command).stderr.contains('\u{1b}'));
}

#[test]
fn inputs_are_typed_and_come_from_either_side() {
    let folder = Folder::with("flow.yaml", FLOW);
    let facts =
        folder.run_json(&["run", "flow.yaml", "--ephemeral", "--input", "n=7", "--input", "word=a=b c"]);
    assert_eq!(facts.result["results"]["second"]["result"]["stdout"], "a=b c 7\n");
    assert_eq!(facts.events[0]["data"]["settings"]["inputs"]["n"], 7);
    let mut command = folder.command(&["run", "flow.yaml", "--ephemeral", "--json"]);
    command.env("STARLINE_INPUT", "n=8\nword=from outside\n");
    let facts = Ended::of(command).facts();
    assert_eq!(facts.result["results"]["second"]["result"]["stdout"], "from outside 8\n");
    let ended = folder.run(&["run", "flow.yaml", "--input", "n=many", "--json"]);
    assert_eq!((ended.code, ended.object()["errors"][0]["code"].clone()), (Some(2), json!("invalid_value")));
    let ended = folder.run(&["run", "flow.yaml", "--input", "m=1"]);
    assert!(ended.stderr.contains("`m`") && ended.stderr.contains("word"), "{ended:?}");
}
