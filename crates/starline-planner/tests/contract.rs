//! The contract as its users meet it.

use std::error::Error as _;
use std::sync::Arc;

use futures_util::FutureExt as _;
use starline_planner::{
    Dependency, EditFault, GraphSpec, HoldId, NoPlanner, Payload, PlanRequest, Planner, PlannerError,
    PlannerFault, Proposal, Reading, Rejected, Revision, TaskId, TaskSpec,
};

fn request() -> PlanRequest {
    let mut request = PlanRequest::draft(GraphSpec::default());
    (request.hold, request.revision) = (HoldId(7), Revision(3));
    request
}

#[test]
fn a_batch_names_what_it_answers() {
    let batch = request().batch(Vec::new());
    assert_eq!((batch.base, batch.hold, batch.keep_open), (Revision(3), Some(HoldId(7)), false));
}

#[test]
fn answers_to_one_hold_are_counted_from_1() {
    let mut request = request();
    assert_eq!(request.attempt(), 1);
    request.rejection = Some(Rejected { attempt: 1, batch: Arc::default(), faults: Vec::new() });
    assert_eq!(request.attempt(), 2);
}

#[test]
fn no_planner_changes_nothing() {
    let planner: Arc<dyn Planner> = Arc::new(NoPlanner);
    let answer = planner.plan(request()).now_or_never().expect("it waits for nothing");
    assert_eq!(answer.expect("it never fails"), Proposal::Nothing);
}

#[test]
fn a_fault_reads_as_one_line() {
    let mut fault = EditFault::new(2, "task_not_pending", "merge", "merge is running");
    assert_eq!(fault.to_string(), "edit 2: task_not_pending: merge is running");
    fault.hint = Some("add a task behind it".to_owned());
    assert_eq!(fault.to_string(), "edit 2: task_not_pending: merge is running (add a task behind it)");
}

#[test]
fn an_error_has_a_kind_and_keeps_its_cause() {
    let error = PlannerError::with_source(PlannerFault::Unavailable, "connection refused");
    assert_eq!(
        (error.kind(), error.to_string()),
        (PlannerFault::Unavailable, "planner is not available".into())
    );
    assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("connection refused"));
    assert!(PlannerError::new(PlannerFault::Failed).source().is_none());
}

#[test]
fn a_draft_shows_its_graph() {
    let [a, b] = ["a", "b"].map(|id| TaskId::new(id).expect("an id"));
    let spec = |id: &TaskId| Arc::new(TaskSpec::new(id.clone(), Payload::Noop));
    let tasks = vec![spec(&a), spec(&b)];
    let graph = GraphSpec { tasks, dependencies: vec![Dependency::success(a, b)], ..GraphSpec::default() };
    let request = PlanRequest::draft(graph);
    let readings: Vec<_> =
        request.snapshot.tasks.iter().map(|task| (task.id.as_str(), task.reading)).collect();
    assert_eq!(readings, [("a", Reading::Ready), ("b", Reading::Waiting)]);
    assert_eq!((request.revision, request.run.as_str()), (Revision(0), "draft"));
}
