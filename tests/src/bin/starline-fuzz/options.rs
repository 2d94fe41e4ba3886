//! The command line.

use std::path::PathBuf;
use std::str::FromStr;

use starline_tests::fuzz::{Target, find, targets};

pub(crate) const USAGE: &str = "\
usage: starline-fuzz [--inputs N] [--seed S] [--jobs J] [TARGET...]
       starline-fuzz --replay FILE TARGET";

/// What is to be done.
pub(crate) enum Command {
    /// Watch children that run inputs.
    Hunt(Options),
    /// Be such a child.
    Work(Work),
    /// Run one saved input.
    Replay { target: &'static Target, file: PathBuf },
}

/// A long run.
pub(crate) struct Options {
    /// Inputs of all targets together.
    pub(crate) inputs: u64,
    pub(crate) seed: u64,
    /// Children at a time.
    pub(crate) jobs: usize,
    pub(crate) targets: Vec<&'static Target>,
}

/// Some inputs of one target.
#[derive(Clone)]
pub(crate) struct Work {
    pub(crate) target: &'static Target,
    pub(crate) seed: u64,
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// Where the number of the input is written that is run right now.
    pub(crate) at: PathBuf,
    /// Where inputs are saved.
    pub(crate) findings: PathBuf,
}

impl Options {
    pub(crate) fn read(arguments: &[String]) -> Result<Command, String> {
        if arguments.first().is_some_and(|word| word == "--work") {
            return Work::read(&arguments[1..]).map(Command::Work);
        }
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        let mut options = Self { inputs: 1_000_000, seed: 1, jobs, targets: Vec::new() };
        let mut replay = None;
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--inputs" => options.inputs = number(value()?)?,
                "--seed" => options.seed = number(value()?)?,
                "--jobs" => options.jobs = number::<usize>(value()?)?.max(1),
                "--replay" => replay = Some(PathBuf::from(value()?)),
                name if name.starts_with('-') => return Err(format!("unknown option {name}")),
                name => options.targets.push(target(name)?),
            }
        }
        match (replay, options.targets.as_slice()) {
            (None, []) => options.targets = targets().iter().collect(),
            (None, _) => {}
            (Some(file), [target]) => return Ok(Command::Replay { target, file }),
            (Some(_), _) => return Err("one target must be named to replay an input of".to_owned()),
        }
        Ok(Command::Hunt(options))
    }
}

impl Work {
    fn read(words: &[String]) -> Result<Self, String> {
        let [name, seed, from, to, at, findings] = words else {
            return Err("--work is for children of this program".to_owned());
        };
        let (target, seed) = (target(name)?, number(seed)?);
        Ok(Self {
            target,
            seed,
            from: number(from)?,
            to: number(to)?,
            at: at.into(),
            findings: findings.into(),
        })
    }

    /// The arguments that [`read`](Self::read) understands.
    pub(crate) fn words(&self) -> Vec<String> {
        let numbers = [self.seed, self.from, self.to].map(|number| number.to_string());
        let paths = [&self.at, &self.findings].map(|path| path.display().to_string());
        let mut words = vec!["--work".to_owned(), self.target.name.to_owned()];
        words.extend(numbers);
        words.extend(paths);
        words
    }
}

fn target(name: &str) -> Result<&'static Target, String> {
    let names = || targets().iter().map(|target| target.name).collect::<Vec<_>>().join(" ");
    find(name).ok_or_else(|| format!("unknown target {name:?}: use one of {}", names()))
}

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.replace('_', "").parse().map_err(|_| format!("{text:?} is no number"))
}
