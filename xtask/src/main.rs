//! Developer commands of the workspace: `cargo xtask <command>`.
//!
//! Each check is a function from what is there to a list of faults, one line each. Only this file and
//! [`ci`] decide what a fault means for the exit code.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its terminal")]

mod bench;
mod cargo;
mod ci;
mod dependencies;
mod docs;
mod features;
mod files;
mod fuzz;
mod layers;
mod links;
mod manifests;
mod metadata;
mod model;
mod soak;
mod tally;
mod test;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

/// Checks, tests, long runs and benches of the starline workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", subcommand_required = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run every check, then the two commands of the README, each once
    #[command(after_help = ci::HELP)]
    Ci,
    /// Build what the tests need, run them all and count passes, failures and skips
    #[command(after_help = test::HELP)]
    Test {
        /// Run only tests whose name contains one of these words
        filters: Vec<String>,
    },
    /// Check that every dependency between crates is an arrow the layers allow
    #[command(after_help = layers::HELP)]
    Layers {
        /// The root manifest of the workspace to check, instead of this one
        #[arg(long, value_name = "FILE")]
        manifest_path: Option<PathBuf>,
    },
    /// Check that the features of the facade build alone and that `full` is complete
    #[command(after_help = features::HELP)]
    Features,
    /// Check that each manifest inherits what it should and says what its crate is
    #[command(after_help = manifests::HELP)]
    Manifests,
    /// Write the generated parts of `docs/`, then check links and the table of dependencies
    #[command(after_help = docs::HELP)]
    Docs {
        /// Change nothing; report what is out of date
        #[arg(long)]
        check: bool,
    },
    /// Check file lengths, names, the top level and other habits of the tree
    #[command(after_help = tidy::HELP)]
    Tidy,
    /// Run the long volume of a simulated test
    #[command(after_help = soak::HELP)]
    Soak {
        /// What to soak
        name: soak::Subject,
        /// Passed on
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run the long volume of the hostile-input tests
    #[command(after_help = fuzz::HELP)]
    Fuzz {
        /// Passed on: options, and names of targets
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Measure: ratios to baselines, or instruction counts
    #[command(after_help = bench::HELP)]
    Bench {
        /// What to measure
        name: bench::Subject,
        /// Passed on
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    match run(cli.command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs one command; `false` means that it found something wrong and has said so.
fn run(command: Command) -> anyhow::Result<bool> {
    match command {
        Command::Ci => ci::run(),
        Command::Test { filters } => test::run(&filters),
        Command::Layers { manifest_path } => Ok(verdict("layers", &layers::check(manifest_path.as_deref())?)),
        Command::Features => Ok(verdict("features", &features::check()?)),
        Command::Manifests => Ok(verdict("manifests", &manifests::check()?)),
        Command::Docs { check } => Ok(verdict("docs", &docs::run(check)?)),
        Command::Tidy => Ok(verdict("tidy", &tidy::check()?)),
        Command::Soak { name, args } => soak::run(name, &args),
        Command::Fuzz { args } => fuzz::run(&args),
        Command::Bench { name, args } => bench::run(name, &args),
    }
}

/// Prints one line for each fault, or that there is none.
fn verdict(check: &str, faults: &[String]) -> bool {
    for fault in faults {
        println!("{check}: {fault}");
    }
    match faults.len() {
        0 => println!("{check}: ok"),
        1 => println!("{check}: 1 fault"),
        n => println!("{check}: {n} faults"),
    }
    faults.is_empty()
}

/// Prints help or a usage error; an unknown command is answered with the list of those there are.
fn usage(error: &clap::Error) -> ExitCode {
    // A terminal that has gone away is no reason to fail in another manner.
    drop(error.print());
    if error.kind() == ErrorKind::InvalidSubcommand {
        let cli = Cli::command();
        let names: Vec<_> = cli.get_subcommands().map(clap::Command::get_name).collect();
        eprintln!("\nThe commands are: {}.", names.join(", "));
    }
    if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_explains_itself_at_length() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.len() > 80, "`{}` has no help that teaches", command.get_name());
        }
    }

    #[test]
    fn options_of_a_long_run_are_passed_on_untouched() {
        let cli = Cli::try_parse_from(["xtask", "soak", "sim", "--seed", "7", "--trace"]).expect("valid");
        let Command::Soak { args, .. } = cli.command else { panic!("another command") };
        assert_eq!(args, ["--seed", "7", "--trace"]);
    }

    #[test]
    fn an_unknown_subject_lists_the_known_ones() {
        let error = Cli::try_parse_from(["xtask", "bench", "speed"]).expect_err("unknown").to_string();
        assert!(error.contains("ratios") && error.contains("instructions"), "{error}");
    }
}
