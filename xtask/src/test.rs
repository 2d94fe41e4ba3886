//! The test run: builds what the tests start, runs everything, counts.

use std::io::{BufRead as _, BufReader, IsTerminal as _, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc::{SyncSender, sync_channel};

use anyhow::Context as _;

use crate::cargo;
use crate::tally::{Counts, Tally};

pub(crate) const HELP: &str = "\
Builds the programs under test, then runs all unit, integration and documentation tests of the
workspace with all features. Needs cargo and `sh`; python3 serves a few tests, which are skipped
without it. No network, no key, no root.

A test that misses something outside prints `skipped: <reason>`. The last lines name every skip with
its reason and every failure, and the very last one reads `N passed, N failed, N skipped`.
One crate alone: `cargo test -p <crate>`.";

/// Runs the tests whose name contains one of `filters`, or all of them.
pub(crate) fn run(filters: &[String]) -> anyhow::Result<bool> {
    set_up();
    let mut build = cargo::command();
    build.args(["build", "--workspace", "--all-features", "--bins"]);
    if !cargo::run(&mut build)?.success() {
        let counts = Counts { passed: 0, failed: 1, skipped: 0 };
        println!("failed the build of the programs under test: see above\n{counts}");
        return Ok(false);
    }
    let mut tests = cargo::command();
    tests.args(["test", "--workspace", "--all-features", "--no-fail-fast", "--", "--show-output"]);
    tests.args(filters);
    let (success, tally) = count(&mut tests, &mut show)?;
    print!("\n{tally}");
    println!("{}", tally.counts());
    Ok(success)
}

/// Prints a line at once.
pub(crate) fn show(line: &str) {
    println!("{line}");
}

/// Runs a `cargo test … -- --show-output`, shows what it prints while it runs, and counts.
pub(crate) fn count(command: &mut Command, show: &mut dyn FnMut(&str)) -> anyhow::Result<(bool, Tally)> {
    show(&format!("$ {}", cargo::line(command)));
    if std::io::stderr().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context("failed to start cargo")?;
    let (sender, lines) = sync_channel(256);
    let readers = [
        child.stdout.take().map(|pipe| forward(pipe, sender.clone(), Line::Output)),
        child.stderr.take().map(|pipe| forward(pipe, sender, Line::Error)),
    ];

    let mut tally = Tally::default();
    for line in lines {
        match line {
            Line::Output(line) => {
                if tally.line(&line) {
                    show(&line);
                }
            }
            Line::Error(line) => {
                tally.error_line(&line);
                show(&line); // Both go to one stream, so that a log keeps their order.
            }
        }
    }
    for reader in readers.into_iter().flatten() {
        // A reader ends at the end of its pipe and has nothing to fail with.
        drop(reader.join());
    }
    let success = child.wait().context("failed to wait for cargo")?.success();
    tally.finish(success);
    Ok((success, tally))
}

enum Line {
    Output(String),
    Error(String),
}

/// Sends each line of a pipe, whatever bytes are in it.
fn forward<R: Read + Send + 'static>(
    pipe: R,
    sender: SyncSender<Line>,
    wrap: fn(String) -> Line,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while matches!(pipe.read_until(b'\n', &mut bytes), Ok(read) if read > 0) {
            let line = String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned();
            if sender.send(wrap(line)).is_err() {
                break;
            }
            bytes.clear();
        }
    })
}

/// Says what the tests will find on this machine.
fn set_up() {
    for (program, use_) in
        [("sh", "starts the processes of many tests"), ("python3", "a few tests are skipped without it")]
    {
        let found = is_on_path(program);
        println!("{program}: {} ({use_})", if found { "found" } else { "missing" });
    }
}

/// Whether a program of this name can be started.
pub(crate) fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_of_both_kinds_is_counted() {
        if !is_on_path("sh") {
            println!("skipped: sh is missing");
            return;
        }
        let script = "echo 'running 1 test'; echo 'test a ... ok'; echo 'skipped: no moon' >&2; \
                      echo 'test result: ok. 1 passed; 0 failed; 0 ignored'; exit 0";
        let mut shown = Vec::new();
        let mut show = |line: &str| shown.push(line.to_owned());
        let (success, tally) = count(Command::new("sh").args(["-c", script]), &mut show).expect("sh starts");
        assert!(success);
        assert!(shown.iter().any(|line| line == "test a ... ok"), "{shown:?}");
        assert_eq!(tally.counts(), Counts { passed: 0, failed: 0, skipped: 1 });
    }

    #[test]
    fn a_failing_program_is_no_success() {
        if !is_on_path("sh") {
            println!("skipped: sh is missing");
            return;
        }
        let (success, tally) =
            count(Command::new("sh").args(["-c", "exit 3"]), &mut |_| {}).expect("sh starts");
        assert!(!success);
        assert_eq!(tally.counts().failed, 1);
    }
}
