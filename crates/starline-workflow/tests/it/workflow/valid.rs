//! What a valid file means.

use std::collections::BTreeMap;

use starline_types::{
    Dependency, DependencyId, DependencyKind, DeviceId, ErrorKind, FailurePolicy, Jitter, Millis,
    OutputSource, OutputType, Payload, Priority, TaskSpec,
};
use starline_workflow::{InputType, LoadOptions, Value, Workflow, to_json, to_yaml};

use crate::{load, problems};

const FULL: &str = r#"# a comment
version: 1
name: nightly-log-health
description: counts errors
metadata: { owner: ops, level: 3 }
inputs: { pattern: { type: string, default: "ERROR|FATAL", description: what to count } }
defaults:
  run_timeout: 2m
  queue_timeout: 1h
  retry: { max: 1, base: 500ms, factor: 1.5, cap: 20s, jitter: none, lost_max: 7, non_retryable: [exit_status, out_of_ink] }
run: { strategy: capability_match, max_parallel: 64, on_failure: wait_for_edit, edit_wait: 10m, deadline: 8h }
tasks:
  scan_b: &scan
    name: Scan host B
    description: reads the log
    tips: [the log rotates at midnight]
    priority: High
    device: { prefer: host-a, os: linux, needs: [logs], resources: { cpu_cores: 1, memory: 32GiB } }
    run: { sh: "grep -cE {{ inputs.pattern }} logs/app.log || true", env: { LC_ALL: C, N: 5 }, cwd: work }
    queue_timeout: none
    run_timeout: none
    retry: { max: 2 }
    idempotent: true
    estimate: { duration: 2.5s, output_bytes: 16 }
    outputs: { count: { from: stdout, type: integer } }
  scan_a: *scan
  merge:
    after: [scan_b, scan_a]
    inputs: { rules: [1, { deep: true }] }
    metadata: { colour: red }
    run: { exec: [./merge.sh, 5, "{{ tasks.scan_a.outputs.count }}"], stdin: "{{ inputs.pattern }}" }
    outputs: { total: { from: /files/0, type: json }, all: { from: result } }
  page:
    after: { merge: { when: "outputs.total > 100", note: only if worth a call }, scan_a: { note: seen }, scan_b: failure }
    device: { on: host-b }
    run: { call: page.send, arguments: { to: [ops], urgent: true } }
  settle: { after: { page: completion }, run: { sleep: 1s } }
  done: { after: [settle], run: { noop: }, priority: 7 }
  say: { run: { prompt: Summarise the report } }
"#;

/// Everything that edges can be.
const EDGES: &str = r#"version: 1
tasks:
  scan: { run: { noop: {} } }
  tidy: { run: { noop: {} } }
  page:
    run: { noop: {} }
    after:
      scan: [success, { kind: completion, id: line-1, note: both }, { when: status == 'failed' }, success]
      tidy: { kind: failure, id: "scan->page#2" }
  rest: { run: { noop: {} }, after: { page: { id: line-2 } } }
  done: { run: { noop: {} }, after: { rest: [completion] } }
"#;

#[test]
fn edges_have_ids_and_parallels() {
    let workflow = load(EDGES);
    let shown = |edge: &Dependency| {
        let id = edge.id.as_ref().map_or("", DependencyId::as_str);
        format!("{}->{} {} {id} {}", edge.from, edge.to, edge.kind, edge.note.as_deref().unwrap_or(""))
    };
    let edges: Vec<String> = workflow.graph.dependencies.iter().map(shown).collect();
    let expected = [
        "scan->page success  ",
        "scan->page completion line-1 both",
        "scan->page when(status == 'failed')  ",
        "scan->page success  ",
        "tidy->page failure scan->page#2 ",
        "page->rest success line-2 ",
        "rest->done completion  ",
    ];
    assert_eq!(edges, expected);
    let yaml = to_yaml(&workflow).expect("expressible");
    let said = "after: { page: { kind: success, id: line-2 } }";
    assert!(yaml.contains(said) && yaml.contains("after: { rest: completion }"), "{yaml}");
    assert_eq!(load(&yaml), workflow, "{yaml}");
}

fn task<'w>(workflow: &'w Workflow, id: &str) -> &'w TaskSpec {
    workflow.graph.tasks.iter().find(|task| task.id.as_str() == id).expect("the task is there")
}

