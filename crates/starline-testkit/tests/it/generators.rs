//! Generators draw what they promise.

use std::cell::Cell;
use std::sync::Arc;

use starline_edit::{Edit, EditBatch, TaskGraph, check as check_batch};
use starline_testkit::{arbitrary, check};
use starline_types::GraphSpec;

use crate::broken;

fn built(graph: GraphSpec) -> TaskGraph {
    let mut built = TaskGraph::default();
    let edits = vec![Edit::Build { graph: Arc::new(graph), clear_existing: true }];
    let batch = EditBatch { edits, ..EditBatch::default() };
    drop(check_batch(&mut built, &batch).expect("every graph is accepted").commit());
    built
}

#[test]
fn every_graph_is_accepted() {
    let edges = Cell::new(0);
    check(256, arbitrary::graphs(12), |graph| {
        let (tasks, count) = (graph.tasks.len(), graph.dependencies.len());
        let built = built(graph);
        assert_eq!((built.len(), built.edge_count()), (tasks, count));
        edges.set(edges.get() + count);
    });
    assert!(edges.get() > 256, "{} edges", edges.get());
}

#[test]
fn batches_are_accepted_and_refused_and_a_refused_one_changes_nothing() {
    let (accepted, refused) = (Cell::new(0), Cell::new(0));
    check(512, (arbitrary::graphs(8), arbitrary::batches(3)), |(graph, mut batch)| {
        let mut graph = built(graph);
        batch.base = graph.revision();
        let before = (graph.revision(), graph.len(), graph.edge_count());
        let rejection = check_batch(&mut graph, &batch).map(|checked| drop(checked.commit())).err();
        if let Some(rejection) = rejection {
            assert!(!rejection.faults.is_empty());
            assert_eq!((graph.revision(), graph.len(), graph.edge_count()), before);
            refused.set(refused.get() + 1);
        } else {
            accepted.set(accepted.get() + 1);
        }
    });
    assert!(accepted.get() > 100 && refused.get() > 100, "{accepted:?} accepted, {refused:?} refused");
}

#[test]
fn every_task_has_a_device_in_every_fleet() {
    let world = (arbitrary::fleets(3), arbitrary::selectors());
    check(256, world, |(fleet, wish)| {
        let fits = fleet.iter().any(|device| {
            wish.os.as_ref().is_none_or(|os| device.os.as_ref() == Some(os))
                && wish.needs.iter().all(|need| device.capabilities.contains(need))
        });
        assert!(fits, "{wish:?} in {fleet:?}");
    });
}

#[test]
fn what_breaks_a_law_is_made_small_and_is_the_same_each_time() {
    let law = || {
        check(256, arbitrary::graphs(20), |graph| {
            assert!(graph.tasks.len() < 3, "{} tasks", graph.tasks.len())
        })
    };
    let said = broken(law).expect("there are larger graphs");
    assert!(said.contains("3 tasks") && said.contains("t2") && !said.contains("t3"), "{said}");
    assert!(!said.contains("Dependency {"), "no edge is needed: {said}");
    assert_eq!(broken(law), Some(said));
}
