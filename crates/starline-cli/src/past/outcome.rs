//! The outcome of a run, from its history: of one that was interrupted, as far as it got.

use starline::report::{AttemptHistory, History, TaskHistory};
use starline::types::{Reading, RunOutcome, TaskId, TaskResult, Timestamp};

/// The outcome of a run. Times are those of the wall clock, or virtual ones.
pub(super) fn of(history: &History) -> RunOutcome {
    let created = history.created();
    let epoch = created.at.0.saturating_sub(created.t.0);
    let wall = |t: Timestamp| epoch + t.0;
    let until = history.until();
    let readings = history.readings();
    let results = readings.iter().map(|(id, status)| {
        let task = history.task(id);
        (id.clone(), task.map_or_else(|| plain(*status), |task| result(task, *status, &wall, until)))
    });
    let origin = history.started().map(|started| started.t);
    RunOutcome {
        run_id: history.run().clone(),
        status: history.state(),
        total_tasks: history.graph().len(),
        counts: history.graph().counts(),
        results: results.collect(),
        statistics: history.statistics(),
        revision: history.revision(),
        started_at: origin.map(wall),
        finished_at: history.ended().map(|ended| wall(ended.t)),
        duration_ms: origin.map(|origin| until.since(origin)).unwrap_or_default(),
        reason: history.end().and_then(|end| end.reason.as_deref().map(str::to_owned)),
        unconfirmed: unconfirmed(history),
    }
}

fn plain(status: Reading) -> TaskResult {
    TaskResult {
        status,
        result: serde_json::Value::Null,
        outputs: Default::default(),
        error: None,
        device: None,
        attempts: 0,
        started_at: None,
        finished_at: None,
        duration_ms: None,
        skip_reason: None,
    }
}

fn result(
    task: &TaskHistory,
    status: Reading,
    wall: &dyn Fn(Timestamp) -> u64,
    until: Timestamp,
) -> TaskResult {
    let last = task.attempts.last();
    TaskResult {
        result: task.result.as_deref().cloned().unwrap_or_default(),
        outputs: task.outputs.as_deref().cloned().unwrap_or_default(),
        error: task.error.as_deref().cloned(),
        device: last.map(|last| last.device.clone()),
        attempts: u32::try_from(task.attempts.len()).unwrap_or(u32::MAX),
        started_at: last.map(|last| wall(last.started_at.unwrap_or(last.assigned_at))),
        finished_at: task.finished_at.map(wall),
        duration_ms: last.map(|last: &AttemptHistory| last.duration(until)),
        skip_reason: task.skip.as_ref().map(|skip| skip.reason),
        ..plain(status)
    }
}

/// Tasks whose last attempt may still be running somewhere.
fn unconfirmed(history: &History) -> Vec<TaskId> {
    let doubtful = |task: &&TaskHistory| task.cancellation.is_some_and(|cancelled| !cancelled.confirmed);
    history.tasks().iter().filter(doubtful).map(|task| task.id().clone()).collect()
}
