//! Batches of edits, against their schema.

use std::fs;
use std::path::Path;

use serde_json::json;
use starline_types::Edit;
use starline_workflow::{BatchOptions, SchemaKind, Value, read_batch};

use super::{refusals, validator};

fn of(edit: Value) -> Value {
    json!({ "base": 3, "edits": [edit] })
}

#[test]
fn batches_are_accepted() {
    let validator = validator(SchemaKind::Edit);
    let full = json!({
        "base": 3, "hold": "h-7", "keep_open": true, "request": "r-1", "reason": "host-b refused the connection",
        "edits": [
            { "op": "add_task", "task": { "id": "inspect_b", "run": { "exec": ["ping", "-c1", "host-b"] } }, "after": { "scan_b": "failure" } },
            { "op": "update_task", "id": "page", "set": { "run_timeout": "5m", "tips": null } },
            { "op": "remove_task", "id": "settle" },
            { "op": "add_dependency", "from": "inspect_b", "to": "merge", "kind": "success" },
            { "op": "update_dependency", "id": "scan_a->merge", "kind": "completion" },
            { "op": "remove_dependency", "from": "scan_b", "to": "merge" },
            { "op": "remove_dependency", "id": "scan_b->merge#2" },
            { "op": "update_dependency", "from": "a", "to": "b", "kind": { "when": "outputs.x > 1" }, "note": "why" },
            { "op": "build", "graph": { "tasks": {} }, "clear_existing": false },
            { "op": "clear" },
            { "op": "merge", "prefix": "x_", "graph": { "name": "sub", "tasks": [{ "id": "a", "run": { "noop": {} } }],
              "dependencies": [{ "from": "a", "to": "b", "kind": "failure" }] } },
        ],
    });
    for batch in [
        full,
        json!({ "hold": 7 }),
        json!({ "base": 3, "graph": { "tasks": { "a": { "run": { "sh": "ls" }, "after": [] } } } }),
        json!({ "graph": { "tasks": [{ "id": "a", "tips": null }, { "id": "b", "after": { "a": "failure" } }] } }),
        of(json!({ "op": "add_dependency", "from": "a", "to": "b", "kind": "when(result > 1)" })),
        of(
            json!({ "op": "add_task", "task": { "id": "a", "run": { "sleep": "1s" }, "approval": "ok?" }, "after": ["b"] }),
        ),
    ] {
        assert_eq!(refusals(validator, &batch), Vec::<String>::new(), "{batch}");
        assert_eq!(faults(&batch), Vec::<String>::new(), "{batch}");
    }
}

#[test]
fn batches_that_cannot_be_meant_are_refused() {
    let validator = validator(SchemaKind::Edit);
    for batch in [
        json!([]),
        json!({ "base": -1 }),
        json!({ "hold": "seven" }),
        json!({ "edits": [], "graph": { "tasks": {} } }),
        json!({ "edits": [], "author": "me" }),
        of(json!({ "op": "drop_task", "id": "a" })),
        of(json!({ "id": "a" })),
        of(json!({ "op": "add_task", "task": { "run": { "noop": {} } } })),
        of(json!({ "op": "add_task", "task": { "id": "a" } })),
        of(json!({ "op": "add_task", "task": { "id": "a", "run": { "noop": {} }, "after": ["b"] } })),
        of(json!({ "op": "add_task", "task": { "id": "a", "run": { "noop": {} }, "status": "completed" } })),
        of(json!({ "op": "update_task", "id": "a", "set": {} })),
        of(json!({ "op": "update_task", "id": "a", "set": { "id": "b" } })),
        of(json!({ "op": "update_task", "id": "a", "set": { "priority": 101 } })),
        of(json!({ "op": "remove_task", "id": "a b" })),
        of(json!({ "op": "add_dependency", "from": "a" })),
        of(json!({ "op": "remove_dependency", "from": "a" })),
        of(json!({ "op": "remove_dependency", "id": "a->b", "from": "a", "to": "b" })),
        of(json!({ "op": "update_dependency", "id": "a->b" })),
        of(json!({ "op": "clear", "graph": {} })),
        of(json!({ "op": "build" })),
    ] {
        assert!(!validator.is_valid(&batch), "{batch}");
        assert_ne!(faults(&batch), Vec::<String>::new(), "{batch}");
    }
}

/// What the reader of batches finds wrong, and the check with what says nothing.
fn faults(batch: &Value) -> Vec<String> {
    let read = match read_batch(batch.to_string().as_bytes(), &BatchOptions::default()) {
        Ok(read) => read,
        Err(problems) => return problems.iter().map(ToString::to_string).collect(),
    };
    let empty = read.batch.edits.iter().filter(|edit| match edit {
        Edit::UpdateTask { set, .. } => set.is_empty(),
        Edit::UpdateDependency { kind, note, .. } => kind.is_none() && note.is_none(),
        _ => false,
    });
    let empty = empty.map(|edit| format!("{} changes nothing", edit.op()));
    read.unread.faults.iter().map(ToString::to_string).chain(empty).collect()
}

#[test]
fn broken_batches_are_refused() {
    let validator = validator(SchemaKind::Edit);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken_batches");
    let mut compared = 0;
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("a file");
        let Ok(value) = serde_json::from_str::<Value>(&text) else { continue };
        let is_golden = path.extension().is_none_or(|extension| extension != "json");
        let twice = text.contains("\"base\": 1, \"base\"");
        // That two members of a list have one id is beyond a schema.
        let within = faults(&value).into_iter().any(|fault| !fault.contains(": duplicate_task: "));
        if !is_golden && !twice && within {
            compared += 1;
            assert!(!validator.is_valid(&value), "{}", path.display());
        }
    }
    assert!(compared >= 15, "{compared}");
}