#[test]
fn every_field_is_read() {
    let workflow = load(FULL);
    let settings = &workflow.settings;
    assert_eq!(
        (workflow.graph.name.as_str(), workflow.description.as_str()),
        ("nightly-log-health", "counts errors")
    );
    assert_eq!(workflow.graph.metadata["level"], 3);
    assert_eq!(workflow.strategy.as_deref(), Some("capability_match"));
    assert_eq!((settings.max_parallel, settings.on_failure), (Some(64), FailurePolicy::WaitForEdit));
    assert_eq!((settings.edit_wait, settings.deadline), (Millis(600_000), Some(Millis(28_800_000))));
    assert_eq!(settings.inputs["pattern"], "ERROR|FATAL");
    assert_eq!(workflow.inputs[0].kind, InputType::String);

    let scan = task(&workflow, "scan_a");
    assert_eq!(scan.name(), "Scan host B");
    assert_eq!((scan.priority, scan.idempotent), (Priority::HIGH, true));
    assert_eq!((scan.queue_timeout, scan.run_timeout), (None, None));
    let retry = scan.retry_policy();
    assert_eq!((retry.max, retry.base, retry.factor, retry.cap), (2, Millis(500), 1.5, Millis(20_000)));
    assert_eq!((retry.jitter, retry.lost_max), (Jitter::None, 7));
    assert_eq!(retry.non_retryable, [ErrorKind::ExitStatus, ErrorKind::Other("out_of_ink".into())]);
    let device = scan.device.as_ref().expect("a device");
    assert_eq!(
        device.resources.0,
        BTreeMap::from([("cpu_cores".to_owned(), 1), ("memory".to_owned(), 32 << 30)])
    );
    let Payload::Sh(shell) = &scan.run else { panic!("{:?}", scan.run) };
    assert_eq!((shell.env["N"].as_str(), shell.cwd.as_deref()), ("5", Some("work")));
    assert_eq!(scan.estimate.as_ref().and_then(|estimate| estimate.duration), Some(Millis(2500)));

    let merge = task(&workflow, "merge");
    let Payload::Exec(exec) = &merge.run else { panic!("{:?}", merge.run) };
    assert_eq!(exec.argv, ["./merge.sh", "5", "{{ tasks.scan_a.outputs.count }}"]);
    assert_eq!(merge.outputs["total"].from, OutputSource::Pointer("/files/0".into()));
    assert_eq!(
        (merge.outputs["total"].kind, merge.outputs["all"].kind),
        (OutputType::Json, OutputType::String)
    );
    assert_eq!((merge.run_timeout, merge.queue_timeout), (Some(Millis(120_000)), Some(Millis(3_600_000))));
    assert_eq!(task(&workflow, "done").priority.value(), 7);
    assert_eq!(task(&workflow, "page").pin(), DeviceId::new("host-b").ok().as_ref());
}

#[test]
fn tasks_and_edges_keep_the_order_of_the_file() {
    let workflow = load(FULL);
    let ids: Vec<&str> = workflow.graph.tasks.iter().map(|task| task.id.as_str()).collect();
    assert_eq!(ids, ["scan_b", "scan_a", "merge", "page", "settle", "done", "say"]);
    let edges: Vec<String> = workflow
        .graph
        .dependencies
        .iter()
        .map(|edge| format!("{}->{} {}", edge.from, edge.to, edge.kind))
        .collect();
    let expected = [
        "scan_b->merge success",
        "scan_a->merge success",
        "merge->page when(outputs.total > 100)",
        "scan_a->page success",
        "scan_b->page failure",
        "page->settle completion",
        "settle->done success",
    ];
    assert_eq!(edges, expected);
    assert_eq!(workflow.graph.dependencies[3].note.as_deref(), Some("seen"));
    assert_eq!(workflow.graph.dependencies[2].kind, DependencyKind::When("outputs.total > 100".into()));
}

#[test]
fn what_is_written_reads_back() {
    let workflow = load(FULL);
    let yaml = to_yaml(&workflow).expect("expressible");
    assert_eq!(load(&yaml), workflow, "{yaml}");
    let json = to_json(&workflow).expect("expressible");
    assert_eq!(load(&json), workflow, "{json}");
    assert!(serde_json::from_str::<Value>(&json).is_ok(), "{json}");
}

#[test]
fn files_are_written_for_people() {
    let file = r#"version: 1
name: a name
tasks:
  build:
    run:
      sh: |
        set -e
        make all
      env: { CC: clang }
  "2nd":
    name: "on"
    after: [build]
    run: { exec: [./run.sh, --fast, "a: b", "5", ""] }
    run_timeout: 90s
    retry: { max: 3 }
"#;
    assert_eq!(to_yaml(&load(file)).expect("expressible"), file);
}

