//! Writing workflows and runs in other formats, and reading them back.

use std::fs;

use serde_json::{Value, json};

use crate::program::{Folder, json as parsed};

const FLOW: &str = "
version: 1
name: flow
inputs: { n: { type: integer, default: 3 } }
tasks:
  first: { run: { sh: 'sleep 0.05; echo {{ inputs.n }}' }, outputs: { n: { from: stdout, type: integer } } }
  alarm: { after: { first: failure }, run: { exec: [echo, alarm] } }
  second: { after: { first: { when: outputs.n > 2 } }, run: { exec: [echo, '{{ inputs.n }}'] } }
";
const FORMATS: [&str; 6] = ["native", "galaxy", "wfformat", "dot", "mermaid", "svg"];

#[test]
fn files_and_runs_are_written_in_every_format() {
    let folder = Folder::with("flow.yaml", FLOW);
    assert_eq!(folder.run(&["run", "flow.yaml", "--input", "n=7"]).code, Some(0));
    for format in FORMATS {
        for source in ["flow.yaml", "last"] {
            let ended = folder.run(&["export", source, "--to", format]);
            assert_eq!(ended.code, Some(0), "{source} {format}: {}", ended.stderr);
            let text = ended.stdout;
            match format {
                "native" => assert!(text.starts_with("version: 1\nname: flow\n"), "{text}"),
                "galaxy" => assert!(parsed(&text)["tasks"]["first"].is_object(), "{text}"),
                "wfformat" => assert_eq!(parsed(&text)["schemaVersion"], "1.6"),
                "dot" => assert!(text.starts_with("digraph"), "{text}"),
                "mermaid" => assert!(text.contains("\nflowchart TD\n"), "{text}"),
                _ => assert!(text.starts_with("<?xml") && text.contains("<svg"), "{text}"),
            }
            // Drawings of runs show states; of formats with results, galaxy knows them too.
            if matches!(format, "dot" | "mermaid" | "svg") {
                assert_eq!(
                    text.contains(if format == "svg" { ">skipped<" } else { "skipped" }),
                    source == "last",
                    "{source} {format}: {text}"
                );
            }
            let out = format!("out.{format}");
            let ended = folder.run(&["export", source, "--to", format, "-o", &out]);
            assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""), "{}", ended.stderr);
            let written = fs::read_to_string(folder.path().join(&out)).expect("a file");
            if format != "galaxy" {
                assert_eq!(written, text, "{source} {format}");
            }
        }
    }
}

