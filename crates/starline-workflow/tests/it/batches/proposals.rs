//! Whole graphs in place of edits.

use starline_types::{DeviceIx, Edit, OutcomeStatus, Timestamp};
use starline_workflow::{GalaxyExport, LoadOptions, Workflow, export_galaxy};

use super::{graph, judged, read, told};

const TASKS: &str = "  scan: { run: { sh: ls }, outputs: { count: { from: stdout, type: integer } } }
  merge: { outputs: { total: { from: stdout, type: integer } }, after: [scan], priority: 80, device: { os: linux }, retry: { max: 2, base: 5s }, run: { exec: [./merge.sh] }, description: old }
  page: { after: { merge: { when: outputs.total > 100, note: why } }, run: { prompt: Page } }
";

fn edits(text: &str) -> (Vec<Edit>, Vec<String>) {
    let read = read(text).resolve(&graph(TASKS));
    assert_eq!(read.unread.faults, vec![], "{text}");
    (read.batch.edits, read.warnings.into_iter().map(|warning| warning.code).collect())
}

fn ops(text: &str) -> Vec<&'static str> {
    edits(text).0.iter().map(Edit::op).collect()
}

#[test]
fn only_what_is_said_changes() {
    assert!(ops(r#"{"graph": {"tasks": {"scan": {}, "merge": {}, "page": {}}}}"#).is_empty());
    assert!(
        ops(r#"{"graph": {"tasks": [{"id": "scan"}, {"id": "merge", "after": ["scan"]}, {"id": "page"}]}}"#)
            .is_empty()
    );
    let (found, _) = edits(
        r#"{"graph": {"tasks": {"scan": {}, "merge": {"priority": null, "description": "new"}, "page": {}}}}"#,
    );
    let [Edit::UpdateTask { id, set }] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(id.as_str(), "merge");
    assert_eq!(set.iter().map(|field| field.name()).collect::<Vec<_>>(), ["priority", "description"]);
    assert_eq!(
        ops(r#"{"graph": {"tasks": {"scan": {}, "merge": {"after": []}, "page": {}}}}"#),
        ["remove_dependency"]
    );
    // Terms that are not said stay; a list says that success is waited for.
    let listed = r#"{"graph": {"tasks": {"scan": {}, "merge": {}, "page": {}},
      "dependencies": [{"from": "scan", "to": "merge"}, {"from": "merge", "to": "page"}]}}"#;
    assert!(ops(listed).is_empty());
    assert_eq!(
        ops(r#"{"graph": {"tasks": {"scan": {}, "merge": {}, "page": {}}, "dependencies": []}}"#),
        ["remove_dependency"; 2]
    );
    assert_eq!(
        ops(r#"{"graph": {"tasks": {"scan": {}, "merge": {}, "page": {"after": ["merge"]}}}}"#),
        ["update_dependency"]
    );
    let new = r#"{"graph": {"tasks": {"scan": {}, "merge": {}, "page": {}, "last": {"run": {"noop": {}}, "after": {"page": "failure"}}}}}"#;
    assert_eq!(ops(new), ["add_task", "add_dependency"]);
    assert_eq!(ops(r#"{"graph": {"tasks": {"scan": {}, "merge": {}}}}"#), ["remove_task"]);
}

#[test]
fn e11_state_is_ignored_and_what_has_ended_stays() {
    let mut run = graph(TASKS);
    let scan = run.find("scan").expect("a task");
    run.start(scan, 1, DeviceIx(0), Timestamp::default());
    run.end(scan, OutcomeStatus::Completed, Timestamp::default(), &[], |_, _| {});
    let text = r#"{"graph": {"tasks": {"merge": {"description": "new", "status": "running"}, "page": {"status": "running"}}}}"#;
    let read_it = read(text).resolve(&run);
    let codes: Vec<&str> = read_it.warnings.iter().map(|warning| warning.code.as_str()).collect();
    assert_eq!(codes, ["state_ignored", "state_ignored", "kept_started_task"]);
    assert_eq!(read_it.warnings[0].pointer, "/graph/tasks/merge/status");
    let applied = judged(&mut run, read_it).expect("one update");
    assert_eq!((applied.batch.edits.len(), applied.batch.edits[0].op()), (1, "update_task"));
    assert_eq!(applied.revision.0, 1);
    // A task that is running cannot go.
    let mut run = graph(TASKS);
    run.start(run.find("scan").expect("a task"), 1, DeviceIx(0), Timestamp::default());
    let rejection = judged(&mut run, read(text)).expect_err("scan is running");
    assert_eq!(told(&rejection), ["0 task_not_pending scan"]);
}

#[test]
fn a_constellation_changes_what_differs_from_its_own_view() {
    let file = format!("version: 1\ntasks:\n{TASKS}");
    let workflow = Workflow::parse(file.as_bytes(), &LoadOptions::default()).expect("a valid file");
    let written = export_galaxy(&workflow, &GalaxyExport::default()).expect("expressible");
    let mut value: serde_json::Value = serde_json::from_str(&written.json).expect("json");
    let batch = |value: &serde_json::Value| serde_json::json!({ "graph": value }).to_string();
    assert!(ops(&batch(&value)).is_empty());
    // Without what starline has written beside it.
    value["metadata"] = serde_json::json!({});
    assert!(ops(&batch(&value)).is_empty(), "{:?}", edits(&batch(&value)));
    value["tasks"]["merge"]["retry_count"] = 5.into();
    value["tasks"]["merge"]["target_device_id"] = "host-a".into();
    value["tasks"]["page"]["description"] = "Call".into();
    let (found, _) = edits(&batch(&value));
    assert_eq!(found.len(), 2, "{found:?}");
    let mut run = graph(TASKS);
    let _ = judged(&mut run, read(&batch(&value))).expect("two updates");
    let merge = run.spec(run.find("merge").expect("a task"));
    assert_eq!((merge.retry_policy().max, merge.retry_policy().base.0), (5, 5_000));
    let device = merge.device.as_deref().expect("a selector");
    assert_eq!(
        (device.on.as_ref().map(|id| id.as_str()), device.os.as_deref()),
        (Some("host-a"), Some("linux"))
    );
    assert_eq!((merge.priority.value(), merge.run.kind()), (80, "exec"));
    let page = run.spec(run.find("page").expect("a task"));
    assert!(format!("{:?}", page.run).contains("Call"), "{page:?}");
}
