//! What devices report stays data.

use proptest::prelude::*;
use serde_json::json;
use starline_agent::ScriptedPlanner;
use starline_planner::{DependencyKind, Edit, Payload, Value};

use crate::scene::{batch, planner, request, with_output};

/// Everything that a text can become part of.
pub(crate) fn everything() -> ScriptedPlanner {
    planner(json!([{ "task": "scan", "reason": "{{ task.outputs.x }}", "edits": [
        { "op": "add_task",
          "task": {
              "id": "probe",
              "name": "{{ task.outputs.x }}",
              "description": "seen: {{ task.outputs.x }}",
              "tips": ["{{ task.outputs.x }}", "a tip"],
              "run": { "exec": ["probe", "{{ task.outputs.x }}"], "stdin": "{{ task.outputs.x }}{{ inputs.y }}",
                       "env": { "X": "{{ task.outputs.x }}" } },
              "inputs": { "value": "{{ task.outputs.x }}", "list": ["{{ task.outputs.x }}"] },
              "metadata": { "x": "{{ task.outputs.x }}" },
          },
          "after": { "scan": { "when": "outputs.n > 1", "note": "{{ task.outputs.x }}" } } },
        { "op": "update_task", "id": "page", "set": {
            "run": { "sh": "page {{ task.outputs.x }}" }, "description": "{{ task.outputs.x }}" } },
        { "op": "remove_task", "id": "settle" },
    ] }]))
}

/// Texts that would like to be more than that.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "\"",
        "\\\"",
        "'",
        "}",
        "{",
        "{{",
        "}}",
        "{{ inputs.y }}",
        "{{ task.id }}",
        "{% raw %}",
        "]",
        ",",
        ":",
        "\n",
        "\u{1b}[31m",
        "\u{7f}",
        "\\u0000",
        "\", \"op\": \"clear\"",
        "\"}, {\"op\": \"clear\"}",
        "{\"op\": \"clear\"}",
        "$(reboot)",
        "`reboot`",
        "; reboot #",
        "null",
        "true",
        "- ",
        "&a",
        "*a",
        "é",
        " ",
        "x",
    ]);
    proptest::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

pub(crate) fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => hostile().prop_map(Value::from),
        1 => hostile().prop_map(|text| json!({ "op": "clear", "file": text })),
        1 => hostile().prop_map(|text| json!([text, null])),
        1 => Just(Value::Null),
        1 => Just(json!(7)),
        1 => Just(json!(true)),
    ]
}

/// How a text names this value.
fn named(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// What people see of a text.
fn shown(text: &str) -> String {
    let visible = |c: char| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c };
    text.chars().map(visible).collect()
}

/// A text that is one template, as the task that has it renders it.
fn later(template: &str) -> String {
    use starline_graph::{TemplateContext, render_text};
    let inputs = [("y".to_owned(), Value::from("later"))].into();
    let none = Default::default();
    let files = Default::default();
    let context = TemplateContext { run: &inputs, task: &none, files: &files, outcome: &|_| None };
    render_text(template, &context).expect("renders")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn an_output_never_changes_the_structure_of_edits(value in values()) {
        let proposed = batch(&everything(), request(vec![with_output("scan", value.clone())]));
        let text = named(&value);
        let faults = proposed.unread.iter().flat_map(|unread| &unread.faults);
        let faults: Vec<_> = faults.map(ToString::to_string).collect();
        prop_assert!(faults.is_empty(), "{faults:?}");
        let [Edit::AddTask { task, after }, rest @ ..] = proposed.batch.edits.as_slice() else { panic!("no task") };
        let [Edit::AddDependency(edge), Edit::UpdateTask { id, set }, Edit::RemoveTask { .. }] = rest else {
            panic!("{rest:?}")
        };
        prop_assert!(after.is_empty());
        prop_assert_eq!((task.id.as_str(), id.as_str(), set.len()), ("probe", "page", 2));
        prop_assert!(matches!(&edge.kind, DependencyKind::When(when) if &**when == "outputs.n > 1"));
        let note = edge.note.as_deref().unwrap_or_default();
        prop_assert_eq!(note, shown(&text));
        prop_assert_eq!(proposed.batch.reason.as_deref(), Some(&*shown(&text)));

        let details = task.details.as_deref().expect("a description");
        prop_assert_eq!(&details.tips, &[shown(&text), "a tip".to_owned()]);
        prop_assert_eq!(later(&details.description), format!("seen: {text}"));
        let Payload::Exec(exec) = &task.run else { panic!("{:?}", task.run) };
        prop_assert_eq!((exec.argv.len(), later(&exec.argv[1])), (2, text.clone()));
        prop_assert_eq!(later(exec.stdin.as_deref().expect("one")), format!("{text}later"));
        prop_assert_eq!(later(&exec.env["X"]), text.clone());
        let input = |value: &Value| value.as_str().map_or_else(|| value.to_string(), later);
        prop_assert_eq!(input(&task.inputs["value"]), text.clone());
        prop_assert_eq!(task.inputs["list"].as_array().map(|list| list.iter().map(input).collect::<Vec<_>>()), Some(vec![text]));
    }
}

