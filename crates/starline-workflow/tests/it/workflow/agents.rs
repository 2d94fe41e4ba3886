//! What is sent along with tasks, who is asked, and who may edit.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use starline_types::{
    ApprovalGate, ApprovalTimeout, Artifact, BlobHash, FileInput, HoldScope, LateEdits, Millis,
    OutcomeStatus, OutputType, Payload, TaskId, TaskSpec,
};
use starline_workflow::{FileResolver, LoadOptions, Value, Workflow, to_json, to_yaml};

use crate::load;

const FULL: &str = r#"version: 1
secrets: [PAGER_TOKEN, mail]
inputs: { pattern: { type: string, default: ERROR } }
tasks:
  "scan:b":
    run: { sh: "grep {{ inputs.pattern }} app.log > report.csv", collect: [report.csv, ./logs/a b.txt], secrets: { T: mail } }
    outputs: { report: { from: /files/report.csv, type: artifact }, "the rest": { from: result, type: artifact } }
  merge:
    after: ["scan:b"]
    inputs:
      rules: { file: ./rules/main.txt }
      report: { artifact: 'tasks["scan:b"].outputs.report' }
      rest: { artifact: "tasks['scan:b'].outputs['the rest']" }
      literal: { value: { file: rules.txt } }
      wrapped: { value: { value: 1 } }
      object: { file: rules.txt, mode: 5 }
      text: "{{ inputs.pattern }}"
    run: { exec: [./merge.sh, "{{ inputs.rules }}", "{{ inputs.text }}"], secrets: { TOKEN: PAGER_TOKEN } }
  page:
    after: [merge]
    approval: { prompt: "Page on-call?", timeout: none, on_timeout: approve }
    run: { noop: {} }
  mail: { after: [merge], approval: Mail it?, run: { noop: {} } }
policy:
  allow: [add_task, retry_task]
  only: { devices: ["host-*", llm], capabilities: [], kinds: [exec, "s*"] }
  limits: { edits: 200, added_tasks: 0 }
  require_approval: { kinds: [sh] }
editor:
  edit_on: [failed]
  hold: { scope: graph, batch_window: 250ms, modification_timeout: 5m, late_edits: refuse }
  attempts: 20
  scripted:
    - { task: "scan*", outcome: failed, when: "error.kind == 'exit_status'", reason: look, edits: [{ op: add_task, task: { id: "{{ task.id }}.r2" } }] }
    - { task: "*", edits: [] }
  openai: { base_url_env: OPENAI_BASE_URL, model: local-small }
"#;

fn task<'w>(workflow: &'w Workflow, id: &str) -> &'w TaskSpec {
    workflow.graph.tasks.iter().find(|task| task.id.as_str() == id).expect("the task is there")
}

#[test]
fn every_field_is_read() {
    let workflow = load(FULL);
    assert_eq!(workflow.settings.secrets, ["PAGER_TOKEN", "mail"]);
    let scan = task(&workflow, "scan:b");
    let Payload::Sh(shell) = &scan.run else { panic!("{:?}", scan.run) };
    assert_eq!(shell.collect, ["report.csv", "./logs/a b.txt"]);
    assert_eq!(shell.secrets, BTreeMap::from([("T".to_owned(), "mail".to_owned())]));
    assert_eq!(scan.outputs["report"].kind, OutputType::Artifact);

    let merge = task(&workflow, "merge");
    let Payload::Exec(exec) = &merge.run else { panic!("{:?}", merge.run) };
    assert_eq!(exec.secrets["TOKEN"], "PAGER_TOKEN");
    let source = TaskId::new("scan:b").expect("an id");
    let output = |output: &str| FileInput::Output { task: source.clone(), output: output.to_owned() };
    let files = merge.files();
    assert_eq!(files["rules"], FileInput::File { path: "./rules/main.txt".to_owned(), artifact: None });
    assert_eq!((&files["report"], &files["rest"], files.len()), (&output("report"), &output("the rest"), 3));
    assert_eq!(merge.inputs["literal"], serde_json::json!({ "file": "rules.txt" }));
    assert_eq!(merge.inputs["wrapped"], serde_json::json!({ "value": 1 }));
    assert_eq!(merge.inputs["object"], serde_json::json!({ "file": "rules.txt", "mode": 5 }));

    let gate = ApprovalGate {
        prompt: "Page on-call?".to_owned(),
        timeout: None,
        on_timeout: ApprovalTimeout::Approve,
    };
    assert_eq!(task(&workflow, "page").gate(), Some(&gate));
    let short = ApprovalGate { prompt: "Mail it?".to_owned(), ..ApprovalGate::default() };
    assert_eq!(task(&workflow, "mail").gate(), Some(&short));
}

