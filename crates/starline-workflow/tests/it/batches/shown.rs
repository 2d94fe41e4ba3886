//! Whole graphs as snapshots show them, sent back.

use serde_json::{Value, json};
use starline_edit::TaskGraph;
use starline_types::{Edit, FileInput, TaskField};

use super::{graph, judged, read};

/// Every field that a task can have, and every kind of work and of dependency.
const TASKS: &str = r#"  plain: { run: { noop: {} } }
  scan:
    name: Scan
    description: looks
    tips: [one, two]
    metadata: { owner: me, nested: { noop: 1 } }
    priority: 80
    device: { os: linux, needs: [logs], resources: { cpu_cores: 1, memory: 1GiB } }
    run: { sh: "ls {{ inputs.dir }}", env: { LC_ALL: C }, cwd: work, stdin: hello, secrets: { T: PAGER_TOKEN }, collect: [a.txt] }
    inputs: { dir: /tmp, list: [1, 2], rules: { file: rules.txt } }
    queue_timeout: 10m
    run_timeout: 2500ms
    retry: { max: 2, base: 5s, cap: 50s, factor: 1.5, jitter: none, lost_max: 1, non_retryable: [timeout] }
    idempotent: true
    estimate: { duration: 2s, output_bytes: 16 }
    outputs: { count: { from: stdout, type: integer }, all: { from: result, type: json }, deep: { from: "/a/b", type: string } }
  count: { after: [scan], run: { exec: [wc, -l] }, run_timeout: none }
  ask: { after: { count: failure, scan: completion }, run: { prompt: "Why?" }, approval: { prompt: Really?, timeout: 5m, on_timeout: reject } }
  rest: { after: { ask: { when: "status == 'completed'", note: why } }, run: { sleep: 1500ms } }
  tool: { run: { call: f, arguments: { noop: { sh: { script: x } } } }, inputs: { i: { artifact: tasks.scan.outputs.all } }, after: [scan] }
"#;

/// The run, and its graph as a snapshot shows it. The file that a task is sent is known.
fn world() -> (TaskGraph, Value) {
    let mut graph = graph(TASKS);
    let scan = graph.find("scan").expect("a task");
    let mut files = graph.spec(scan).files().clone();
    for file in files.values_mut() {
        let FileInput::File { artifact, .. } = file else { continue };
        let known = json!({"artifact": "0".repeat(64), "bytes": 3, "name": "rules.txt"});
        *artifact = Some(serde_json::from_value(known).expect("an artifact"));
    }
    let set = vec![TaskField::Inputs(graph.spec(scan).inputs.clone()), TaskField::Files(files)];
    let edits = vec![Edit::UpdateTask { id: graph.id(scan).clone(), set }];
    let batch = starline_edit::EditBatch { edits, ..Default::default() };
    let _ = starline_edit::check(&mut graph, &batch).expect("a batch").commit();
    let shown = serde_json::to_value(graph.to_spec()).expect("JSON");
    (graph, shown)
}

fn edits(graph: &TaskGraph, shown: &Value) -> Vec<Edit> {
    let read = read(&json!({ "graph": shown }).to_string()).resolve(graph);
    assert_eq!(read.unread.faults, vec![]);
    read.batch.edits
}

fn task<'v>(shown: &'v mut Value, id: &str) -> &'v mut Value {
    let tasks = shown["tasks"].as_array_mut().expect("tasks");
    tasks.iter_mut().find(|task| task["id"] == id).expect("a task")
}

#[test]
fn a_graph_that_is_sent_back_as_it_is_shown_changes_nothing() {
    let (graph, shown) = world();
    assert_eq!(edits(&graph, &shown), vec![]);
    // Each task alone decides nothing: one that is plain enough looks like a file.
    for at in 0..6 {
        let mut only = shown.clone();
        let kept = only["tasks"][at].clone();
        only["tasks"] = json!([kept]);
        only.as_object_mut().expect("a map").remove("dependencies");
        let found = edits(&graph, &only);
        assert!(found.iter().all(|edit| edit.op() == "remove_task") && found.len() == 5, "{at}: {found:?}");
    }
}

