//! Every way to end has its exit code, and says in words and in JSON what happened.

use crate::program::{Folder, with_stdin};

const GOOD: &str = "version: 1\ntasks:\n  a: { run: { sh: echo hi } }\n";
const BAD: &str = "version: 1\ntasks:\n  a: { run: { sh: exit 3 } }\n";
const MIXED: &str = "version: 1\ntasks:\n  a: { run: { sh: exit 3 } }\n  b: { run: { sh: exit 0 } }\n";

#[test]
fn the_state_of_the_run_is_the_exit_code() {
    for (text, status, code) in [(GOOD, "completed", 0), (BAD, "failed", 1), (MIXED, "partially_failed", 1)] {
        let folder = Folder::with("flow.yaml", text);
        let ended = folder.run(&["run", "flow.yaml", "--ephemeral"]);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stdout.contains(status), "{}", ended.stdout);
        let facts = folder.run_json(&["run", "flow.yaml", "--ephemeral"]);
        assert_eq!((facts.code, facts.result["status"].as_str()), (Some(code), Some(status)));
    }
}

#[test]
fn files_that_are_no_workflows_are_named_and_refused() {
    let folder = Folder::new();
    folder.write("empty.yaml", "");
    folder.write("half.yaml", &GOOD[..20]);
    folder.write("binary.yaml", [b'v', 0xff, 0xfe, 0x00]);
    folder.write("control.yaml", "version: 1\ntasks: { \u{7}\u{1b}[31m: 1 }\n");
    folder.write("long.yaml", "a".repeat(17 << 20));
    folder.write("deep.yaml", "[".repeat(100_000));
    std::fs::create_dir(folder.path().join("folder.yaml")).expect("a folder");
    let names = ["missing", "folder", "empty", "half", "binary", "control", "long", "deep"];
    for name in names.map(|name| format!("{name}.yaml")) {
        for verb in ["run", "validate"] {
            let ended = folder.run(&[verb, &name]);
            assert_eq!(ended.code, Some(2), "{verb} {name}: {ended:?}");
            assert!(ended.stderr.contains(&name) && ended.stdout.is_empty(), "{verb} {name}: {ended:?}");
            assert!(!ended.stderr.contains("panicked") && !ended.stderr.contains('\u{1b}'), "{ended:?}");
            let ended = folder.run(&[verb, &name, "--json"]);
            let verdict = ended.object();
            assert_eq!((ended.code, verdict["valid"].as_bool()), (Some(2), Some(false)), "{verdict}");
            assert!(verdict["errors"][0]["code"].is_string(), "{verdict}");
        }
        let ended = folder.run(&["import", &name, "--from", "wfformat"]);
        assert_eq!(ended.code, Some(2), "import {name}: {ended:?}");
    }
    assert!(!folder.path().join(".starline").exists(), "nothing ran, nothing is left");
}

#[test]
fn problems_have_places() {
    let text = "version: 1\ntasks:\n  a: { run: { noop: {} }, after: [b] }\n  b: { run: { noop: {} }, after: [a] }\n  c:\n    rum: {}\n";
    let folder = Folder::with("flow.yaml", text);
    let verdict = folder.run(&["validate", "flow.yaml", "--json"]).object();
    let errors = verdict["errors"].as_array().expect("a list");
    let place = |code: &str| {
        let found = errors.iter().find(|error| error["code"] == code);
        found.map(|error| (error["line"].as_u64(), error["column"].as_u64()))
    };
    assert_eq!(place("unknown_field"), Some((Some(6), Some(5))), "{verdict}");
    let cycle = errors.iter().find(|error| error["code"] == "would_cycle").expect("a cycle");
    assert!(cycle["line"].as_u64().is_some_and(|line| line == 3 || line == 4), "{cycle}");
    let ended = folder.run(&["validate", "flow.yaml"]);
    assert!(ended.stderr.contains("flow.yaml:6:5: unknown_field"), "{}", ended.stderr);
}

