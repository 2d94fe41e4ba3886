//! Batches as people, programs and agents write them.

use starline_edit::{Surroundings, check_within};
use starline_graph::audit;
use starline_types::Revision;
use starline_workflow::{BatchOptions, read_answer, read_batch, write_batch};

use super::BATCH;
use super::runs::rich;
use crate::fuzz::meter::call;

const BATCHES: [&str; 6] = [
    r#"{"base": 1, "hold": "h-7", "reason": "host-b refused", "edits": [
        {"op": "add_task", "task": {"id": "inspect", "run": {"exec": ["ping", "-c1", "host-b"]}}, "after": {"a": "failure"}},
        {"op": "update_task", "id": "b", "set": {"run_timeout": "5m", "tips": null}},
        {"op": "remove_task", "id": "c"},
        {"op": "add_dependency", "from": "inspect", "to": "b", "kind": "success"},
        {"op": "update_dependency", "id": "a->b", "kind": "completion"},
        {"op": "remove_dependency", "from": "a", "to": "b"}]}"#,
    r#"{"edits": [{"op": "add_task", "task": {"id": "n", "run": {"sh": "echo {{ tasks.a.outputs.n }}"}, "approval": "Go?",
        "outputs": {"x": {"from": "stdout", "type": "json"}}}, "after": {"a": {"when": "outputs.n > 3"}}},
        {"op": "retry_task", "id": "a"}], "keep_open": true, "request": "r-1"}"#,
    r#"{"base": 1, "graph": {"tasks": {"a": {"run": {"sleep": "5s"}}, "z": {"after": ["a"], "run": {"noop": {}}}}}}"#,
    r#"{"base": 1, "graph": {"constellation_id": "c7", "name": "n", "tasks": {"a": {"task_id": "a", "name": "A",
        "description": "look", "status": "pending"}}, "dependencies": {"l": {"line_id": "l", "from_task_id": "a",
        "to_task_id": "b", "dependency_type": "success_only"}}}}"#,
    r#"{"thought": "t", "status": "CONTINUE", "action": [{"function": "add_task", "arguments": {"task_id": "q",
        "name": "Q", "description": "do it", "target_device_id": "d1", "tips": ["t"]}},
        {"function": "build_constellation", "arguments": {"config": {"tasks": [], "dependencies": []}, "clear_existing": false}}]}"#,
    r#"{"edits": [{"op": "merge", "prefix": "m.", "graph": {"tasks": {"x": {"run": {"noop": {}}}}}}, {"op": "clear"}]}"#,
];

pub(super) fn batches() -> Vec<String> {
    BATCHES.map(str::to_owned).to_vec()
}

/// Reads, judges and writes; a refused batch leaves the graph as it was, and one that is read can be written and read.
pub(super) fn batch(bytes: &[u8]) -> bool {
    let options = BatchOptions { base: Revision(1), ..BatchOptions::default() };
    if let Ok(text) = std::str::from_utf8(bytes) {
        // Agents answer in prose as well: anything may come of it but a panic.
        let _ = call("read_answer", || read_answer(text, &options));
    }
    let Ok(read) = call("read_batch", || read_batch(bytes, &options)) else { return false };
    let mut graph = rich();
    let read = call("resolve", || read.resolve(&graph));
    let before = (graph.to_spec(), graph.revision());
    let has_unread = !read.unread.faults.is_empty();
    let around = Surroundings { unread: Some(&read.unread), ..Surroundings::default() };
    let accepted = call("check_within", || match check_within(&mut graph, &read.batch, &around) {
        Ok(checked) => {
            drop(checked.commit());
            true
        }
        Err(rejection) => {
            assert!(!rejection.faults.is_empty(), "refused without a fault");
            false
        }
    });
    assert!(!(accepted && has_unread), "edits that cannot be read are in force");
    assert!(accepted || (graph.to_spec(), graph.revision()) == before, "a refused batch changed the graph");
    assert_eq!(audit(&graph), vec![]);
    if accepted
        && let Ok(written) = call("write_batch", || write_batch(&read.batch))
        // Indented for people it may be larger than what is read.
        && written.len() <= BATCH
    {
        let again = read_batch(written.as_bytes(), &options);
        let same = again.as_ref().is_ok_and(|again| again.batch == read.batch);
        assert!(same, "written it reads as another one: {written}\n{again:#?}\n{:#?}", read.batch);
    }
    accepted
}
