//! The page for beginners: every command of it runs as written, in order, in an empty folder.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::program::{Ended, Folder};

const PAGE: &str = include_str!("../../../../docs/getting-started.md");

/// The commands of the page, each with the lines that it reads, and the exit code that is told.
fn commands() -> Vec<(String, i32)> {
    let mut commands: Vec<(String, i32)> = Vec::new();
    let mut within = false;
    for line in PAGE.lines() {
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

#[test]
fn every_command_does_what_the_page_says() {
    let folder = Folder::new();
    let program = folder.command(&[]);
    let directory = Path::new(program.get_program()).parent().expect("a folder").to_owned();
    let paths = std::env::var("PATH").expect("a path");
    let commands = commands();
    assert!(commands.len() >= 40, "{} commands", commands.len());
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
    }
    for name in
        ["workflow.svg", "run.svg", "report/report.html", "from-galaxy.yaml", "machines.yaml", "again.yaml"]
    {
        assert!(folder.path().join(name).exists(), "{name}");
    }
}