#[test]
fn policies_and_editors_are_read() {
    let workflow = load(FULL);
    let policy = workflow.settings.policy.as_deref().expect("a policy");
    assert_eq!(policy.allow.as_deref(), Some(&["add_task".into(), "retry_task".into()][..]));
    assert_eq!(policy.only.devices.as_deref(), Some(&["host-*".into(), "llm".into()][..]));
    assert_eq!(policy.only.capabilities.as_deref(), Some(&[][..]));
    assert_eq!((policy.limits.edits, policy.limits.added_tasks), (Some(200), Some(0)));
    assert_eq!(policy.require_approval.devices, None);

    let editor = workflow.settings.editor.as_deref().expect("an editor");
    assert_eq!((editor.edit_on.as_slice(), editor.attempts), (&[OutcomeStatus::Failed][..], 20));
    assert_eq!((editor.hold.scope, editor.hold.late_edits), (HoldScope::Graph, LateEdits::Refuse));
    assert_eq!((editor.hold.batch_window, editor.hold.modification_timeout), (Millis(250), Millis(300_000)));
    let rule = &editor.scripted[0];
    assert_eq!((rule.task.as_str(), rule.outcome), ("scan*", Some(OutcomeStatus::Failed)));
    assert_eq!(rule.edits[0]["task"]["id"], "{{ task.id }}.r2");
    let openai = editor.openai.as_ref().expect("a server");
    assert_eq!(
        (openai.key_env.as_deref(), openai.timeout, openai.max_tokens),
        (None, Millis(60_000), 50_000)
    );
    let plain = load("version: 1\ntasks: {}\npolicy: {}\neditor: {}\n").settings;
    assert!(plain.policy.is_some() && plain.editor.is_some());
}

#[test]
fn what_is_written_reads_back() {
    let workflow = load(FULL);
    let yaml = to_yaml(&workflow).expect("expressible");
    assert_eq!(load(&yaml), workflow, "{yaml}");
    let json = to_json(&workflow).expect("expressible");
    assert_eq!(load(&json), workflow, "{json}");
    assert!(serde_json::from_str::<Value>(&json).is_ok(), "{json}");
    assert!(yaml.contains("approval: Mail it?\n") || yaml.contains("approval: \"Mail it?\"\n"), "{yaml}");
}

/// Remembers what it was asked.
#[derive(Debug, Default)]
struct Folder(Mutex<Vec<String>>);

impl FileResolver for Folder {
    fn resolve(&self, path: &str) -> Result<Artifact, String> {
        self.0.lock().map_err(|error| error.to_string())?.push(path.to_owned());
        if path.starts_with("gone") {
            return Err("no such file".to_owned());
        }
        let hash = BlobHash::from_hex(&"0a".repeat(32))?;
        Ok(Artifact { hash, bytes: 12, name: path.to_owned() })
    }
}

#[test]
fn files_are_read_once_each_while_loading() {
    let file = "version: 1\ntasks:\n  a: &a { run: { noop: }, inputs: { x: { file: x.txt }, y: { file: x.txt } } }\n  b: *a\n";
    let folder = Arc::new(Folder::default());
    let options = LoadOptions { files: Some(Arc::clone(&folder) as _), ..LoadOptions::default() };
    let workflow = Workflow::parse(file.as_bytes(), &options).expect("valid");
    for id in ["a", "b"] {
        for file in task(&workflow, id).files().values() {
            let FileInput::File { path, artifact: Some(artifact) } = file else { panic!("{file:?}") };
            assert_eq!((path.as_str(), artifact.bytes), ("x.txt", 12));
        }
    }
    assert_eq!(*folder.0.lock().expect("whole"), ["x.txt"]);

    let file = file.replace("y: { file: x.txt }", "y: { file: gone.txt }, z: { file: ../x }");
    let problems = Workflow::parse(file.as_bytes(), &options).expect_err("one is gone");
    let codes: Vec<&str> = problems.iter().map(|problem| problem.code.as_str()).collect();
    assert_eq!(codes, ["file_not_readable", "file_not_readable", "invalid_value"]);
    assert!(problems[0].message.ends_with("task a cannot be read: no such file"), "{}", problems[0]);
    assert!(!folder.0.lock().expect("whole").contains(&"../x".to_owned()), "paths are checked first");
}

