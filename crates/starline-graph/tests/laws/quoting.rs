//! Values in scripts are words, never code: judged by the shell itself.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;
use starline_graph::{RenderError, TemplateContext, check_templates, render_payload};
use starline_types::{Payload, Shell, TaskId, TaskSpec, Value};

fn payload(script: &str) -> Payload {
    Payload::Sh(Arc::new(Shell { script: script.to_owned(), ..Shell::default() }))
}

fn render(script: &str, value: &str) -> Result<String, RenderError> {
    let inputs = BTreeMap::from([("x".to_owned(), Value::from(value))]);
    let context =
        TemplateContext { run: &inputs, task: &BTreeMap::new(), files: &BTreeMap::new(), outcome: &|_| None };
    match render_payload(&payload(script), &context)? {
        Payload::Sh(shell) => Ok(shell.script.clone()),
        other => panic!("{} is no script", other.kind()),
    }
}

/// What a script writes, to either stream.
fn run(script: &str) -> (Vec<u8>, Vec<u8>) {
    let output =
        Command::new("sh").arg("-c").arg(script).stdin(Stdio::null()).output().expect("there is a shell");
    (output.stdout, output.stderr)
}

/// Words that would write `X42X` if any part of them were run, and hold no such text themselves.
fn hostile() -> impl Strategy<Value = String> {
    let code = "echo X$((6*7))X";
    prop::sample::select(vec![
        format!("$({code})"),
        format!("`{code}`"),
        format!("; {code} #"),
        format!("'; {code}; '"),
        format!("\"; {code}; \""),
        format!("\n{code}\n"),
        format!("\\'; {code} #"),
        format!("\\\n{code}\n"),
        format!("E\n{code}\n"),
        format!(") {code} ("),
        format!("}} ; {code} ; {{"),
        format!("x[$({code})]"),
        format!("\"'`$({code})"),
        format!("&& {code}"),
        format!("|| {code}"),
        format!("-n $({code})"),
    ])
}

/// Pieces of scripts, with interpolations anywhere.
fn script() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "echo ",
        "{{ inputs.x }}",
        "{{ inputs.x }}",
        " {{ inputs.x }} ",
        "'",
        "\"",
        "`",
        "$(",
        ")",
        "((",
        "$((",
        "))",
        "${y:-",
        "}",
        "$",
        "\\",
        " ",
        "\n",
        "; ",
        "#",
        " # ",
        "<<E\n",
        "\nE\n",
        "<<'E'\n",
        "cat ",
        "case a in a) ",
        ";; esac ",
        "a",
        "=",
        "$'",
        "|| ",
        "( ",
        "<<<",
        "x=",
        "1",
    ]);
    proptest::collection::vec(piece, 1..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_word_arrives_as_it_was(value in "[^\0]{0,60}") {
        let script = render("printf %s {{ inputs.x }}", &value).expect("renders");
        prop_assert_eq!(run(&script).0, value.as_bytes());
    }

    #[test]
    fn words_side_by_side_are_one_word(value in "[^\0]{0,20}") {
        let script = render("set -- a={{ inputs.x }}{{ inputs.x }}; printf '%s %s' $# \"$1\"", &value).expect("renders");
        prop_assert_eq!(run(&script).0, format!("1 a={value}{value}").into_bytes());
    }

    #[test]
    fn no_value_is_ever_run(script in script(), value in hostile()) {
        if let Ok(script) = render(&script, &value) {
            let (out, err) = run(&script);
            let written = [out, err].concat();
            prop_assert!(!String::from_utf8_lossy(&written).contains("X42X"), "{script}");
        }
    }
}

#[test]
fn hostile_values_stay_words() {
    for value in [
        "$(touch /nowhere/canary)",
        "`id`",
        "a'b\"c",
        "it's",
        "line\nline",
        "\n",
        "-rf",
        "--",
        "",
        " ",
        "*",
        "~",
        "$HOME",
        "a;b&c|d>e<f",
        "\\",
        "\\'",
        "{a,b}",
        "!",
        "#",
        "é\u{1f600}",
        "\u{1b}[31m",
        "if",
    ] {
        let script = render("printf %s {{ inputs.x }}", value).expect("renders");
        assert_eq!(String::from_utf8_lossy(&run(&script).0), value, "{script}");
    }
    let redirected = render("echo {{ inputs.x }}>&1", "3").expect("renders");
    assert_eq!(run(&redirected).0, b"3\n");
    let error = render("printf %s {{ inputs.x }}", "a\0b").expect_err("no program can be given this");
    assert_eq!(error.to_string(), "sh: `{{ inputs.x }}` has a NUL byte, which no program can be given");
}

#[test]
fn interpolation_inside_quotes_is_refused_with_its_place() {
    let mut spec =
        TaskSpec::new(TaskId::new("t").expect("id"), payload("echo ok\ngrep '{{ inputs.x }}' log"));
    let error = check_templates(&spec).expect_err("inside quotes");
    assert_eq!(
        (error.place(), error.message().contains("line 2 stands inside '...'")),
        ("sh", true),
        "{error}"
    );
    assert_eq!(render("grep \"{{ inputs.x }}\" log", "a").expect_err("inside quotes").place(), "sh");
    spec.run = payload("grep {{ inputs.x }} 'log'");
    assert_eq!(check_templates(&spec), Ok(()));
    spec.inputs.insert("note".to_owned(), json!("'{{ inputs.x }}'"));
    assert_eq!(check_templates(&spec), Ok(()), "no shell reads inputs");
}
