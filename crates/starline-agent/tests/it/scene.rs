//! What the tests are told with.

use std::sync::Arc;

use futures_util::FutureExt as _;
use serde_json::json;
use starline_agent::{EditorSettings, Planner as _, RuleFault, ScriptedPlanner, ScriptedRule};
use starline_planner::{
    Edit, EditFault, ErrorKind, Finished, GraphSpec, HoldId, PlanRequest, Proposal, ProposedBatch, Rejected,
    Revision, TaskError, TaskId, Value,
};

/// A planner of these rules, as a workflow file has them.
pub(crate) fn load(rules: Value) -> Result<ScriptedPlanner, Vec<RuleFault>> {
    let scripted: Vec<ScriptedRule> = serde_json::from_value(rules).expect("rules");
    ScriptedPlanner::new(&EditorSettings { scripted, ..EditorSettings::default() })
}

pub(crate) fn planner(rules: Value) -> ScriptedPlanner {
    load(rules).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// An edit that shows in its id which rule it is of.
pub(crate) fn add(id: &str) -> Value {
    json!({ "op": "add_task", "task": { "id": id, "run": { "noop": {} } } })
}

pub(crate) fn completed(task: &str) -> Finished {
    Finished::completed(TaskId::new(task).expect("an id"), Default::default())
}

pub(crate) fn failed(task: &str) -> Finished {
    let error = TaskError::new(ErrorKind::ExitStatus, "ended with status 2");
    Finished::failed(TaskId::new(task).expect("an id"), error)
}

/// A task that completed with an output `x`.
pub(crate) fn with_output(task: &str, x: Value) -> Finished {
    let mut finished = completed(task);
    finished.outcome.outputs.insert("x".to_owned(), x);
    finished
}

/// A request for hold 7 of a run at revision 3.
pub(crate) fn request(finished: Vec<Finished>) -> PlanRequest {
    PlanRequest {
        finished,
        hold: HoldId(7),
        revision: Revision(3),
        ..PlanRequest::draft(GraphSpec::default())
    }
}

/// The same request after this many refused answers.
pub(crate) fn refused(mut request: PlanRequest, attempt: u32) -> PlanRequest {
    let fault = EditFault::new(0, "duplicate_task", "probe", "task probe exists");
    request.rejection = Some(Rejected { attempt, batch: Arc::default(), faults: vec![fault] });
    request
}

pub(crate) fn answer(planner: &ScriptedPlanner, request: PlanRequest) -> Proposal {
    planner.plan(request).now_or_never().expect("rules do not wait").expect("rules answer")
}

pub(crate) fn batch(planner: &ScriptedPlanner, request: PlanRequest) -> ProposedBatch {
    match answer(planner, request) {
        Proposal::Edit(batch) => batch,
        other => panic!("{other:?}"),
    }
}

/// The ids that the edits of an answer are about, in order; none for an answer without edits.
pub(crate) fn ids(planner: &ScriptedPlanner, request: PlanRequest) -> Vec<String> {
    match answer(planner, request) {
        Proposal::Nothing => Vec::new(),
        Proposal::Edit(ProposedBatch { batch, unread: None }) => batch
            .edits
            .iter()
            .map(|edit| match edit {
                Edit::AddTask { task, .. } => task.id.to_string(),
                Edit::UpdateTask { id, .. } | Edit::RemoveTask { id } => id.to_string(),
                other => other.op().to_owned(),
            })
            .collect(),
        other => panic!("{other:?}"),
    }
}