#[test]
fn what_is_no_text_has_a_place_as_well() {
    let folder = Folder::new();
    folder.write("flow.yaml", b"version: 1\nname: \xc3\xa4 \xff\n");
    for verb in ["validate", "run"] {
        let verdict = folder.run(&[verb, "flow.yaml", "--json"]).object();
        let error = &verdict["errors"][0];
        assert_eq!(error["code"], "syntax_error", "{verdict}");
        assert_eq!((error["line"].as_u64(), error["column"].as_u64()), (Some(2), Some(9)), "{verdict}");
    }
}

#[test]
fn wishes_that_are_ignored_are_told() {
    let flow = "version: 1\ntasks:\n  a: { device: { prefer: moon }, run: { noop: {} } }\n  b: { device: { prefer: north, needs: [gpu] }, run: { noop: {} } }\n";
    let devices = "version: 1\ndevices:\n  - { id: north, kind: process }\n  - { id: south, kind: process, capabilities: [gpu] }\n";
    let folder = Folder::with("flow.yaml", flow);
    folder.write("devices.yaml", devices);
    let expected = [
        "task a prefers moon, and no device has that id: known are north, south",
        "task b prefers north, which it does not fit: it lacks gpu",
    ];
    let verdict = folder.run(&["validate", "flow.yaml", "--devices", "devices.yaml", "--json"]).object();
    assert_eq!(verdict["valid"], true);
    for (warning, message) in verdict["warnings"].as_array().expect("a list").iter().zip(expected) {
        assert_eq!(
            (warning["code"].as_str(), warning["message"].as_str()),
            (Some("preference_ignored"), Some(message))
        );
    }
    let ended = folder.run(&["run", "flow.yaml", "--devices", "devices.yaml", "--json", "--ephemeral"]);
    assert_eq!(ended.code, Some(0));
    for message in expected {
        assert!(ended.stderr.contains(&format!("warning: {message}")), "{}", ended.stderr);
    }
}

#[test]
fn a_valid_file_is_praised() {
    let folder = Folder::with("flow.yaml", GOOD);
    let ended = folder.run(&["validate", "flow.yaml"]);
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(0), "flow.yaml is valid: 1 task, 0 dependencies, 0 inputs\n")
    );
    let verdict = folder.run(&["validate", "flow.yaml", "--json"]).object();
    let expected = serde_json::json!({
        "valid": true, "file": "flow.yaml", "kind": "workflow",
        "total_tasks": 1, "total_dependencies": 0, "total_inputs": 0, "errors": [], "warnings": [],
    });
    assert_eq!(verdict, expected);
    let ended = with_stdin(folder.command(&["validate", "-"]), GOOD);
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(0), "<stdin> is valid: 1 task, 0 dependencies, 0 inputs\n")
    );
}

