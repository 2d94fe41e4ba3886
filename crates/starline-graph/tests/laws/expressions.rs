//! Conditions by chance: no text makes the engine panic, and equal questions have equal answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;
use starline_graph::Condition;
use starline_types::{GraphSpec, Millis, Outcome, OutcomeStatus, TaskError, Value};

use crate::random::load;

fn outcome(outputs: &Value) -> Outcome {
    Outcome {
        status: OutcomeStatus::Completed,
        result: json!({"list": [3, 1, 2], "text": "päge", "rows": [{"n": 1}, {"n": 2}], "none": null}),
        outputs: outputs.as_object().expect("an object").clone().into_iter().collect(),
        error: Some(TaskError::new(starline_types::ErrorKind::Timeout, "late")),
        attempts: 2,
        duration_ms: Millis(1500),
        device: None,
    }
}

fn judge(text: &str, outputs: &Value) -> Result<bool, String> {
    let condition = Condition::compile(Arc::from(text)).map_err(|error| error.to_string())?;
    condition.judge(&outcome(outputs), &BTreeMap::new()).map_err(|error| error.to_string())
}

/// Words that are likely to make an expression.
fn words() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        8 => prop::sample::select(vec![
            "status", "result", "outputs", "outcome", "error", "inputs", "outputs.n", "result.list", "result.text",
            "result.rows", "error.kind", "tasks", "none", "true", "false", "0", "1", "-1", "2.5", "1e300", "'a'",
            "\"\"", "9223372036854775807", "-9223372036854775808", "170141183460469231731687303715884105727",
        ]),
        8 => prop::sample::select(vec![
            "+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", "<=", ">", ">=", "and", "or", "not", "in",
            "not in", "is", "is not", "if", "else", "|", ".", ",", ":", "=", "(", ")", "[", "]", "{", "}",
        ]),
        6 => prop::sample::select(vec![
            "|length", "|sort", "|unique|list", "|join(',')", "|replace('a','b')", "|first", "|last", "|int", "|float",
            "|round(2)", "|round(-1)", "|abs", "|sum", "|min", "|max", "|map(attribute='n')", "|list", "|string",
            "|tojson", "|default(1)", "|d(1, true)", "|split('a')", "|reverse", "|dictsort", "|items", "|upper",
            "|title", "|trim", "|lines", "|select('gt', 1)", "|rejectattr('n', 'eq', 1)", "|attr('n')", "|bool",
            "[0]", "[-1]", "[1:]", "[:-1]", "['n']", "is defined", "is even", "is divisibleby 2", "is in [1]",
            "is startingwith 'a'", "is gt 1", "is none", "== 1", "> 1", "in [1]",
        ]),
        1 => prop::sample::select(vec!["{{", "}}", "{%", "\\", "'", "\"", "é", "\n", "\0", "__item", "range(3)"]),
    ];
    proptest::collection::vec(word, 0..14).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_makes_the_engine_panic(text in words(), n in any::<i64>()) {
        let outputs = json!({"n": n});
        let first = judge(&text, &outputs);
        prop_assert_eq!(&first, &judge(&text, &outputs));
        if let Err(message) = first {
            prop_assert!(!message.is_empty() && !message.contains("__compare"), "{}", message);
        }
    }

    #[test]
    fn no_characters_make_the_reader_panic(text in any::<String>()) {
        let _ = judge(&text, &json!({}));
    }

    #[test]
    fn comparisons_are_those_of_numbers_and_texts(a in -5i64..5, b in -5i64..5, x in "[a-c]{0,2}", y in "[a-c]{0,2}") {
        let outputs = json!({"a": a, "b": b, "x": x, "y": y, "half": a as f64 + 0.5});
        for (operator, numbers, texts, halves) in [
            ("==", a == b, x == y, false),
            ("!=", a != b, x != y, true),
            ("<", a < b, x < y, a < b),
            ("<=", a <= b, x <= y, a < b),
            (">", a > b, x > y, a >= b),
            (">=", a >= b, x >= y, a >= b),
        ] {
            prop_assert_eq!(judge(&format!("outputs.a {operator} outputs.b"), &outputs), Ok(numbers));
            prop_assert_eq!(judge(&format!("outputs.x {operator} outputs.y"), &outputs), Ok(texts));
            prop_assert_eq!(judge(&format!("outputs.half {operator} outputs.b"), &outputs), Ok(halves));
        }
        let arithmetic = "outputs.a + outputs.b * 2 - outputs.a * outputs.b == inputs.missing | default(0) + outputs.want";
        let mut outputs = outputs;
        outputs["want"] = json!(a + b * 2 - a * b);
        prop_assert_eq!(judge(arithmetic, &outputs), Ok(true));
    }

    #[test]
    fn texts_that_are_written_out_are_read_back(text in "[ -~\n\t]{0,40}") {
        let quoted = text.replace('\\', "\\\\").replace('\'', "\\'");
        prop_assert_eq!(judge(&format!("outputs.text == '{quoted}'"), &json!({"text": text})), Ok(true));
    }
}

#[test]
fn scenarios_r5_and_r6_coverage_decides_before_and_after_loading() {
    let text = r#"{
        "tasks": [{"id": "A"}, {"id": "B"}],
        "dependencies": [{"from": "A", "to": "B", "kind": {"when": "outputs.coverage > 80"}}]
    }"#;
    let spec: GraphSpec = serde_json::from_str(text).expect("a graph");
    let graph = load(&spec);
    let again: GraphSpec = serde_json::from_str(&serde_json::to_string(&graph.to_spec()).expect("JSON"))
        .expect("the same graph");
    for graph in [graph, load(&again)] {
        let edge = graph.all_edges().next().expect("an edge");
        let judge = |outputs: Value| {
            let judged = edge.condition().expect("conditional").judge(&outcome(&outputs), &BTreeMap::new());
            judged.map_err(|error| error.to_string())
        };
        assert_eq!(judge(json!({"coverage": 85})), Ok(true));
        assert_eq!(judge(json!({"coverage": 70})), Ok(false));
        let message = judge(json!({"covrage": 85})).expect_err("nothing to compare");
        assert_eq!(message, "`outputs.coverage` is undefined: `outputs` has covrage");
    }
}

#[test]
fn scenario_r10_a_condition_is_one_boolean_expression() {
    assert_eq!(judge("1", &json!({})), Err("the condition must be true or false, found a number".to_owned()));
    assert!(Condition::compile(Arc::from("outputs.x >")).is_err());
    assert!(Condition::compile(Arc::from("x".repeat(4097))).is_err());
    assert!(Condition::compile(Arc::from(format!("true{}", " ".repeat(4092)))).is_ok());
}