#[test]
fn a_run_can_be_run_again_with_its_inputs_and_its_times() {
    let folder = Folder::with("flow.yaml", FLOW);
    folder.run(&["run", "flow.yaml", "--input", "n=7"]);
    let ended = folder.run(&["export", "last", "--to", "native", "-o", "again.yaml"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let plan = folder.run(&["plan", "again.yaml", "--json"]).object();
    let first = plan["tasks"].as_array().expect("tasks").iter().find(|task| task["task"] == "first");
    let took = first.and_then(|task| task["end_ms"].as_u64()).expect("a time");
    assert!((50..5_000).contains(&took), "measured: {took}");
    let facts = folder.run_json(&["run", "again.yaml", "--ephemeral"]);
    assert_eq!(facts.result["results"]["second"]["result"]["stdout"], "7\n");
    let ended = folder.run(&["export", "last", "--to", "native", "-o", "again.json"]);
    assert_eq!(ended.code, Some(0));
    assert_eq!(parsed(&fs::read_to_string(folder.path().join("again.json")).expect("a file"))["version"], 1);
}

#[test]
fn measured_times_and_machines_are_in_records() {
    let folder = Folder::with("flow.yaml", FLOW);
    folder.run(&["run", "flow.yaml"]);
    for version in ["1.5", "1.6"] {
        let ended = folder.run(&["export", "last", "--to", "wfformat", "--schema", version]);
        let record = parsed(&ended.stdout);
        assert_eq!(record["schemaVersion"], version);
        let tasks = record["workflow"]["execution"]["tasks"].as_array().expect("tasks");
        assert!(tasks.iter().any(|task| task["runtimeInSeconds"].as_f64() >= Some(0.05)), "{record}");
        assert_eq!(record["workflow"]["execution"]["machines"][0]["nodeName"], "local");
        assert!(ended.stderr.contains("warning: kind_lost: "), "{}", ended.stderr);
    }
    let strict = folder.run(&["export", "last", "--to", "wfformat", "--strict", "-o", "out.json"]);
    assert_eq!(strict.code, Some(2));
    assert!(!folder.path().join("out.json").exists());
    let strict = folder.run(&["export", "last", "--to", "wfformat", "--strict", "--json"]).object();
    assert_eq!(strict["errors"][0]["code"], "kind_lost");
    assert_eq!(folder.run(&["export", "flow.yaml", "--to", "galaxy", "--strict"]).code, Some(0));
}

#[test]
fn what_is_written_reads_back() {
    let folder = Folder::with("flow.yaml", FLOW);
    for (format, source) in [("galaxy", "flow.yaml"), ("wfformat", "flow.yaml")] {
        folder.run(&["export", source, "--to", format, "-o", "there.json"]);
        let ended = folder.run(&["import", "there.json", "--from", format, "-o", "back.yaml"]);
        assert_eq!(ended.code, Some(0), "{format}: {}", ended.stderr);
        assert_eq!(folder.run(&["validate", "back.yaml"]).code, Some(0), "{format}");
        for to in FORMATS {
            let ended = folder.run(&["export", "there.json", "--from", format, "--to", to]);
            assert_eq!(ended.code, Some(0), "{format} to {to}: {}", ended.stderr);
        }
    }
    let ended = folder.run(&["export", "flow.yaml", "--to", "galaxy", "-o", "there.json"]);
    assert_eq!(ended.code, Some(0));
    folder.run(&["import", "there.json", "--from", "galaxy", "-o", "back.yaml"]);
    let native = |file: &str| folder.run(&["export", file, "--to", "native"]).stdout;
    assert_eq!(native("back.yaml"), native("flow.yaml"), "nothing is lost through galaxy");
}

#[test]
fn sources_that_are_none_are_told() {
    let folder = Folder::with("flow.yaml", FLOW);
    for (source, text) in [
        ("last", "there is no run yet"),
        ("nothing", "no file of that name"),
        ("none.yaml", "does not exist"),
    ] {
        let ended = folder.run(&["export", source, "--to", "svg"]);
        assert_eq!(ended.code, Some(2), "{source}: {ended:?}");
        assert!(ended.stderr.contains(text), "{source}: {}", ended.stderr);
    }
    let ended = folder.run(&["export", "flow.yaml", "--to", "pdf"]);
    assert!(ended.code == Some(2) && ended.stderr.contains("mermaid"), "{}", ended.stderr);
    let object = folder.run(&["export", "flow.yaml", "--to", "mermaid", "--json"]).object();
    assert_eq!((&object["to"], &object["output"]), (&json!("mermaid"), &Value::Null));
    assert!(object["text"].as_str().is_some_and(|text| text.contains("flowchart")), "{object}");
}

const CONSTELLATION: &str = r#"{
  "constellation_id": "constellation_1", "name": "disk check", "state": "completed",
  "tasks": {
    "probe": {"task_id": "probe", "name": "Probe", "description": "Read the free space", "status": "completed",
      "result": {"free": 12}, "target_device_id": "north"},
    "mail": {"task_id": "mail", "name": "Mail", "description": "Send the number", "status": "failed",
      "error": "no such host"}
  },
  "dependencies": {
    "l1": {"line_id": "l1", "from_task_id": "probe", "to_task_id": "mail", "dependency_type": "success_only"}
  }
}"#;

#[test]
fn constellations_become_workflows_and_say_what_was_lost() {
    let folder = Folder::with("plan.json", CONSTELLATION);
    let ended = folder.run(&["import", "plan.json", "--from", "galaxy", "-o", "plan.yaml"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for code in ["edge_repaired", "state_ignored"] {
        assert!(ended.stderr.contains(code), "{}", ended.stderr);
    }
    assert_eq!(folder.run(&["validate", "plan.yaml"]).code, Some(0));
    let strict = folder.run(&["import", "plan.json", "--from", "galaxy", "--strict", "--json"]).object();
    assert!(strict["errors"][0]["line"].as_u64() > Some(1), "{strict}");
    let misplaced = folder.run(&["import", "plan.json", "--from", "galaxy", "--pin"]);
    assert!(misplaced.code == Some(2) && misplaced.stderr.contains("wfformat"), "{misplaced:?}");
}

#[test]
fn an_inspected_constellation_is_shown_and_exported_and_not_started() {
    let folder = Folder::with("plan.json", CONSTELLATION);
    let ended = folder.run(&["import", "plan.json", "--from", "galaxy", "--inspect", "--json"]);
    let object = ended.object();
    assert_eq!((ended.code, &object["run_id"]), (Some(0), &json!("constellation_1")), "{object}");
    let shown = folder.run(&["show", "last"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    for text in ["imported to be looked at", "completed  probe", "failed     mail", "no such host"] {
        assert!(shown.stdout.contains(text), "no {text}: {}", shown.stdout);
    }
    assert!(folder.run(&["show"]).stdout.contains("(imported)"));
    assert!(folder.run(&["show", "last", "probe"]).stdout.contains("\"free\":12"));
    for format in FORMATS {
        let ended = folder.run(&["export", "constellation_1", "--to", format]);
        assert_eq!(ended.code, Some(0), "{format}: {}", ended.stderr);
    }
    let galaxy = parsed(&folder.run(&["export", "last", "--to", "galaxy"]).stdout);
    assert_eq!(galaxy["tasks"]["mail"]["status"], "failed");
    let report = folder.run(&["report", "last"]);
    assert!(report.code == Some(2) && report.stderr.contains("imported"), "{report:?}");
    let again = folder.run(&["import", "plan.json", "--from", "galaxy", "--inspect"]);
    assert!(again.code == Some(2) && again.stderr.contains("already"), "{again:?}");
    assert_eq!(folder.run(&["run", ".starline/runs/constellation_1"]).code, Some(2));
}