#[test]
fn rules_send_no_files_of_the_author() {
    let with = |edit: &str| {
        format!(
            "version: 1\ntasks: {{ a: {{ run: {{ noop: }} }} }}\neditor:\n  scripted:\n    - {{ task: a, edits: [{edit}] }}\n"
        )
    };
    for edit in [
        "{ op: add_task, task: { id: b, run: { noop: }, inputs: { x: { file: x.txt } } } }",
        "{ op: add_task, task: { id: b, run: { noop: }, inputs: { x: { file: \"{{ task.id }}.txt\" } } } }",
        "{ op: update_task, id: a, set: { inputs: { x: { file: x.txt } } } }",
        "{ op: merge, graph: { tasks: { b: { run: { noop: }, inputs: { x: { file: x.txt } } } } } }",
        "{ op: build, graph: { tasks: [{ id: b, run: { noop: }, inputs: { x: { file: x.txt } } }] } }",
    ] {
        let file = with(edit);
        let problems = crate::problems(&file);
        assert_eq!(problems.len(), 1, "{}", crate::listed(&problems));
        let problem = &problems[0];
        let column = file.lines().nth(4).and_then(|line| line.find("file: ")).expect("the place") + 1;
        let place =
            (usize::try_from(problem.line).expect("small"), usize::try_from(problem.column).expect("small"));
        assert_eq!((problem.code.as_str(), place), ("invalid_value", (5, column)), "{problem}");
        assert!(problem.hint.as_deref().is_some_and(|hint| hint.contains("artifact: ")), "{problem:?}");
    }
    for edit in [
        "{ op: add_task, task: { id: b, run: { noop: }, inputs: { x: { value: { file: x.txt } } } } }",
        "{ op: add_task, task: { id: b, run: { noop: }, inputs: { x: { file: x.txt, mode: 5 } } } }",
        "{ op: add_task, task: { id: b, run: { noop: }, inputs: { x: { artifact: tasks.a.outputs.y } } } }",
    ] {
        load(&with(edit));
    }
}

#[test]
fn lines_with_secrets_in_them_are_not_shown() {
    let file = "version: 1\nsecrets: { TOKEN: hunter2 }\ntasks: {}\neditor: { openai: { base_url_env: A, key_env: sk-hunter2, model: m } }\n";
    let problems = crate::problems(file);
    assert_eq!(problems.len(), 2, "{}", crate::listed(&problems));
    for problem in problems {
        let shown = starline_workflow::render(&problem, "x.yaml");
        let json = serde_json::to_string(&problem).expect("json");
        assert!(!shown.contains("hunter2") && !json.contains("hunter2"), "{shown}");
    }
}

#[test]
fn one_mistake_in_what_is_sent_brings_no_others() {
    for file in [
        // An output that could not be read.
        "version: 1\ntasks:\n  a: { run: { noop: }, outputs: { x: { from: nowhere, type: artifact } } }\n  b: { after: [a], run: { noop: }, inputs: { x: { artifact: tasks.a.outputs.x } } }\n",
        // Inputs of the file that could not be read.
        "version: 1\ninputs: [x]\ntasks:\n  a: { run: { exec: [ls, \"{{ inputs.x }}\"] } }\n",
        // Secrets that could not be read.
        "version: 1\nsecrets: A\ntasks:\n  a: { run: { exec: [ls], secrets: { A: A } } }\n",
        // A file input that could not be read is an input all the same.
        "version: 1\ntasks:\n  a: { run: { exec: [ls, \"{{ inputs.x }}\"] }, inputs: { x: { file: /x } } }\n",
        // A default that is too long is told once.
        "version: 1\ndefaults: { run_timeout: 0s, queue_timeout: 1s }\ntasks:\n  a: { run: { noop: } }\n  b: { run: { noop: } }\n",
    ] {
        let problems = crate::problems(file);
        assert_eq!(problems.len(), 1, "{}\n{file}", crate::listed(&problems));
    }
}
