//! Plans: what a run would do, and nothing done.

use serde_json::{Value, json};

use crate::program::{Folder, with_stdin};

const FLOW: &str = "
version: 1
name: flow
inputs: { limit: { type: integer } }
tasks:
  fetch_a: { run: { sh: 'exit 1' }, estimate: { duration: 2s }, outputs: { n: { from: stdout, type: integer } } }
  fetch_b: { run: { sh: 'exit 1' }, estimate: { duration: 3s }, device: { prefer: south } }
  fetch_c: { run: { sh: 'exit 1' }, estimate: { duration: 1s }, device: { on: north } }
  merge:
    after: [fetch_a, fetch_b, fetch_c]
    run: { exec: [echo, '{{ tasks.fetch_a.outputs.n }}'] }
    estimate: { duration: 1s }
    outputs: { total: { from: stdout, type: integer } }
  page: { after: { merge: { when: outputs.total > inputs.limit } }, run: { noop: {} } }
  crunch: { after: [merge], device: { needs: [gpu] }, run: { sleep: 4s } }
  repair: { after: { fetch_b: failure }, run: { noop: {} }, estimate: { duration: 9s } }
  close: { after: { crunch: completion, repair: completion }, run: { noop: {} }, estimate: { duration: 500ms } }
";

const DEVICES: &str = "
version: 1
devices:
  - { id: north, kind: process, slots: 2, exec: { allow_sh: true } }
  - { id: south, kind: process, exec: { allow_sh: true } }
  - { id: far, kind: simulated, capabilities: [gpu] }
";

fn folder() -> Folder {
    let folder = Folder::with("flow.yaml", FLOW);
    folder.write("devices.yaml", DEVICES);
    folder
}

