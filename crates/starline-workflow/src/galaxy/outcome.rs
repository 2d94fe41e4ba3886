//! How far a constellation has got, as the outcome of a run, and back.

use std::collections::BTreeMap;
use std::sync::Arc;

use starline_edit::{Edit, EditBatch, Surroundings, TaskGraph, check_within};
use starline_graph::statistics;
use starline_types::{
    DeviceIx, ErrorKind, GraphSpec, Millis, OutcomeStatus, Reading, Revision, RunId, RunOutcome, RunState,
    StateCounts, Statistics, TaskError, TaskId, TaskResult, TaskState, Timestamp, Value,
};

use super::document::{Constellation, Record, Target, Task, Times};
use super::kept::Kept;
use super::moment;
use super::words::Status;
use crate::Limits;

/// What an error of a task begins with that was skipped.
const SKIPPED: &str = "skipped: ";

/// The outcome that a constellation tells.
pub(super) fn to_outcome(
    plan: &Constellation,
    graph: &GraphSpec,
    run: &RunId,
    limits: &Limits,
) -> RunOutcome {
    let waiting = waiting(plan);
    let tasks = plan.tasks.iter().zip(&graph.tasks).zip(waiting);
    let results: BTreeMap<_, _> =
        tasks.map(|((task, spec), waits)| (spec.id.clone(), result(task, waits))).collect();
    let (started_at, finished_at, between) = span(&plan.times);
    let mut outcome = RunOutcome {
        run_id: run.clone(),
        status: plan.state,
        total_tasks: results.len(),
        counts: StateCounts::default(),
        results,
        statistics: Statistics::default(),
        revision: Revision::default(),
        started_at,
        finished_at,
        duration_ms: between.or_else(|| plan.times.seconds.map(millis)).unwrap_or_default(),
        reason: None,
        unconfirmed: Vec::new(),
    };
    count(&mut outcome, graph, limits);
    outcome
}

/// Computes the figures that follow from the rest of an outcome.
pub(super) fn count(outcome: &mut RunOutcome, graph: &GraphSpec, limits: &Limits) {
    let mut counts = StateCounts::default();
    for result in outcome.results.values() {
        let state = match (result.status, ended(result.status)) {
            (_, Some(status)) => status.into(),
            (Reading::Running | Reading::Cancelling, None) => {
                TaskState::Running { attempt: result.attempts, device: DeviceIx(0) }
            }
            (_, None) => TaskState::Pending,
        };
        *counts.of(state) += 1;
    }
    outcome.counts = counts;
    outcome.statistics = figures(graph, &outcome.results, limits);
    outcome.statistics.state = outcome.status;
    let between = outcome.started_at.zip(outcome.finished_at);
    outcome.statistics.execution_duration = between.map(|_| outcome.duration_ms.as_secs_f64());
}

/// Begin, end and the time between them.
fn span(times: &Times) -> (Option<u64>, Option<u64>, Option<Millis>) {
    let started = times.started.as_deref().and_then(moment::read);
    let finished = times.ended.as_deref().and_then(moment::read);
    let between = started.zip(finished).map(|(from, to)| Timestamp(to).since(Timestamp(from)));
    (started, finished, between)
}

fn ended(reading: Reading) -> Option<OutcomeStatus> {
    match reading {
        Reading::Completed => Some(OutcomeStatus::Completed),
        Reading::Failed => Some(OutcomeStatus::Failed),
        Reading::Cancelled => Some(OutcomeStatus::Cancelled),
        Reading::Skipped => Some(OutcomeStatus::Skipped),
        _ => None,
    }
}

fn millis(seconds: f64) -> Millis {
    Millis((seconds.max(0.0) * 1_000.0).round() as u64)
}

/// Which tasks wait for one that has not ended.
fn waiting(plan: &Constellation) -> Vec<bool> {
    let mut waiting = vec![false; plan.tasks.len()];
    let open = |at: usize| {
        plan.tasks.get(at).is_some_and(|task| matches!(task.record.status, Status::Pending | Status::Running))
    };
    for line in plan.lines.iter().filter(|line| open(line.from)) {
        if let Some(waits) = waiting.get_mut(line.to) {
            *waits = true;
        }
    }
    waiting
}

