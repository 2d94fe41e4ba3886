//! What the program was asked to do.

use std::num::NonZero;

pub(crate) const HELP: &str = "\
usage: starline-soak sim [--crashes] [--seeds N] [--base B] [--jobs J]
       starline-soak sim --seed N [--trace]
       starline-soak sim --bugs [--seeds N] [--base B]

  --seeds N  how many schedules: 100000, or 20000 for each bug
  --base B   the first seed: 0
  --jobs J   how many threads: one for each processor
  --seed N   this schedule alone, twice, so that its traces can be compared
  --trace    prints what happens in it
  --crashes  plays each schedule again and again, with a crash during another commit each time
  --bugs     breaks one rule of the scheduler after the other: each must be found";

/// Schedules played by default, and for each bug.
const SEEDS: u64 = 100_000;
const BUG_SEEDS: u64 = 20_000;

/// What is to be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Task {
    Help,
    One(u64),
    Many { base: u64, seeds: u64 },
    Bugs { base: u64, seeds: u64 },
}

/// The options.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Options {
    pub(crate) task: Task,
    pub(crate) trace: bool,
    pub(crate) crashes: bool,
    pub(crate) jobs: usize,
}

impl Options {
    /// Reads the arguments after the name of the program.
    pub(crate) fn read(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = arguments.peekable();
        let (mut seeds, mut base, mut seed) = (None, 0, None);
        let (mut trace, mut crashes, mut bugs) = (false, false, false);
        let mut jobs = std::thread::available_parallelism().map_or(1, NonZero::get);
        match arguments.next().as_deref() {
            Some("sim") => {}
            Some("--help" | "-h") | None => return Ok(Self { task: Task::Help, trace, crashes, jobs }),
            Some(other) => return Err(format!("cannot soak {other:?}: there is only `sim`")),
        }
        while let Some(argument) = arguments.next() {
            let mut number = || -> Result<u64, String> {
                let text = arguments.next().ok_or_else(|| format!("{argument} needs a number"))?;
                text.replace('_', "").parse().map_err(|_| format!("{argument} needs a number, not {text:?}"))
            };
            match argument.as_str() {
                "--seeds" => seeds = Some(number()?),
                "--base" => base = number()?,
                "--seed" => seed = Some(number()?),
                "--jobs" => jobs = usize::try_from(number()?.max(1)).unwrap_or(usize::MAX).min(1024),
                "--trace" => trace = true,
                "--crashes" => crashes = true,
                "--bugs" => bugs = true,
                "--help" | "-h" => return Ok(Self { task: Task::Help, trace, crashes: false, jobs }),
                _ => return Err(format!("unknown option {argument}")),
            }
        }
        let task = match (seed, bugs) {
            (Some(_), true) => return Err("--seed and --bugs do not go together".into()),
            (Some(seed), false) => Task::One(seed),
            (None, true) => Task::Bugs { base, seeds: seeds.unwrap_or(BUG_SEEDS) },
            (None, false) => Task::Many { base, seeds: seeds.unwrap_or(SEEDS) },
        };
        Ok(Self { task, trace, crashes, jobs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Task, String> {
        Options::read(line.split_whitespace().map(str::to_owned)).map(|options| options.task)
    }

    #[test]
    fn options_are_read_and_faults_named() {
        assert_eq!(read("sim"), Ok(Task::Many { base: 0, seeds: SEEDS }));
        assert_eq!(read("sim --seeds 1_000 --base 7"), Ok(Task::Many { base: 7, seeds: 1000 }));
        assert_eq!(read("sim --seed 3 --trace"), Ok(Task::One(3)));
        assert_eq!(read("sim --bugs"), Ok(Task::Bugs { base: 0, seeds: BUG_SEEDS }));
        assert_eq!(read(""), Ok(Task::Help));
        for (line, fault) in [
            ("net", "only `sim`"),
            ("sim --seed", "needs a number"),
            ("sim --seeds many", "not \"many\""),
            ("sim --fast", "unknown option --fast"),
            ("sim --seed 1 --bugs", "do not go together"),
        ] {
            let said = read(line).expect_err(line);
            assert!(said.contains(fault), "{line}: {said}");
        }
    }
}
