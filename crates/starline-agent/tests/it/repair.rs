//! What is answered after a rejection, and to what cannot be filled in or read.

use serde_json::json;
use starline_planner::{Proposal, UnreadEdits};

use crate::scene::{add, answer, batch, completed, failed, ids, planner, refused, request, with_output};

#[test]
fn after_a_rejection_the_next_rule_that_matches_answers() {
    let planner = planner(json!([
        { "task": "a", "edits": [add("bad")] },
        { "task": "b", "edits": [add("other")] },
        { "task": "a", "outcome": "failed", "edits": [add("of_failure")] },
        { "task": "a*", "edits": [add("good")] },
    ]));
    let asked = || request(vec![completed("a")]);
    assert_eq!(ids(&planner, asked()), ["bad"]);
    assert_eq!(ids(&planner, refused(asked(), 1)), ["good"]);
    assert_eq!(answer(&planner, refused(asked(), 2)), Proposal::Nothing);
    assert_eq!(answer(&planner, refused(asked(), u32::MAX)), Proposal::Nothing);
    assert_eq!(ids(&planner, refused(request(vec![failed("a")]), 2)), ["good"]);
}

#[test]
fn tasks_whose_rules_are_used_up_keep_their_last() {
    let planner = planner(json!([
        { "task": "a", "edits": [add("a1")] },
        { "task": "a", "edits": [add("a2")] },
        { "task": "a", "edits": [add("a3")] },
        { "task": "b", "edits": [add("b1")] },
    ]));
    let asked = || request(vec![completed("b"), completed("c"), completed("a")]);
    assert_eq!(ids(&planner, asked()), ["b1", "a1"]);
    assert_eq!(ids(&planner, refused(asked(), 1)), ["b1", "a2"]);
    assert_eq!(ids(&planner, refused(asked(), 2)), ["b1", "a3"]);
    assert_eq!(answer(&planner, refused(asked(), 3)), Proposal::Nothing);
}

#[test]
fn an_edit_that_cannot_be_filled_in_is_a_fault_of_the_batch() {
    let planner = planner(json!([
        { "task": "a", "edits": [
            add("first"),
            { "op": "add_task", "task": { "id": "second", "name": "{{ task.outputs.y }}", "run": { "noop": {} } },
              "after": { "{{ task.outputs.z }}": "success" } },
            { "op": "add_task", "task": { "id": "third", "run": { "noop": {} } }, "after": ["second", "{{ task.id }}"] },
        ] },
        { "task": "a", "edits": [add("repaired")] },
    ]));
    let asked = || request(vec![with_output("a", json!(1))]);
    let proposed = batch(&planner, asked());
    assert_eq!(proposed.batch.edits.len(), 2);
    let UnreadEdits { faults, tasks, positions } = proposed.unread.expect("the second edit");
    let faults: Vec<_> = faults.iter().map(|fault| (fault.edit, &*fault.code, &*fault.item)).collect();
    assert_eq!(faults, [(1, "invalid_template", "/after/key 0"), (1, "invalid_template", "/task/name"),]);
    assert_eq!(tasks.iter().map(|(task, at)| (task.as_str(), *at)).collect::<Vec<_>>(), [("second", 1)]);
    assert_eq!(positions, [0, 2]);
    assert_eq!(ids(&planner, refused(asked(), 1)), ["repaired"]);
}

#[test]
fn an_edit_that_cannot_be_read_is_told_with_its_place_among_all() {
    let planner = planner(json!([
        { "task": "a", "edits": [{ "op": "remove_task", "id": "{{ task.outputs.x }}" }, add("probe_{{ task.id }}")] },
        { "task": "b", "edits": [
            { "op": "remove_task", "id": "{{ task.outputs.y }}" },
            { "op": "update_task", "id": "c", "set": { "priority": "{{ task.outputs.x }}" } },
        ] },
    ]));
    let asked = request(vec![with_output("a", json!("no id")), with_output("b", json!(101))]);
    let proposed = batch(&planner, asked);
    assert_eq!(proposed.batch.edits.len(), 1);
    let unread = proposed.unread.expect("three edits");
    let faults: Vec<_> = unread.faults.iter().map(|fault| (fault.edit, &*fault.code)).collect();
    assert_eq!(faults, [(0, "invalid_id"), (2, "invalid_template"), (3, "invalid_value")]);
    assert_eq!(unread.positions, [1]);
}

#[test]
fn an_edit_that_becomes_two_keeps_its_place() {
    let planner = planner(json!([{ "task": "a", "edits": [
        { "op": "add_task", "task": { "id": "b", "run": { "noop": {} } }, "after": { "a": { "when": "true", "note": "why" } } },
        add("c"),
    ] }]));
    let proposed = batch(&planner, request(vec![completed("a")]));
    assert_eq!(proposed.batch.edits.len(), 3);
    assert_eq!(
        proposed.unread.map(|unread| (unread.faults.len(), unread.positions)),
        Some((0, vec![0, 0, 1]))
    );
}
