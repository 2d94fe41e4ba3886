//! The long volume of the simulated tests.

use anyhow::{Context as _, bail};
use clap::ValueEnum;

use crate::cargo;
use crate::metadata::{Depth, Metadata};

pub(crate) const HELP: &str = "\
sim   random graphs, faults and edits against the scheduler under a virtual clock, judged by oracles
      that look at what the simulated devices did. Equal seeds give equal traces.
        --seeds N   how many schedules       --base B   the first seed
        --seed N    this schedule alone      --trace    print its events
        --jobs J    how many threads         --bugs     switch the seeded bugs on: each must be found
      A failure prints one line that reproduces it: `cargo xtask soak sim --seed N --trace`.

edits random batches against an independent reference: verdicts, faults, graphs, readiness, inverses, undo, redo,
      differences and merges must be equal.
        --batches N how many (1,000,000)     --seed S    the first world
        --jobs J    how many processes       each has its own share of the worlds
      A failure prints what runs it again.

interleave  the mailbox, the driver, the runners and the event bus, their threads scheduled by a seed: whoever is next,
      nothing is lost, nobody waits for ever, each sender is answered or told of the end.
        --schedules N  how many for each law (1,000,000)    --seed S   the first
      A failure prints its schedule: `STARLINE_SCHEDULE='<schedule>' cargo test -p <crate> --test interleave <law>` plays
      it again.

kill  the real program, killed at random moments by SIGKILL while its tasks write a synced ledger, while tasks are killed,
      while it is stopped and edited: nothing may be lost, nothing done twice that was recorded, no two attempts of a
      task at a time.
        --cycles N  how many kills (1,000)       --base B, --seed N, --jobs J   as above
        --keep      leave the folders of the runs

power-cut  the journal on a simulated disk whose power goes after any write: any part of what was not synced
      survives, and nothing that was acknowledged may be missing.
disk  the journal on a simulated disk that is full, cannot write, or cannot sync.
        --seeds N   how many (20,000 and 500)    --base B   the first seed    --jobs J   how many threads
rot   each byte of a store changes: that is detected, or does not matter.
        --seeds N   how many stores of each kind (1)    --base B, --jobs J   as above

What follows the name is passed on. The exit code is not zero if an oracle objects.";

/// What can be soaked.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Subject {
    /// Simulated schedules of the scheduler
    Sim,
    /// Random batches of edits against a reference
    Edits,
    /// Threads that hand work to each other, in any order
    Interleave,
    /// The real program, killed again and again
    Kill,
    /// The journal when the power goes
    PowerCut,
    /// The journal on a full or broken disk
    Disk,
    /// The journal with a changed byte
    Rot,
}

/// Runs the release build of the soak program, or of the tests that take any volume.
pub(crate) fn run(subject: Subject, args: &[String]) -> anyhow::Result<bool> {
    match subject {
        Subject::Sim => sim(args),
        Subject::Edits => edits(args),
        Subject::Interleave => interleave(args),
        Subject::Kill => kill(args),
        Subject::PowerCut => torture("power-cut", args),
        Subject::Disk => torture("disk", args),
        Subject::Rot => torture("rot", args),
    }
}

fn sim(args: &[String]) -> anyhow::Result<bool> {
    let mut command = cargo::command();
    command.args(["run", "--release", "--package", "starline-sim", "--features", "seeded-bugs"]);
    command.args(["--bin", "starline-soak", "--", "sim"]).args(args);
    Ok(cargo::run(&mut command)?.success())
}

/// The laws of the shell's hand-offs.
fn interleave(args: &[String]) -> anyhow::Result<bool> {
    let (mut schedules, mut seed) = (1_000_000, 0);
    read(args, &mut [("--schedules", &mut schedules), ("--seed", &mut seed)])?;
    let mut command = cargo::command();
    command.args(["test", "--release", "--package", "starline-bus", "--package", "starline-orchestrator"]);
    command.args(["--test", "interleave", "--", "laws::"]);
    command.env("STARLINE_SCHEDULES", schedules.to_string());
    command.env("STARLINE_SCHEDULE_SEED", seed.to_string());
    let passed = cargo::run(&mut command)?.success();
    let verdict = if passed { "every law holds" } else { "a law is BROKEN" };
    println!("interleave: {schedules} schedules of each law from seed {seed}: {verdict}");
    Ok(passed)
}

