//! Kinds of devices that this version knows and cannot reach yet.

use crate::program::{Folder, json};

const DEVICES: &str = "
version: 1
devices:
  - { id: here, kind: process, capabilities: [x] }
  - { id: north, kind: aip, address: 'wss://north.example:5000/ws', capabilities: [y] }
  - { id: south, kind: ssh, address: 'ssh://me@south', capabilities: [z] }
  - { id: tools, kind: mcp, command: [server], capabilities: [w] }
links: [{ between: [here, north], bandwidth: 1MB/s }]
";
const FLOW: &str = "version: 1\ntasks:\n  a: { device: { needs: [y] }, run: { noop: {} } }\n";

#[test]
fn they_can_be_planned_and_simulated_and_not_run() {
    let folder = Folder::with("flow.yaml", FLOW);
    folder.write("devices.yaml", DEVICES);
    let fleet = ["flow.yaml", "--devices", "devices.yaml"];
    for (verb, more, code) in [
        ("validate", &[][..], 0),
        ("plan", &[], 0),
        ("run", &["--simulate", "--ephemeral"], 0),
        ("run", &[], 2),
    ] {
        let arguments: Vec<&str> = [verb].iter().chain(&fleet).chain(more).copied().collect();
        assert_eq!(folder.run(&arguments).code, Some(code), "{arguments:?}");
    }
    let error = folder.run(&["run", "flow.yaml", "--devices", "devices.yaml", "--json"]).object();
    assert_eq!(error["errors"][0]["code"], "unsupported_kind");
    let message = error["errors"][0]["message"].as_str().unwrap_or_default();
    assert!(message.ends_with("north (aip), south (ssh), tools (mcp)"), "{message}");
    assert!(!folder.path().join(".starline").exists());
}

#[test]
fn device_files_are_checked_by_themselves() {
    let folder = Folder::with("devices.yaml", DEVICES);
    let ended = folder.run(&["validate", "devices.yaml"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "devices.yaml is valid: 4 devices, 1 link\n"));
    let object = folder.run(&["validate", "devices.yaml", "--json"]).object();
    assert_eq!((&object["kind"], &object["total_devices"]), (&"devices".into(), &4.into()));
    folder.write("broken.yaml", DEVICES.replace("kind: ssh", "kind: sssh"));
    let ended = folder.run(&["validate", "broken.yaml"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("broken.yaml:6:") && ended.stderr.contains("sssh"), "{}", ended.stderr);
    folder.write("devices.json", r#"{"version": 1, "devices": []}"#);
    assert_eq!(folder.run(&["validate", "devices.json"]).code, Some(0));
}

#[test]
fn rules_of_an_editor_are_checked_with_the_file() {
    let rule = "{ task: \"a*\", outcome: failed, when: \"error.kind =\", edits: [{ op: ad_task }] }";
    let flow =
        format!("{FLOW}editor: {{ edit_on: [failed], scripted: [{rule}] }}\n").replace("needs: [y]", "");
    let folder = Folder::with("flow.yaml", &flow);
    for arguments in
        [&["validate", "flow.yaml", "--json"][..], &["run", "flow.yaml", "--ephemeral", "--json"]]
    {
        let ended = folder.run(arguments);
        let verdict = ended.object();
        let messages: Vec<_> =
            verdict["errors"].as_array().expect("errors").iter().map(|error| &error["message"]).collect();
        assert_eq!((ended.code, messages.len()), (Some(2), 2), "{verdict}");
    }
    folder.write("flow.yaml", flow.replace(rule, ""));
    let facts = folder.run_json(&["run", "flow.yaml", "--ephemeral", "--editor", "none"]);
    assert_eq!((facts.code, facts.of("hold_opened").len()), (Some(0), 0), "{}", facts.stderr);
    let none = folder.run(&["run", "flow.yaml", "--editor", "scripted"]);
    assert!(none.code == Some(2) && none.stderr.contains("has no rules"), "{}", none.stderr);
}

#[test]
fn machines_of_a_record_become_a_device_file() {
    let record = r#"{
      "name": "tiny", "schemaVersion": "1.5",
      "workflow": {
        "specification": {"tasks": [{"name": "a", "id": "a", "parents": [], "children": []}]},
        "execution": {
          "makespanInSeconds": 2, "executedAt": "2024-01-01T00:00:00Z",
          "machines": [{"nodeName": "worker-1", "cpu": {"coreCount": 4}}],
          "tasks": [{"id": "a", "runtimeInSeconds": 2, "machines": ["worker-1"]}]
        }
      }
    }"#;
    let folder = Folder::with("record.json", record);
    for (pin, word) in [(&[][..], "prefer"), (&["--pin"], "on")] {
        let plain = [
            "import",
            "record.json",
            "--from",
            "wfformat",
            "-o",
            "flow.json",
            "--devices-out",
            "machines.yaml",
        ];
        let arguments: Vec<&str> = plain.iter().chain(pin).copied().collect();
        let ended = folder.run(&arguments);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(ended.stderr.contains("wrote machines.yaml: 1 device"), "{}", ended.stderr);
        let flow = std::fs::read_to_string(folder.path().join("flow.json")).expect("a file");
        assert_eq!(json(&flow)["tasks"]["a"]["device"][word], "worker-1");
        assert_eq!(folder.run(&["validate", "machines.yaml"]).code, Some(0));
        let facts =
            folder.run_json(&["run", "flow.json", "--devices", "machines.yaml", "--simulate", "--ephemeral"]);
        assert_eq!(facts.result["results"]["a"]["device"], "worker-1", "{}", facts.stderr);
    }
}
