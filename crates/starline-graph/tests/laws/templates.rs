//! Payloads with templates in them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use starline_graph::{
    TemplateContext, check_templates, has_templates, interpolations, references, rename_references,
    render_inputs, render_payload, render_text,
};
use starline_types::{
    Exec, Millis, Outcome, OutcomeStatus, Payload, Prompt, Shell, TaskDetails, TaskId, TaskSpec, Value,
};

type Inputs = BTreeMap<String, Value>;

fn inputs(value: Value) -> Inputs {
    value.as_object().expect("an object").clone().into_iter().collect()
}

fn outcome(task: &str) -> Option<Outcome> {
    let (status, result, outputs) = match task {
        "A" => (
            OutcomeStatus::Completed,
            json!({"lines": [1, 2]}),
            json!({"n": 3, "name": "it's", "none": null}),
        ),
        "scan:b" => (OutcomeStatus::Completed, json!("all of it"), json!({})),
        "failed" => (OutcomeStatus::Failed, Value::Null, json!({})),
        "large" => (OutcomeStatus::Completed, json!("x".repeat(70_000)), json!({"half": "y".repeat(60_000)})),
        _ => return None,
    };
    let duration_ms = Millis(20);
    Some(Outcome {
        status,
        result,
        outputs: inputs(outputs),
        error: None,
        attempts: 1,
        duration_ms,
        device: None,
    })
}

fn render_with(payload: &Payload, task: &Inputs) -> Result<Payload, String> {
    let run = inputs(json!({"pattern": "ERROR|FATAL", "depth": 2, "hidden": "run"}));
    let context = TemplateContext { run: &run, task, files: &BTreeMap::new(), outcome: &outcome };
    render_payload(payload, &context).map_err(|error| error.to_string())
}

fn sh(script: &str) -> Payload {
    Payload::Sh(Arc::new(Shell { script: script.to_owned(), ..Shell::default() }))
}

fn prompt(text: &str) -> Payload {
    Payload::Prompt(Arc::new(Prompt { text: text.to_owned() }))
}

fn rendered(text: &str) -> Result<String, String> {
    match render_with(&prompt(text), &Inputs::new())? {
        Payload::Prompt(prompt) => Ok(prompt.text.clone()),
        other => panic!("{} is no prompt", other.kind()),
    }
}

fn spec(run: Payload) -> TaskSpec {
    TaskSpec::new(TaskId::new("B").expect("id"), run)
}

#[test]
fn scenario_r11_a_payload_shows_an_output() {
    assert_eq!(render_with(&sh("echo {{ tasks.A.outputs.n }}"), &Inputs::new()), Ok(sh("echo 3")));
    assert_eq!(references(&spec(sh("echo {{ tasks.A.outputs.n }}"))), ["A"]);
}

#[test]
fn texts_show_outcomes_and_inputs() {
    for (text, expected) in [
        ("plain", "plain"),
        ("{{ tasks.A.outputs.n }}", "3"),
        ("a{{inputs.depth}}b{{ inputs.depth * 2 }}c\n", "a2b4c\n"),
        ("{{ tasks[\"scan:b\"].result }}", "all of it"),
        ("{{ tasks['scan:b']['result'] | upper }}", "ALL OF IT"),
        ("{{ tasks.A.status }} {{ tasks.failed.status }}", "completed failed"),
        ("{{ tasks.A.result }} {{ tasks.A.outputs.none }}", "{\"lines\":[1,2]} null"),
        ("{{ tasks.A.result.lines | join('-') }}", "1-2"),
        ("{{ tasks.failed.outputs.n | default(0) }}", "0"),
        ("{{ inputs.missing | default('x') }}", "x"),
        ("{{ inputs.pattern if inputs.depth > 1 else '' }}", "ERROR|FATAL"),
        ("{{ \"{{\" }} }} {# kept #} {%s} {", "{{ }} {# kept #} {%s} {"),
        ("{{ {'a': {'b': '}}'}}.a.b }}", "}}"),
        ("{{ tasks.A.outputs.name }} $(id)", "it's $(id)"),
        ("{{ 3.0 }} {{ true }} {{ 1 / 4 }}", "3.0 true 0.25"),
    ] {
        assert_eq!(rendered(text), Ok(expected.to_owned()), "{text}");
    }
}

