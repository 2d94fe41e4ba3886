//! What is asked for.

use std::env;
use std::path::PathBuf;

pub(crate) const HELP: &str = "\
usage: starline-kill --program PATH [--cycles N] [--base SEED] [--jobs N] [--keep]
  --program PATH  the program that is killed
  --cycles N      kills in all; 50 by default
  --base SEED     the first world
  --seed SEED     this world alone
  --jobs N        worlds at the same time; 2 by default
  --keep          leave the folders of worlds as they are";

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) program: PathBuf,
    pub(crate) cycles: u64,
    pub(crate) base: u64,
    pub(crate) jobs: usize,
    pub(crate) keep: bool,
}

impl Options {
    /// Reads the command line.
    pub(crate) fn read(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { program: PathBuf::new(), cycles: 50, base: 1, jobs: 2, keep: false };
        let mut arguments = arguments;
        while let Some(name) = arguments.next() {
            if name == "--keep" {
                options.keep = true;
                continue;
            }
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            let number = || value.parse::<u64>().map_err(|_| format!("{name} {value:?} is no number"));
            match name.as_str() {
                "--program" => options.program = PathBuf::from(&value),
                "--cycles" => options.cycles = number()?,
                "--base" => options.base = number()?,
                "--seed" => (options.base, options.cycles, options.jobs) = (number()?, 1, 1),
                "--jobs" => options.jobs = usize::try_from(number()?).unwrap_or(1).max(1),
                _ => return Err(format!("there is no option {name}")),
            }
        }
        if !options.program.is_file() {
            return Err(format!("--program {:?} is no file", options.program));
        }
        options.program = std::path::absolute(&options.program).map_err(|error| error.to_string())?;
        Ok(options)
    }

    /// This program, which is the tasks as well.
    pub(crate) fn me() -> Result<PathBuf, String> {
        env::current_exe().map_err(|error| format!("this program has no path: {error}"))
    }
}
