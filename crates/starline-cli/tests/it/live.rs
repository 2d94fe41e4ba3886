//! Progress on a terminal, as `script` gives one to a program.

use std::process::Command;

use crate::program::{Ended, Folder, skip};

const FLOW: &str = "
version: 1
tasks:
  quick: { run: { sh: 'echo hello' } }
  slow: { run: { sh: 'sleep 0.7' } }
  bad: { after: [quick], run: { sh: 'exit 3' } }
  never: { after: [bad], run: { noop: {} } }
";

/// Everything that the program writes to a terminal of its own; `None` where there is no `script`.
fn on_terminal(folder: &Folder, arguments: &str, term: &str) -> Option<String> {
    if !Command::new("script").arg("--version").output().is_ok_and(|output| output.status.success()) {
        skip("no script of util-linux");
        return None;
    }
    let mut command = folder.command(&[]);
    let program = command.get_program().to_string_lossy().into_owned();
    let line = format!("stty rows 24 columns 100; {program} {arguments}");
    let mut script = Command::new("script");
    script.args(["-qec", &line, "/dev/null"]).current_dir(folder.path());
    script.env("TERM", term).env_remove("NO_COLOR").stdin(std::process::Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    script.env("TERM", term);
    command = script;
    Some(Ended::of(command).stdout)
}

#[test]
fn a_terminal_shows_what_runs_and_is_left_clean() {
    let folder = Folder::with("flow.yaml", FLOW);
    let exec = "exec: { allow_sh: true }";
    let devices = format!("version: 1\ndevices: [{{ id: here, kind: process, slots: 2, {exec} }}]\n");
    folder.write("devices.yaml", devices);
    let arguments = "run flow.yaml --devices devices.yaml --ephemeral --color never";
    let Some(shown) = on_terminal(&folder, arguments, "xterm") else { return };
    assert!(shown.contains("/4, 1 failed, "), "a bar: {shown:?}");
    assert!(shown.contains("here/1  ") && shown.contains("  slow  "), "a lane for each slot: {shown:?}");
    for word in ["completed   quick", "failed      bad", "skipped     never", "completed   slow"] {
        assert!(shown.contains(word), "no {word}: {shown:?}");
    }
    for word in ["assigned", "running", "executing"] {
        assert!(!shown.contains(&format!("  {word} ")), "{word} is seen in the lanes: {shown:?}");
    }
    // The last drawing takes the lines away, and what follows is plain.
    let end = shown.rfind("run 0").expect("a headline");
    assert!(!shown[end..].contains('\u{1b}'), "{:?}", &shown[end..]);
    assert!(!shown.contains("\u{1b}[?25l"), "the cursor stays: {shown:?}");
}

#[test]
fn where_lines_cannot_be_drawn_again_there_is_one_for_each_fact() {
    let folder = Folder::with("flow.yaml", FLOW);
    for (arguments, term) in [
        ("run flow.yaml --ephemeral", "dumb"),
        ("run flow.yaml --ephemeral --quiet --color never", "xterm"),
        ("run flow.yaml --ephemeral --json", "xterm"),
    ] {
        let Some(shown) = on_terminal(&folder, arguments, term) else { return };
        assert!(!shown.contains('\u{1b}'), "{arguments}: {shown:?}");
        assert_eq!(shown.contains("assigned"), !arguments.contains("quiet"), "{arguments}: {shown:?}");
    }
}
