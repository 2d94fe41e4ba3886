//! The export of workflows and runs in WfFormat.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::json;
use starline_types::{
    Artifact, BlobHash, DeviceId, DeviceProfile, FileInput, GraphSpec, Millis, Reading, Revision, RunId,
    RunOutcome, RunState, StateCounts, Statistics, TaskDetails, TaskId, TaskResult, TaskSpec,
};
use starline_workflow::{
    ExportOptions, Exported, ImportOptions, Imported, Value, WfVersion, edge_bytes, export_wfformat,
    import_wfformat, import_wfformat_with,
};

use super::schema::faults;
use crate::workflow::written::assert_writable;
use crate::{listed, load};

pub(crate) fn import(json: &str) -> Imported {
    let imported =
        import_wfformat(json.as_bytes()).unwrap_or_else(|problems| panic!("{}\n{json}", listed(&problems)));
    assert_writable(&imported.workflow);
    imported
}

/// Writes an imported record again.
pub(crate) fn export(imported: &Imported, version: WfVersion) -> Exported {
    let devices = &imported.devices;
    let description = &imported.workflow.description;
    export_wfformat(&imported.workflow.graph, None, &ExportOptions { version, devices, description })
}

pub(crate) fn parsed(exported: &Exported) -> Value {
    serde_json::from_str(&exported.json).unwrap_or_else(|error| panic!("{error}\n{}", exported.json))
}

pub(crate) fn codes(exported: &Exported) -> Vec<String> {
    exported.warnings.iter().map(|warning| format!("{} {}", warning.code, warning.pointer)).collect()
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/wfformat")
}

/// Members of one record that another has with another value, or not at all.
fn lost(from: &Value, to: &Value, path: &str, out: &mut Vec<String>) {
    match (from, to) {
        (Value::Object(from), Value::Object(to)) => {
            for (name, value) in from {
                lost(value, to.get(name).unwrap_or(&Value::Null), &format!("{path}/{name}"), out);
            }
        }
        (Value::Array(from), Value::Array(to)) if from.len() == to.len() => {
            for (at, (from, to)) in from.iter().zip(to).enumerate() {
                lost(from, to, &format!("{path}/{at}"), out);
            }
        }
        (Value::Number(from), Value::Number(to)) if from.as_f64() == to.as_f64() => {}
        _ if from == to => {}
        _ => out.push(format!("{path}: {from} became {to}")),
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that misses its data says so")]
fn real_records_come_back_whole() {
    let Ok(folder) = std::fs::read_dir(data()) else {
        eprintln!("skipped: no recorded workflows beside this folder");
        return;
    };
    let files = folder.flatten().map(|entry| entry.path());
    let mut seen = 0;
    for path in files.filter(|path| path.extension().is_some_and(|extension| extension == "json")) {
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let imported = import(&text);
        for (version, pin) in [(WfVersion::V1_5, false), (WfVersion::V1_6, false), (WfVersion::V1_6, true)] {
            let options = ImportOptions { pin, ..ImportOptions::default() };
            let imported = import_wfformat_with(text.as_bytes(), &options).expect("imported before");
            let exported = export(&imported, version);
            assert_eq!(codes(&exported), [""; 0], "{}", path.display());
            assert_eq!(faults(&parsed(&exported)), [""; 0], "{}", path.display());
            let again = import_wfformat_with(exported.json.as_bytes(), &options)
                .unwrap_or_else(|problems| panic!("{}: {}", path.display(), listed(&problems)));
            assert_eq!(again.workflow, imported.workflow, "{}", path.display());
            assert_eq!(again.devices, imported.devices, "{}", path.display());
        }
        // Not even what starline has no use for is lost.
        let record: Value = serde_json::from_str(&text).expect("json");
        let mut differences = Vec::new();
        lost(&record, &parsed(&export(&imported, WfVersion::V1_5)), "", &mut differences);
        differences.retain(|difference| !order_of_children(difference));
        assert_eq!(differences, [""; 0], "{}", path.display());
        // A workflow file in between changes nothing.
        let file = starline_workflow::to_yaml(&imported.workflow).expect("expressible");
        assert_eq!(load(&file), imported.workflow, "{}", path.display());
        seen += 1;
    }
    assert!(seen > 0, "a folder without records");
}

/// Children are written in the order in which tasks name their parents.
fn order_of_children(difference: &str) -> bool {
    difference.contains("/children/")
}

#[test]
fn edges_move_the_files_of_both_ends() {
    let imported = import(
        r#"{"name": "x", "schemaVersion": "1.6", "workflow": {"specification": {
          "tasks": [
            {"name": "a", "id": "a", "parents": [], "children": ["b", "c", "d"], "outputFiles": ["f", "g", "u"]},
            {"name": "b", "id": "b", "parents": ["a"], "children": [], "inputFiles": ["g", "f", "h", "u"]},
            {"name": "c", "id": "c", "parents": ["a"], "children": [], "inputFiles": ["h"]},
            {"name": "d", "id": "d", "parents": ["a"], "children": []}],
          "files": [{"id": "f", "sizeInBytes": 10}, {"id": "g", "sizeInBytes": 5}, {"id": "h", "sizeInBytes": 9}]}}}"#,
    );
    assert_eq!(edge_bytes(&imported.workflow.graph), [Some(15), Some(0), None]);
    assert_eq!(edge_bytes(&GraphSpec::default()), []);
}

