//! Runs the product and its baselines in turn and prints how they compare.
//!
//! `ratios [--quick] [--goal P1,P2,...]`; see the README of the package.

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use starline_benches::{
    Effort, Figures, Goal, System, Usage, judge, measure_edits, measure_journal, measure_recovery,
    measure_schedules, memory_plan, report, time_plan,
};

const USAGE: &str = "\
usage: ratios [--quick] [--goal LIST]

  --quick       fewer runs: all goals in under a minute
  --goal LIST   only these goals, separated by commas, from P1, P2, P3, P4, P5, P7, P8, P9, P11, P12, P13,
                recovery, sim; may be repeated";

fn main() -> ExitCode {
    let outcome = Request::parse(std::env::args().skip(1)).and_then(|request| match request {
        Request::Help => Ok(writeln!(io::stdout(), "{USAGE}")?),
        Request::Child { system, workload } => child(system, &workload),
        Request::Compare { effort, goals } => compare(effort, &goals),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nowhere left to report that standard error is closed.
            let _told = writeln!(io::stderr(), "ratios: {}", report::chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for.
#[derive(Debug, Eq, PartialEq)]
enum Request {
    Help,
    /// Run one graph and print the memory it took; the parent asks for this.
    Child {
        system: System,
        workload: String,
    },
    Compare {
        effort: Effort,
        goals: Vec<Goal>,
    },
}

impl Request {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let (mut effort, mut goals) = (Effort::Full, Vec::new());
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--help" | "-h" => return Ok(Self::Help),
                "--quick" => effort = Effort::Quick,
                "--goal" => {
                    let list = arguments.next().ok_or("--goal needs a list such as P1,P2")?;
                    for name in list.split(',') {
                        goals.push(name.trim().parse()?);
                    }
                }
                "--child" => {
                    let system = arguments.next().ok_or("--child needs a system and a graph")?.parse()?;
                    let workload = arguments.next().ok_or("--child needs a graph after the system")?;
                    return Ok(Self::Child { system, workload });
                }
                unknown => return Err(format!("unknown argument `{unknown}`\n{USAGE}").into()),
            }
        }
        if goals.is_empty() {
            goals.extend(Goal::ALL);
        }
        goals.sort_unstable();
        goals.dedup();
        Ok(Self::Compare { effort, goals })
    }
}

fn child(system: System, workload: &str) -> Result<(), Box<dyn Error>> {
    let usage = Usage::here(system, workload)?;
    writeln!(io::stdout(), "{}", serde_json::to_string(&usage)?)?;
    Ok(())
}

fn compare(effort: Effort, goals: &[Goal]) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    let figures = measure_times(&mut out, effort, goals)?;
    let memory = measure_memory(&mut out, goals)?;
    let mut verdicts = judge(goals, &figures, &memory);
    verdicts.extend(measure_edits(goals, effort, &mut out)?);
    verdicts.extend(measure_journal(goals, effort, &mut out)?);
    verdicts.extend(measure_recovery(goals, effort, &mut out)?);
    verdicts.extend(measure_schedules(goals, effort, &mut out)?);
    report::verdicts(&mut out, &verdicts)?;
    let path = target().join("bench").join("ratios.json");
    report::json(&path, &verdicts)?;
    writeln!(out, "\nwritten to {}", path.display())?;
    Ok(())
}

fn measure_times(out: &mut impl Write, effort: Effort, goals: &[Goal]) -> Result<Figures, Box<dyn Error>> {
    let mut figures = Figures::default();
    let plan = time_plan(goals);
    if plan.is_empty() {
        return Ok(figures);
    }
    report::times_heading(out)?;
    for cell in plan {
        let results = cell.measure(effort)?;
        report::times(out, &cell, &results)?;
        figures.insert(&cell, &results);
    }
    writeln!(out)?;
    Ok(figures)
}

fn measure_memory(out: &mut impl Write, goals: &[Goal]) -> Result<Vec<Usage>, Box<dyn Error>> {
    let program = std::env::current_exe()?;
    let mut usages = Vec::new();
    for (workload, system) in memory_plan(goals) {
        match Usage::of_child(&program, system, workload) {
            Ok(usage) => usages.push(usage),
            Err(error) => writeln!(out, "{workload} {system}: {}", report::chain(&error))?,
        }
    }
    if !usages.is_empty() {
        report::memory(out, &usages)?;
        writeln!(out)?;
    }
    Ok(usages)
}

/// The target folder of the workspace, wherever the command was given.
fn target() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("target");
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(beside, PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Request, String> {
        Request::parse(line.split_whitespace().map(str::to_owned)).map_err(|error| error.to_string())
    }

    #[test]
    fn goals_are_chosen_by_name() {
        let goals = vec![Goal::P1, Goal::P4, Goal::P12];
        assert_eq!(
            parse("--quick --goal P4,P1 --goal P12,P1"),
            Ok(Request::Compare { effort: Effort::Quick, goals })
        );
        assert_eq!(parse(""), Ok(Request::Compare { effort: Effort::Full, goals: Goal::ALL.to_vec() }));
    }

    #[test]
    fn a_wrong_argument_is_named() {
        assert!(
            parse("--fast").expect_err("there is no such option").starts_with("unknown argument `--fast`")
        );
        assert!(parse("--goal P0").expect_err("there is no such goal").contains("`P0`"));
        assert!(parse("--goal").is_err());
        assert!(parse("--child bare_tokio").is_err());
    }

    #[test]
    fn a_child_runs_one_system() {
        let workload = "chain_1000".to_owned();
        assert_eq!(
            parse("--child bare_tokio chain_1000"),
            Ok(Request::Child { system: System::BareTokio, workload })
        );
    }
}
