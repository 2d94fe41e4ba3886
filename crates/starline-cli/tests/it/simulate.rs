//! Runs in virtual time.

use std::fmt::Write as _;

use serde_json::json;

use crate::program::{Folder, words};

const FLOW: &str = "
version: 1
tasks:
  a: { run: { sh: 'exit 1' }, estimate: { duration: 10m } }
  b: { run: { sh: 'exit 1' }, estimate: { duration: 20m }, device: { on: far, needs: [x] } }
  c: { after: [a, b], run: { sleep: 5m } }
";

#[test]
fn time_is_virtual_and_nothing_is_carried_out() {
    let folder = Folder::with("flow.yaml", FLOW);
    let facts = folder.run_json(&["run", "flow.yaml", "--simulate"]);
    assert_eq!((facts.code, facts.result["status"].as_str()), (Some(0), Some("completed")));
    assert_eq!(facts.result["duration_ms"], 25 * 60_000);
    assert_eq!(facts.result["started_at"], 0);
    let c = &facts.result["results"]["c"];
    assert_eq!((&c["started_at"], &c["finished_at"]), (&json!(1_200_000), &json!(1_500_000)));
    assert_eq!(facts.result["simulated"], true);
    let times: Vec<u64> = facts.events.iter().filter_map(|event| event["t"].as_u64()).collect();
    assert!(times.is_sorted() && times.last() == Some(&1_500_000), "{times:?}");
    assert!(facts.events.iter().enumerate().all(|(at, event)| event["seq"] == at + 1));
    let run = facts.result["run_id"].as_str().expect("an id");
    assert!(folder.path().join(".starline/runs").join(run).join("journal.redb").exists());

    let scaled = folder.run_json(&["run", "flow.yaml", "--simulate", "--time-scale", "0.5", "--ephemeral"]);
    // The pause of `c` is no estimate, and is scaled all the same: it is how long the task takes.
    assert_eq!(scaled.result["duration_ms"], 25 * 30_000);
}

#[test]
fn devices_of_a_file_are_simulated_with_their_slots() {
    let folder = Folder::new();
    let mut flow = "version: 1\ntasks:\n".to_owned();
    for n in 0..8 {
        writeln!(flow, "  t{n}: {{ run: {{ noop: {{}} }}, estimate: {{ duration: 1m }} }}")
            .expect("a string");
    }
    folder.write("flow.yaml", flow);
    folder.write(
        "fleet.yaml",
        "version: 1\ndevices:\n  - { id: p, kind: process }\n  - { id: s, kind: simulated, slots: 3 }\n",
    );
    let arguments = ["run", "flow.yaml", "--simulate", "--devices", "fleet.yaml", "--ephemeral"];
    let facts = folder.run_json(&arguments);
    assert_eq!(facts.result["duration_ms"], 120_000, "eight tasks, four slots");
    assert_eq!(facts.result["devices"]["s"]["attempts"], 6);
    assert_eq!(words(&facts.events), words(&folder.run_json(&arguments).events), "equal runs");
    let ended = folder.run(&["run", "flow.yaml", "--devices", "fleet.yaml"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("--simulate"), "{}", ended.stderr);
}

#[test]
fn large_graphs_are_simulated_whole() {
    let mut flow = "version: 1\ntasks:\n".to_owned();
    for n in 0..20_000 {
        let after = if n < 100 { String::new() } else { format!(", after: [t{}]", n - 100) };
        writeln!(flow, "  t{n}: {{ run: {{ noop: {{}} }}, estimate: {{ duration: 1s }}{after} }}")
            .expect("a string");
    }
    let folder = Folder::with("flow.yaml", &flow);
    let facts = folder.run_json(&["run", "flow.yaml", "--simulate", "--ephemeral"]);
    assert_eq!((facts.code, facts.result["duration_ms"].as_u64()), (Some(0), Some(200_000)));
    assert_eq!(facts.of("task_completed").len(), 20_000);
}
