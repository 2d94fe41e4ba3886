//! Peak memory of a system, measured in a process of its own.

use std::path::Path;
use std::process::Command;
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::runtime;
use crate::{Dag, RunError, System};

/// What the operating system says about a process that ran one graph, in bytes.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Usage {
    /// Name of the system.
    pub system: String,
    /// Name of the graph.
    pub workload: String,
    /// Tasks of the graph.
    pub tasks: u64,
    /// Resident memory before the run: the process and the list of edges.
    pub before: u64,
    /// Peak of resident memory, the above included.
    pub peak: u64,
    /// Part of the peak that is payload of the caller.
    pub payload: u64,
}

impl Usage {
    /// Bytes a task that the system added, without payload.
    pub fn per_task(&self) -> f64 {
        self.peak.saturating_sub(self.before).saturating_sub(self.payload) as f64 / self.tasks.max(1) as f64
    }

    /// Runs the graph once in this process, which should do nothing else before or after.
    ///
    /// Where the kernel lets a process reset its peak, the peak is that of the execution: generating the graph
    /// and handing it over are no part of it, for any system.
    ///
    /// # Errors
    ///
    /// Those of the run; [`RunError::Failed`] when the graph is unknown or `/proc` is not readable.
    pub fn here(system: System, workload: &str) -> Result<Self, RunError> {
        let failed = |error: io::Error| RunError::failed(system.name(), error);
        let dag = Dag::named(workload).map_err(|error| RunError::failed(system.name(), error))?;
        runtime::WATCH_MEMORY.store(true, std::sync::atomic::Ordering::Relaxed);
        runtime::reset_peak();
        let before = resident("VmRSS").map_err(failed)?;
        let payload = system.run_for_memory(&dag)?;
        let peak = resident("VmHWM").map_err(failed)?;
        let tasks = dag.tasks as u64;
        Ok(Self { system: system.to_string(), workload: workload.to_owned(), tasks, before, peak, payload })
    }

    /// Has `program` run the graph, as `program --child SYSTEM WORKLOAD`, and reads what it prints.
    ///
    /// # Errors
    ///
    /// [`RunError::Failed`] with what the child wrote to its standard error.
    pub fn of_child(program: &Path, system: System, workload: &str) -> Result<Self, RunError> {
        let failed = |error: io::Error| RunError::failed(system.name(), error);
        let output =
            Command::new(program).args(["--child", system.name(), workload]).output().map_err(failed)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(RunError::failed(system.name(), said));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| RunError::failed(system.name(), error))
    }
}

/// A figure of `/proc/self/status`, in bytes.
fn resident(field: &str) -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    parse(&status, field)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("no {field} in kB")))
}

fn parse(status: &str, field: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    value.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_in_bytes() {
        let status = "Name:\tratios\nVmHWM:\t    2048 kB\nVmRSS:\t      12 kB\n";
        assert_eq!(parse(status, "VmHWM"), Some(2_097_152));
        assert_eq!(parse(status, "VmRSS"), Some(12_288));
        assert_eq!(parse(status, "VmSwap"), None);
    }

    #[test]
    fn payload_is_no_part_of_a_task() {
        let (system, workload) = ("orchestrator".to_owned(), "chain_1000".to_owned());
        let usage =
            Usage { system, workload, tasks: 1_000, before: 100_000, peak: 700_000, payload: 200_000 };
        assert!((usage.per_task() - 400.0).abs() < f64::EPSILON);
    }
}
