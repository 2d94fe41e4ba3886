//! Long runs of the hostile-input targets: `cargo xtask fuzz` starts it.
//!
//! This process only watches. Inputs are read by children of it, each within a limit of memory and under a watchdog, so
//! that a hang, an overflow of the stack or a bomb is a finding like any other.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its terminal")]

mod options;
mod report;
mod watch;
mod work;

use std::process::ExitCode;

use options::{Command, Options};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match Options::read(&arguments) {
        Ok(Command::Hunt(options)) => match watch::hunt(&options) {
            Ok(report) => {
                print!("{report}");
                if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
            }
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        },
        Ok(Command::Work(work)) => work::run(work),
        Ok(Command::Replay { target, file }) => work::replay(target, &file),
        Err(fault) => {
            eprintln!("error: {fault}\n\n{}", options::USAGE);
            ExitCode::from(2)
        }
    }
}