/// The program that users have, and one that kills it.
fn kill(args: &[String]) -> anyhow::Result<bool> {
    let mut build = cargo::command();
    build.args(["build", "--release", "--package", "starline-cli"]);
    if !cargo::run(&mut build)?.success() {
        return Ok(false);
    }
    let target = Metadata::load(None, Depth::Declared)?.target_directory;
    let mut command = cargo::command();
    command.args(["run", "--release", "--package", "starline-tests", "--bin", "starline-kill", "--"]);
    command.arg("--program").arg(target.join("release/starline"));
    if !args.iter().any(|arg| arg == "--cycles" || arg == "--seed") {
        command.args(["--cycles", "1000"]);
    }
    Ok(cargo::run(command.args(args))?.success())
}

/// The simulated disk beneath the journal.
fn torture(what: &str, args: &[String]) -> anyhow::Result<bool> {
    let mut command = cargo::command();
    command.args(["run", "--release", "--package", "starline-journal-redb", "--features", "torture"]);
    command.args(["--bin", "starline-torture", "--", what]).args(args);
    Ok(cargo::run(&mut command)?.success())
}

/// The test of volume, in processes that share the worlds.
fn edits(args: &[String]) -> anyhow::Result<bool> {
    let Share { batches, seed, jobs } = Share::read(args)?;
    let test = |job: u64| {
        let mut command = cargo::command();
        let each = batches.div_ceil(jobs);
        command.args(["test", "--release", "--package", "starline-edit", "--test", "model", "volume"]);
        command.env("STARLINE_EDIT_BATCHES", each.to_string());
        command.env("STARLINE_EDIT_SEED", (seed + job * each.div_ceil(BATCHES)).to_string());
        command
    };
    // Built once, so that the processes do not wait for each other.
    let mut build = test(0);
    build.arg("--no-run");
    if !cargo::run(&mut build)?.success() {
        return Ok(false);
    }
    let children: Vec<_> = (0..jobs).map(|job| test(job).spawn()).collect();
    let mut passed = true;
    for child in children {
        passed &= child?.wait()?.success();
    }
    println!("edits: {batches} batches from world {seed}: {}", if passed { "equal" } else { "NOT equal" });
    Ok(passed)
}

/// Batches of one world of the test.
const BATCHES: u64 = 8;

/// How much, and from where.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Share {
    batches: u64,
    seed: u64,
    jobs: u64,
}

impl Share {
    fn read(args: &[String]) -> anyhow::Result<Self> {
        let jobs = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
        let mut share = Self { batches: 1_000_000, seed: 0, jobs };
        let Self { batches, seed, jobs } = &mut share;
        read(args, &mut [("--batches", batches), ("--seed", seed), ("--jobs", jobs)])?;
        share.jobs = share.jobs.max(1);
        Ok(share)
    }
}

/// Reads options that have a number each.
fn read(args: &[String], options: &mut [(&str, &mut u64)]) -> anyhow::Result<()> {
    for pair in args.chunks(2) {
        let [name, value] = pair else { bail!("{} has no value", pair[0]) };
        let known = options.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", ");
        let Some((_, place)) = options.iter_mut().find(|(known, _)| known == name) else {
            bail!("unknown option {name}: there are {known}");
        };
        **place = value.parse().with_context(|| format!("{name} {value} is no number"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_edits_have_values() {
        let read = |text: &str| Share::read(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(
            read("--seed 7 --batches 100 --jobs 2").expect("valid"),
            Share { batches: 100, seed: 7, jobs: 2 }
        );
        assert!(read("--batches").is_err() && read("--batch 7").is_err() && read("--seed x").is_err());
    }
}
