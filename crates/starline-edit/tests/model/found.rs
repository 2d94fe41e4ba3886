//! Cases that were wrong once: the laws found them, here they are small.

use std::sync::Arc;

use starline_edit::{
    CheckedBatch, Code, Edit, EditBatch, History, Limits, Surroundings, check, check_within, diff,
};
use starline_graph::{TaskGraph, audit};
use starline_types::{Dependency, DependencyId, DependencyKind, DependencyRef, OutcomeStatus};

use crate::generate::task_id;
use crate::scenarios::{
    Edited, add, after, build, codes, cut, dependency, describe, edge, end, ids, ix, reader, remove, submit,
    submit_at, submitted,
};

#[test]
fn found_a_removal_is_unwound_while_sources_are_open() {
    let mut graph = submitted(vec![add("A"), after("B", &["A"])]);
    let before = graph.to_spec();
    assert_eq!(codes(submit(&mut graph, vec![remove("B"), remove("q")])), [(1, Code::UnknownTask)]);
    assert_eq!((graph.to_spec(), graph.waits(ix(&graph, "B")).open), (before, 1));
}

#[test]
fn found_an_emptied_graph_is_built_again_and_unwound() {
    let mut graph = submitted(vec![add("a"), add("b")]);
    let places = (ix(&graph, "a"), ix(&graph, "b"));
    let again = Edit::Build { graph: Arc::new(build(&["x", "y", "z"], &[])), clear_existing: true };
    let edits = vec![remove("a"), remove("b"), again, remove("q")];
    assert_eq!(codes(submit(&mut graph, edits)), [(3, Code::UnknownTask)]);
    assert_eq!((ix(&graph, "a"), ix(&graph, "b")), places);
    assert_eq!(audit(&graph), []);
}

#[test]
fn found_a_graph_replaced_twice_in_one_batch_comes_back() {
    let mut edited =
        Edited { graph: submitted(vec![add("a"), after("b", &["a"])]), history: History::default() };
    let before = edited.graph.to_spec();
    let other = Edit::Build { graph: Arc::new(build(&["x"], &[])), clear_existing: true };
    let applied = edited.edit(vec![add("c"), other, Edit::Clear]);
    assert_eq!(applied.summary.removed_tasks, [task_id("a"), task_id("b")]);
    edited.undo();
    assert_eq!(edited.graph.to_spec(), before);
}

#[test]
fn found_a_graph_with_faults_takes_back_its_edges_although_earlier_ones_are_gone() {
    let mut graph = submitted(vec![add("a")]);
    let before = graph.to_spec();
    let other = build(&["x", "y"], &[("x", "y"), ("y", "nobody")]);
    let other = Edit::Build { graph: Arc::new(other), clear_existing: true };
    let edits = vec![after("b", &["a"]), after("c", &["b"]), other];
    assert_eq!(codes(submit(&mut graph, edits)), [(2, Code::UnknownTask)]);
    assert_eq!(graph.to_spec(), before);
}

#[test]
fn found_a_refused_undo_leaves_no_gap_in_the_ranks() {
    let mut graph = submitted(vec![add("a"), after("b", &["a"])]);
    let applied = submit(&mut graph, vec![remove("b")]).expect("pending");
    end(&mut graph, "a", OutcomeStatus::Failed);
    let untried = graph.clone();
    assert_eq!(codes(submit(&mut graph, applied.inverse)), [(0, Code::EdgeNeverSatisfiable)]);
    assert_eq!(graph.next_ranks(), untried.next_ranks());
}

#[test]
fn found_a_commit_that_changed_nothing_is_not_taken_back() {
    let mut edited = Edited::default();
    let _ = edited.edit(vec![add("a")]);
    let _ = edited.edit(vec![describe("a", "")]);
    assert_eq!((edited.undo(), edited.graph.len()), (3, 0));
}

#[test]
fn found_a_template_loses_its_source_behind_raised_labels() {
    // `d` reads from `a` over two tasks in between; the chain `z` raises the label of `a` in the same batch.
    let far = Edit::AddTask { task: reader("d", "a"), after: vec![(task_id("c"), DependencyKind::Success)] };
    let graph = || {
        let mut edits = vec![add("a"), after("b", &["a"]), after("c", &["b"]), far.clone(), add("z0")];
        edits.extend((1..8).map(|n| after(&format!("z{n}"), &[&format!("z{}", n - 1)])));
        submitted(edits)
    };
    let broken = [(0, Code::ReferenceNotUpstream)];
    assert_eq!(codes(submit(&mut graph(), vec![cut("b", "c"), edge("z7", "a")])), broken);
    // The index of `a` goes to a task far down.
    assert_eq!(codes(submit(&mut graph(), vec![remove("a"), after("n", &["z7"])])), broken);
}

#[test]
fn found_a_refused_edit_makes_nothing_for_later_ones() {
    let mut graph = submitted(vec![add("a"), add("b")]);
    let depends = |edits: Vec<Edit>, graph: &mut TaskGraph| codes(submit(graph, edits))[1..].to_vec();
    let edits = vec![after("n", &["zz"]), describe("n", "text"), edge("n", "zz")];
    let expected = [(1, Code::DependsOnRejected), (2, Code::DependsOnRejected)];
    assert_eq!(depends(edits, &mut graph), expected);
    assert_eq!(depends(vec![edge("a", "zz"), cut("a", "zz")], &mut graph), expected[..1]);
    let never = Edit::AddDependency(dependency("a", "b").with_kind(DependencyKind::When("x >".into())));
    assert_eq!(depends(vec![never, cut("a", "b")], &mut graph), expected[..1]);
    // A conflict is all there is to say: the task is still there.
    let _ = submit(&mut graph, vec![describe("a", "text")]).expect("valid");
    let found = codes(submit_at(&mut graph, 0, vec![remove("a"), describe("a", "late")]));
    assert_eq!(found, [(0, Code::Conflict), (1, Code::Conflict)]);
}