#[test]
fn what_cannot_be_filled_in_is_named() {
    for (text, part) in [
        ("{{ inputs.patern }}", "`inputs.patern` is undefined: `inputs` has depth hidden pattern"),
        ("{{ tasks.A.outputs.m }}", "`tasks.A.outputs.m` is undefined"),
        (
            "{{ tasks.failed.outputs.n }}",
            "`tasks.failed.outputs.n` is undefined: `tasks.failed.outputs` is empty",
        ),
        (
            "{{ tasks.later.status }}",
            "task `later` in `{{ tasks.later.status }}` has not ended or is unknown",
        ),
        ("{{ secrets.TOKEN }}", "`secrets` is undefined"),
        ("{{ inputs.depth > 'a' }}", "cannot compare a number with a string"),
        ("{{ tasks.large.result }}", "is 70000 bytes long, the limit of interpolation is 65536"),
        ("{{ tasks }}", "name the task"),
        ("{{ tasks[inputs.pattern].status }}", "name the task"),
        ("{{ tasks['a' ~ 'b'].status }}", "name the task"),
        ("{{ tasks | length }}", "name the task"),
        ("{{ inputs.depth", "no closing"),
        ("{{ }}", "expected a value"),
        ("{{- inputs.depth }}", "whitespace marks"),
        ("{% for x in y %}{% endfor %}", "`{% for %}` is not supported"),
        ("{%- include 'file' %}", "`{% include %}` is not supported"),
        ("{{ inputs.depth | include }}", "unknown filter `include`"),
        ("{{ debug() }}", "no call"),
    ] {
        let message = rendered(text).expect_err(text);
        assert!(message.starts_with("prompt: ") && message.contains(part), "{text}: {message}");
    }
}

#[test]
fn the_whole_payload_has_a_limit() {
    let half = "{{ tasks.large.outputs.half }}";
    assert_eq!(rendered(&half.repeat(17)).map(|text| text.len()), Ok(1_020_000));
    let message = rendered(&half.repeat(18)).expect_err("too large");
    assert_eq!(message, "prompt: the rendered payload is larger than 1048576 bytes");
    let exec = Exec { argv: vec![half.repeat(10), half.repeat(10)], ..Exec::default() };
    let message = render_with(&Payload::Exec(Arc::new(exec)), &Inputs::new()).expect_err("too large");
    assert!(message.starts_with("exec[1]: the rendered payload"), "{message}");
}

#[test]
fn arguments_stay_arguments() {
    let exec = Exec {
        argv: vec!["./merge.sh".into(), "{{ tasks.A.outputs.name }}".into(), "-n={{ inputs.depth }}".into()],
        env: BTreeMap::from([("PATTERN".to_owned(), "{{ inputs.pattern }} $(id)".to_owned())]),
        cwd: Some("work-{{ inputs.depth }}".into()),
        stdin: Some("{{ tasks.A.result }}".into()),
        ..Exec::default()
    };
    let Ok(Payload::Exec(exec)) = render_with(&Payload::Exec(Arc::new(exec)), &Inputs::new()) else {
        panic!("it renders")
    };
    assert_eq!(exec.argv, ["./merge.sh", "it's", "-n=2"]);
    assert_eq!(exec.env["PATTERN"], "ERROR|FATAL $(id)");
    assert_eq!((exec.cwd.as_deref(), exec.stdin.as_deref()), (Some("work-2"), Some("{\"lines\":[1,2]}")));
}

#[test]
fn calls_keep_types_where_an_interpolation_is_alone() {
    let arguments =
        json!({"n": "{{ tasks.A.outputs.n }}", "all": ["{{ tasks.A.result }}", "n={{ inputs.depth }}", 7]});
    let call = Payload::Call { name: Arc::from("count"), arguments: Arc::new(arguments) };
    let Ok(Payload::Call { arguments, .. }) = render_with(&call, &Inputs::new()) else {
        panic!("it renders")
    };
    assert_eq!(*arguments, json!({"n": 3, "all": [{"lines": [1, 2]}, "n=2", 7]}));
    let call =
        |text: &str| Payload::Call { name: Arc::from("f"), arguments: Arc::new(json!({"a": {"b": [text]}})) };
    let message = render_with(&call("{{ inputs.x }}"), &Inputs::new()).expect_err("undefined");
    assert!(message.starts_with("arguments/a/b/0: `{{ inputs.x }}`"), "{message}");
    let message = render_with(&call("{{ tasks.large.result }}"), &Inputs::new()).expect_err("too large");
    assert!(message.contains("70000 bytes"), "{message}");
}

#[test]
fn inputs_of_the_task_hide_those_of_the_run() {
    let task =
        inputs(json!({"hidden": "task", "n": "{{ tasks.A.outputs.n }}", "was": "{{ inputs.hidden }}"}));
    let payload = sh("echo {{ inputs.hidden }} {{ inputs.n + 1 }} {{ inputs.was }} {{ inputs.depth }}");
    assert_eq!(render_with(&payload, &task), Ok(sh("echo task 4 run 2")));
    let run = inputs(json!({"hidden": "run"}));
    let context = TemplateContext { run: &run, task: &task, files: &BTreeMap::new(), outcome: &outcome };
    assert_eq!(render_inputs(&context), Ok(inputs(json!({"hidden": "task", "n": 3, "was": "run"}))));
    assert_eq!(render_text("see {{ inputs.n }}", &context), Ok("see 3".to_owned()));
    let circular = inputs(json!({"a": "{{ inputs.b }}", "b": "{{ inputs.a }}"}));
    let message =
        render_with(&payload, &circular).expect_err("inputs of the task see those of the run alone");
    assert!(message.starts_with("inputs.a: "), "{message}");
}

#[test]
fn plain_payloads_are_shared() {
    let plain = sh("echo ${#x} }} {");
    let Ok(Payload::Sh(shared)) = render_with(&plain, &Inputs::new()) else { panic!("it renders") };
    let Payload::Sh(original) = plain else { unreachable!() };
    assert!(Arc::ptr_eq(&shared, &original));
    assert!(!has_templates(&spec(Payload::Noop)));
}