#[test]
fn a_plan_is_a_table_with_reasons() {
    let folder = folder();
    let ended = folder.run(&["plan", "flow.yaml", "--devices", "devices.yaml"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let expected = "\
start    end  stage  task     device  why
0.000  2.000      1  fetch_a  north   least loaded of 3, first of 3 equals
0.000  1.000      1  fetch_c  north   pinned
0.000  3.000      1  fetch_b  south   preferred
3.000  4.000      2  merge    far     least loaded of 3
4.000  8.000      3  crunch   far     the only one that fits: it has gpu
4.000  4.000      3  page     north   least loaded of 3, first of 3 equals
8.000  8.500      4  close    north   least loaded of 3
    -      -      2  repair   -       not expected: source_completed by fetch_b->repair

flow.yaml: 8 tasks in 4 stages on 3 devices by load_balance: about 8.5 s
critical path  8.5 s: fetch_b -> merge -> crunch -> close
parallelism    1.35: 11.5 s of work on a critical path of 8.5 s
width          3 tasks in the largest stage, 3 at a time on these devices
device         far: 2 tasks, busy 5.0 s, 59 % of 1 slot
device         north: 4 tasks, busy 3.5 s, 21 % of 2 slots
device         south: 1 task, busy 3.0 s, 35 % of 1 slot
note: 1 task has no estimate, and counts as 0 s: page
note: 1 task runs only if a condition holds, which is taken to: page
note: 1 task runs only if something fails before, which is not expected: repair
";
    assert_eq!(ended.stdout, expected);
    let entries: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").collect();
    assert_eq!(entries.len(), 2, "nothing is left behind: {entries:?}");
    let ended = folder.run(&["plan", "flow.yaml", "--devices", "devices.yaml", "--quiet"]);
    assert_eq!(ended.stdout, "flow.yaml: 8 tasks in 4 stages on 3 devices by load_balance: about 8.5 s\n");
}

fn object(folder: &Folder, more: &[&str]) -> Value {
    let arguments = ["plan", "flow.yaml", "--devices", "devices.yaml", "--json"];
    let arguments: Vec<&str> = arguments.iter().chain(more).copied().collect();
    let ended = folder.run(&arguments);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    ended.object()
}

#[test]
fn programs_get_everything_in_one_object() {
    let folder = folder();
    let plan = object(&folder, &["--input", "limit=5"]);
    assert_eq!(plan, object(&folder, &["--input", "limit=5"]), "equal plans");
    let fixed = [
        ("file", json!("flow.yaml")),
        ("strategy", json!("load_balance")),
        ("seed", json!(0)),
        ("total_tasks", json!(8)),
        ("makespan_ms", json!(8500)),
        ("critical_path_ms", json!(8500)),
        ("critical_path", json!(["fetch_b", "merge", "crunch", "close"])),
        ("work_ms", json!(11_500)),
        ("max_width", json!(3)),
        ("peak", json!(3)),
        (
            "stages",
            json!([["fetch_a", "fetch_b", "fetch_c"], ["merge", "repair"], ["page", "crunch"], ["close"]]),
        ),
    ];
    for (field, value) in fixed {
        assert_eq!(plan[field], value, "{field}");
    }
    let factor = plan["parallelism_factor"].as_f64().expect("a number");
    assert!((factor - 11.5 / 8.5).abs() < 1e-9, "{factor}");
    let utilisation = plan["utilisation"].as_f64().expect("a number");
    assert!((utilisation - 11.5 / 34.0).abs() < 1e-9, "{utilisation}");
    assert_eq!(plan["devices"]["north"]["busy_ms"], 3500);
    let task = |id: &str| {
        let tasks = plan["tasks"].as_array().expect("a list");
        tasks.iter().find(|task| task["task"] == id).cloned().unwrap_or_else(|| panic!("no {id}"))
    };
    let expected = json!({
        "task": "fetch_a", "status": "planned", "stage": 1, "device": "north", "start_ms": 0, "end_ms": 2000,
        "estimated": true, "slack_ms": 1000, "critical": false,
        "reason": {"code": "first_listed", "eligible": 3, "text": "least loaded of 3, first of 3 equals"},
    });
    assert_eq!(task("fetch_a"), expected);
    assert_eq!((&task("repair")["status"], &task("repair")["start_ms"]), (&json!("skipped"), &Value::Null));
    assert_eq!(task("crunch")["estimated"], true, "a pause says how long it takes");
    let codes: Vec<_> = plan["notes"].as_array().expect("a list").iter().map(|note| &note["code"]).collect();
    assert_eq!(codes, ["no_estimate", "condition_assumed", "not_expected"]);
    assert_eq!(plan["notes"][0]["tasks"], json!(["page"]));
    assert!(plan.get("comparison").is_none());
}

#[test]
fn each_strategy_has_reasons_of_its_own() {
    let folder = folder();
    let reasons = |strategy: &str| {
        let plan = object(&folder, &["--strategy", strategy]);
        assert_eq!(plan["strategy"], strategy);
        let tasks = plan["tasks"].as_array().expect("a list").clone();
        let of = |id: &str| {
            let task = tasks.iter().find(|task| task["task"] == id).expect("a task");
            let text = |value: &Value| value.as_str().expect("a word").to_owned();
            (text(&task["device"]), text(&task["reason"]["code"]))
        };
        ["fetch_a", "fetch_c", "merge", "crunch"].map(of)
    };
    let pairs = |all: [(&str, &str); 4]| all.map(|(device, code)| (device.to_owned(), code.to_owned()));
    let turns = [("north", "in_turn"), ("north", "pinned"), ("far", "in_turn"), ("far", "only_fit")];
    // The pinned task has its turn as well: it is the second.
    assert_eq!(reasons("round_robin"), pairs(turns));
    let able = [("north", "first_listed"), ("north", "pinned"), ("far", "least_loaded"), ("far", "only_fit")];
    assert_eq!(reasons("capability_match"), pairs(able));
    folder.write(
        "devices.yaml",
        "
version: 1
devices:
  - { id: far, kind: process, capabilities: [gpu], exec: { allow_sh: true } }
  - { id: north, kind: process, exec: { allow_sh: true } }
  - { id: south, kind: process, capabilities: [x], exec: { allow_sh: true } }
",
    );
    assert_eq!(reasons("capability_match")[0], ("north".to_owned(), "fewest_capabilities".to_owned()));
}

#[test]
fn strategies_are_compared() {
    let folder = Folder::with(
        "flow.yaml",
        "version: 1\ntasks:\n  a: { run: { sleep: 10s } }\n  b: { run: { sleep: 10s } }\n  c: { run: { sleep: 10s } }\n  d: { run: { sleep: 10s } }\n",
    );
    folder.write(
        "devices.yaml",
        "version: 1\ndevices:\n  - { id: big, kind: process, slots: 3 }\n  - { id: small, kind: process }\n",
    );
    let ended = folder.run(&["plan", "flow.yaml", "--devices", "devices.yaml", "--compare"]);
    let expected = "\
strategy          makespan  against best  utilisation  devices
round_robin         20.0 s      +100.0 %       50.0 %  big 33 %, small 100 %
capability_match    10.0 s          best      100.0 %  big 100 %, small 100 %
load_balance        10.0 s          best      100.0 %  big 100 %, small 100 %

flow.yaml: 4 tasks, 40.0 s of work, critical path 10.0 s
";
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), expected));
    let plan = object(&folder, &["--compare"]);
    let all = plan["comparison"].as_array().expect("a list");
    let times: Vec<_> =
        all.iter().map(|plan| (plan["strategy"].as_str(), plan["makespan_ms"].as_u64())).collect();
    let times: Vec<_> =
        times.into_iter().map(|(name, time)| (name.expect("a name"), time.expect("a time"))).collect();
    assert_eq!(times, [("round_robin", 20_000), ("capability_match", 10_000), ("load_balance", 10_000)]);
}

