//! Scenarios of edits, from text to verdict.

use starline_types::{DeviceIx, Edit, TaskField, Timestamp};
use starline_workflow::{BatchOptions, read_batch};

use super::{graph, judged, read, told};

#[test]
fn e8_fields_of_updates() {
    let mut run = graph("  a: { run: { noop: } }\n");
    let read_one = |set: &str| {
        read(&format!("{{\"edits\": [{{\"op\": \"update_task\", \"id\": \"a\", \"set\": {set}}}]}}"))
    };
    let rejection = judged(&mut run, read_one("{\"colour\": \"red\"}")).expect_err("no such field");
    assert_eq!(told(&rejection), ["0 unknown_field colour"]);
    let hint = rejection.faults[0].hint.clone().expect("a hint");
    for name in TaskField::NAMES {
        assert!(hint.contains(name), "{name}: {hint}");
    }
    let rejection = judged(&mut run, read_one("{}")).expect_err("nothing");
    assert_eq!(told(&rejection), ["0 empty_update a"]);
    let rejection = judged(&mut run, read_one("{\"priority\": 101}")).expect_err("too large");
    assert_eq!(told(&rejection), ["0 invalid_value a"]);
    let _ = judged(&mut run, read_one("{\"priority\": \"HIGH\"}")).expect("a priority");
    let task = run.find("a").expect("a task");
    assert_eq!(run.spec(task).priority.value(), 75);
    let mut reset = read_one("{\"priority\": null}");
    reset.batch.base.0 = 1;
    let _ = judged(&mut run, reset).expect("the default");
    assert_eq!(run.spec(task).priority.value(), 50);
}

#[test]
fn i4_a_cycle_is_one_fault() {
    let mut run = graph("  a: { run: { noop: } }\n");
    let batch = read(
        r#"{"edits": [{"op": "add_task", "task": {"id": "n", "run": {"noop": {}}}},
          {"op": "update_task", "id": "n", "set": {"tips": ["x"]}},
          {"op": "add_dependency", "from": "n", "to": "a"}, {"op": "add_dependency", "from": "a", "to": "n"}]}"#,
    );
    let rejection = judged(&mut run, batch).expect_err("a cycle");
    assert_eq!(told(&rejection), ["3 would_cycle a->n"]);
    assert!(run.find("n").is_none());
}

#[test]
fn e10_all_faults_come_in_one_answer() {
    let mut run = graph("  r: { run: { noop: } }\n");
    let task = run.find("r").expect("a task");
    run.start(task, 1, DeviceIx(0), Timestamp::default());
    let text = r#"{"edits": [{"op": "remove_task", "id": "q"},
      {"op": "add_task", "task": {"id": "n", "run": {"noop": {}}}}, {"op": "add_dependency", "from": "n", "to": "r"}]}"#;
    let rejection = judged(&mut run, read(text)).expect_err("two faults");
    assert_eq!(told(&rejection), ["0 unknown_task q", "2 dependency_target_not_pending r"]);
    // Among them those of edits that cannot be read, in the order of the batch.
    let text = text.replace("\"run\": {\"noop\": {}}", "\"run\": {\"nop\": {}}");
    let rejection = judged(&mut run, read(&text)).expect_err("faults");
    let expected =
        ["0 unknown_task q", "1 invalid_value n", "1 unknown_field nop", "2 depends_on_rejected n"];
    assert_eq!(told(&rejection), expected);
}

#[test]
fn several_faults_of_one_edit_are_one_edit_of_the_limit() {
    let mut run = graph("  a: { run: { noop: } }\n");
    let mut edits = vec![r#"{"op": "remove_task", "id": "gone"}"#.to_owned(); 999];
    edits.push(r#"{"op": "update_task", "id": "a", "set": {"x": 1, "y": 2, "z": 3}}"#.to_owned());
    let batch = read(&format!("{{\"edits\": [{}]}}", edits.join(",")));
    let rejection = judged(&mut run, batch).expect_err("faults");
    assert_eq!(rejection.faults.len(), 999 + 3);
}

#[test]
fn operations_are_what_they_say() {
    let batch = read(
        r#"{"base": 3, "hold": "h-7", "keep_open": true, "request": "r-1", "reason": "host-b refused", "edits": [
          {"op": "add_task", "task": {"id": "inspect", "run": {"exec": ["ping", "host-b"]}},
           "after": {"a": "failure", "b": {"when": "outputs.x > 1", "note": "why"}, "c": "completion"}},
          {"op": "update_task", "id": "page", "set": {"run_timeout": "none", "tips": null, "inputs": {"x": 1, "f": {"file": "a.txt"}}}},
          {"op": "add_dependency", "from": "a", "to": "b", "kind": "when(status == 'failed')"}]}"#,
    );
    assert_eq!(batch.unread.positions, [0, 0, 0, 1, 2]);
    let shown = serde_json::to_value(&batch.batch).expect("json");
    assert_eq!(
        (&shown["base"], &shown["hold"], &shown["keep_open"]),
        (&3.into(), &"h-7".into(), &true.into())
    );
    assert_eq!((&shown["request"], &shown["reason"]), (&"r-1".into(), &"host-b refused".into()));
    assert_eq!(shown["edits"][0]["after"], serde_json::json!([["a", "failure"]]));
    assert_eq!(shown["edits"][1]["kind"], serde_json::json!({ "when": "outputs.x > 1" }));
    assert_eq!((&shown["edits"][1]["note"], &shown["edits"][2]["from"]), (&"why".into(), &"c".into()));
    let Edit::UpdateTask { set, .. } = &batch.batch.edits[3] else { panic!("{shown}") };
    let names: Vec<&str> = set.iter().map(TaskField::name).collect();
    assert_eq!(names, ["run_timeout", "tips", "inputs", "inputs"]);
    assert_eq!(set[0], TaskField::RunTimeout(None));
    assert_eq!(set[1], TaskField::Tips(Vec::new()));
    assert_eq!(shown["edits"][4]["kind"], serde_json::json!({ "when": "status == 'failed'" }));
}

#[test]
fn yaml_and_escapes_of_json_are_read() {
    let yaml = "edits:\n  - op: update_task\n    id: a\n    set: { name: x, idempotent: true }\n";
    let json = r#"{"edits": [{"op": "update_task", "id": "a", "set": {"name": "x", "idempotent": true}}]}"#;
    assert_eq!(read(yaml).batch, read(json).batch);
    assert_eq!(read("{edits: [{op: clear}]}").batch.edits, [Edit::Clear]);
    let escaped = read(r#"{"reason": "\ud83e\udd80\/"}"#);
    assert_eq!(escaped.batch.reason.as_deref(), Some("🦀/"));
}

#[test]
fn options_say_what_a_batch_does_not() {
    let options = BatchOptions { base: starline_types::Revision(4), ..BatchOptions::default() };
    let read = |text: &str| read_batch(text.as_bytes(), &options).expect("a batch").batch.base.0;
    assert_eq!((read("{}"), read("{\"base\": 2}")), (4, 2));
    let secret =
        r#"{"edits": [{"op": "add_task", "task": {"id": "a", "run": {"sh": "x", "secrets": {"T": "S"}}}}]}"#;
    assert!(read_batch(secret.as_bytes(), &options).expect("a batch").unread.faults.is_empty());
    assert_eq!(super::read(secret).unread.faults[0].code.as_str(), "invalid_value");
    assert_eq!(super::read(secret).unread.tasks.len(), 1);
}
