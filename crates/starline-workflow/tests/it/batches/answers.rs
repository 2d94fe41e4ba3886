//! Answers of models.

use starline_types::{Edit, Payload, TaskField};
use starline_workflow::{Answer, AnswerStatus, BatchOptions, Problem, read_answer};

use super::{graph, judged, told};

fn answer(text: &str) -> Answer {
    read_answer(text, &BatchOptions::default())
        .unwrap_or_else(|problems| panic!("{}\n{text}", crate::listed(&problems)))
}

fn refused(text: &str) -> Vec<Problem> {
    match read_answer(text, &BatchOptions::default()) {
        Ok(answer) => panic!("{answer:?}"),
        Err(problems) => problems,
    }
}

fn ops(text: &str) -> Vec<&'static str> {
    let read = answer(text).edits.expect("edits");
    assert_eq!(read.unread.faults, vec![], "{text}");
    read.batch.edits.iter().map(Edit::op).collect()
}

#[test]
fn batches_are_found_whatever_is_around_them() {
    let batch = r#"{"base": 3, "hold": "h-7", "edits": [{"op": "remove_task", "id": "a"}]}"#;
    for text in [
        batch.to_owned(),
        format!("```json\n{batch}\n```"),
        format!("I looked at {{a}} and [1].\n\n```\n{batch}\n```\nThat is all, {{}}."),
        format!("Example: {{\"x\": 1}}. My answer: {batch} Regards"),
        r#"[{"op": "remove_task", "id": "a"}]"#.to_owned(),
        r#"{"op": "remove_task", "id": "a"}"#.to_owned(),
        r#"{"thought": "x", "status": "continue", "edits": [{"op": "remove_task", "id": "a"}]}"#.to_owned(),
        r#"{"function": "remove_task", "arguments": {"task_id": "a"}}"#.to_owned(),
        r#"{"action": {"function": "remove_task", "arguments": "{\"task_id\": \"a\"}"}}"#.to_owned(),
    ] {
        assert_eq!(ops(&text), ["remove_task"], "{text}");
    }
    let read = answer(batch).edits.expect("edits").batch;
    assert_eq!((read.base.0, read.hold.map(|hold| hold.0)), (3, Some(7)));
}