#[test]
fn references_come_from_every_text_and_follow_renames() {
    let mut spec = spec(Payload::Exec(Arc::new(Exec {
        argv: vec!["x".into(), "{{ tasks.b.result }}{{ tasks['c:1'].status }}".into()],
        env: BTreeMap::from([("E".to_owned(), "{{ tasks.d.attempts }}".to_owned())]),
        ..Exec::default()
    })));
    spec.inputs = inputs(json!({"deep": [{"x": "{{ tasks.b.outputs.n + tasks.e.outputs.n }}"}]})).into();
    let description = "after {{ tasks.f.device | default('') }}, not tasks.g".to_owned();
    spec.details = Some(Arc::new(TaskDetails { description, ..TaskDetails::default() }));
    assert!(has_templates(&spec));
    assert_eq!(check_templates(&spec), Ok(()));
    assert_eq!(references(&spec), ["b", "c:1", "d", "e", "f"]);
    let renamed =
        rename_references(&spec, &|name| (name != "d").then(|| format!("m_{name}"))).expect("readable");
    assert_eq!(references(&renamed), ["d", "m_b", "m_c:1", "m_e", "m_f"]);
    let Payload::Exec(exec) = &renamed.run else { panic!("an exec") };
    assert_eq!(exec.argv[1], "{{ tasks[\"m_b\"].result }}{{ tasks[\"m_c:1\"].status }}");
    assert_eq!(renamed.inputs["deep"][0]["x"], "{{ tasks[\"m_b\"].outputs.n + tasks[\"m_e\"].outputs.n }}");
}

#[test]
fn what_cannot_be_read_is_refused_before_it_runs() {
    for (text, part) in [
        ("{{ inputs.x", "inputs.note: interpolation has no closing"),
        ("{% set x = 1 %}", "inputs.note: `{% set %}`"),
        ("{{ tasks[inputs.x].result }}", "inputs.note: name the task"),
    ] {
        let mut spec = spec(prompt("{{ tasks.a.result }}"));
        spec.inputs.insert("note".to_owned(), json!(text));
        let message = check_templates(&spec).expect_err(text).to_string();
        assert!(message.starts_with(part), "{message}");
        assert_eq!(references(&spec), ["a"], "what can be read still counts");
    }
    // As long as a task may be, and nothing but openings.
    for hostile in ["{{".repeat(100_000), "{{(".repeat(50_000), "{{1+".repeat(50_000), "{%".repeat(100_000)] {
        let _ = check_templates(&spec(prompt(&hostile)));
    }
}

#[test]
fn interpolations_say_what_they_name_and_what_they_cannot_do_without() {
    let found = |text: &str| -> Vec<(usize, String, String)> {
        let each = interpolations(text).into_iter();
        each.map(|found| (found.at, found.tasks.join(" "), found.inputs.join(" "))).collect()
    };
    let one = |text: &str| found(text).pop().map(|(_, tasks, inputs)| (tasks, inputs)).unwrap_or_default();
    assert_eq!(
        found("é {{ inputs.a }} {{ tasks.x.result ~ tasks['y:z'].status }}"),
        [(3, String::new(), "a".to_owned()), (18, "x y:z".to_owned(), String::new())]
    );
    for (text, inputs) in [
        ("{{ inputs.a + inputs[\"b c\"] }}", "a b c"),
        ("{{ inputs.a | default(1) }}", ""),
        ("{{ inputs.a | d(inputs.b) }}", "b"),
        ("{{ inputs.a.deep | default(1) }}", "a"),
        ("{{ inputs.a | upper | default(1) }}", "a"),
        ("{{ inputs.a if inputs.a is defined else inputs.b }}", "b"),
        ("{{ inputs.a is not defined or inputs.a > 1 }}", ""),
        ("{{ -inputs.a }}", "a"),
        ("{{ inputs | tojson }}", ""),
        ("{{ inputs[inputs.a] }}", "a"),
        ("{{ 'inputs.a' }} inputs.b", ""),
        ("{{ tasks.x.inputs.a }}", ""),
        ("{{ inputs.a }} {{ inputs. }}", ""),
    ] {
        assert_eq!(one(text).1, inputs, "{text}");
    }
}

#[test]
fn faults_tell_where_the_interpolation_begins() {
    for (script, at) in [
        ("echo {{ inputs.a }} '{{ inputs.a }}'", 21),
        ("echo {{ inputs.a }} {{ inputs. }}", 20),
        ("echo {{ inputs.a }}\n{% if x %}", 20),
        ("echo {{- inputs.a }}", 5),
    ] {
        let script = Shell { script: script.to_owned(), ..Shell::default() };
        let task = TaskSpec::new(TaskId::new("t").expect("an id"), Payload::Sh(Arc::new(script)));
        let error = check_templates(&task).expect_err("refused");
        assert_eq!((error.place(), error.at()), ("sh", Some(at)), "{error}");
    }
}
