//! Which rule answers what.

use serde_json::json;
use starline_planner::{
    DependencyKind, Edit, HoldId, Payload, Planner as _, Priority, Proposal, Revision, TaskField,
};

use crate::scene::{add, answer, batch, completed, failed, ids, planner, request, with_output};

#[test]
fn the_first_rule_that_matches_answers() {
    let planner = planner(json!([
        { "task": "scan_a", "outcome": "failed", "edits": [add("failed_a")] },
        { "task": "scan_*", "when": "outputs.x > 10", "edits": [add("much")] },
        { "task": "scan_*", "when": "status == 'failed'", "edits": [add("failed")] },
        { "task": "scan_*", "outcome": "completed", "edits": [add("completed")] },
        { "task": "*", "edits": [add("any")] },
    ]));
    assert_eq!(ids(&planner, request(vec![failed("scan_a")])), ["failed_a"]);
    assert_eq!(ids(&planner, request(vec![failed("scan_b")])), ["failed"]);
    assert_eq!(ids(&planner, request(vec![with_output("scan_a", json!(11))])), ["much"]);
    assert_eq!(ids(&planner, request(vec![with_output("scan_a", json!(10))])), ["completed"]);
    assert_eq!(ids(&planner, request(vec![completed("merge")])), ["any"]);
}

#[test]
fn a_condition_that_has_no_value_is_not_satisfied() {
    let planner = planner(json!([
        { "task": "a", "when": "outputs.x > 10", "edits": [add("number")] },
        { "task": "a", "when": "outputs.x", "edits": [add("truth")] },
    ]));
    assert_eq!(answer(&planner, request(vec![completed("a")])), Proposal::Nothing, "there is no such output");
    assert_eq!(answer(&planner, request(vec![with_output("a", json!("many"))])), Proposal::Nothing);
    assert_eq!(ids(&planner, request(vec![with_output("a", json!(true))])), ["truth"]);
}

#[test]
fn without_a_match_nothing_changes() {
    let rules = planner(json!([
        { "task": "scan", "edits": [] },
        { "task": "scan", "edits": [add("second")] },
    ]));
    assert_eq!(answer(&rules, request(vec![completed("merge")])), Proposal::Nothing);
    assert_eq!(answer(&rules, request(Vec::new())), Proposal::Nothing);
    assert_eq!(
        answer(&rules, request(vec![completed("scan")])),
        Proposal::Nothing,
        "an answer without edits"
    );
    assert_eq!(answer(&planner(json!([])), request(vec![completed("scan")])), Proposal::Nothing);
    assert_eq!(rules.name(), "scripted");
}

#[test]
fn finished_tasks_make_one_batch_in_their_order() {
    let planner = planner(json!([
        { "task": "a", "reason": "{{ task.id }} ended", "edits": [add("{{ task.id }}.1"), add("{{ task.id }}.2")] },
        { "task": "b", "reason": "again: {{ task.error.message }}", "edits": [add("of_b")] },
        { "task": "d", "reason": "{{ task.id }} ended", "edits": [add("{{ task.id }}.1")] },
    ]));
    let finished = vec![failed("b"), completed("d"), completed("c"), completed("a")];
    assert_eq!(ids(&planner, request(finished.clone())), ["of_b", "d.1", "a.1", "a.2"]);
    let batch = batch(&planner, request(finished)).batch;
    assert_eq!((batch.base, batch.hold, batch.keep_open), (Revision(3), Some(HoldId(7)), false));
    assert_eq!(batch.reason.as_deref(), Some("again: ended with status 2; d ended; a ended"));
    assert_eq!(batch.request, None);
}

#[test]
fn edits_have_the_form_of_files() {
    let planner = planner(json!([{ "task": "scan_*", "edits": [
        { "op": "add_task",
          "task": {
              "id": "inspect_{{ task.id }}",
              "name": "Inspect {{ task.id }}",
              "priority": "{{ task.outputs.x }}",
              "device": { "on": "host-b" },
              "run": { "exec": ["probe", "{{ task.outputs.x }}", "{{ tasks[\"scan_b\"].outputs.n }}"] },
              "run_timeout": "{{ task.outputs.x }}s",
          },
          "after": { "{{ task.id }}": "completion", "fetch": { "when": "outputs.n > 1" } } },
        { "op": "update_task", "id": "page", "set": { "tips": ["{{ task.id }}: {{ task.attempts }}"], "retry": null } },
        { "op": "remove_task", "id": "settle" },
        { "op": "add_dependency", "from": "{{ task.id }}", "to": "page", "kind": "success", "note": "for {{ task.id }}" },
        { "op": "build", "clear_existing": false, "graph": { "tasks": { "{{ task.id }}.x": { "run": { "noop": {} } } } } },
    ] }]));
    let proposed = batch(&planner, request(vec![with_output("scan_b", json!(70))]));
    assert_eq!(proposed.unread, None);
    let [
        Edit::AddTask { task, after },
        Edit::UpdateTask { id, set },
        Edit::RemoveTask { .. },
        Edit::AddDependency(edge),
        Edit::Build { graph, clear_existing: false },
    ] = proposed.batch.edits.as_slice()
    else {
        panic!("{:?}", proposed.batch.edits);
    };
    assert_eq!((task.id.as_str(), task.name()), ("inspect_scan_b", "Inspect scan_b"));
    assert_eq!(task.priority, Priority::new(70).expect("a priority"));
    assert_eq!(task.run_timeout.map(|limit| limit.0), Some(70_000));
    let Payload::Exec(exec) = &task.run else { panic!("{:?}", task.run) };
    assert_eq!(exec.argv, ["probe", "70", "{{ tasks[\"scan_b\"].outputs.n }}"], "what is known later stays");
    let after: Vec<_> = after.iter().map(|(from, kind)| (from.as_str(), kind)).collect();
    assert!(matches!(after[0], ("fetch", DependencyKind::When(_))), "{after:?}");
    assert!(matches!(after[1], ("scan_b", DependencyKind::Completion)), "{after:?}");
    assert_eq!(id.as_str(), "page");
    assert!(matches!(&set[1], TaskField::Tips(tips) if *tips == ["scan_b: 1"]), "{set:?}");
    assert_eq!((edge.from.as_str(), edge.note.as_deref()), ("scan_b", Some("for scan_b")));
    assert_eq!(graph.tasks[0].id.as_str(), "scan_b.x");
}

#[test]
fn equal_requests_get_equal_answers() {
    let rules = json!([{ "task": "*", "edits": [add("{{ task.id }}.more")] }]);
    let request = request(vec![completed("a"), failed("b")]);
    let (first, second) = (planner(rules.clone()), planner(rules));
    assert_eq!(answer(&first, request.clone()), answer(&second, request.clone()));
    assert_eq!(answer(&first, request.clone()), answer(&first, request));
}