/// How a run of a graph ended in which some tasks had an attempt.
pub(crate) fn outcome(graph: &GraphSpec, seed: usize) -> RunOutcome {
    let result = |at: usize| {
        let attempts = u32::try_from((seed + at) % 3).expect("few");
        let started = (attempts > 0).then_some(1_770_000_000_000 + at as u64 * 1500);
        TaskResult {
            status: if attempts > 0 { Reading::Completed } else { Reading::Skipped },
            result: Value::Null,
            outputs: BTreeMap::new(),
            error: None,
            device: started.and_then(|_| DeviceId::new(["left", "right"][at % 2]).ok()),
            attempts,
            started_at: started,
            finished_at: started.map(|from| from + 1234),
            duration_ms: started.map(|_| Millis(1234)),
            skip_reason: None,
        }
    };
    let results = graph.tasks.iter().enumerate().map(|(at, task)| (task.id.clone(), result(at))).collect();
    RunOutcome {
        run_id: RunId::new("run-1").expect("an id"),
        status: RunState::Completed,
        total_tasks: graph.tasks.len(),
        counts: StateCounts::default(),
        results,
        statistics: Statistics::default(),
        revision: Revision::default(),
        started_at: Some(1_770_000_000_000),
        finished_at: Some(1_770_000_009_500),
        duration_ms: Millis(9_500),
        reason: None,
        unconfirmed: Vec::new(),
    }
}

