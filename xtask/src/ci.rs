//! Everything that is asked of a change, in one command.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::tally::Counts;
use crate::{cargo, docs, features, layers, manifests, tidy, verdict};

pub(crate) const HELP: &str = "\
In this order: format, lints, documentation (warnings are errors here and only here), layers,
manifests, tidy, docs, features; then the two commands of the README, each once, as a newcomer types
them. A failing step does not stop the later ones. The last lines give the time of each step, what
failed, and the counts of the test run. The pipeline calls `.ci/run`, which calls this.";

struct Step {
    name: &'static str,
    passed: bool,
    took: Duration,
}

/// Runs all steps; `true` if every one passed.
pub(crate) fn run() -> anyhow::Result<bool> {
    let begun = now();
    let mut steps = Vec::new();
    let mut step = |name: &'static str, run: &mut dyn FnMut() -> anyhow::Result<bool>| {
        println!("\n== {name} ==");
        let begun = now();
        let passed = run().unwrap_or_else(|error| {
            println!("{name}: {error:#}");
            false
        });
        let took = begun.elapsed();
        println!("== {name}: {} in {} ==", word(passed), time(took));
        steps.push(Step { name, passed, took });
    };

    step("format", &mut || succeeds(&["fmt", "--all", "--check"]));
    step("lints", &mut || {
        succeeds(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])
    });
    step("documentation", &mut || {
        let mut doc = cargo::command();
        doc.args(["doc", "--workspace", "--no-deps", "--all-features"]).env("RUSTDOCFLAGS", "-D warnings");
        Ok(cargo::run(&mut doc)?.success())
    });
    step("layers", &mut || Ok(verdict("layers", &layers::check(None)?)));
    step("manifests", &mut || Ok(verdict("manifests", &manifests::check()?)));
    step("tidy", &mut || Ok(verdict("tidy", &tidy::check()?)));
    step("docs", &mut || Ok(verdict("docs", &docs::run(true)?)));
    step("features", &mut || Ok(verdict("features", &features::check()?)));
    step("demo", &mut || succeeds(&["run", "--release", "--", "demo"]));
    let mut counts = None;
    step("test", &mut || {
        let (passed, last) = test()?;
        counts = last;
        Ok(passed)
    });

    println!("\n== all steps, {} ==", time(begun.elapsed()));
    for Step { name, passed, took } in &steps {
        println!("{name:<15} {:<7} {}", word(*passed), time(*took));
    }
    let counts = counts.unwrap_or(Counts { passed: 0, failed: 1, skipped: 0 });
    println!("\n{counts}");
    Ok(steps.iter().all(|step| step.passed))
}

fn succeeds(args: &[&str]) -> anyhow::Result<bool> {
    Ok(cargo::run(cargo::command().args(args))?.success())
}

/// `cargo xtask test` as typed by a newcomer. Its counts are kept back: they end the whole run.
fn test() -> anyhow::Result<(bool, Option<Counts>)> {
    let mut command: Command = cargo::command();
    command.args(["xtask", "test"]).stdout(Stdio::piped());
    println!("$ {}", cargo::line(&command));
    let mut child = command.spawn().context("failed to start cargo")?;
    let mut counts = None;
    if let Some(pipe) = child.stdout.take() {
        for line in BufReader::new(pipe).lines() {
            let line = line.context("failed to read the output of the tests")?;
            match Counts::read(&line) {
                Some(read) => counts = Some(read),
                None => println!("{line}"),
            }
        }
    }
    let success = child.wait().context("failed to wait for cargo")?.success();
    Ok((success && counts.is_some_and(|counts| counts.failed == 0), counts))
}

const fn word(passed: bool) -> &'static str {
    if passed { "ok" } else { "FAILED" }
}

/// `5.2 s`, or `3 min 07 s` from a minute on.
fn time(took: Duration) -> String {
    match took.as_secs() {
        0..60 => format!("{:.1} s", took.as_secs_f32()),
        seconds => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

#[expect(clippy::disallowed_methods, reason = "a person wants to see what took long")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short_to_read() {
        assert_eq!(time(Duration::from_millis(5_240)), "5.2 s");
        assert_eq!(time(Duration::from_secs(187)), "3 min 07 s");
    }
}
