//! The page for beginners and the guide to editing: every command of them runs as written, in order, in an empty
//! folder.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::program::{Ended, Folder};

const BEGINNING: &str = include_str!("../../../../docs/getting-started.md");
const EDITING: &str = include_str!("../../../../docs/guides/live-editing.md");

/// The commands of a page, each with the lines that it reads, and the exit code that is told.
fn commands(page: &str) -> Vec<(String, i32)> {
    let mut commands: Vec<(String, i32)> = Vec::new();
    let mut within = false;
    for line in page.lines() {
        match (within, line) {
            (false, "```console") => within = true,
            (true, "```") => within = false,
            (true, line) => match (line.strip_prefix("$ "), commands.last_mut()) {
                (Some(command), _) => {
                    let code = command
                        .split_once("# exit code ")
                        .map_or(0, |(_, code)| code.trim().parse().expect("a code"));
                    commands.push((command.to_owned(), code));
                }
                (None, Some((command, _))) => {
                    command.push('\n');
                    command.push_str(line);
                }
                (None, None) => panic!("a line before the first command: {line}"),
            },
            (false, _) => {}
        }
    }
    commands
}

/// Runs the commands of a page, each in a shell of its own.
fn follow(page: &str, folder: &Folder) -> usize {
    let program = folder.command(&[]);
    let directory = Path::new(program.get_program()).parent().expect("a folder").to_owned();
    let paths = std::env::var("PATH").expect("a path");
    let commands = commands(page);
    for (text, code) in &commands {
        let mut command = Command::new("sh");
        command.args(["-c", text]).current_dir(folder.path()).stdin(Stdio::null());
        command.env("PATH", format!("{}:{paths}", directory.display()));
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STARLINE_"))
        {
            command.env_remove(name);
        }
        let ended = Ended::of(command);
        assert_eq!(ended.code, Some(*code), "{text}\n{}\n{}", ended.stdout, ended.stderr);
        // A person takes longer than the program to go on from there.
        while text.ends_with('&') && folder.run(&["ls", "--json"]).object()["runs"] == serde_json::json!([]) {
            std::thread::yield_now();
        }
    }
    commands.len()
}

#[test]
fn every_command_does_what_the_page_says() {
    let folder = Folder::new();
    let count = follow(BEGINNING, &folder);
    assert!(count >= 40, "{count} commands");
    for name in
        ["workflow.svg", "run.svg", "report/report.html", "from-galaxy.yaml", "machines.yaml", "again.yaml"]
    {
        assert!(folder.path().join(name).exists(), "{name}");
    }
}

#[test]
fn a_graph_is_edited_as_the_guide_says() {
    let folder = Folder::new();
    let count = follow(EDITING, &folder);
    assert!(count >= 20, "{count} commands");
    let past = folder.run(&["show", "last", "--json"]).object();
    assert_eq!((&past["state"], &past["revision"]), (&"partially_failed".into(), &7.into()), "{past}");
}