#[test]
fn one_changed_task_is_exactly_that_edit() {
    let changes: [(&str, &str, Value, &str); 14] = [
        ("scan", "/run/sh/script", json!("date"), "run"),
        ("scan", "/run", json!({"sh": "date"}), "run"),
        ("scan", "/run", json!("noop"), "run"),
        ("plain", "/run", json!({"exec": ["date"]}), "run"),
        ("plain", "/run", json!({"exec": {"argv": ["date"]}}), "run"),
        ("rest", "/run/sleep", json!(7), "run"),
        ("scan", "/run_timeout", json!(5000), "run_timeout"),
        ("scan", "/run_timeout", json!("5s"), "run_timeout"),
        ("count", "/run_timeout", json!(5000), "run_timeout"),
        ("scan", "/priority", json!(50), "priority"),
        ("scan", "/retry/base", json!(7), "retry"),
        ("scan", "/details/description", json!("new"), "description"),
        ("ask", "/details/approval/timeout", json!(1000), "approval"),
        ("scan", "/inputs/dir", json!("/"), "inputs"),
    ];
    for (id, place, value, field) in changes {
        let (mut graph, mut shown) = world();
        *task(&mut shown, id).pointer_mut(place).unwrap_or_else(|| panic!("{id}{place}")) = value.clone();
        let found = edits(&graph, &shown);
        let [Edit::UpdateTask { id: changed, set }] = found.as_slice() else {
            panic!("{id}{place}: {found:?}")
        };
        let names: Vec<&str> = set.iter().map(TaskField::name).collect();
        assert_eq!((changed.as_str(), names.as_slice()), (id, [field].as_slice()), "{value}");
        let text = json!({ "base": 1, "graph": shown }).to_string();
        judged(&mut graph, read(&text)).unwrap_or_else(|rejection| panic!("{id}{place}: {rejection}"));
    }
    let (graph, mut shown) = world();
    shown["dependencies"].as_array_mut().expect("edges").retain(|edge| edge["to"] != "count");
    assert_eq!(edits(&graph, &shown).iter().map(Edit::op).collect::<Vec<_>>(), ["remove_dependency"]);
}

#[test]
fn state_is_ignored_with_a_warning_for_each_place() {
    let (graph, mut shown) = world();
    shown["status"] = json!("completed");
    shown["statistics"] = json!({});
    for (id, field) in [("scan", "status"), ("scan", "result"), ("plain", "started_at"), ("rest", "attempts")]
    {
        task(&mut shown, id)[field] = json!("completed");
    }
    let read = read(&json!({ "graph": shown }).to_string()).resolve(&graph);
    assert!(read.batch.edits.is_empty() && read.unread.faults.is_empty(), "{read:?}");
    let places: Vec<&str> = read.warnings.iter().map(|warning| warning.pointer.as_str()).collect();
    assert!(read.warnings.iter().all(|warning| warning.code == "state_ignored"));
    let mut sorted = places.clone();
    sorted.sort_unstable();
    assert_eq!(
        sorted,
        [
            "/graph/statistics",
            "/graph/status",
            "/graph/tasks/0/started_at",
            "/graph/tasks/1/result",
            "/graph/tasks/1/status",
            "/graph/tasks/4/attempts",
        ]
    );
    assert_eq!(read.unread.ignored, places);
}

#[test]
fn very_many_places_with_state_are_counted() {
    let tasks: Vec<Value> = (0..1_500).map(|at| json!({"id": format!("t{at}"), "status": "x"})).collect();
    let read = read(&json!({ "graph": { "tasks": tasks } }).to_string());
    assert_eq!((read.warnings.len(), read.unread.ignored.len()), (1_001, 1_000));
    assert_eq!(read.warnings[1_000].message, "500 more places with execution state are not listed");
}

#[test]
fn files_of_an_author_are_refused_and_those_that_are_there_are_kept() {
    let (graph, shown) = world();
    let file = |path: &str| json!({"rules": {"file": path}});
    let task = |path: &str| json!({"id": "new", "run": {"noop": {}}, "inputs": file(path)});
    let bodies = [
        json!({"edits": [{"op": "add_task", "task": task("x.txt")}]}),
        json!({"edits": [{"op": "update_task", "id": "scan", "set": {"inputs": file("x.txt")}}]}),
        json!({"edits": [{"op": "merge", "prefix": "p", "graph": {"tasks": [task("x.txt")]}}]}),
        json!({"edits": [{"op": "build", "graph": {"tasks": [task("rules.txt")]}}]}),
        json!({"graph": {"tasks": [task("x.txt")]}}),
    ];
    for body in bodies {
        let faults = read(&body.to_string()).resolve(&graph).unread.faults;
        let fault = faults.first().unwrap_or_else(|| panic!("{body} is accepted"));
        assert_eq!((faults.len(), fault.code.as_str()), (1, "invalid_value"), "{body}");
        assert!(["new", "scan"].contains(&fault.item.as_str()), "{fault}");
        assert!(fault.message.contains("`rules`") && fault.message.contains(".txt`"), "{fault}");
        assert!(fault.hint.as_deref().is_some_and(|hint| hint.contains("artifact: tasks.ID")), "{fault}");
    }
    let same = json!({"edits": [{"op": "update_task", "id": "scan", "set": {"inputs": file("rules.txt")}}]});
    assert_eq!(read(&same.to_string()).resolve(&graph).unread.faults, vec![]);
    let build = json!({"edits": [{"op": "build", "graph": {"tasks": [
        {"id": "scan", "run": {"noop": {}}, "inputs": file("rules.txt")}]}}]});
    assert_eq!(read(&build.to_string()).resolve(&graph).unread.faults, vec![]);
    assert_eq!(edits(&graph, &shown), vec![]);
}
