//! Measurements: ratios to baselines measured beside the product, and instruction counts.

use std::process::Command;

use anyhow::{Context as _, bail};
use clap::ValueEnum;

use crate::metadata::{self, Depth, Metadata};
use crate::{cargo, test};

pub(crate) const HELP: &str = "\
ratios         product and baselines interleaved in one process; prints a table of ratios and writes
               target/bench/ratios.json. --quick does it in under a minute with fewer repetitions.
instructions   counts instructions under valgrind, which is the same on every run and every machine of
               a kind. Installs what it needs where it may, or prints the command that does.

What follows the name is passed on to the bench.";

/// What can be measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Subject {
    /// Time and memory relative to baselines
    Ratios,
    /// Instructions under valgrind
    Instructions,
}

/// Runs the bench with its own arguments.
pub(crate) fn run(subject: Subject, args: &[String]) -> anyhow::Result<bool> {
    let mut command = cargo::command();
    match subject {
        Subject::Ratios => {
            command.args(["run", "--release", "--package", "starline-benches", "--bin", "ratios", "--"]);
        }
        Subject::Instructions => {
            provide_valgrind()?;
            provide_runner(&mut command)?;
            command.args(["bench", "--package", "starline-benches", "--bench", "instructions", "--"]);
        }
    }
    command.args(args);
    Ok(cargo::run(&mut command)?.success())
}

/// Finds valgrind, or installs it if this user may.
fn provide_valgrind() -> anyhow::Result<()> {
    const INSTALL: [&str; 4] = ["apt-get", "install", "--yes", "valgrind"];
    if test::is_on_path("valgrind") {
        return Ok(());
    }
    let me = Command::new("id").arg("-u").output().map(|output| output.stdout).unwrap_or_default();
    if me.trim_ascii() != b"0" || !test::is_on_path(INSTALL[0]) {
        bail!("valgrind is missing: install it, on Debian with `sudo {}`", INSTALL.join(" "));
    }
    let installed = cargo::run(Command::new(INSTALL[0]).args(&INSTALL[1..]))?.success();
    if !installed || !test::is_on_path("valgrind") {
        bail!("valgrind is missing, and `{}` did not provide it", INSTALL.join(" "));
    }
    Ok(())
}

/// Installs the runner of the instruction counter below the target folder, in the version of the library:
/// they must be equal. Nothing to do while the bench does without that library.
fn provide_runner(bench: &mut Command) -> anyhow::Result<()> {
    let metadata = Metadata::load(None, Depth::Resolved)?;
    let Some(library) = metadata.packages.iter().find(|package| package.name == "gungraun") else {
        return Ok(());
    };
    let runner = "gungraun-runner";
    let home = metadata.target_directory.join("tools").join(format!("{runner}-{}", library.version));
    if !home.join("bin").join(runner).is_file() {
        let mut install = cargo::command();
        install.args([
            "install",
            "--locked",
            runner,
            "--version",
            &format!("={}", library.version),
            "--root",
        ]);
        if !cargo::run(install.arg(&home))?.success() {
            bail!("{runner} {} could not be installed", library.version);
        }
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(home.join("bin")).chain(std::env::split_paths(&path));
    bench.env("PATH", std::env::join_paths(folders).context("failed to extend PATH")?);
    bench.current_dir(metadata::root());
    Ok(())
}
