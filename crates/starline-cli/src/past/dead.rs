//! Tasks that failed for good, of all runs: what is left for a person to look at.

use std::path::Path;

use serde::Serialize;
use starline::types::{DeviceId, Reading, RunOutcome, TaskError, TaskId};

use super::{IMPORTED, Past, names, read_json};
use crate::failure::Failure;
use crate::records::RESULT;

/// A task that failed after at least one attempt, and will not be tried again by itself.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Dead {
    pub(crate) run_id: String,
    pub(crate) task: TaskId,
    pub(crate) device: Option<DeviceId>,
    pub(crate) attempts: u32,
    pub(crate) error: Option<TaskError>,
    /// When it failed, in milliseconds since 1970, or virtual ones.
    pub(crate) failed_at: Option<u64>,
    /// Whether another process carries the run out: then the task can be tried again.
    pub(crate) live: bool,
}

/// A run whose files cannot be read, and why.
pub(crate) type Unreadable = (String, Failure);

/// Dead tasks of all runs, those of the run that began last first, and the runs whose files cannot be read.
///
/// # Errors
/// The state folder cannot be read.
pub(crate) fn dead(state_dir: &Path) -> Result<(Vec<Dead>, Vec<Unreadable>), Failure> {
    let runs = state_dir.join("runs");
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    for name in names(state_dir)?.into_iter().rev() {
        match of(&runs.join(&name), &name) {
            Ok(more) => found.extend(more),
            Err(failure) => unreadable.push((name, failure)),
        }
    }
    Ok((found, unreadable))
}

fn of(folder: &Path, run: &str) -> Result<Vec<Dead>, Failure> {
    let imported = folder.join(IMPORTED).exists();
    // A result is much smaller than what it came from.
    let outcome: Option<RunOutcome> = if imported { None } else { read_json(&folder.join(RESULT)) };
    let (outcome, live) = match outcome {
        Some(outcome) => (outcome, false),
        None => {
            let past = Past::read(folder)?;
            (past.outcome, past.live)
        }
    };
    let failed = outcome.results.into_iter();
    let failed = failed.filter(|(_, result)| result.status == Reading::Failed && result.attempts > 0);
    let mut failed: Vec<Dead> = failed
        .map(|(task, result)| Dead {
            run_id: run.to_owned(),
            task,
            device: result.device,
            attempts: result.attempts,
            error: result.error,
            failed_at: result.finished_at,
            live,
        })
        .collect();
    failed.sort_by_key(|dead| std::cmp::Reverse(dead.failed_at));
    Ok(failed)
}
