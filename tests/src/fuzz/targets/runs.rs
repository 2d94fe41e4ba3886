//! Graphs, edits and records of runs, as they come in JSON.

use std::sync::Arc;

use starline_edit::{Surroundings, TaskGraph, check_within};
use starline_report::{History, to_chrome_trace, to_html, to_markdown};
use starline_scheduler::{Fleet, Input, Scheduler, Step};
use starline_sim::Strategist;
use starline_types::{
    DeviceId, DeviceProfile, Edit, EditBatch, Envelope, GraphSpec, RunId, RunSettings, Timestamp, Value,
};

use crate::fuzz::meter::call;
use crate::fuzz::seeds;

const RICH: &str = r#"{"name": "rich", "tasks": [
    {"id": "a", "run": {"sh": {"script": "echo {{ inputs.x }}"}}, "priority": 75,
     "outputs": {"n": {"from": "/n", "type": "integer"}}, "retry": {"max": 3, "base": 500, "jitter": "none"}},
    {"id": "b", "run": {"exec": {"argv": ["ls", "{{ tasks.a.outputs.n }}"]}},
     "device": {"on": "d1", "needs": ["x"], "resources": {"memory": 4}}, "queue_timeout": 1000},
    {"id": "c", "run": {"sleep": 5}, "estimate": {"duration": 7}, "details": {"description": "text", "tips": ["t"]}}],
  "dependencies": [{"from": "a", "to": "b"},
    {"from": "a", "to": "c", "kind": {"when": "outputs.n > 3"}, "id": "x>y", "note": "why"},
    {"from": "b", "to": "c", "kind": "completion"}],
  "metadata": {"k": [1, null]}}"#;

const BATCHES: [&str; 5] = [
    r#"{"edits": [{"op": "add_task", "task": {"id": "n"}, "after": [["a", "success"], ["b", "completion"]]}]}"#,
    r#"{"base": 1, "edits": [{"op": "add_dependency", "from": "a", "to": "c"}], "reason": "why"}"#,
    r#"{"base": 1, "edits": [{"op": "build", "graph": {"tasks": [{"id": "z"}]}, "clear_existing": false}], "request": "r-1"}"#,
    r#"{"base": 1, "edits": [{"op": "add_dependency", "from": "c", "to": "b", "kind": {"when": "status == 'failed'"}}]}"#,
    r#"{"base": 1, "edits": [{"op": "add_task", "task": {"id": "m", "run": {"sh": {"script": "echo {{ tasks.a.result }}"}}}, "after": [["a", "failure"]]}, {"op": "add_task", "task": {"id": "o"}, "after": [["m", "success"]]}]}"#,
];

pub(super) fn graphs() -> Vec<String> {
    let plain =
        r#"{"tasks": [{"id": "a"}, {"id": "b"}, {"id": "c"}], "dependencies": [{"from": "a", "to": "b"}]}"#;
    vec![RICH.to_owned(), plain.to_owned()]
}

pub(super) fn batches() -> Vec<String> {
    BATCHES.map(str::to_owned).to_vec()
}

pub(super) fn envelopes() -> Vec<String> {
    let journals = seeds::journals();
    let mut lines: Vec<String> =
        journals.iter().flat_map(|journal| journal.lines()).map(str::to_owned).collect();
    // One of each kind is enough, and a few of the most frequent.
    lines.sort_by_key(String::len);
    lines.into_iter().step_by(3).collect()
}

pub(super) fn all_settings() -> Vec<String> {
    let default = serde_json::to_string(&RunSettings::default()).expect("settings are JSON");
    let full = r#"{"max_parallel": 4, "inputs": {"x": [1, "a"]}, "secrets": ["TOKEN"], "on_failure": "fail_fast",
      "policy": {"allow": ["add_task"], "limits": {"edits": 3}}, "editor": {"edit_on": ["failed"], "attempts": 3}}"#;
    vec![default, full.to_owned()]
}

/// What was read is written, and read again as the same.
fn assert_kept<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq>(value: &T) {
    let text = serde_json::to_string(value).expect("what is read can be written");
    let read = serde_json::from_str::<T>(&text);
    assert!(read.is_ok_and(|read| read == *value), "written it reads as another one: {text}");
}

