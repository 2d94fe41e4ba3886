//! What is filled into a form stays data: in texts, in templates that are rendered later, and in scripts.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;
use starline_graph::{Destination, Form, TemplateContext, interpolations, render_payload};
use starline_types::{
    DeviceId, ErrorKind, Millis, Outcome, OutcomeStatus, Payload, Prompt, Shell, TaskError, TaskId, Value,
};

const SECRET: &str = "s3cret";

fn filled(text: &str, destination: Destination, value: Value) -> Result<Value, String> {
    let form = Form::read(text, destination).map_err(|error| format!("unread: {error}"))?;
    fill(&form, [("x", value)])
}

fn fill<const N: usize>(form: &Form, outputs: [(&str, Value); N]) -> Result<Value, String> {
    let outcome = Outcome {
        status: OutcomeStatus::Failed,
        result: Value::Null,
        outputs: outputs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        error: Some(TaskError::new(ErrorKind::ExitStatus, "ended with status 2")),
        attempts: 3,
        duration_ms: Millis(20),
        device: Some(DeviceId::new("host-a").expect("an id")),
    };
    form.fill(&TaskId::new("scan").expect("an id"), &outcome.into()).map_err(|error| error.to_string())
}

fn text(form: &str, destination: Destination, value: &str) -> String {
    match filled(form, destination, Value::from(value)) {
        Ok(Value::String(text)) => text,
        other => panic!("{form} became {other:?}"),
    }
}

/// What becomes of the text of a task when an attempt is assigned.
fn rendered(payload: Payload) -> String {
    let inputs = BTreeMap::from([("y".to_owned(), Value::from(SECRET))]);
    let context =
        TemplateContext { run: &inputs, task: &BTreeMap::new(), files: &BTreeMap::new(), outcome: &|_| None };
    match render_payload(&payload, &context) {
        Ok(Payload::Prompt(prompt)) => prompt.text.clone(),
        Ok(Payload::Sh(shell)) => shell.script.clone(),
        other => panic!("{other:?}"),
    }
}

fn prompt(text: String) -> Payload {
    Payload::Prompt(Arc::new(Prompt { text }))
}

fn run(script: String) -> String {
    let script = rendered(Payload::Sh(Arc::new(Shell { script, ..Shell::default() })));
    let output = Command::new("sh").arg("-c").arg(script).stdin(Stdio::null()).output();
    String::from_utf8(output.expect("there is a shell").stdout).expect("text in, text out")
}

