//! Batches of edits, against their schema.

use serde_json::json;
use starline_workflow::{SchemaKind, Value};

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
        of(
            json!({ "op": "add_task", "task": { "id": "a", "run": { "sleep": "1s" }, "approval": "ok?" }, "after": ["b"] }),
        ),
    ] {
        assert_eq!(refusals(validator, &batch), Vec::<String>::new(), "{batch}");
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
    }
}
