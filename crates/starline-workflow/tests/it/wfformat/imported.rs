//! The import of recorded workflows.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use starline_types::{Millis, Payload};
use starline_workflow::{
    ImportOptions, Imported, Value, import_wfformat, import_wfformat_with, to_json, to_yaml,
};

use crate::{listed, load};

const SMALL: &str = r#"{
  "name": "two", "description": "a pair", "schemaVersion": "1.6", "createdAt": "2026-01-05T08:00:00Z",
  "metrics": {"width": 1},
  "workflow": {
    "specification": {
      "tasks": [
        {"name": "split", "id": "split 1", "parents": [], "children": ["join"], "inputFiles": [], "outputFiles": ["f", "g", "h"]},
        {"name": "join", "id": "join", "parents": ["split 1", "lone"], "children": [], "inputFiles": ["f"]},
        {"name": "join", "id": "lone", "parents": [], "children": ["last"]},
        {"name": "last", "id": "last", "parents": [], "children": []}
      ],
      "files": [{"id": "f", "sizeInBytes": 10}, {"id": "g", "sizeInBytes": 5}]
    },
    "execution": {
      "makespanInSeconds": 4.5, "executedAt": "2026-01-05T08:00:00Z",
      "tasks": [
        {"id": "split 1", "runtimeInSeconds": 1.2345, "command": {"program": "split", "arguments": ["-x", "{{ y }}"]},
         "coreCount": 1.5, "memoryInBytes": 1000, "priority": 900, "machines": ["node/a", "node-b"]},
        {"id": "join", "runtimeInSeconds": 2, "machines": ["node-b"], "priority": -3},
        {"id": "last", "runtimeInSeconds": 0.0004, "command": {"arguments": []}},
        {"id": "other", "runtimeInSeconds": 1}
      ],
      "machines": [
        {"nodeName": "node-b", "system": "linux", "cpu": {"coreCount": 4, "speedInMHz": 2400}, "memoryInBytes": 64},
        {"nodeName": "node/a"}
      ]
    }
  }
}"#;

fn import(file: &str) -> Imported {
    match import_wfformat(file.as_bytes()) {
        Ok(imported) => imported,
        Err(problems) => panic!("{}", listed(&problems)),
    }
}

#[test]
fn what_was_recorded_is_taken_over() {
    let Imported { workflow, devices, warnings, .. } = import(SMALL);
    let graph = &workflow.graph;
    assert_eq!((graph.name.as_str(), workflow.description.as_str()), ("two", "a pair"));
    assert_eq!(graph.metadata["wfformat"]["makespanInSeconds"], 4.5);
    assert_eq!(graph.metadata["wfformat"]["metrics"]["width"], 1);

    let split = &graph.tasks[0];
    assert_eq!(split.id.as_str(), "split_1");
    let kept = &split.details.as_ref().expect("details").metadata["wfformat"];
    assert_eq!((&kept["original_id"], &kept["type"]), (&Value::from("split 1"), &Value::from("split")));
    let Payload::Exec(exec) = &split.run else { panic!("{:?}", split.run) };
    assert_eq!(exec.argv, ["split", "-x", "{{ \"{{\" }} y }}"]);
    let estimate = split.estimate.as_ref().expect("an estimate");
    assert_eq!((estimate.duration, estimate.output_bytes), (Some(Millis(1235)), Some(15)));
    assert_eq!((split.priority.value(), split.run_timeout), (100, None));
    let device = split.device.as_ref().expect("a device");
    assert_eq!((device.resources.0["cpu_cores"], device.resources.0["memory"]), (2, 1000));
    assert_eq!(device.prefer.as_ref().map(|id| id.as_str()), Some("node_a"));
    assert_eq!((graph.tasks[1].priority.value(), &graph.tasks[1].run), (0, &Payload::Noop));
    assert_eq!(graph.tasks[3].estimate.as_ref().expect("an estimate").duration, Some(Millis(0)));

    let edges: Vec<String> =
        graph.dependencies.iter().map(|edge| format!("{}->{}", edge.from, edge.to)).collect();
    assert_eq!(edges, ["split_1->join", "lone->join", "lone->last"]);
    let codes: Vec<String> =
        warnings.iter().map(|warning| format!("{} {}", warning.code, warning.pointer)).collect();
    let expected = [
        "id_rewritten /workflow/specification/tasks/0/id",
        "id_rewritten /workflow/execution/machines/1/nodeName",
        "execution_ignored /workflow/execution/tasks/3",
        "runtime_missing /workflow/specification/tasks/2",
        "edge_one_sided /workflow/specification/tasks/1/parents/1",
        "edge_one_sided /workflow/specification/tasks/2/children/0",
    ];
    assert_eq!(codes, expected);

    assert_eq!(devices[0].attributes["speed_mhz"], 2400);
    assert_eq!(
        (devices[0].slots, devices[0].resources.0["memory"], devices[0].kind.as_str()),
        (4, 64, "simulated")
    );
    assert_eq!((devices[1].id.as_str(), devices[1].resources.0["memory"]), ("node_a", 1000));
}

#[test]
fn tasks_can_be_pinned() {
    let pinned = ImportOptions { pin: true, ..ImportOptions::default() };
    let imported = import_wfformat_with(SMALL.as_bytes(), &pinned).expect("a valid file");
    let pins: Vec<Option<&str>> =
        imported.workflow.graph.tasks.iter().map(|task| task.pin().map(|id| id.as_str())).collect();
    assert_eq!(pins, [Some("node_a"), Some("node-b"), None, None]);
}

