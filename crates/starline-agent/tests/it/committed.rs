//! Answers before the check that every batch meets.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;
use starline_edit::{Code, Fault, Surroundings, TaskGraph, Unread, check, check_within};
use starline_planner::{
    Dependency, Edit, EditBatch, GraphSpec, Payload, ProposedBatch, Revision, TaskId, TaskSpec, UnreadEdits,
};

use crate::data::{everything, values};
use crate::scene::{add, batch, completed, planner, refused, request, with_output};

/// `scan`, then `page`, then `settle`.
fn graph() -> TaskGraph {
    let id = |id: &str| TaskId::new(id).expect("an id");
    let spec = |name: &str| Arc::new(TaskSpec::new(id(name), Payload::Noop));
    let tasks = vec![spec("scan"), spec("page"), spec("settle")];
    let dependencies =
        vec![Dependency::success(id("scan"), id("page")), Dependency::success(id("page"), id("settle"))];
    let whole = GraphSpec { tasks, dependencies, ..GraphSpec::default() };
    let edits = vec![Edit::Build { graph: Arc::new(whole), clear_existing: true }];
    let mut graph = TaskGraph::default();
    let applied = check(&mut graph, &EditBatch { edits, ..EditBatch::default() }).expect("a graph").commit();
    assert_eq!(applied.revision, Revision(1));
    graph
}

/// As whoever drives a planner reads what is wrong with its edits.
fn unread(unread: &UnreadEdits) -> Unread {
    let fault = |fault: &starline_planner::EditFault| {
        let code = match fault.code.as_str() {
            "invalid_template" => Code::InvalidTemplate,
            "invalid_id" => Code::InvalidId,
            _ => Code::InvalidValue,
        };
        Fault::new(fault.edit, code, &fault.item, fault.message.as_str())
    };
    Unread {
        faults: unread.faults.iter().map(fault).collect(),
        tasks: unread.tasks.clone(),
        positions: unread.positions.clone(),
        ..Unread::default()
    }
}

fn verdict(graph: &mut TaskGraph, proposed: &ProposedBatch) -> Result<usize, Vec<(usize, &'static str)>> {
    let unread = proposed.unread.as_ref().map(unread);
    let batch = EditBatch { base: Revision(1), hold: None, ..proposed.batch.clone() };
    let around = Surroundings { unread: unread.as_ref(), ..Surroundings::default() };
    match check_within(graph, &batch, &around) {
        Ok(checked) => Ok(checked.commit().batch.edits.len()),
        Err(rejection) => {
            Err(rejection.faults.iter().map(|fault| (fault.edit, fault.code.as_str())).collect())
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn whatever_a_device_reports_the_edits_are_in_order(value in values()) {
        let proposed = batch(&everything(), request(vec![with_output("scan", value)]));
        prop_assert_eq!(verdict(&mut graph(), &proposed), Ok(4));
    }
}

#[test]
fn a_script_shows_a_bad_batch_and_then_the_repaired_one() {
    let planner = planner(json!([
        { "task": "scan", "edits": [add("page"), add("probe"), { "op": "remove_task", "id": "{{ task.outputs.gone }}" },
            { "op": "add_task", "task": { "id": "{{ task.id }}.x", "name": "{{ task.name }}", "run": { "noop": {} } } },
            { "op": "add_dependency", "from": "settle", "to": "scan" }] },
        { "task": "scan", "edits": [add("probe")] },
    ]));
    let asked = || request(vec![completed("scan")]);
    let mut graph = graph();
    let mut found = verdict(&mut graph, &batch(&planner, asked())).expect_err("faults");
    found.sort_unstable();
    assert_eq!(
        found,
        [(0, "duplicate_task"), (2, "invalid_template"), (3, "invalid_template"), (4, "would_cycle"),]
    );
    assert_eq!(graph.len(), 3);
    assert_eq!(verdict(&mut graph, &batch(&planner, refused(asked(), 1))), Ok(1));
    assert_eq!(graph.len(), 4);
}