pub(super) fn rich() -> TaskGraph {
    let mut graph = TaskGraph::default();
    let spec = serde_json::from_str(RICH).expect("a graph");
    let edits = vec![Edit::Build { graph: Arc::new(spec), clear_existing: true }];
    let batch = EditBatch { edits, ..EditBatch::default() };
    drop(check_within(&mut graph, &batch, &Surroundings::default()).expect("a valid graph").commit());
    graph
}

pub(super) fn graph(bytes: &[u8]) -> bool {
    let Ok(spec) = call("GraphSpec", || serde_json::from_slice::<GraphSpec>(bytes)) else { return false };
    assert_kept(&spec);
    let edits = vec![Edit::Build { graph: Arc::new(spec), clear_existing: true }];
    let batch = EditBatch { edits, ..EditBatch::default() };
    let mut graph = TaskGraph::default();
    let accepted =
        call("check_within", || match check_within(&mut graph, &batch, &Surroundings::default()) {
            Ok(checked) => {
                drop(checked.commit());
                true
            }
            Err(rejection) => {
                assert!(!rejection.faults.is_empty(), "refused without a fault");
                false
            }
        });
    assert_eq!(starline_graph::audit(&graph), vec![]);
    accepted
}

pub(super) fn batch(bytes: &[u8]) -> bool {
    let Ok(batch) = call("EditBatch", || serde_json::from_slice::<EditBatch>(bytes)) else { return false };
    assert_kept(&batch);
    let mut graph = rich();
    let before = (graph.to_spec(), graph.revision());
    let accepted =
        call("check_within", || match check_within(&mut graph, &batch, &Surroundings::default()) {
            Ok(checked) => {
                drop(checked.commit());
                true
            }
            Err(rejection) => {
                assert!(!rejection.faults.is_empty(), "refused without a fault");
                false
            }
        });
    assert!(accepted || (graph.to_spec(), graph.revision()) == before, "a refused batch changed the graph");
    assert_eq!(starline_graph::audit(&graph), vec![]);
    accepted
}

pub(super) fn envelope(bytes: &[u8]) -> bool {
    let Ok(envelope) = call("Envelope", || serde_json::from_slice::<Envelope>(bytes)) else { return false };
    assert_kept(&envelope);
    true
}

pub(super) fn settings(bytes: &[u8]) -> bool {
    let Ok(settings) = call("RunSettings", || serde_json::from_slice::<RunSettings>(bytes)) else {
        return false;
    };
    assert_kept(&settings);
    true
}

pub(super) fn history(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Ok(history) = call("History::read_json_lines", || History::read_json_lines(&text)) else {
        return false;
    };
    let page = call("to_html", || to_html(&history));
    assert!(!page.contains("<script"), "a script in the page");
    let control = page.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    assert_eq!(control, None, "a control character in the page");
    drop(call("to_markdown", || to_markdown(&history)));
    let trace = call("to_chrome_trace", || to_chrome_trace(&history));
    assert!(serde_json::from_str::<Value>(&trace).is_ok(), "the trace is no JSON");
    let _ = call("summary", || history.summary());
    let _ = call("plan", || history.plan());
    let _ = call("device_use", || history.device_use());
    let _ = call("readings", || (history.readings(), history.statistics()));
    true
}

pub(super) fn journal(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let facts: Vec<Envelope> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let mut fleet = Fleet::new();
    let id = DeviceId::new("d1").expect("an id");
    let device = fleet.register(DeviceProfile::new(id, "simulated"));
    fleet.set_connected(device, true);
    let run = facts.first().map_or_else(RunId::system, |fact| fact.run_id.clone());
    let strategy = Strategist::RoundRobin.make();
    let recovered = call("Scheduler::recover", || Scheduler::recover(run, strategy, &mut fleet, &facts));
    let Ok(mut scheduler) = recovered else { return false };
    let now = facts.iter().map(|fact| fact.t).max().unwrap_or(Timestamp(0));
    let mut step = Step::default();
    for input in [Input::Tick, Input::Start, Input::Resume, Input::CancelRun { force: true }] {
        call("Scheduler::step_into", || scheduler.step_into(now, input, &mut fleet, &mut step));
        call("Scheduler::place", || scheduler.place(now, &mut fleet, 100, &mut step));
    }
    let _ = (scheduler.fingerprint(), scheduler.outcome(&fleet), scheduler.snapshot(now, &mut fleet));
    true
}