#[test]
fn json_is_a_workflow_file_too() {
    let yaml = "version: 1\ntasks:\n  b: { run: { sh: \"echo é\" } }\n  a: { run: { noop: {} }, after: { b: completion } }\n";
    let json = "{\"version\": 1,\n\t\"tasks\": {\"b\": {\"run\": {\"sh\": \"echo \\u00e9\"}},\r\n\t\"a\": {\"run\":{\"noop\":{}},\"after\":{\"b\":\"completion\"}}}}";
    assert_eq!(load(json), load(yaml));
    assert_eq!(load(&format!("\u{FEFF}{json}")), load(yaml));
}

#[test]
fn an_empty_graph_is_a_workflow() {
    let workflow = load("version: 1\ntasks: {}\n");
    assert!(workflow.graph.tasks.is_empty());
    assert_eq!(workflow, load(&to_yaml(&workflow).expect("expressible")));
}

#[test]
fn inputs_are_given_by_type() {
    let file = "version: 1\ntasks: {}\ninputs:\n  n: { type: integer }\n  on: { type: boolean, default: true }\n  s: { default: 1.50 }\n";
    let given = |pairs: &[(&str, Value)]| {
        let inputs = pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Workflow::parse(file.as_bytes(), &LoadOptions { inputs, ..LoadOptions::default() })
    };
    let inputs = given(&[("n", "5".into()), ("on", "false".into())]).expect("valid").settings.inputs;
    assert_eq!((&inputs["n"], &inputs["on"], &inputs["s"]), (&5.into(), &false.into(), &"1.50".into()));
    let found = |problems: Vec<starline_workflow::Problem>| {
        problems.iter().map(|problem| format!("{} {}", problem.line, problem.code)).collect::<Vec<_>>()
    };
    assert_eq!(found(given(&[]).expect_err("no n")), ["4 missing_field"]);
    assert_eq!(found(given(&[("n", "x".into())]).expect_err("no integer")), ["4 invalid_value"]);
    assert_eq!(found(given(&[("n", 1.into()), ("m", 1.into())]).expect_err("no m")), ["3 unknown_field"]);
    let partial = LoadOptions { partial_inputs: true, ..LoadOptions::default() };
    assert!(Workflow::parse(file.as_bytes(), &partial).is_ok());
}

#[test]
fn surroundings_are_checked_if_they_are_known() {
    let file = "version: 1\nrun: { strategy: capabilty_match }\ntasks:\n  a:\n    device: { on: host-x }\n    run: { noop: {} }\n";
    assert!(Workflow::parse(file.as_bytes(), &LoadOptions::default()).is_ok());
    let options = LoadOptions {
        devices: Some(vec![DeviceId::new("host-a").expect("id")]),
        strategies: vec!["capability_match".to_owned(), "round_robin".to_owned()],
        ..LoadOptions::default()
    };
    let problems = Workflow::parse(file.as_bytes(), &options).expect_err("two problems");
    assert_eq!((problems[0].code.as_str(), problems[0].line, problems[0].column), ("invalid_value", 2, 18));
    assert!(
        problems[0].hint.as_ref().is_some_and(|hint| hint.starts_with("did you mean `capability_match`?"))
    );
    assert_eq!((problems[1].code.as_str(), problems[1].line, problems[1].column), ("unknown_device", 5, 19));
}

#[test]
fn a_problem_is_shown_with_its_line() {
    let file = "version: 1\ntasks:\n  scan:\n    run: { sh: ls }\n    afer: [fetch]\n";
    let shown = starline_workflow::render(&problems(file)[0], "nightly.yaml");
    let expected = "\
nightly.yaml:5:5: unknown_field: task scan has no field `afer`
  |
5 |     afer: [fetch]
  |     ^
  = did you mean `after`? valid are after, name, retry, run, tips, approval, device, inputs,
    estimate, metadata, outputs, priority, compensate, idempotent, description, run_timeout,
    queue_timeout
";
    assert_eq!(shown, expected);
    let wide =
        format!("version: 1\ntasks: {{}}\nmetadata: {{ x: \"{}\", y: !tag 1 }}\n", "ab ".repeat(1_000));
    let problems = problems(&wide);
    let shown = starline_workflow::render(&problems[0], &"long\u{1b}".repeat(3));
    assert!(shown.lines().all(|line| line.chars().count() <= 110), "{shown}");
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    assert!(problems[0].excerpt.chars().nth(problems[0].caret as usize - 1).is_some(), "{shown}");
}
