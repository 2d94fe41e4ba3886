//! Device files.

use starline_workflow::{DeviceFile, Value};

use crate::listed;

const FULL: &str = "\
version: 1
devices:
  - id: laptop
    kind: process
    os: linux
    capabilities: [logs, python]
    resources: { cpu_cores: 8, memory: 32GiB, own: 3 }
    attributes: { zone: home, speed: 1.5, cost: 0 }
    slots: 2
    approval: auto
    exec: { allow_sh: true, env_pass: [PATH, LANG], sandbox: none, capture_limit: 1MiB, kill_grace: 5s, work_root: w, base_dir: b, keep_work_dirs: true }
  - { id: node-1, kind: simulated, exec: { env_pass: [PATH] } }
  - { id: node-2, kind: process }
";

#[test]
fn every_field_is_read() {
    let devices = DeviceFile::parse(FULL.as_bytes()).expect("a valid file").devices;
    let profile = &devices[0].profile;
    assert_eq!(
        (profile.id.as_str(), profile.kind.as_str(), profile.os.as_deref()),
        ("laptop", "process", Some("linux"))
    );
    assert_eq!(
        (profile.slots, profile.capabilities.as_slice()),
        (2, &["logs".to_owned(), "python".to_owned()][..])
    );
    assert_eq!(profile.resources.0["memory"], 32 << 30);
    assert_eq!(profile.attributes["speed"], 1.5);
    let options: Value = serde_json::json!({
        "allow_sh": true, "env_pass": ["PATH", "LANG"], "sandbox": "none", "capture_limit": 1_048_576,
        "kill_grace": "5s", "work_root": "w", "base_dir": "b", "keep_work_dirs": true,
    });
    assert_eq!(devices[0].options, options);
    assert_eq!((devices[1].profile.kind.as_str(), devices[1].profile.slots), ("simulated", 1));
}

#[test]
fn scripts_are_off_unless_the_file_says_otherwise() {
    let devices = DeviceFile::parse(FULL.as_bytes()).expect("a valid file").devices;
    let allowed: Vec<&Value> = devices.iter().map(|device| &device.options["allow_sh"]).collect();
    assert_eq!(allowed, [true, false, false]);
}

#[test]
fn each_problem_has_its_line() {
    let file = "\
version: 1
devices:
  - id: a
    kind: aip
  - { id: b, kind: proces }
  - { kind: process, slots: 0 }
  - { id: a, kind: process, adress: x }
  - { id: \"c d\", kind: process, approval: ask }
  - { id: e, kind: process, auth: {}, address: x, exec: { programs: [/bin/ls], sandbox: bwrap, allow_sh: yes } }
  - { id: f, attributes: { speed: 0, cost: -1 }, kind: process }
  - g
links: []
";
    let problems = DeviceFile::parse(file.as_bytes()).expect_err("problems");
    let places: Vec<String> = problems
        .iter()
        .map(|problem| format!("{}:{} {}", problem.line, problem.column, problem.code))
        .collect();
    let expected = [
        "4:11 unsupported_field",
        "5:20 invalid_value",
        "6:5 missing_field",
        "6:29 invalid_value",
        "7:11 duplicate_device",
        "7:29 unknown_field",
        "8:11 invalid_id",
        "8:43 unsupported_field",
        "9:29 unsupported_field",
        "9:39 unsupported_field",
        "9:59 unsupported_field",
        "9:89 unsupported_field",
        "9:106 invalid_value",
        "10:35 invalid_value",
        "10:44 invalid_value",
        "11:5 invalid_value",
        "12:1 unsupported_field",
    ];
    assert_eq!(places, expected, "{}", listed(&problems));
    assert_eq!(problems[1].hint.as_deref(), Some("did you mean `process`? valid are process, simulated"));
}

#[test]
fn files_that_are_none_are_refused() {
    for (file, code) in [
        ("", "syntax_error"),
        ("devices: []", "missing_field"),
        ("version: 1", "missing_field"),
        ("version: 3\ndevices: []", "unsupported_version"),
        ("version: 1\ndevices: {}", "invalid_value"),
    ] {
        let problems = DeviceFile::parse(file.as_bytes()).expect_err("refused");
        assert_eq!(problems[0].code, code, "{file:?}: {}", listed(&problems));
    }
    let many = format!("version: 1\ndevices: [{}]", "{},".repeat(10_001));
    let problems = DeviceFile::parse(many.as_bytes()).expect_err("too many");
    assert_eq!(problems[0].code, "limit_exceeded");
    let capable =
        format!("version: 1\ndevices: [{{ id: a, kind: process, capabilities: [{}] }}]", "c,".repeat(257));
    let problems = DeviceFile::parse(capable.as_bytes()).expect_err("too many");
    assert_eq!(problems[0].code, "limit_exceeded");
}
