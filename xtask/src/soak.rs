//! The long volume of the simulated tests.

use clap::ValueEnum;

use crate::cargo;

pub(crate) const HELP: &str = "\
sim   random graphs, faults and edits against the scheduler under a virtual clock, judged by oracles
      that look at what the simulated devices did. Equal seeds give equal traces.
        --seeds N   how many schedules       --base B   the first seed
        --seed N    this schedule alone      --trace    print its events
        --jobs J    how many threads         --bugs     switch the seeded bugs on: each must be found
      A failure prints one line that reproduces it: `cargo xtask soak sim --seed N --trace`.

What follows the name is passed on. The exit code is not zero if an oracle objects.";

/// What can be soaked.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Subject {
    /// Simulated schedules of the scheduler
    Sim,
}

/// Runs the release build of the soak program.
pub(crate) fn run(subject: Subject, args: &[String]) -> anyhow::Result<bool> {
    let name = match subject {
        Subject::Sim => "sim",
    };
    let mut command = cargo::command();
    command.args(["run", "--release", "--package", "starline-sim", "--features", "seeded-bugs"]);
    command.args(["--bin", "starline-soak", "--", name]).args(args);
    Ok(cargo::run(&mut command)?.success())
}
