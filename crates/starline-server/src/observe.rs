//! Looking at runs and devices.

use axum::extract::{Path, State};
use serde_json::json;
use starline_types::{Event, TaskId};

use crate::answer::{Answer, ok};
use crate::app::{App, task_id, unknown_task};

pub(crate) async fn health() -> Answer {
    ok(&json!({"status": "ok"}))
}

pub(crate) async fn runs(State(app): State<App>) -> Answer {
    ok(&json!({"runs": app.orchestrator.runs()}))
}

pub(crate) async fn run(State(app): State<App>, Path(run): Path<String>) -> Answer {
    let snapshot = app.run(&run)?.snapshot().await?;
    ok(&*snapshot)
}

pub(crate) async fn holds(State(app): State<App>, Path(run): Path<String>) -> Answer {
    let run = app.run(&run)?;
    let snapshot = run.snapshot().await?;
    ok(&json!({"holds": snapshot.holds, "pending": run.pending_count()}))
}

pub(crate) async fn devices(State(app): State<App>) -> Answer {
    let devices = app.orchestrator.fleet().devices().await?;
    ok(&json!({"devices": devices}))
}

pub(crate) async fn explain(State(app): State<App>, Path((run, task)): Path<(String, String)>) -> Answer {
    let run = app.run(&run)?;
    let task = task_id(&run, &task).await?;
    let Some(mut explanation) = run.explain(task.clone()).await? else {
        return Err(unknown_task(&run, task.as_str()).await);
    };
    let status = run.status();
    let history = app.log.run(run.id(), status.seq, status.state.is_terminal());
    for reason in &mut explanation.reasons {
        let causes: Vec<TaskId> =
            reason.causes().into_iter().flatten().map(|cause| cause.task.clone()).collect();
        let numbers = history.last_of(&causes, ended);
        for cause in reason.causes_mut().into_iter().flatten() {
            cause.seq = numbers.get(&cause.task).copied();
        }
    }
    ok(&explanation)
}

/// The task whose end a fact is.
fn ended(event: &Event) -> Option<&TaskId> {
    match event {
        Event::TaskCompleted { task, .. }
        | Event::TaskFailed { task, .. }
        | Event::TaskCancelled { task, .. }
        | Event::TaskSkipped { task, .. } => Some(task.id()),
        _ => None,
    }
}