fn result(task: &Task, waits: bool) -> TaskResult {
    let Record { status, result, error, current_retry } = &task.record;
    let (started_at, finished_at, between) = span(&task.times);
    let ran = started_at.is_some() || matches!(status, Status::Running | Status::Completed | Status::Failed);
    TaskResult {
        status: match status {
            Status::Pending if waits => Reading::Waiting,
            Status::Pending => Reading::Ready,
            Status::Running => Reading::Running,
            Status::Completed => Reading::Completed,
            Status::Failed => Reading::Failed,
            Status::Cancelled => Reading::Cancelled,
        },
        result: result.clone(),
        outputs: BTreeMap::new(),
        error: error.as_ref().map(|message| TaskError::new(ErrorKind::DeviceError, message.as_str())),
        device: match &task.target {
            Target::Device(device) if ran => Some(device.clone()),
            _ => None,
        },
        attempts: if ran || *current_retry > 0 { current_retry.saturating_add(1) } else { 0 },
        started_at,
        finished_at,
        duration_ms: task.times.seconds.map(millis).or(between),
        skip_reason: None,
    }
}

/// Figures of the graph, and of the run as far as it has got.
fn figures(graph: &GraphSpec, results: &BTreeMap<TaskId, TaskResult>, limits: &Limits) -> Statistics {
    let edit = Edit::Build { graph: Arc::new(graph.clone()), clear_existing: false };
    let batch = EditBatch { edits: vec![edit], ..EditBatch::default() };
    let around = Surroundings { devices: None, limits: limits.clone(), ..Surroundings::default() };
    let mut tasks = TaskGraph::default();
    if let Ok(checked) = check_within(&mut tasks, &batch, &around) {
        let _ = checked.commit();
    }
    let indices: Vec<_> = tasks.indices().collect();
    for ix in indices {
        let Some(result) = results.get(tasks.id(ix)) else { continue };
        let started = Timestamp(result.started_at.unwrap_or_default());
        let finished = match (result.finished_at, result.duration_ms) {
            (Some(at), _) => Timestamp(at),
            (None, span) => started + span.unwrap_or_default(),
        };
        if result.attempts > 0 {
            tasks.start(ix, result.attempts, DeviceIx(0), started);
        }
        match ended(result.status) {
            Some(status) => tasks.end(ix, status, finished, &[], |_, _| {}),
            None if result.status != Reading::Running && result.attempts > 0 => tasks.suspend(ix),
            None => {}
        }
    }
    statistics(&tasks)
}

/// Tells in a constellation how far a run has got.
pub(super) fn from_outcome(plan: &mut Constellation, graph: &GraphSpec, outcome: &RunOutcome) {
    plan.state = match outcome.status {
        RunState::Paused => RunState::Executing,
        state => state,
    };
    let kept = Kept::of(&graph.metadata);
    plan.times = Times {
        started: kept.moment("execution_start_time", outcome.started_at),
        ended: kept.moment("execution_end_time", outcome.finished_at),
        seconds: outcome.started_at.and(outcome.finished_at).map(|_| outcome.duration_ms.as_secs_f64()),
        ..std::mem::take(&mut plan.times)
    };
    for (task, spec) in plan.tasks.iter_mut().zip(&graph.tasks) {
        let Some(result) = outcome.results.get(&spec.id) else { continue };
        let kept = spec.details.as_ref().map(|details| Kept::of(&details.metadata)).unwrap_or_default();
        task.times = Times {
            started: kept.moment("execution_start_time", result.started_at),
            ended: kept.moment("execution_end_time", result.finished_at),
            seconds: result.duration_ms.map(Millis::as_secs_f64),
            ..std::mem::take(&mut task.times)
        };
        task.record = record(result);
    }
}

fn record(result: &TaskResult) -> Record {
    let status = match result.status {
        Reading::Completed => Status::Completed,
        Reading::Failed => Status::Failed,
        Reading::Cancelled | Reading::Skipped => Status::Cancelled,
        Reading::Running | Reading::Cancelling => Status::Running,
        Reading::Blocked
        | Reading::Waiting
        | Reading::Held
        | Reading::AwaitingApproval
        | Reading::Backoff
        | Reading::Unplaced
        | Reading::Queued
        | Reading::Ready => Status::Pending,
    };
    let error = match result.status {
        Reading::Skipped => {
            let reason = result.skip_reason.and_then(|reason| serde_json::to_value(reason).ok());
            let reason = reason.as_ref().and_then(Value::as_str).unwrap_or("unknown");
            Some(format!("{SKIPPED}{reason}"))
        }
        _ => result.error.as_ref().map(|error| error.message.clone()),
    };
    let current_retry = result.attempts.saturating_sub(1);
    Record { status, result: result.result.clone(), error, current_retry }
}
