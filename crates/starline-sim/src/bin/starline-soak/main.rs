//! Plays random schedules in large numbers, in search of a broken rule.
//!
//! `starline-soak sim` plays schedules and reports how many; a violation is shrunk, shown and ends with exit
//! code 1. `--bugs` turns the matter round: each deliberately broken rule must be found.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a program for people at a terminal")]

mod hunt;
mod options;
mod search;

use std::process::ExitCode;

use options::{Options, Task};

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(fault) => {
            eprintln!("starline-soak: {fault}\n\n{}", options::HELP);
            return ExitCode::from(2);
        }
    };
    let fine = match options.task {
        Task::Help => {
            println!("{}", options::HELP);
            true
        }
        Task::One(seed) => search::one(seed, options.trace),
        Task::Many { base, seeds } => search::many(base, seeds, options.jobs, options.crashes),
        Task::Bugs { base, seeds } => hunt::bugs(base, seeds),
    };
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
