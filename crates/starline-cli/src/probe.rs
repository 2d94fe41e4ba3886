//! Whether a device really works: it is given the smallest program there is.

use std::sync::Arc;
use std::time::Duration;

use starline::orchestrator::Device;
use starline::transport_process::ProcessDevice;
use starline::types::{
    Attempt, AttemptId, Exec, Millis, Payload, Shell, SparseMap, TaskId, TaskRef, TaskReport, TaskSpec,
};

use crate::run_id;

/// Longest time that the program may take.
const LIMIT: Millis = Millis::from_secs(10);
/// Name of the task that it is.
const TASK: &str = "probe";

/// What is tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Trial {
    /// The program `true`.
    Program,
    /// An empty script for `sh`.
    Script,
}

impl Trial {
    fn payload(self) -> Payload {
        match self {
            Self::Program => {
                Payload::Exec(Arc::new(Exec { argv: vec!["true".to_owned()], ..Exec::default() }))
            }
            Self::Script => Payload::Sh(Arc::new(Shell { script: ":".to_owned(), ..Shell::default() })),
        }
    }
}

/// Has a device run a program that does nothing, and shuts the device down.
///
/// # Errors
/// What went wrong, in one line.
pub(crate) fn try_out(device: Arc<ProcessDevice>, trial: Trial) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("failed to start a runtime: {error}"))?;
    let task = TaskId::new(TASK).map_err(|error| error.to_string())?;
    let attempt = Attempt {
        id: AttemptId { run: run_id::fresh(), task: TaskRef::unresolved(task.clone()), number: 1 },
        payload: trial.payload(),
        timeout: Some(LIMIT),
        files: SparseMap::new(),
        checkpoint: None,
        spec: Arc::new(TaskSpec::new(task, trial.payload())),
    };
    let ended = runtime.block_on(async {
        // The device bounds the time itself; this is for one that does not answer at all.
        let patience = Duration::from(LIMIT) * 2;
        let ended = tokio::time::timeout(patience, Arc::clone(&device).run(attempt)).await;
        device.shut_down().await;
        ended
    });
    match ended {
        Ok(Ok(TaskReport::Completed { .. })) => Ok(()),
        Ok(Ok(TaskReport::Failed { error, .. })) => Err(format!("{}: {}", error.kind, error.message)),
        Ok(Ok(TaskReport::Stopped)) => Err("the program was stopped".to_owned()),
        Ok(Err(error)) => Err(chain(&error)),
        Err(_) => Err("no answer".to_owned()),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
