//! What is wrong with rules is said when they are loaded.

use serde_json::{Value, json};

use crate::scene::{add, batch, completed, load, request};

fn faults(rules: Value) -> Vec<String> {
    load(rules).expect_err("faults").iter().map(ToString::to_string).collect()
}

#[test]
fn every_fault_of_every_rule_is_listed() {
    let found = faults(json!([
        { "task": "scan *", "outcome": "skipped", "when": "outputs.x >", "reason": "{{ task.", "edits": [] },
        { "task": "scan", "when": "inputs.limit > 2", "edits": [
            "remove",
            { "id": "a" },
            { "op": "drop_task", "id": "a" },
            { "op": 7 },
        ] },
        { "task": "", "edits": [] },
    ]));
    let begins: Vec<&str> = found.iter().filter_map(|fault| fault.split(": ").next()).collect();
    assert_eq!(
        begins,
        [
            "scripted rule 0, task",
            "scripted rule 0, outcome",
            "scripted rule 0, when",
            "scripted rule 0, reason",
            "scripted rule 1, when",
            "scripted rule 1, edit 0, /",
            "scripted rule 1, edit 1, /",
            "scripted rule 1, edit 2, /op",
            "scripted rule 1, edit 3, /op",
            "scripted rule 2, task",
        ],
        "{found:#?}"
    );
    assert!(found[7].contains("\"drop_task\" is no operation (one of add_task, update_task"), "{}", found[7]);
}

#[test]
fn files_of_the_author_are_refused() {
    let task =
        |name: &str| json!({ "id": name, "run": { "noop": {} }, "inputs": { "x": { "file": "x.txt" } } });
    let found = faults(json!([{ "task": "scan", "edits": [
        { "op": "add_task", "task": task("b") },
        { "op": "update_task", "id": "c", "set": { "inputs": { "x": { "file": "x.txt" } } } },
    ] }]));
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found.iter().all(|fault| fault.contains("cannot send files of its author")), "{found:#?}");
    // With gaps it is known when they are filled in, and refused as a part of the batch.
    let rules = json!([{ "task": "scan", "edits": [{ "op": "add_task", "task": task("{{ task.id }}.b") }] }]);
    let planner = load(rules).expect("known later");
    let proposed = batch(&planner, request(vec![completed("scan")]));
    let faults = proposed.unread.expect("a fault").faults;
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].message.contains("cannot send files of its author"), "{faults:?}");
}

#[test]
fn forms_are_read_when_they_are_loaded() {
    for (edit, expected) in [
        (json!({ "op": "remove_task", "id": "{{ task.id" }), "/id: interpolation has no closing `}}`"),
        (
            json!({ "op": "remove_task", "id": "{{ inputs.y }}" }),
            "/id: `{{ inputs.y }}` reads `inputs`, and only `task` is known here",
        ),
        (
            json!({ "op": "update_task", "id": "a", "set": { "run": { "sh": "echo '{{ task.id }}'" } } }),
            "/set/run/sh: interpolation on line 1 stands inside '...'",
        ),
        (
            json!({ "op": "update_task", "id": "a", "set": { "run": { "prompt": "{{ task.id ~ inputs.y }}" } } }),
            "/set/run/prompt: `{{ task.id ~ inputs.y }}` reads `task`, which is filled in now, and `inputs`",
        ),
        (
            json!({ "op": "add_dependency", "from": "a", "to": "b", "kind": { "when": "outputs.n > {{ task.outputs.x }}" } }),
            "/kind/when: a condition is an expression and no template",
        ),
        (
            json!({ "op": "add_task", "task": { "id": "b", "run": { "noop": {} } }, "after": { "a": { "when": "{{ task.id }}" } } }),
            "/after/a/when: a condition is an expression and no template",
        ),
        (
            json!({ "op": "merge", "prefix": "x.", "graph": { "tasks": { "run": { "run": { "noop": {} },
                "after": { "a": { "when": "{{ task.id }}" } } } } } }),
            "/graph/tasks/run/after/a/when: a condition is an expression and no template",
        ),
        (
            json!({ "op": "update_task", "id": "a", "set": { "{{ task.outputs.x }}": 1 } }),
            "/set/{{ task.outputs.x }}: the name of a field is no template",
        ),
        (
            json!({ "op": "add_task", "task": { "id": "b", "run": { "noop": {} } }, "after": { "{{ taks.id }}": "success" } }),
            "/after/{{ taks.id }}: `{{ taks.id }}`: `taks` is undefined",
        ),
    ] {
        let found = faults(json!([{ "task": "*", "edits": [edit.clone()] }]));
        let [found] = found.as_slice() else { panic!("{edit}: {found:#?}") };
        assert!(found.contains(&format!("edit 0, {expected}")), "{found}");
    }
}

#[test]
fn edits_that_are_the_same_for_every_task_are_read_when_they_are_loaded() {
    let found = faults(json!([{ "task": "*", "edits": [
        { "op": "add_task", "task": { "id": "a", "run": { "noop": {} }, "colour": "red" } },
        { "op": "remove_task", "id": "no id" },
        add("fine"),
    ] }]));
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("scripted rule 0, edit 0, colour: "), "{}", found[0]);
    assert!(found[1].starts_with("scripted rule 0, edit 1, no id: "), "{}", found[1]);
}

#[test]
fn data_may_look_like_what_it_is_not() {
    let rules = json!([{ "task": "*", "edits": [{ "op": "add_task", "task": {
        "id": "b",
        "run": { "call": "tool", "arguments": { "when": "{{ task.id }}", "{{ key }}": 1, "after": { "{{ x }}": 2 } } },
        "inputs": { "when": "{{ inputs.y }}" },
        "metadata": { "when": "{{ task.id }}", "{{ key }}": "{{ task.id }}" },
    } }] }]);
    assert!(load(rules).is_ok());
}
