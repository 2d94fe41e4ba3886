//! Constellations with their state: shown, compared and exported.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use starline_types::{
    ErrorKind, Millis, ParallelismMode, Reading, Revision, RunId, RunOutcome, RunState, SkipReason,
    StateCounts, Statistics, TaskError, TaskId, TaskResult,
};
use starline_workflow::{GalaxyExport, Workflow, export_galaxy};

use super::{import, import_with, json, options, warned};
use crate::load;

const COMPRESSED: &str = include_str!("../../galaxy/compressed_logs.json");

#[test]
fn a_state_is_kept_when_it_is_asked_for() {
    let imported = import_with(COMPRESSED, &options(true));
    let outcome = imported.outcome.as_ref().expect("an outcome");
    assert_eq!((outcome.status, outcome.duration_ms), (RunState::PartiallyFailed, Millis(12_250)));
    assert_eq!((outcome.counts.completed, outcome.counts.failed, outcome.counts.cancelled), (1, 1, 1));
    let result = |id: &str| &outcome.results[id];
    assert_eq!((result("t1").status, &result("t1").result), (Reading::Completed, &json!({"files": 3})));
    assert_eq!(result("t1").device.as_ref().map(|id| id.as_str()), Some("box1"));
    assert_eq!((result("t2").attempts, result("t2").duration_ms), (2, Some(Millis(2_250))));
    assert_eq!(result("t2").error.as_ref().map(|error| error.message.as_str()), Some("disk full"));
    assert_eq!((result("t3").status, result("t3").attempts), (Reading::Cancelled, 0));
    let figures = &outcome.statistics;
    assert_eq!(figures.parallelism_calculation_mode, ParallelismMode::ActualTime);
    assert_eq!((figures.longest_path_length, figures.attempts_total), (3, 3));
    assert!((figures.total_work - 11.296).abs() < 1e-9, "{}", figures.total_work);
    assert!(imported.warnings.iter().all(|warning| warning.code != "state_ignored"));

    let imported = import(COMPRESSED);
    assert_eq!(imported.outcome, None);
    let state: Vec<String> =
        warned(&imported).into_iter().filter(|line| line.starts_with("state_ignored")).collect();
    assert_eq!(state, ["state_ignored /state create_example2"]);
}

#[test]
fn tasks_that_have_not_ended_read_as_pending_or_running() {
    let file = r#"{"tasks": {"a": {"status": "RUNNING"}, "b": {"status": "waiting_dependency"}, "c": {}}, "dependencies": {"b": ["a"]}, "state": "EXECUTING"}"#;
    let outcome = import_with(file, &options(true)).outcome.expect("an outcome");
    let readings: Vec<Reading> = outcome.results.values().map(|result| result.status).collect();
    assert_eq!(readings, [Reading::Running, Reading::Waiting, Reading::Ready]);
    assert_eq!((outcome.status, outcome.counts.open()), (RunState::Executing, 3));
}

fn outcome(workflow: &Workflow) -> RunOutcome {
    let error = TaskError { retryable: Some(false), ..TaskError::new(ErrorKind::ExitStatus, "status 2") };
    let base = TaskResult {
        status: Reading::Completed,
        result: json!([1]),
        outputs: BTreeMap::from([("n".to_owned(), json!(1))]),
        error: None,
        device: None,
        attempts: 1,
        started_at: Some(1_767_600_000_000),
        finished_at: Some(1_767_600_001_500),
        duration_ms: Some(Millis(1_500)),
        skip_reason: None,
    };
    let never = TaskResult {
        result: json!(null),
        outputs: BTreeMap::new(),
        attempts: 0,
        started_at: None,
        finished_at: None,
        duration_ms: None,
        ..base.clone()
    };
    let results = [
        base.clone(),
        TaskResult { status: Reading::Failed, error: Some(error), attempts: 3, ..base },
        TaskResult { status: Reading::Skipped, skip_reason: Some(SkipReason::SourceFailed), ..never.clone() },
        TaskResult { status: Reading::Backoff, attempts: 2, ..never },
    ];
    let ids = workflow.graph.tasks.iter().map(|task| task.id.clone());
    let counts = StateCounts { completed: 1, failed: 1, skipped: 1, pending: 1, ..StateCounts::default() };
    RunOutcome {
        run_id: RunId::new("run-1").expect("an id"),
        status: RunState::Paused,
        total_tasks: 4,
        counts,
        results: ids.zip(results).collect(),
        statistics: Statistics::default(),
        revision: Revision(3),
        started_at: Some(1_767_600_000_000),
        finished_at: None,
        duration_ms: Millis(0),
        reason: Some("needs an edit".to_owned()),
        unconfirmed: vec![TaskId::new("b").expect("an id")],
    }
}

#[test]
fn a_run_is_exported_with_its_state() {
    let workflow = load(
        "version: 1\ntasks:\n  a: { run: { sh: x } }\n  b: { run: { sh: x } }\n  c: { run: { sh: x }, after: [b, a] }\n  d: { run: { sh: x }, after: { b: completion } }\n",
    );
    let own = outcome(&workflow);
    let options_of = GalaxyExport { outcome: Some(&own), ..GalaxyExport::default() };
    let written = export_galaxy(&workflow, &options_of).expect("expressible").json;
    let whole = json(&written);
    assert_eq!((&whole["constellation_id"], &whole["state"]), (&json!("run-1"), &json!("executing")));
    let task = |id: &str, field: &str| whole["tasks"][id][field].clone();
    assert_eq!(
        ["a", "b", "c", "d"].map(|id| task(id, "status")),
        ["completed", "failed", "cancelled", "pending"]
    );
    assert_eq!(
        (task("c", "error"), task("c", "execution_start_time")),
        (json!("skipped: source_failed"), json!(null))
    );
    assert_eq!((task("b", "error"), task("b", "current_retry")), (json!("status 2"), json!(2)));
    assert_eq!(task("a", "execution_end_time"), "2026-01-05T08:00:01.500000+00:00");
    assert_eq!(task("a", "execution_duration"), 1.5);
    let line = |id: &str, field: &str| whole["dependencies"][id][field].clone();
    assert_eq!(["a->c", "b->c", "b->d"].map(|id| line(id, "is_satisfied")), [true, false, true]);
    assert_eq!(line("a->c", "last_evaluation_time"), "2026-01-05T08:00:01.500000+00:00");

    let imported = import_with(&written, &options(true));
    let read = imported.outcome.as_ref().expect("an outcome");
    assert_eq!((&imported.workflow, imported.revision), (&workflow, Revision(3)));
    assert_eq!(read.results, own.results);
    assert_eq!((read.status, &read.reason, &read.unconfirmed), (own.status, &own.reason, &own.unconfirmed));
    assert_eq!((read.started_at, read.revision, &read.run_id), (own.started_at, own.revision, &own.run_id));
    assert_eq!(read.counts, own.counts);

    // What was changed since counts.
    let mut changed = whole.clone();
    changed["tasks"]["c"]["status"] = json!("completed");
    changed["tasks"]["c"]["error"] = json!(null);
    let read = import_with(&changed.to_string(), &options(true));
    let outcome = read.outcome.as_ref().expect("an outcome");
    assert_eq!(outcome.results["c"].status, Reading::Completed);
    assert!(warned(&read).contains(&"starline_ignored /metadata/starline/results/c c".to_owned()));
    // In run mode the same file is a plan.
    assert_eq!(import(&written).workflow.graph, Arc::clone(&workflow.graph));
}