#[test]
fn a_finished_run_carries_what_was_measured() {
    let workflow = load(
        "
version: 1
name: nightly
tasks:
  fetch: { run: { exec: [curl, -sO, ''] }, estimate: { duration: 99s }, priority: high }
  count: { after: { fetch: { when: status == 'completed' } }, run: { sh: wc -l x }, device: { resources: { cpu_cores: 2 } } }
  ask: { after: [count], run: { prompt: what now } }
  never: { after: { ask: failure }, run: { noop: } }
",
    );
    let mut graph = GraphSpec::clone(&workflow.graph);
    let mut run = outcome(&graph, 0);
    let hash = BlobHash::from_hex(&"0a".repeat(32)).expect("a hash");
    let artifact = Artifact { hash, bytes: 700, name: "my data.csv".to_owned() };
    for (at, (task, attempts)) in
        [("fetch", 2), ("count", 1), ("ask", 1), ("never", 0)].into_iter().enumerate()
    {
        let one = outcome(&graph, usize::try_from(attempts).expect("few"));
        let mut result = one.results[&graph.tasks[0].id].clone();
        result.duration_ms = Some(Millis(1000 + at as u64));
        result.device =
            (attempts > 0).then(|| DeviceId::new(if at == 1 { "box" } else { "lap_top" }).expect("an id"));
        run.results.insert(TaskId::new(task).expect("an id"), result);
    }
    let fetched = run.results.get_mut(&graph.tasks[0].id).expect("a result");
    fetched.outputs.insert("data".to_owned(), artifact.to_value());
    let mut reader = TaskSpec::clone(&graph.tasks[1]);
    let input = FileInput::Output { task: graph.tasks[0].id.clone(), output: "data".to_owned() };
    let files = BTreeMap::from([("data".to_owned(), input)]);
    reader.details = Some(TaskDetails { files, ..TaskDetails::default() }.into());
    graph.tasks[1] = reader.into();

    let mut big =
        DeviceProfile::new(DeviceId::new("box").expect("an id"), "process").with_os("Linux").with_slots(4);
    big.attributes.insert("speed_mhz".to_owned(), json!(2400));
    big.resources.0.insert("memory".to_owned(), 64);
    let idle = DeviceProfile::new(DeviceId::new("idle").expect("an id"), "process");
    let devices = [idle, big];
    let options = ExportOptions { devices: &devices, description: "every night", ..ExportOptions::default() };
    let exported = export_wfformat(&graph, Some(&run), &options);
    let expected = json!({
        "name": "nightly", "description": "every night", "createdAt": "2026-02-02T02:40:09.5Z", "schemaVersion": "1.6",
        "runtimeSystem": {"name": "starline", "version": env!("CARGO_PKG_VERSION")},
        "workflow": {
            "specification": {
                "tasks": [
                    {"name": "fetch", "id": "fetch", "parents": [], "children": ["count"], "inputFiles": [], "outputFiles": ["fetch/data/my_data.csv"]},
                    {"name": "count", "id": "count", "parents": ["fetch"], "children": ["ask"], "inputFiles": ["fetch/data/my_data.csv"], "outputFiles": []},
                    {"name": "ask", "id": "ask", "parents": ["count"], "children": ["never"], "inputFiles": [], "outputFiles": []},
                    {"name": "never", "id": "never", "parents": ["ask"], "children": [], "inputFiles": [], "outputFiles": []},
                ],
                "files": [{"id": "fetch/data/my_data.csv", "sizeInBytes": 700}],
                "metrics": {"numberOfTasks": 4, "numberOfFiles": 1, "sumOfFileSizesInBytes": 700, "numberOfLevels": 4, "minimumWidth": 1, "maximumWidth": 1},
            },
            "execution": {
                "makespanInSeconds": 9.5, "executedAt": "2026-02-02T02:40:00Z",
                "tasks": [
                    {"id": "fetch", "runtimeInSeconds": 1.0, "executedAt": "2026-02-02T02:40:00Z", "priority": 75, "machines": ["lap_top"],
                     "command": {"program": "curl", "arguments": ["-sO"]}},
                    {"id": "count", "runtimeInSeconds": 1.001, "executedAt": "2026-02-02T02:40:00Z", "coreCount": 2, "machines": ["box"],
                     "command": {"program": "sh", "arguments": ["-c", "wc -l x"]}},
                    {"id": "ask", "runtimeInSeconds": 1.002, "executedAt": "2026-02-02T02:40:00Z", "machines": ["lap_top"]},
                ],
                "machines": [
                    {"nodeName": "box", "system": "linux", "memoryInBytes": 64, "cpu": {"coreCount": 4, "speedInMHz": 2400}},
                    {"nodeName": "lap_top"},
                ],
                "metrics": {"sumTaskRuntimesInSeconds": 3.003},
            },
        },
    });
    assert_eq!(parsed(&exported), expected);
    assert_eq!(faults(&expected), [""; 0]);
    let told = [
        "kind_lost /workflow/specification/tasks/1/parents/0",
        "kind_lost /workflow/specification/tasks/3/parents/0",
        "id_rewritten /workflow/specification/files/0/id",
        "field_lost /workflow/execution/tasks/0/command/arguments",
        "command_lost /workflow/execution/tasks/2",
        "not_executed /workflow/specification/tasks/3",
    ];
    assert_eq!(codes(&exported), told);

    let again = import(&exported.json);
    let measured: Vec<u64> = (again.workflow.graph.tasks.iter())
        .map(|task| task.estimate.as_ref().and_then(|estimate| estimate.duration).expect("a run time").0)
        .collect();
    assert_eq!(measured, [1000, 1001, 1002, 0]);
    assert_eq!(edge_bytes(&again.workflow.graph), [Some(700), None, None]);

    let old = export_wfformat(&graph, Some(&run), &ExportOptions { version: WfVersion::V1_5, ..options });
    assert_eq!(faults(&parsed(&old)), [""; 0], "{}", old.json);
}