#[test]
fn what_looks_wrong_is_noted() {
    let flow = "
version: 1
run: { deadline: 30s, max_parallel: 1 }
tasks:
  long: { run: { sleep: 25s }, run_timeout: 10s, estimate: { duration: 25s } }
  late: { run: { noop: {} }, queue_timeout: 5s, estimate: { duration: 1s } }
  last: { after: { late: completion }, run: { noop: {} }, estimate: { duration: 10s } }
";
    let folder = Folder::with("flow.yaml", flow);
    folder.write("devices.yaml", "version: 1\ndevices: [{ id: one, kind: process }]\n");
    let plan = object(&folder, &[]);
    let notes = plan["notes"].as_array().expect("a list");
    let of = |code: &str| notes.iter().find(|note| note["code"] == code).map(|note| note["tasks"].clone());
    assert_eq!(of("estimate_beyond_timeout"), Some(json!(["long"])));
    assert_eq!(of("would_fail"), Some(json!(["late"])));
    assert_eq!(of("deadline_missed"), Some(json!([])), "{notes:?}");
    assert_eq!(plan["makespan_ms"], 35_000);
}

#[test]
fn what_run_refuses_is_refused_here() {
    let folder = folder();
    folder.write("bad.yaml", "version: 1\ntasks: { a: { rum: {} } }\n");
    let gpu = folder.run(&["plan", "flow.yaml", "--json"]);
    assert_eq!((gpu.code, gpu.object()["errors"][0]["code"].clone()), (Some(2), json!("unknown_device")));
    folder.write("gpu.yaml", "version: 1\ntasks: { a: { device: { needs: [gpu] }, run: { noop: {} } } }\n");
    let ended = folder.run(&["plan", "gpu.yaml", "--json"]);
    assert_eq!((ended.code, ended.object()["error"]["code"].clone()), (Some(3), json!("no_eligible_device")));
    assert_eq!(folder.run(&["plan", "bad.yaml"]).code, Some(2));
    assert_eq!(folder.run(&["plan", "missing.yaml"]).code, Some(2));
    let ended = folder.run(&["plan", "flow.yaml", "--devices", "devices.yaml", "--strategy", "best"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("load_balance"), "{}", ended.stderr);
    let flow = "version: 1\ntasks: { a: { run: { noop: {} } } }\n";
    let ended = with_stdin(folder.command(&["plan", "-", "--quiet"]), flow);
    let expected = "<stdin>: 1 task in 1 stage on 1 device by load_balance: no time is estimated\n";
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), expected));
}

const SCRIPT: &str = "version: 1\ntasks: { a: { run: { sh: 'echo hi' } } }\n";

#[test]
fn tasks_go_where_their_work_may_be_done() {
    let folder = Folder::with("flow.yaml", SCRIPT);
    let devices = "version: 1\ndevices:\n  - { id: locked, kind: process, slots: 4, exec: {} }\n";
    folder.write("locked.yaml", devices);
    folder.write(
        "both.yaml",
        format!("{devices}  - {{ id: open, kind: process, exec: {{ allow_sh: true }} }}\n"),
    );
    let plan = folder.run(&["plan", "flow.yaml", "--devices", "both.yaml", "--json"]).object();
    assert_eq!(plan["tasks"][0]["device"], "open");
    let facts = folder.run_json(&["run", "flow.yaml", "--devices", "both.yaml"]);
    assert_eq!((facts.code, &facts.result["results"]["a"]["device"]), (Some(0), &Value::from("open")));

    let why = "a device that may run sh (locked runs noop, sleep, exec)";
    for (verb, code) in [("validate", 2), ("plan", 3), ("run", 3)] {
        let ended = folder.run(&[verb, "flow.yaml", "--devices", "locked.yaml"]);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stderr.contains(why), "{verb}: {}", ended.stderr);
    }
    for (work, on, why) in [
        ("exec: [rm, x]", "", "may run program \"rm\" (listing runs cat)"),
        ("exec: [/bin/cat, /dev/null]", "on: locked", ""),
        ("exec: [/bin/cat, /dev/null]", "on: listing", ""),
        ("exec: [seq, '1']", "on: listing", "may run program \"seq\" (listing runs cat)"),
        ("sh: 'true'", "on: listing", "may run sh (listing runs noop, sleep, exec)"),
        ("prompt: hello", "", "may run prompt"),
        ("call: tool", "on: locked", "may run call (locked runs noop, sleep, exec)"),
    ] {
        folder.write(
            "work.yaml",
            format!("version: 1\ntasks: {{ a: {{ device: {{ {on} }}, run: {{ {work} }} }} }}\n"),
        );
        let mut fleet =
            "version: 1\ndevices:\n  - { id: listing, kind: process, exec: { programs: [/bin/cat] } }\n"
                .to_owned();
        if !work.starts_with("exec: [rm") {
            fleet += "  - { id: locked, kind: process, exec: {} }\n";
        }
        folder.write("fleet.yaml", fleet);
        let ended = folder.run(&["validate", "work.yaml", "--devices", "fleet.yaml"]);
        assert_eq!(ended.code, Some(if why.is_empty() { 0 } else { 2 }), "{work} {on}: {ended:?}");
        assert!(ended.stderr.contains(why), "{work} {on}: {}", ended.stderr);
        if why.is_empty() {
            assert_eq!(
                folder.run(&["run", "work.yaml", "--devices", "fleet.yaml"]).code,
                Some(0),
                "{work} {on}"
            );
        }
    }
}