#[test]
fn prose_asks_for_nothing() {
    for text in ["", "All is well.", "Use {{ inputs.x }} and [1], {a}.", "{}", "I would write {\"x\": 1}"] {
        assert_eq!(answer(text), Answer::default(), "{text}");
    }
    let said = answer(r#"{"thought": "done", "status": "FINISH", "action": []}"#);
    assert_eq!(
        (said.thought.as_deref(), said.status, said.edits),
        (Some("done"), Some(AnswerStatus::Finish), None)
    );
    assert_eq!(answer(r#"{"status": "FAIL", "constellation": ""}"#).status, Some(AnswerStatus::Fail));
    assert_eq!(answer(r#"{"edits": []}"#).edits.expect("an empty batch").batch.edits.len(), 0);
}

#[test]
fn answers_that_are_unclear_are_refused() {
    for (text, code, words) in [
        (r#"{"status": "MAYBE"}"#, "invalid_value", "valid are"),
        (r#"{"edits": [] } or {"edits": [{"op": "clear"}]}"#, "invalid_value", "two batches"),
        ("My answer:\n{\"edits\": [{\"op\": \"clear\"}", "syntax_error", "line 2"),
        ("```json\n{\"thought\": \"x\", \"action\": [\n```", "syntax_error", "line 3"),
        (r#"{"edits": [], "edits": []}"#, "duplicate_key", "`edits`"),
        (r#"{"plan": [{"op": "clear"}, oops]}"#, "syntax_error", "not JSON"),
        (r#"{"edits": [{"op": "clear"}]} or {"edits": [{"op": "cl"#, "invalid_value", "two batches"),
        (r#"{"status": 5}"#, "invalid_value", "`status`"),
        (r#"{"edit": [{"op": "clear"}]}"#, "unknown_field", "`edits`"),
    ] {
        let problems = refused(text);
        assert_eq!(problems[0].code, code, "{text}: {}", crate::listed(&problems));
        assert!(crate::listed(&problems).contains(words), "{text}: {}", crate::listed(&problems));
    }
    let deep = format!("{{\"edits\": {}", "[".repeat(100_000));
    assert!(["limit_exceeded", "syntax_error"].contains(&refused(&deep)[0].code.as_str()));
    assert_eq!(refused(&"x".repeat((4 << 20) + 1))[0].code, "limit_exceeded");
}

#[test]
fn calls_of_galaxys_tools_are_edits() {
    let text = r#"{"thought": "t", "status": "CONTINUE", "action": [
      {"function": "add_task", "arguments": {"task_id": "n", "name": "N", "description": "Do {{ it }}", "tips": "look",
        "target_device_id": "host-a", "priority": "HIGH", "timeout": 30, "retry_count": 2, "device_type": null}},
      {"function": "update_task", "arguments": {"task_id": "n", "description": "Do that", "target_device_id": ""}},
      {"function": "update_task", "arguments": {"task_id": "scan", "description": "Scan", "name": "S"}},
      {"function": "add_dependency", "arguments": {"dependency_id": "d1", "from_task_id": "n", "to_task_id": "page", "condition_description": "after it"}},
      {"function": "add_dependency", "arguments": {"dependency_id": "d2", "from_task_id": "scan", "to_task_id": "n", "dependency_type": "COMPLETION_ONLY"}},
      {"function": "update_dependency", "arguments": {"dependency_id": "d1", "condition_description": "x", "condition": "status == 'completed'"}},
      {"function": "remove_dependency", "arguments": {"dependency_id": "scan->page", "base": 0}},
      {"function": "build_constellation", "arguments": {"clear_existing": false, "config": "{\"tasks\": {\"m\": {\"run\": {\"noop\": {}}}}}"}}]}"#;
    let mut run = graph("  scan: { run: { sh: ls } }\n  page: { after: [scan], run: { prompt: Page } }\n");
    let read = answer(text).edits.expect("edits");
    assert_eq!(read.unread.faults, vec![]);
    let applied = judged(&mut run, read).expect("valid");
    assert_eq!(applied.batch.edits.len(), 8);
    let task = run.spec(run.find("n").expect("a task"));
    let Payload::Prompt(prompt) = &task.run else { panic!("{task:?}") };
    assert_eq!((prompt.text.as_str(), task.name(), task.priority.value()), ("Do that", "N", 75));
    assert_eq!((task.run_timeout.map(|span| span.0), task.retry_policy().max), (Some(30_000), 2));
    assert_eq!(task.pin().map(|id| id.as_str()), Some("host-a"));
    // Words do not take the place of a script.
    let scan = run.spec(run.find("scan").expect("a task"));
    assert_eq!(
        (scan.run.kind(), scan.details.as_deref().map(|details| details.description.as_str())),
        ("sh", Some("Scan"))
    );
    let edge = run.find_edge("d1").expect("an edge");
    assert_eq!(
        (edge.kind().to_string().as_str(), edge.note().map(|note| &**note)),
        ("when(status == 'completed')", Some("x"))
    );
    assert_eq!(run.find_edge("d2").expect("an edge").kind().to_string(), "completion");
    assert!(run.find_edge("scan->page").is_none() && run.find("m").is_some());
}

#[test]
fn faults_of_calls_are_told_together() {
    let text = r#"{"action": [
      {"function": "add_tsk", "arguments": {}},
      {"function": "add_task", "arguments": {"task_id": "n", "colour": 1, "description": "x"}},
      {"function": "add_dependency", "arguments": {"dependency_id": "d", "from_task_id": "n", "to_task_id": "page", "dependency_type": "often"}},
      {"function": "update_task", "arguments": {"task_id": "page"}},
      {"function": "update_task", "arguments": {"task_id": "page", "priority": "soon", "timeout": "5m"}},
      {"function": "update_task", "arguments": {"task_id": "page", "status": "completed"}},
      {"function": "build_constellation", "arguments": {"config": {"tasks": []}}},
      {"function": "remove_task"}, {"function": "remove_task", "arguments": "x"}, 5,
      {"function": "update_dependency", "arguments": {"dependency_id": "scan->page", "hold": "h-1"}},
      {"function": "remove_dependency", "arguments": {"dependency_id": "scan->page", "hold": "h-2"}}]}"#;
    let mut run = graph("  scan: { run: { sh: ls } }\n  page: { after: [scan], run: { prompt: Page } }\n");
    let rejection = judged(&mut run, answer(text).edits.expect("edits")).expect_err("faults");
    let expected = [
        "0 invalid_value add_tsk",
        "1 invalid_value n",
        "1 unknown_field colour",
        "2 invalid_value d",
        "3 empty_update page",
        "4 invalid_value page",
        "4 invalid_value page",
        "5 unknown_field status",
        "6 invalid_value build_constellation",
        "7 invalid_value remove_task",
        "8 invalid_value remove_task",
        "9 invalid_value action",
        "10 invalid_value scan->page",
        "11 invalid_value scan->page",
    ];
    assert_eq!(told(&rejection), expected, "{rejection}");
}

#[test]
fn whole_graphs_are_proposals_in_either_form() {
    let native = r#"{"tasks": {"scan": {"name": "S"}, "page": {}}}"#;
    let galaxy = r#"{"constellation_id": "c", "state": "executing", "tasks": [{"task_id": "scan", "name": "S", "description": "", "status": "running"}, {"task_id": "page", "description": "Page"}]}"#;
    for text in [
        native.to_owned(),
        galaxy.to_owned(),
        format!("{{\"status\": \"CONTINUE\", \"constellation\": {native}}}"),
        format!("{{\"constellation\": {galaxy}}}"),
        format!("{{\"constellation\": {}}}", serde_json::Value::from(galaxy)),
        format!(
            "{{\"action\": [{{\"function\": \"build_constellation\", \"arguments\": {{\"config\": {galaxy}}}}}]}}"
        ),
        format!(
            "{{\"action\": [{{\"function\": \"build_constellation\", \"arguments\": {{\"config\": {}}}}}]}}",
            serde_json::Value::from(native)
        ),
        format!("{{\"base\": 0, \"graph\": {native}}}"),
    ] {
        let run = graph("  scan: { run: { sh: ls } }\n  page: { after: [scan], run: { prompt: Page } }\n");
        let read = answer(&text).edits.expect("edits").resolve(&run);
        assert_eq!(read.unread.faults, vec![], "{text}");
        let [Edit::UpdateTask { set, .. }] = read.batch.edits.as_slice() else {
            panic!("{text}: {:?}", read.batch)
        };
        assert!(set.contains(&TaskField::Name(Some("S".to_owned()))), "{text}: {set:?}");
        assert_eq!(set.len(), 1, "{text}: {set:?}");
    }
    let both = answer(
        r#"{"constellation": {"tasks": {}}, "action": [{"function": "remove_task", "arguments": {"task_id": "a"}}]}"#,
    );
    assert_eq!(both.edits.expect("edits").unread.faults[0].item, "batch");
}