#[test]
fn a_run_that_never_began_has_no_execution() {
    let workflow = load(
        "version: 1\ntasks:\n  a:b: { run: { noop: }, estimate: { duration: 1s } }\n  a_b: { run: { noop: } }\n",
    );
    let mut run = outcome(&workflow.graph, 0);
    run.results.clear();
    let options = ExportOptions { version: WfVersion::V1_5, ..ExportOptions::default() };
    let exported = export_wfformat(&workflow.graph, Some(&run), &options);
    let written = parsed(&exported);
    assert_eq!((&written["name"], written["workflow"].get("execution")), (&json!("run-1"), None));
    assert_eq!(written["workflow"]["specification"]["tasks"][0]["id"], "a_b_2");
    assert_eq!(
        codes(&exported),
        [
            "id_rewritten /workflow/specification/tasks/0/id",
            "not_executed /workflow/specification/tasks/0",
            "not_executed /workflow/specification/tasks/1"
        ]
    );
    let empty = export_wfformat(&GraphSpec::default(), None, &ExportOptions::default());
    assert_eq!(codes(&empty), ["no_tasks /workflow/specification/tasks"]);
}

#[test]
fn what_the_schema_forbids_is_left_out() {
    let record = r#"{"name": "x", "schemaVersion": "1.6", "author": {"name": "nobody"}, "workflow": {
      "specification": {"tasks": [{"id": "a/b", "name": "", "outputFiles": ["my file"]}, {"id": "c d"}],
        "files": [{"id": "my file", "sizeInBytes": 3}]},
      "execution": {"makespanInSeconds": 1, "tasks": [{"id": "a/b", "runtimeInSeconds": 0.4004, "coreCount": 0.5, "avgCPU": "much", "machines": ["n/1"]}],
        "machines": [{"nodeName": "n/1", "system": "plan9", "memoryInBytes": 0, "release": ""}]}}}"#;
    let imported = import(record);
    let exported = export(&imported, WfVersion::V1_6);
    let written = parsed(&exported);
    assert_eq!(faults(&written), [""; 0], "{}", exported.json);
    let execution = &written["workflow"]["execution"];
    assert_eq!(written["workflow"]["specification"]["tasks"][0]["id"], "a/b");
    assert_eq!(
        (&execution["tasks"][0]["runtimeInSeconds"], &execution["tasks"][0]["coreCount"]),
        (&json!(0.4004), &json!(1))
    );
    assert_eq!(
        (&execution["machines"][0]["nodeName"], &execution["tasks"][0]["machines"]),
        (&json!("n/1"), &json!(["n/1"]))
    );
    let told: BTreeSet<&str> = exported.warnings.iter().map(|warning| warning.code.as_str()).collect();
    assert_eq!(told.into_iter().collect::<Vec<_>>(), ["field_lost", "id_rewritten"]);
}