#[test]
fn unknown_names_list_the_known_ones() {
    let folder = Folder::with("flow.yaml", GOOD);
    folder.write("pinned.yaml", "version: 1\ntasks:\n  a: { device: { on: moon }, run: { noop: {} } }\n");
    folder
        .write("strategy.yaml", "version: 1\nrun: { strategy: best }\ntasks: { a: { run: { noop: {} } } }\n");
    let refusals: [(&[&str], i32, &[&str]); 7] = [
        (
            &["fly"],
            2,
            &["fly", "verbs are demo, init, doctor, validate, plan, run, serve, ls, watch, explain, edit"],
        ),
        (&["run", "flow.yaml", "--colour"], 2, &["--colour"]),
        (&["run", "flow.yaml", "--color", "pink"], 2, &["pink", "auto", "always", "never"]),
        (
            &["run", "flow.yaml", "--strategy", "best"],
            2,
            &["Unknown assignment strategy: best", "round_robin, capability_match, load_balance"],
        ),
        (&["validate", "strategy.yaml"], 2, &["best", "round_robin", "load_balance"]),
        (&["run", "pinned.yaml"], 2, &["unknown_device", "moon", "local", "--devices"]),
        (&["import", "flow.yaml", "--from", "xml"], 2, &["xml", "wfformat"]),
    ];
    for (arguments, code, words) in refusals {
        let ended = folder.run(arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        for word in words {
            assert!(ended.stderr.contains(word), "{arguments:?}: no {word}: {}", ended.stderr);
        }
        assert!(ended.stdout.is_empty(), "{arguments:?}: {ended:?}");
    }
    let ended = folder.run(&["run", "flow.yaml", "--strategy", "load-balance", "--ephemeral"]);
    assert_eq!(ended.code, Some(0), "hyphens will do: {ended:?}");
    assert_eq!(folder.run(&["run", "flow.yaml", "--time-scale", "2"]).code, Some(2), "of simulations only");
    assert_eq!(folder.run(&["run", "flow.yaml", "--input", "noequals"]).code, Some(2));
    assert_eq!(folder.run(&[]).code, Some(2), "no verb");
}

#[test]
fn faults_that_prevent_a_run_are_objects_with_json() {
    let folder = Folder::with("flow.yaml", GOOD);
    folder.write("gpu.yaml", "version: 1\ntasks:\n  a: { device: { needs: [gpu] }, run: { noop: {} } }\n");
    let error = |arguments: &[&str], code: i32| {
        let ended = folder.run(arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        let error = ended.object()["error"].clone();
        assert_eq!(error["exit_code"], code, "{error}");
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{error}");
        error["code"].as_str().expect("a code").to_owned()
    };
    assert_eq!(error(&["run", "flow.yaml", "--json", "--nonsense"], 2), "usage");
    assert_eq!(error(&["run", "flow.yaml", "--json", "--strategy", "x"], 2), "unknown_strategy");
    assert_eq!(error(&["run", "gpu.yaml", "--json"], 3), "no_eligible_device");
    folder.write("state", "a file in the way");
    assert_eq!(error(&["run", "flow.yaml", "--json", "--state-dir", "state"], 4), "state_folder");
    folder.write("none.yaml", "version: 1\ndevices: []\n");
    assert_eq!(error(&["run", "flow.yaml", "--json", "--devices", "none.yaml"], 4), "no_devices");
    let mut command = folder.command(&["run"]);
    command.env("STARLINE_JSON", "yes");
    let object = crate::program::Ended::of(command).object();
    assert_eq!(object["error"]["code"], "usage");
}

#[test]
fn a_fleet_is_part_of_the_check() {
    let folder =
        Folder::with("flow.yaml", "version: 1\ntasks:\n  a: { device: { on: x }, run: { noop: {} } }\n");
    folder.write("gpu.yaml", "version: 1\ntasks:\n  a: { device: { needs: [gpu] }, run: { noop: {} } }\n");
    folder.write(
        "fleet.yaml",
        "version: 1\ndevices:\n  - { id: y, kind: process }\n  - { id: z, kind: process }\n",
    );
    folder.write("broken.yaml", "version: 1\ndevices:\n  - { id: y, kind: balloon }\n");
    assert_eq!(folder.run(&["validate", "flow.yaml"]).code, Some(0), "pins are not checked without devices");
    let codes = [("flow.yaml", "unknown_device"), ("gpu.yaml", "no_eligible_device")];
    for (file, code) in codes {
        let ended = folder.run(&["validate", file, "--devices", "fleet.yaml", "--json"]);
        assert_eq!(ended.code, Some(2));
        assert_eq!(ended.object()["errors"][0]["code"], code);
        assert_eq!(ended.object()["errors"][0]["line"], 3, "the line of the task");
    }
    let ended = folder.run(&["run", "flow.yaml", "--devices", "fleet.yaml"]);
    assert!(ended.stderr.contains("y, z"), "{}", ended.stderr);
    let ended = folder.run(&["run", "gpu.yaml", "--devices", "broken.yaml"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("broken.yaml:3") && ended.stderr.contains("balloon"), "{}", ended.stderr);
}
