//! Tables for people, and the list of ratios for programs.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::{Cell, Results, Usage, Verdict};

/// Writes the heading above the rows of [`times`].
///
/// # Errors
///
/// What the writer reports.
pub fn times_heading(out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "{:<16} {:>7}  {:<13} {:>9} {:>9} {:>6}",
        "workload", "workers", "system", "wall us", "cpu us", "runs"
    )
}

/// Writes one row for each system of a cell: the least wall and processor time, in µs per task.
///
/// # Errors
///
/// What the writer reports.
pub fn times(out: &mut impl Write, cell: &Cell, results: &Results) -> io::Result<()> {
    for (system, result) in results {
        write!(out, "{:<16} {:>7}  {system:<13} ", cell.workload, cell.workers)?;
        match result {
            Ok(best) => writeln!(out, "{:>9.3} {:>9.3} {:>6}", best.wall, best.cpu, best.rounds)?,
            Err(error) => writeln!(out, "{}", chain(error))?,
        }
    }
    out.flush()
}

/// Writes peak memory: of the process, before the run, and what the system added for each task.
///
/// # Errors
///
/// What the writer reports.
pub fn memory(out: &mut impl Write, usages: &[Usage]) -> io::Result<()> {
    writeln!(
        out,
        "{:<16} {:<13} {:>9} {:>10} {:>11}",
        "workload", "system", "peak MB", "before MB", "bytes/task"
    )?;
    for usage in usages {
        let [peak, before] = [usage.peak, usage.before].map(|bytes| bytes as f64 / 1e6);
        write!(out, "{:<16} {:<13} {peak:>9.1} {before:>10.1} ", usage.workload, usage.system)?;
        writeln!(out, "{:>11.0}", usage.per_task())?;
    }
    Ok(())
}

/// Writes one row for each verdict, or a line that says there is none.
///
/// # Errors
///
/// What the writer reports.
pub fn verdicts(out: &mut impl Write, verdicts: &[Verdict]) -> io::Result<()> {
    if verdicts.is_empty() {
        return writeln!(out, "no ratios: the product is not plugged in, or nothing of a goal was measured");
    }
    write!(
        out,
        "{:<5} {:<32} {:>7} {:>14} {:>14} {:<11}",
        "goal", "workload", "workers", "product", "baseline", "unit"
    )?;
    writeln!(out, "{:<11} {:>9} {:>9} {:>8}", "source", "ratio", "cpu ratio", "limit")?;
    for row in verdicts {
        write!(out, "{:<5} {:<32} {:>7} ", row.goal, row.workload, row.workers)?;
        write!(out, "{:>14.3} {:>14.3} {:<11}{:<11}", row.product, row.baseline, row.unit, row.source)?;
        let cpu = row.cpu_ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.4}"));
        let verdict = if row.holds() { "reached" } else { "missed" };
        writeln!(out, " {:>9.4} {cpu:>9} {:>8.4}  {verdict}", row.ratio, row.limit)?;
    }
    Ok(())
}

/// Writes the verdicts as a JSON list, creating the folder if need be.
///
/// # Errors
///
/// What the file system reports.
pub fn json(path: &Path, verdicts: &[Verdict]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut text = serde_json::to_string_pretty(verdicts)?;
    text.push('\n');
    fs::write(path, text)
}

/// An error with its causes, in one line.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Group, RunError, System};

    #[test]
    fn an_error_is_told_with_its_causes() {
        let error = RunError::failed("dagx", "channel closed");
        assert_eq!(chain(&error), "dagx failed: channel closed");
    }

    #[test]
    fn a_system_that_failed_has_a_row() {
        let cell =
            Cell { group: Group::Crates, workload: "fan_998", workers: 1, systems: vec![System::Dagx] };
        let mut out = Vec::new();
        times(&mut out, &cell, &vec![(System::Dagx, Err(RunError::failed("dagx", "too wide")))])
            .expect("a vector");
        assert_eq!(
            String::from_utf8_lossy(&out),
            "fan_998                1  dagx          dagx failed: too wide\n"
        );
    }
}
