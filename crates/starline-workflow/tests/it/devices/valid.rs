//! Device files.

use starline_types::{DeviceApproval, Millis};
use starline_workflow::{ConnectionSettings, DeviceEntry, DeviceFile, SchemaKind, SshMode, Value};

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
    approval: ask
    exec:
      allow_sh: true
      programs:
        - /usr/bin/grep
        - { path: /usr/bin/find, args: [/srv/*, -name, '*'] }
        - { path: /usr/bin/python3, script: { path: /srv/report.py, blake3: 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff } }
      env_pass: [PATH, LANG]
      sandbox: bwrap
      capture_limit: 1MiB
      kill_grace: 5s
      work_root: w
      base_dir: b
      keep_work_dirs: true
      limits: { cpu: 1.5m, memory: 512MiB, files: 64, file_size: 10MB, processes: 8 }
  - { id: node-1, kind: simulated, exec: { env_pass: [PATH] } }
  - { id: node-2, kind: process }
  - id: north
    kind: aip
    address: wss://north.example:5000/ws
    auth: { cert_file: north.pem, key_env: NORTH_KEY, ca_file: ca.pem, server_name: north }
    network: { allow_loopback: true, block_private: true, allow_plaintext: true }
    connection: { auto: false, base: 2s, cap: 30s, max: 7, heartbeat: 1s, lease: 10s }
  - { id: east, kind: aip, listen: true, auth: { token_env: EAST_TOKEN } }
  - { id: south, kind: ssh, address: 'ssh://me@south:2222', ssh: { mode: plain }, auth: { identity_file_env: SOUTH_KEY } }
  - { id: west, kind: ssh, address: 'ssh://west' }
  - { id: tools, kind: mcp, address: 'https://tools.example/mcp' }
  - { id: files, kind: mcp, command: [npx, server, 5] }
links:
  - { between: [laptop, north], bandwidth: 100MB/s }
  - { between: [south, laptop], bandwidth: 1000 }
";

fn entries() -> Vec<DeviceEntry> {
    DeviceFile::parse(FULL.as_bytes()).expect("a valid file").devices
}

#[test]
fn the_schema_accepts_every_field() {
    crate::schema::assert_accepted(SchemaKind::Devices, FULL);
}

#[test]
fn what_a_device_offers_is_read() {
    let devices = entries();
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
    assert_eq!(profile.approval, DeviceApproval::Ask);
    assert_eq!(devices[1].profile.approval, DeviceApproval::Auto);
    assert_eq!((devices[1].profile.kind.as_str(), devices[1].profile.slots), ("simulated", 1));
}

#[test]
fn options_of_processes_are_kept_as_given() {
    let options: Value = serde_json::json!({
        "allow_sh": true,
        "programs": [
            "/usr/bin/grep",
            { "path": "/usr/bin/find", "args": ["/srv/*", "-name", "*"] },
            { "path": "/usr/bin/python3", "script": { "path": "/srv/report.py", "blake3": "00112233445566778899aabbccddeeff".repeat(2) } },
        ],
        "env_pass": ["PATH", "LANG"], "sandbox": "bwrap", "capture_limit": 1_048_576, "kill_grace": "5s",
        "work_root": "w", "base_dir": "b", "keep_work_dirs": true,
        "limits": { "cpu": "90s", "memory": 536_870_912, "files": 64, "file_size": 10_000_000, "processes": 8 },
    });
    assert_eq!(entries()[0].options, options);
}

#[test]
fn devices_elsewhere_are_read() {
    let devices = entries();
    let north = &devices[3];
    assert_eq!(north.address.as_deref(), Some("wss://north.example:5000/ws"));
    assert_eq!(
        (north.auth.cert_file.as_deref(), north.auth.key_env.as_deref(), north.auth.token_env.as_deref()),
        (Some("north.pem"), Some("NORTH_KEY"), None)
    );
    assert_eq!(
        (north.auth.ca_file.as_deref(), north.auth.server_name.as_deref()),
        (Some("ca.pem"), Some("north"))
    );
    let network = north.network;
    assert!(network.allow_loopback && network.block_private && network.allow_plaintext);
    let connection = &north.connection;
    assert_eq!((connection.auto, connection.max), (false, 7));
    assert_eq!((connection.base, connection.cap), (Millis(2_000), Millis(30_000)));
    assert_eq!((connection.heartbeat, connection.lease), (Millis(1_000), Millis(10_000)));
    let east = &devices[4];
    assert_eq!(
        (east.listen, &east.address, east.auth.token_env.as_deref()),
        (true, &None, Some("EAST_TOKEN"))
    );
    assert_eq!(east.connection, ConnectionSettings::default());
    assert_eq!(
        (devices[5].ssh, devices[5].auth.identity_file_env.as_deref()),
        (SshMode::Plain, Some("SOUTH_KEY"))
    );
    assert_eq!(devices[8].command, ["npx", "server", "5"]);
}

#[test]
fn devices_that_cannot_end_their_work_are_not_fenced() {
    let fenced: Vec<bool> = entries().iter().map(|entry| entry.profile.fenced).collect();
    assert_eq!(fenced, [true, true, true, true, true, false, true, false, true]);
}

#[test]
fn links_are_in_bytes_per_second() {
    let links = DeviceFile::parse(FULL.as_bytes()).expect("a valid file").links;
    let shown: Vec<String> = links
        .iter()
        .map(|link| format!("{} {} {}", link.between[0], link.between[1], link.bandwidth))
        .collect();
    assert_eq!(shown, ["laptop north 100000000", "south laptop 1000"]);
}

#[test]
fn galaxy_calls_some_fields_by_other_names() {
    let galaxy = "\
version: 1
devices:
  - device_id: box1
    server_url: ws://box1:5000/ws
    os: LINUX
    capabilities: [logs]
    metadata: { tips: [use df], deep: { x: 1 } }
    auto_connect: false
    max_retries: 5
  - { device_id: box2, kind: aip, server_url: 'wss://box2/ws', connection: { base: 2s } }
";
    let own = "\
version: 1
devices:
  - id: box1
    kind: aip
    address: ws://box1:5000/ws
    os: LINUX
    capabilities: [logs]
    attributes: { tips: [use df], deep: { x: 1 } }
    connection: { auto: false, max: 5 }
  - { id: box2, kind: aip, address: 'wss://box2/ws', connection: { base: 2s } }
";
    let read = |file: &str| {
        DeviceFile::parse(file.as_bytes()).unwrap_or_else(|problems| panic!("{}", listed(&problems)))
    };
    assert_eq!(read(galaxy), read(own));
}

#[test]
fn files_are_written_for_people() {
    let file = "\
version: 1
devices:
  - id: laptop
    kind: process
    os: linux
    resources: { cpu_cores: 8, memory: 32GiB }
    slots: 2
    exec:
      allow_sh: false
      programs: [/usr/bin/grep, { path: /usr/bin/find, args: [-n, \"*\"] }]
      capture_limit: 2MiB
      kill_grace: 5s
      limits: { cpu: 90s, memory: 512MiB }
  - id: north
    kind: aip
    address: \"wss://north:5000/ws\"
    auth: { token_env: NORTH_TOKEN }
    connection: { lease: 30s }
links: [{ between: [laptop, north], bandwidth: 100MB/s }]
";
    let read = DeviceFile::parse(file.as_bytes()).unwrap_or_else(|problems| panic!("{}", listed(&problems)));
    assert_eq!(read.to_yaml().expect("expressible"), file);
}

#[test]
fn scripts_are_off_unless_the_file_says_otherwise() {
    let devices = entries();
    let allowed: Vec<&Value> = devices.iter().take(3).map(|device| &device.options["allow_sh"]).collect();
    assert_eq!(allowed, [true, false, false]);
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