#[test]
fn found_ids_are_given_in_order_and_can_be_used_at_once() {
    let mut graph = submitted(vec![add("a"), add("b"), add("c"), edge("a", "b")]);
    let second = DependencyRef::Id { id: DependencyId::new("a->b#2").expect("an id") };
    let note = Edit::UpdateDependency { edge: second, kind: None, note: Some("second".into()) };
    let _ = submit(&mut graph, vec![edge("a", "b"), note]).expect("the id is known");
    let found = graph.find_edge("a->b#2").and_then(|edge| edge.note().cloned());
    assert_eq!(found.as_deref(), Some("second"));
    // An id that another edge has is not the default one.
    let named = Dependency { id: DependencyId::new("b->c").ok(), ..dependency("a", "c") };
    let _ = submit(&mut graph, vec![Edit::AddDependency(named), edge("b", "c")]).expect("ids differ");
    assert!(graph.find_edge("b->c#2").is_some_and(|edge| graph.id(edge.from).as_str() == "b"));
}

#[test]
fn found_the_note_of_an_impossible_edge_changes_and_comes_back() {
    let mut graph = submitted(vec![add("a"), after("b", &["a"])]);
    end(&mut graph, "a", OutcomeStatus::Failed);
    let ends = DependencyRef::Ends { from: task_id("a"), to: task_id("b") };
    let note = Edit::UpdateDependency { edge: ends, kind: None, note: Some("why".into()) };
    let applied = submit(&mut graph, vec![note]).expect("the kind stays");
    let _ = submit(&mut graph, applied.inverse).expect("it was so before");
    assert_eq!(graph.to_spec().dependencies[0].note, None);
    assert_eq!(graph.waits(ix(&graph, "b")).impossible, 1);
}

#[test]
fn found_added_tasks_are_taken_back_with_edges_into_ended_ones() {
    let mut edited = Edited { graph: submitted(vec![add("t")]), history: History::default() };
    let _ = edited.edit(vec![add("n"), edge("n", "t")]);
    end(&mut edited.graph, "t", OutcomeStatus::Skipped);
    edited.undo();
    assert_eq!(ids(&edited.graph), ["t"]);
}

#[test]
fn found_an_id_moves_to_another_edge() {
    let named = |from: &str, to: &str| {
        let id = DependencyId::new("e1").expect("an id");
        Edit::AddDependency(Dependency { id: Some(id), ..dependency(from, to) })
    };
    let mut graph = submitted(vec![add("a"), add("b"), add("c"), named("a", "b")]);
    let goal = submitted(vec![add("a"), add("b"), add("c"), edge("a", "b"), named("b", "c")]).to_spec();
    let batch = diff(&graph, &goal).batch;
    let _ = check(&mut graph, &batch).expect("the id is free by then").commit();
    assert_eq!(graph.to_spec(), goal);
}

#[test]
fn found_single_edges_meet_the_limit_of_the_graph() {
    let mut graph = submitted(vec![add("a"), add("b")]);
    let mut limits = Limits::default();
    limits.dependencies = 1;
    let around = Surroundings { limits, ..Surroundings::default() };
    let batch = EditBatch { edits: vec![edge("a", "b"), edge("a", "b")], ..EditBatch::default() };
    let found = check_within(&mut graph, &batch, &around).map(CheckedBatch::commit);
    assert_eq!(codes(found), [(1, Code::LimitExceeded)]);
}

#[test]
fn found_an_edge_that_was_changed_and_removed_comes_back_as_it_was() {
    let completion = dependency("a", "b").with_kind(DependencyKind::Completion);
    let graph = submitted(vec![add("a"), add("b"), Edit::AddDependency(completion)]);
    let mut edited = Edited { graph, history: History::default() };
    let before = edited.graph.to_spec();
    let change = Edit::UpdateDependency {
        edge: DependencyRef::Ends { from: task_id("a"), to: task_id("b") },
        kind: Some(DependencyKind::Success),
        note: None,
    };
    edited.edit(vec![change, cut("a", "b")]);
    // By way of `success` it could not come back any more.
    end(&mut edited.graph, "a", OutcomeStatus::Failed);
    edited.undo();
    assert_eq!(edited.graph.to_spec(), before);
}

#[test]
fn found_an_edge_that_comes_back_leaves_no_gap_in_the_ranks() {
    let graph = submitted(vec![add("a"), after("b", &["a"]), after("c", &["a"])]);
    let mut edited = Edited { graph, history: History::default() };
    let ranks = edited.graph.next_ranks();
    edited.edit(vec![cut("a", "b")]);
    edited.undo();
    edited.edit(vec![remove("c")]);
    edited.undo();
    assert_eq!(edited.graph.next_ranks(), ranks);
}

#[test]
fn found_an_edge_that_its_own_batch_takes_back_has_no_rank() {
    let graph = submitted(vec![add("a"), add("b"), after("c", &["b"])]);
    let mut edited = Edited { graph, history: History::default() };
    let (_, edges) = edited.graph.next_ranks();
    edited.edit(vec![edge("a", "c"), remove("c"), after("c", &["b"])]);
    assert_eq!(edited.graph.next_ranks().1, edges + 1);
    edited.edit(vec![edge("a", "b")]);
    let before = edited.graph.to_spec();
    edited.edit(vec![cut("a", "b")]);
    edited.undo();
    assert_eq!(edited.graph.to_spec(), before);
    assert_eq!(audit(&edited.graph), []);
}
