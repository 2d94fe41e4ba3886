//! From a recorded workflow to a simulated run of it.

use crate::program::{Folder, with_stdin};

const RECORD: &str = r#"{
  "name": "tiny",
  "schemaVersion": "1.5",
  "workflow": {
    "specification": {
      "tasks": [
        {"name": "split", "id": "split", "parents": [], "children": ["left", "right"]},
        {"name": "left", "id": "left", "parents": ["split"], "children": ["join"]},
        {"name": "right", "id": "right", "parents": ["split"], "children": ["join"]},
        {"name": "join", "id": "join", "parents": ["left", "right"], "children": []}
      ]
    },
    "execution": {
      "makespanInSeconds": 9,
      "executedAt": "2024-01-01T00:00:00Z",
      "tasks": [
        {"id": "split", "runtimeInSeconds": 1.5},
        {"id": "left", "runtimeInSeconds": 4},
        {"id": "right", "runtimeInSeconds": 2},
        {"id": "join", "runtimeInSeconds": 0.25}
      ]
    }
  }
}"#;

#[test]
fn a_record_becomes_a_workflow_that_can_be_simulated() {
    let folder = Folder::with("record.json", RECORD);
    for out in ["flow.yaml", "flow.json"] {
        let ended = folder.run(&["import", "record.json", "--from", "wfformat", "-o", out]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""), "{ended:?}");
        assert_eq!(folder.run(&["validate", out]).code, Some(0));
        let facts = folder.run_json(&["run", out, "--simulate", "--ephemeral"]);
        assert_eq!((facts.code, facts.result["duration_ms"].as_u64()), (Some(0), Some(5_750)), "{out}");
    }
}

#[test]
fn without_a_file_the_workflow_is_the_output() {
    let folder = Folder::with("record.json", RECORD);
    let ended = folder.run(&["import", "record.json", "--from", "wfformat"]);
    let ended = with_stdin(folder.command(&["run", "-", "--simulate", "-q", "--ephemeral"]), &ended.stdout);
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let report = folder.run(&["import", "record.json", "--from", "wfformat", "--json"]).object();
    assert_eq!((&report["total_tasks"], &report["total_dependencies"]), (&4.into(), &4.into()));
    assert_eq!(report["workflow"]["tasks"].as_object().map(serde_json::Map::len), Some(4), "{report}");
    assert!(report["warnings"].is_array() && report["output"].is_null(), "{report}");
}

#[test]
fn a_record_that_is_none_is_refused_at_its_line() {
    let folder = Folder::with("record.json", &RECORD.replace("1.5\"", "7\""));
    let verdict = folder.run(&["import", "record.json", "--from", "wfformat", "--json"]).object();
    assert_eq!((&verdict["valid"], &verdict["errors"][0]["line"]), (&false.into(), &3.into()), "{verdict}");
    let ended = folder.run(&["import", "record.json"]);
    assert_eq!(ended.code, Some(2), "the format is to be named");
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let folder = Folder::with("record.json", RECORD);
    let ended = folder.run(&["import", "record.json", "--from", "wfformat", "-o", "no/such/folder.yaml"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stderr.contains("no/such/folder.yaml"), "{ended:?}");
}

#[test]
fn every_warning_is_told_and_ids_are_kept() {
    let tasks: Vec<String> = (0..30).map(|n| format!("\"t{n}\": {{}}")).collect();
    let line = |n: usize| {
        format!(
            "\"line-{n}\": {{\"from_task_id\": \"t{n}\", \"to_task_id\": \"t{}\", \"dependency_type\": \"conditional\", \
             \"condition_description\": \"if {n}\"}}",
            n + 1
        )
    };
    let lines: Vec<String> = (0..29).map(line).collect();
    let plan = format!(
        "{{\"constellation_id\": \"c7\", \"tasks\": {{{}}}, \"dependencies\": {{{}}}}}",
        tasks.join(", "),
        lines.join(", ")
    );
    let folder = Folder::with("plan.json", &plan);
    let ended = folder.run(&["import", "plan.json", "--from", "galaxy", "-o", "plan.yaml"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stderr.matches("warning: condition_not_executable").count(), 29, "{ended:?}");
    assert!(!ended.stderr.contains("id_lost"), "{ended:?}");
    let again = folder.run(&["export", "plan.yaml", "--to", "galaxy", "--json"]).object();
    let text = again["text"].as_str().unwrap_or_default();
    assert!(
        text.contains("\"constellation_id\": \"c7\"") && text.contains("\"line_id\": \"line-28\""),
        "{text}"
    );
}