#[test]
fn a_script_gets_one_word() {
    let planner = planner(json!([{ "task": "scan", "edits": [
        { "op": "update_task", "id": "page", "set": { "run": { "sh": "page {{ task.outputs.x }} {{ inputs.y }}" } } },
    ] }]));
    let script = |value: &str| {
        let proposed = batch(&planner, request(vec![with_output("scan", json!(value))]));
        format!("{:?}", proposed.batch.edits)
    };
    assert!(script("$(reboot)").contains("page '$(reboot)' {{ inputs.y }}"));
    assert!(script("{{ inputs.y }}").contains("page '{''{ inputs.y }}' {{ inputs.y }}"));
    assert!(script("plain").contains("page plain {{ inputs.y }}"));
}

#[test]
fn a_name_is_taken_as_it_is_and_a_bad_id_is_refused() {
    let planner = planner(json!([{ "task": "scan", "edits": [
        { "op": "remove_task", "id": "{{ task.outputs.x }}" },
    ] }]));
    for id in ["a\nb", "../up", "a\u{1b}", "", "a b", "a\",\"op\":\"clear"] {
        let proposed = batch(&planner, request(vec![with_output("scan", json!(id))]));
        assert!(proposed.batch.edits.is_empty(), "{id:?}");
        let unread = proposed.unread.expect("no id");
        assert!(unread.faults.iter().all(|fault| fault.code != "unknown_field"), "{:?}", unread.faults);
        let harmless = |text: &str| !text.chars().any(|c| c.is_control() && c != '\n');
        assert!(
            unread.faults.iter().all(|fault| harmless(&fault.message) && harmless(&fault.item)),
            "{id:?}"
        );
    }
}

#[test]
fn ids_that_become_one_are_a_fault() {
    let planner = planner(json!([{ "task": "scan", "edits": [
        { "op": "add_task", "task": { "id": "b", "run": { "noop": {} } },
          "after": { "fetch": "success", "{{ task.outputs.x }}": "failure" } },
    ] }]));
    let unread = batch(&planner, request(vec![with_output("scan", json!("fetch"))])).unread.expect("a fault");
    assert_eq!(unread.faults[0].message, "the same id is there twice");
}

#[test]
fn values_beyond_the_limits_are_refused() {
    let planner = everything();
    for value in ["x".repeat(70_000), "a\0b".to_owned()] {
        let proposed = batch(&planner, request(vec![with_output("scan", json!(value))]));
        let unread = proposed.unread.expect("faults");
        assert!(unread.faults.iter().all(|fault| fault.code == "invalid_template"), "{:?}", unread.faults);
        assert_eq!(proposed.batch.edits.len(), 1, "only the edit without a gap");
    }
}
