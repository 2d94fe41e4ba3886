//! The example of the documentation, in earnest: dozens of processes on three devices.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::program::{Folder, distinct};

fn example(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "..", "docs", "examples", name].iter().collect();
    path.display().to_string()
}

#[test]
fn the_example_runs_within_its_slots() {
    let (flow, devices) = (example("nightly.yaml"), example("devices.yaml"));
    let folder = Folder::new();
    assert_eq!(folder.run(&["validate", &flow, "--devices", &devices]).code, Some(0));
    let facts = folder.run_json(&["run", &flow, "--devices", &devices]);
    assert_eq!(facts.code, Some(0), "{}", facts.stderr);
    let counts = &facts.result["counts"];
    assert_eq!((counts["completed"].as_u64(), counts["skipped"].as_u64()), (Some(34), Some(1)));
    assert_eq!(facts.status("calm"), "skipped");
    assert_eq!(facts.result["results"]["total"]["outputs"]["lines"], 210);
    assert_eq!(facts.result["results"]["page"]["result"]["stdout"], "calling somebody about 210 lines\n");
    assert_eq!(facts.result["results"]["scan_04"]["attempts"], 2);
    assert_eq!(facts.result["results"]["archive"]["device"], "vault");

    let slots = BTreeMap::from([("north", 2), ("south", 2), ("vault", 1)]);
    let mut live: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for event in &facts.events {
        let (task, device) = (event["data"]["task"].as_str(), event["data"]["device"].as_str());
        match event["kind"].as_str() {
            Some("task_assigned") => {
                let (task, device) = (task.expect("a task"), device.expect("a device"));
                let running = live.entry(device).or_default();
                running.push(task);
                assert!(running.len() <= slots[device], "{device} runs {running:?}");
            }
            Some("task_completed" | "task_failed" | "task_retry_scheduled") => {
                live.values_mut().for_each(|running| running.retain(|other| Some(*other) != task));
            }
            _ => {}
        }
    }
    assert_eq!(distinct(&facts.of("task_assigned"), "device").len(), 3, "every device has work");
    for device in slots.keys() {
        assert!(facts.result["devices"][device]["attempts"].as_u64().is_some_and(|attempts| attempts > 1));
    }
}

#[test]
fn the_other_branch_is_taken_with_another_input() {
    let (flow, devices) = (example("nightly.yaml"), example("devices.yaml"));
    let arguments =
        ["run", &flow, "--devices", &devices, "--input", "limit=1000", "--strategy", "round_robin"];
    let facts = Folder::new().run_json(&arguments);
    assert_eq!(facts.code, Some(0), "{}", facts.stderr);
    assert_eq!((facts.status("calm"), facts.status("page")), ("completed", "skipped"));
}