#[test]
fn broken_records_are_refused_with_lines() {
    let task = |id: &str, parents: &str, children: &str| {
        format!("{{\"id\": \"{id}\", \"name\": \"t\", \"parents\": [{parents}], \"children\": [{children}]}}")
    };
    let file = |tasks: &[String], rest: &str| {
        format!(
            "{{\"name\": \"x\", \"schemaVersion\": \"1.5\", \"workflow\": {{\"specification\": {{\"tasks\": [\n{}\n]}}{rest}}}}}",
            tasks.join(",\n")
        )
    };
    let cycle = file(&[task("a", "\"b\"", "\"b\""), task("b", "\"a\"", "\"a\"")], "");
    let unknown = file(&[task("a", "\"x\"", "\"y\"")], "");
    let twice = file(&[task("a", "", ""), task("a", "", "")], "");
    let typed = file(
        &[task("a", "", "")],
        ", \"execution\": {\"tasks\": [\n{\"id\": \"a\", \"runtimeInSeconds\": -1, \"machines\": 3}]}",
    );
    for (text, expected) in [
        (cycle.as_str(), "3 would_cycle"),
        (&unknown, "2 unknown_task, 2 unknown_task"),
        (&twice, "3 duplicate_task"),
        (&typed, "4 invalid_value, 4 invalid_value"),
        ("{\"schemaVersion\": \"1.4\"}", "1 unsupported_version"),
        ("{\"schemaVersion\": \"1.5\", \"workflow\": {}}", "1 missing_field"),
        (
            "{\"schemaVersion\": \"1.5\", \"workflow\": {\"specification\": {\"tasks\": {}}}}",
            "1 invalid_value",
        ),
        ("[]", "1 missing_field"),
        (
            "{\"schemaVersion\": \"1.5\",\n \"schemaVersion\": \"1.5\", \"workflow\": {\"specification\": {\"tasks\": []}}}",
            "2 duplicate_key",
        ),
        ("nonsense", "1 missing_field"),
        ("{", "1 syntax_error"),
    ] {
        let problems = import_wfformat(text.as_bytes()).expect_err("refused");
        let found: Vec<String> =
            problems.iter().map(|problem| format!("{} {}", problem.line, problem.code)).collect();
        assert_eq!(found.join(", "), expected, "{text}\n{}", listed(&problems));
    }
}

/// The edges of a record, by its own lists.
fn recorded_edges(record: &Value) -> BTreeSet<(String, String)> {
    let mut edges = BTreeSet::new();
    let tasks = record["workflow"]["specification"]["tasks"].as_array().expect("tasks");
    let text = |value: &Value| value.as_str().expect("an id").to_owned();
    for task in tasks {
        let of = |side: &str| task[side].as_array().cloned().unwrap_or_default();
        edges.extend(of("parents").iter().map(|parent| (text(parent), text(&task["id"]))));
        edges.extend(of("children").iter().map(|child| (text(&task["id"]), text(child))));
    }
    edges
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/wfformat")
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that misses its data says so")]
fn real_records_are_imported_whole() {
    let files: Vec<PathBuf> = match std::fs::read_dir(data()) {
        Ok(entries) => entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|e| e == "json"))
            .collect(),
        Err(_) => Vec::new(),
    };
    if files.is_empty() {
        eprintln!("skipped: no recorded workflows beside this folder");
        return;
    }
    for path in files {
        let bytes = std::fs::read(&path).expect("a readable file");
        let record: Value = serde_json::from_slice(&bytes).expect("json");
        let imported = import_wfformat(&bytes)
            .unwrap_or_else(|problems| panic!("{}: {}", path.display(), listed(&problems)));
        let graph = &imported.workflow.graph;
        let tasks = record["workflow"]["specification"]["tasks"].as_array().expect("tasks");
        assert_eq!(graph.tasks.len(), tasks.len(), "{}", path.display());
        let edges: BTreeSet<(String, String)> =
            graph.dependencies.iter().map(|edge| (edge.from.to_string(), edge.to.to_string())).collect();
        assert_eq!(edges, recorded_edges(&record), "{}", path.display());
        assert_eq!(edges.len(), graph.dependencies.len(), "{}", path.display());
        let measured: f64 = record["workflow"]["execution"]["tasks"]
            .as_array()
            .expect("measured tasks")
            .iter()
            .filter_map(|task| task["runtimeInSeconds"].as_f64())
            .map(|seconds| (seconds * 1000.0).round())
            .sum();
        let estimated: u64 =
            graph.tasks.iter().filter_map(|task| task.estimate.as_ref()?.duration).map(|span| span.0).sum();
        assert_eq!(estimated as f64, measured, "{}", path.display());
        for written in [to_yaml(&imported.workflow), to_json(&imported.workflow)] {
            assert_eq!(load(&written.expect("expressible")), imported.workflow, "{}", path.display());
        }
    }
}

#[test]
fn many_names_that_become_one_stay_apart() {
    let tasks: Vec<String> = (0x4E00..0x4E00 + 5_000)
        .filter_map(char::from_u32)
        .map(|c| format!("{{\"id\": \"x{c}\"}}"))
        .collect();
    let file = format!(
        "{{\"schemaVersion\": 1.6, \"workflow\": {{\"specification\": {{\"tasks\": [{}]}}}}}}",
        tasks.join(",")
    );
    let ids: BTreeSet<String> =
        import(&file).workflow.graph.tasks.iter().map(|task| task.id.to_string()).collect();
    assert_eq!(ids.len(), 5_000);
    assert!(ids.contains("x_") && ids.contains("x__5000"));
}