/// Texts that are made of what templates, shells and JSON care about.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "{{",
        "}",
        "}}",
        "{%",
        "%",
        "{{ inputs.y }}",
        "{{ task.outputs.x }}",
        "{% raw %}",
        "{#",
        "'",
        "\"",
        "\\",
        "\n",
        "\t",
        "\u{1b}[31m",
        " ",
        "a",
        "é",
        ",",
        ":",
        "[",
        "]",
        "$(echo ran)",
        "`echo ran`",
        "-",
    ]);
    proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_value_in_a_template_is_what_it_was(value in hostile(), other in "[{}% a]{0,6}") {
        for (form, expected) in [
            ("{{ task.outputs.x }}", value.clone()),
            ("<{{ task.outputs.x }}>{{ task.outputs.x }}%}", format!("<{value}>{value}%}}")),
            ("{{ task.outputs.x }}{{ inputs.y }}", format!("{value}{SECRET}")),
        ] {
            prop_assert_eq!(rendered(prompt(text(form, Destination::Template, &value))), expected);
        }
        // Two values, of which none is a template, must not be one together either.
        let form = Form::read("{{ task.outputs.a }}{{ task.outputs.b }}", Destination::Template).expect("reads");
        let both = fill(&form, [("a", Value::from(&*other)), ("b", Value::from(&*value))]);
        let Ok(Value::String(both)) = both else { panic!("{both:?}") };
        prop_assert_eq!(rendered(prompt(both)), format!("{other}{value}"));
    }

    #[test]
    fn a_value_in_a_text_stays_one_text(value in "\\PC{0,40}") {
        prop_assert_eq!(text("<{{ task.outputs.x }}>", Destination::Text, &value), format!("<{value}>"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_value_in_a_script_is_one_word(value in hostile()) {
        let form = "set -- {{ task.outputs.x }} {{ inputs.y }} a{{ task.outputs.x }}{{ task.outputs.x }}; printf '%s|%s' \"$#\" \"$1$2$3\"";
        let script = text(form, Destination::Script, &value);
        prop_assert_eq!(run(script), format!("3|{value}{SECRET}a{value}{value}"));
    }
}

#[test]
fn a_value_keeps_its_type_and_brings_no_structure() {
    for (value, expected) in [
        (json!(5), json!(5)),
        (json!(0.5), json!(0.5)),
        (json!(true), json!(true)),
        (json!(null), json!("null")),
        (json!("5"), json!("5")),
        (json!({"file": "/etc/passwd"}), json!("{\"file\":\"/etc/passwd\"}")),
        (json!([1, "a"]), json!("[1,\"a\"]")),
    ] {
        assert_eq!(filled("{{ task.outputs.x }}", Destination::Text, value.clone()), Ok(expected.clone()));
        assert_eq!(filled("{{ task.outputs.x }}", Destination::Template, value), Ok(expected));
    }
    assert_eq!(
        filled("{{ task.outputs.x }}", Destination::Script, json!(5)),
        Ok(json!("5")),
        "a script is a text"
    );
    assert_eq!(filled("n={{ task.outputs.x }}", Destination::Text, json!(5)), Ok(json!("n=5")));
}

#[test]
fn a_form_sees_how_the_task_ended() {
    let all = "{{ task.id }} {{ task.status }} {{ task.result }} {{ task.error.kind }}: {{ task.error.message }}; \
               {{ task.attempts }} {{ task.duration_ms }} {{ task.device }}";
    assert_eq!(
        filled(all, Destination::Text, json!(1)),
        Ok(json!("scan failed null exit_status: ended with status 2; 3 20 host-a"))
    );
    let error = filled("{{ task.name }}", Destination::Text, json!(1)).expect_err("it has no name");
    assert!(
        error.ends_with("`task` has id status result outputs error attempts duration_ms device"),
        "{error}"
    );
}

#[test]
fn what_is_not_of_the_task_is_left_for_later() {
    let kept = "{{ tasks.a.outputs.n }} {{ inputs.y }} {{ \"{{\" }} {{ task.outputs.x }}";
    assert_eq!(
        text(kept, Destination::Template, "now"),
        "{{ tasks.a.outputs.n }} {{ inputs.y }} {{ \"{{\" }} now"
    );
    assert_eq!(
        text("{{ '{{' }} {{ task.outputs.x }}", Destination::Text, "now"),
        "{{ now",
        "nobody reads it later"
    );
    let form = Form::read("{{ inputs.y }}", Destination::Template).expect("reads");
    assert!(form.is_complete());
}

#[test]
fn control_characters_of_a_text_are_replaced() {
    let shown = text("{{ task.outputs.x }}", Destination::Text, "a\u{1b}[31m\0b\u{85}\r\n\tc");
    assert_eq!(shown, "a\u{fffd}[31m\u{fffd}b\u{fffd}\u{fffd}\n\tc");
    for destination in [Destination::Template, Destination::Script] {
        let error = filled("{{ task.outputs.x }}", destination, json!("a\0b"))
            .expect_err("no program can be given this");
        assert_eq!(error, "`{{ task.outputs.x }}` has a NUL byte, which no program can be given");
    }
}

#[test]
fn what_cannot_be_filled_in_is_named() {
    for (form, destination, expected) in [
        (
            "{{ task.outputs.y }}",
            Destination::Text,
            "`{{ task.outputs.y }}`: `task.outputs.y` is undefined: `task.outputs` has x",
        ),
        (
            "{{ task.outputs.x.y }}",
            Destination::Text,
            "`{{ task.outputs.x.y }}`: `task.outputs.x.y` is undefined: `task.outputs.x` is a string",
        ),
        ("{{ taks.id }}", Destination::Template, "unread: `{{ taks.id }}`: `taks` is undefined"),
        ("{{ task.outputs.x", Destination::Text, "unread: interpolation has no closing `}}`"),
        (
            "{{ inputs.y }}",
            Destination::Text,
            "unread: `{{ inputs.y }}` reads `inputs`, and only `task` is known here",
        ),
        (
            "{{ task.outputs.x ~ inputs.y }}",
            Destination::Template,
            "unread: `{{ task.outputs.x ~ inputs.y }}` reads `task`, which is filled in now, and `inputs`, which is known later: \
             write two interpolations",
        ),
        (
            "echo\necho \"{{ task.outputs.x }}\"",
            Destination::Script,
            "unread: interpolation on line 2 stands inside \"...\": write it bare as a word of its own, as it is quoted \
             when it is filled in",
        ),
    ] {
        assert_eq!(filled(form, destination, json!("v")), Err(expected.to_owned()));
    }
    let large = filled("{{ task.outputs.x }}", Destination::Template, json!("x".repeat(65_537)));
    assert_eq!(large, Err("`{{ task.outputs.x }}` is 65537 bytes long, the limit is 65536".to_owned()));
    let many = "{{ task.outputs.x }}".repeat(20);
    assert!(
        filled(&many, Destination::Template, json!("x".repeat(65_000))).is_err_and(|e| e.contains("1048576"))
    );
}

/// The price of a value that is all braces is bounded: few interpolations, however many there are.
#[test]
fn a_value_of_braces_makes_few_interpolations() {
    let value = "{{\"\\\n".repeat(8_000);
    let template = text("{{ task.outputs.x }}", Destination::Template, &value);
    assert!(interpolations(&template).len() <= 80, "{}", interpolations(&template).len());
    assert_eq!(rendered(prompt(template)), value);
}
