//! The ends of ranges: what the reader takes there, the schema takes, and nothing else.

use serde_json::json;
use starline_workflow::{LoadOptions, SchemaKind, Value, Workflow};

use super::{refusals, validator};

/// A workflow with one value at a JSON pointer.
fn with(pointer: &str, value: &Value) -> Value {
    let mut whole = json!({"version": 1, "tasks": {"a": {"run": {"noop": {}}}}});
    let mut at = &mut whole;
    for step in pointer.split('/').skip(1) {
        at = &mut at[step];
    }
    *at = value.clone();
    if pointer.starts_with("/editor/openai") {
        whole["editor"]["openai"]["base_url_env"] = json!("URL");
        whole["editor"]["openai"]["model"] = json!("small");
    }
    if pointer.starts_with("/tasks/a/approval") {
        whole["tasks"]["a"]["approval"]["prompt"] = json!("Go on?");
    }
    whole
}

#[test]
fn readers_and_schema_have_the_same_ranges() {
    let week = [
        "none",
        "1ms",
        "7d",
        "7.0d",
        "007d",
        "6.999d",
        ".5d",
        "7.d",
        "168h",
        "10080m",
        "604800s",
        "604800000ms",
        "7.5d",
        "8d",
        "10d",
        "17d",
        "169h",
        "200h",
        "192h",
        "1000h",
        "168.5h",
        "10081m",
        "604801s",
        "1604800s",
        "604800001ms",
        "0s",
        "0d",
        "5",
        "1w",
        "-1s",
        "",
        "soon",
    ];
    let day = [
        "none",
        "1ms",
        "24h",
        "1d",
        "1.0d",
        "0.5d",
        "1440m",
        "86400s",
        "86400000ms",
        "25h",
        "24.5h",
        "1.5d",
        "2d",
        "1441m",
        "86401s",
        "86400001ms",
        "0s",
        "0.0h",
    ];
    let texts = |texts: &[&str]| texts.iter().map(|text| json!(text)).collect::<Vec<_>>();
    let numbers = [-1, 0, 1, 2, 20, 21, 100, 101, 1_000_000, 1_000_001, 4_294_967_295, 4_294_967_296_i64];
    let mut numbers: Vec<Value> = numbers.iter().map(|number| json!(number)).collect();
    numbers.extend([json!(0.5), json!(1.5), json!("1")]);
    let mut wrong = Vec::new();
    for (pointers, values) in [
        (&["/tasks/a/run_timeout", "/defaults/run_timeout", "/tasks/a/approval/timeout"][..], texts(&week)),
        (&["/tasks/a/queue_timeout", "/defaults/queue_timeout", "/run/deadline"], texts(&week)),
        (&["/tasks/a/queue_timeout", "/tasks/a/retry/base", "/run/edit_wait"], texts(&day)),
        (&["/editor/hold/modification_timeout", "/editor/openai/timeout"], texts(&day)),
        (&["/editor/hold/batch_window", "/tasks/a/estimate/duration"], texts(&day)),
        (&["/tasks/a/retry/max", "/tasks/a/retry/lost_max", "/defaults/retry/max"], numbers.clone()),
        (&["/tasks/a/priority", "/tasks/a/retry/factor", "/run/max_parallel"], numbers.clone()),
        (&["/editor/attempts", "/editor/openai/max_tokens", "/policy/limits/edits"], numbers.clone()),
        (&["/policy/limits/added_tasks", "/tasks/a/estimate/output_bytes", "/version"], numbers),
        (
            &["/tasks/a/device"],
            vec![
                json!({"on": "a", "prefer": "b"}),
                json!({"on": "a"}),
                json!({"prefer": "b"}),
                json!({}),
                json!("a"),
            ],
        ),
    ] {
        for (pointer, value) in
            pointers.iter().flat_map(|pointer| values.iter().map(move |value| (pointer, value)))
        {
            let file = with(pointer, value);
            let problems = Workflow::parse(file.to_string().as_bytes(), &LoadOptions::default()).err();
            let refusals = refusals(validator(SchemaKind::Workflow), &file);
            if problems.is_some() == refusals.is_empty() {
                wrong.push(format!("{pointer} {value}: {problems:?} {refusals:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
