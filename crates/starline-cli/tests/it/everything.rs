//! The example with every field of the workflow format, as it runs on this machine.

use std::path::Path;

use crate::program::{Ended, Folder};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples");
const CANARY: &str = "canary-everything-41";

#[test]
fn it_runs_to_the_result_that_it_documents() {
    let folder = Folder::new();
    let state = folder.path().join("state").display().to_string();
    let arguments =
        ["run", "everything.yaml", "--devices", "everything-devices.yaml", "--yes", "--state-dir", &state];
    let mut command = folder.command(&[&arguments[..], &["--json"]].concat());
    command.current_dir(EXAMPLES).env("PAGER_TOKEN", CANARY);
    let facts = Ended::of(command).facts();
    assert_eq!(
        (facts.code, facts.result["status"].as_str()),
        (Some(1), Some("partially_failed")),
        "{}",
        facts.stderr
    );
    let counts = &facts.result["counts"];
    let documented = format!(
        "{} tasks: {} completed, {} failed, {} skipped",
        facts.result["total_tasks"], counts["completed"], counts["failed"], counts["skipped"]
    );
    let text = std::fs::read_to_string(Path::new(EXAMPLES).join("everything.yaml")).expect("the example");
    assert!(text.contains(&format!("#   {documented}\n")), "{documented}: {:#}", facts.result["results"]);
    assert!(facts.result["total_tasks"].as_u64() >= Some(40));
    let said = &facts.result["results"]["page"]["outputs"]["said"];
    assert_eq!(said, &format!("paged with a token of {} characters", CANARY.len()));
    assert_eq!(facts.result["results"]["unpack"]["outputs"]["files"], 2);
    assert_eq!(facts.result["results"]["check_signature"]["outputs"]["good"], true);
    assert_eq!(facts.result["devices"]["closed"]["attempts"], 0);

    let run = |arguments: &[&str]| {
        let mut command = folder.command(arguments);
        command.current_dir(EXAMPLES);
        Ended::of(command)
    };
    assert_eq!(run(&["validate", "everything.yaml", "--devices", "everything-devices.yaml"]).code, Some(0));
    assert_eq!(run(&["validate", "everything-devices.yaml"]).code, Some(0));
    let plan = run(&["plan", "everything.yaml", "--devices", "everything-devices.yaml", "--json"]).object();
    let planned = plan["tasks"].as_array().expect("tasks").iter().filter(|task| task["status"] == "planned");
    assert!(planned.count() >= 43, "{plan}");
    let simulated = run(&[
        "run",
        "everything.yaml",
        "--devices",
        "everything-devices.yaml",
        "--simulate",
        "--ephemeral",
        "--json",
        "--quiet",
    ])
    .object();
    assert_eq!(
        (&simulated["counts"]["failed"], &simulated["status"]),
        (&0.into(), &"completed".into()),
        "{simulated}"
    );
    for format in ["native", "galaxy", "wfformat", "dot", "mermaid", "svg"] {
        let ended = run(&["export", "last", "--to", format, "--state-dir", &state]);
        assert_eq!(ended.code, Some(0), "{format}: {}", ended.stderr);
        assert!(!ended.stdout.contains(CANARY), "{format}");
    }
    let native = run(&["export", "everything.yaml", "--to", "native"]).stdout;
    folder.write("native.yaml", &native);
    let again = folder.run(&["export", "native.yaml", "--to", "native"]);
    assert_eq!((again.code, again.stdout), (Some(0), native), "it reads back equal: {}", again.stderr);
}
