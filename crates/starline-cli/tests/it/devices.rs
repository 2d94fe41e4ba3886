//! Devices listed and tried out.

use serde_json::json;

use crate::program::Folder;

const DEVICES: &str = "
version: 1
devices:
  - id: north
    kind: process
    os: linux
    capabilities: [logs, net]
    resources: { cpu_cores: 4, memory: 1KiB }
    attributes: { zone: home, speed: 1.5 }
    slots: 12
  - { id: sim, kind: simulated }
";

#[test]
fn devices_are_listed_with_what_they_offer() {
    let folder = Folder::with("devices.yaml", DEVICES);
    let ended = folder.run(&["devices", "ls", "--devices", "devices.yaml"]);
    let expected = "\
id     kind       os     slots  fenced  approval  capabilities  resources                attributes
north  process    linux     12  yes     auto      logs net      cpu_cores=4 memory=1024  speed=1.5 zone=home
sim    simulated  -          1  yes     auto      -             -                        -
";
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(0), expected, ""));
    let object = folder.run(&["devices", "ls", "--devices", "devices.yaml", "--json"]).object();
    let north = json!({
        "id": "north", "kind": "process", "os": "linux", "slots": 12, "fenced": true, "approval": "auto",
        "capabilities": ["logs", "net"], "resources": {"cpu_cores": 4, "memory": 1024},
        "attributes": {"zone": "home", "speed": 1.5},
    });
    assert_eq!(object["devices"][0], north);
    let local = folder.run(&["devices", "ls", "--json"]).object();
    assert_eq!(
        (&local["devices"][0]["id"], &local["devices"][0]["kind"]),
        (&json!("local"), &json!("process"))
    );
}

#[test]
fn each_device_is_tried_out() {
    let folder = Folder::with("devices.yaml", DEVICES);
    let ended = folder.run(&["devices", "check"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "ok  local  process  runs programs\n"));
    let ended = folder.run(&["devices", "check", "--devices", "devices.yaml"]);
    assert_eq!(ended.code, Some(4));
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines[0], "ok      north  process    runs programs");
    assert!(
        lines[1].starts_with("failed  sim    simulated  device sim is of the kind simulated"),
        "{lines:?}"
    );
    let ended = folder.run(&["devices", "check", "--devices", "devices.yaml", "--json"]);
    let object = ended.object();
    assert_eq!((ended.code, &object["works"]), (Some(4), &json!(false)));
    assert_eq!(
        (&object["devices"][0]["status"], &object["devices"][1]["status"]),
        (&json!("ok"), &json!("failed"))
    );

    folder.write("broken.yaml", "version: 1\ndevices: [{ id: a, kind: process, exec: { env_pass: [] } }]\n");
    let ended = folder.run(&["devices", "check", "--devices", "broken.yaml", "--json"]);
    let device = &ended.object()["devices"][0];
    // Without a PATH of its own a program is looked for where the system says, or not found.
    assert!(["ok", "failed"].contains(&device["status"].as_str().expect("a word")), "{device}");
    let folder_in_the_way =
        "version: 1\ndevices: [{ id: a, kind: process, exec: { work_root: devices.yaml } }]\n";
    folder.write("broken.yaml", folder_in_the_way);
    let ended = folder.run(&["devices", "check", "--devices", "broken.yaml"]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stdout.starts_with("failed  a"), "{ended:?}");
    assert_eq!(folder.run(&["devices", "ls", "--devices", "missing.yaml"]).code, Some(2));
}
