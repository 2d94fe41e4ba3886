//! What this machine offers.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::program::{Ended, Folder};

const NAMES: [&str; 12] = [
    "process",
    "sandbox",
    "aip",
    "ssh",
    "mcp",
    "ssh client",
    "sshd",
    "state folder",
    "disk space",
    "open files",
    "clock",
    "terminal",
];

fn check<'o>(object: &'o Value, name: &str) -> &'o Value {
    let checks = object["checks"].as_array().expect("a list");
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name}: {object}"))
}

#[test]
fn every_line_begins_with_a_word() {
    let folder = Folder::new();
    let ended = folder.run(&["doctor"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), NAMES.len() + 1, "{}", ended.stdout);
    for (line, name) in lines.iter().zip(NAMES) {
        let (word, rest) = line.split_once(' ').expect("two words");
        assert!(["ok", "missing", "limited"].contains(&word), "{line}");
        assert!(rest.trim_start().starts_with(name), "{line}");
        assert_eq!(word != "ok", line.contains("  ->  "), "what to do about it: {line}");
    }
    let object = folder.run(&["doctor", "--json"]).object();
    assert_eq!(object["works"], true);
    assert_eq!(check(&object, "process")["status"], "ok");
    assert_eq!(check(&object, "terminal")["status"], "limited", "a pipe is none");
    for kind in ["aip", "ssh", "mcp"] {
        let check = check(&object, kind);
        assert_eq!(check["status"], "missing");
        assert!(
            check["found"].as_str().is_some_and(|found| found.contains("not in this version")),
            "{check}"
        );
    }
    assert!(fs::read_dir(folder.path()).expect("a folder").next().is_none(), "nothing is left behind");
}

#[test]
fn a_state_folder_that_is_open_to_others_is_found() {
    let folder = Folder::new();
    let path = folder.path().join("state");
    fs::create_dir(&path).expect("a folder");
    let state = || {
        let object = folder.run(&["doctor", "--state-dir", "state", "--json"]).object();
        let check = check(&object, "state folder").clone();
        (check["status"].clone(), check["fix"].clone())
    };
    let set = |mode: u32| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
    set(0o700);
    assert_eq!(state(), (Value::from("ok"), Value::Null));
    set(0o777);
    assert_eq!(state(), (Value::from("missing"), Value::from("chmod -R go-rwx state")));
    folder.write("file", "in the way");
    let object = folder.run(&["doctor", "--state-dir", "file/below", "--json"]).object();
    assert_eq!(check(&object, "state folder")["status"], "missing");
}

#[test]
fn without_a_shell_nothing_can_run() {
    let folder = Folder::new();
    let mut command = folder.command(&["doctor", "--json"]);
    command.env("PATH", folder.path());
    let ended = Ended::of(command);
    assert_eq!(ended.code, Some(4));
    let object = ended.object();
    assert_eq!(object["works"], false);
    assert_eq!(check(&object, "process")["status"], "missing");
    assert_eq!(check(&object, "sandbox")["status"], "missing");
}
