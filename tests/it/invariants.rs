//! What holds in every state that can be observed.

use proptest::prelude::*;
use starline_edit::{Code, TaskGraph};
use starline_sim::Schedule;
use starline_types::{DeviceIx, Edit, OutcomeStatus, Timestamp};

use crate::random_schedules::{each_commit_is_the_last, no_rule_is_broken};
use crate::scene::{add_edge, add_task, built, commit, graph};

crate::scenarios! {
    scenario_i1_reassign => "i1_reassign",
}

#[test]
fn scenario_i3_only_edges_into_unstarted_tasks_are_added() {
    let mut graph = built(graph(&["R", "P"], &[]));
    let (running, pending) = (graph.find("R").expect("R"), graph.find("P").expect("P"));
    graph.start(running, 1, DeviceIx(0), Timestamp(0));
    let rejection = commit(&mut graph, vec![add_edge("P", "R")]).expect_err("R runs");
    let [fault] = &rejection.faults[..] else { panic!("one fault: {rejection:?}") };
    assert_eq!((fault.code, fault.rule), (Code::DependencyTargetNotPending, Some("I3")));
    commit(&mut graph, vec![add_edge("R", "P")]).expect("P has not started");
    assert_eq!(graph.waits(pending).open, 1, "P waits for R");
}

#[test]
fn scenario_i4_a_batch_counts_as_a_whole() {
    let mut graph = built(graph(&["A"], &[]));
    let before = graph.revision();
    let batch = vec![add_task("N"), add_edge("N", "A"), add_edge("A", "N")];
    let rejection = commit(&mut graph, batch).expect_err("a cycle");
    let [fault] = &rejection.faults[..] else { panic!("one fault: {rejection:?}") };
    assert_eq!((fault.edit, fault.code), (2, Code::WouldCycle));
    assert!(graph.find("N").is_none() && graph.revision() == before && graph.edge_count() == 0);
}

/// Whether a graph has an order, by Kahn's method and nothing else.
fn has_an_order(graph: &TaskGraph) -> bool {
    let spec = graph.to_spec();
    let mut open: Vec<_> = spec.dependencies.iter().map(|edge| (&edge.from, &edge.to)).collect();
    let mut left: Vec<_> = spec.tasks.iter().map(|task| &task.id).collect();
    loop {
        let before = left.len();
        left.retain(|task| open.iter().any(|(_, to)| to == task));
        open.retain(|(from, _)| left.contains(from));
        if left.len() == before {
            return left.is_empty();
        }
    }
}

/// What a random graph has gone through: for each task, whether it runs or how it ended.
fn states() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(0..6u8, 8)
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let name = || (0..12u8).prop_map(|n| format!("t{n}"));
    let edit = prop_oneof![
        name().prop_map(|id| add_task(&id)),
        (name(), name()).prop_map(|(from, to)| add_edge(&from, &to)),
        (name(), name()).prop_map(|(from, to)| add_edge(&from, &to)),
    ];
    prop::collection::vec(edit, 1..6)
}

fn play(graph: &mut TaskGraph, states: &[u8]) {
    for (n, state) in states.iter().enumerate() {
        let found = graph.find(&format!("t{n}"));
        let Some(task) = found.filter(|task| graph.waits(*task).satisfied()) else { continue };
        let status = match state {
            0 | 1 => continue,
            2 => None,
            3 => Some(OutcomeStatus::Completed),
            4 => Some(OutcomeStatus::Failed),
            _ => Some(OutcomeStatus::Skipped),
        };
        graph.start(task, 1, DeviceIx(0), Timestamp(0));
        if let Some(status) = status {
            graph.end(task, status, Timestamp(1), &[], |_, _| {});
        }
    }
}

/// Edges into each task that is not pending, and the specification of each.
fn frozen(graph: &TaskGraph) -> Vec<(String, usize)> {
    let begun = graph.indices().filter(|task| !graph.state(*task).is_unstarted());
    begun.map(|task| (graph.id(task).to_string(), graph.in_degree(task))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn i2_acyclic_and_i3_started_work_is_frozen(
        first in edits(),
        states in states(),
        batches in prop::collection::vec(edits(), 1..5),
    ) {
        let mut graph = built(graph(&["t0", "t1", "t2", "t3", "t4"], &["t0>t1", "t1>t2"]));
        let _ = commit(&mut graph, first);
        play(&mut graph, &states);
        let before = frozen(&graph);
        for batch in batches {
            let (spec, revision) = (graph.to_spec(), graph.revision());
            let size = batch.len();
            match commit(&mut graph, batch) {
                Ok(()) => prop_assert!(graph.revision() == revision.next()),
                Err(rejection) => {
                    prop_assert!(!rejection.faults.is_empty());
                    prop_assert!(rejection.faults.iter().all(|fault| fault.edit < size));
                    prop_assert_eq!((graph.to_spec(), graph.revision()), (spec, revision));
                }
            }
            prop_assert!(has_an_order(&graph));
            prop_assert_eq!(&frozen(&graph), &before);
            prop_assert_eq!(starline_graph::audit(&graph), vec![]);
        }
    }
}

#[test]
fn i1_single_assignment() {
    no_rule_is_broken(1_000_000, 1_000, |schedule| schedule);
}

#[test]
fn i4_persist_before_act() {
    for seed in 0..25 {
        each_commit_is_the_last(2_000_000 + seed);
    }
}

#[test]
fn i5_replay_equals_live() {
    no_rule_is_broken(3_000_000, 300, Schedule::replayed_throughout);
}

#[test]
fn i6_placements_fit() {
    no_rule_is_broken(4_000_000, 1_000, |schedule| schedule);
}

#[test]
fn i7_sequence() {
    for name in starline_tests::all_scenarios() {
        let played = starline_tests::run_scenario(&name);
        for run in 0..played.sim.run_count() {
            let numbers: Vec<u64> = played.sim.journal(run).iter().map(|fact| fact.seq.0).collect();
            assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "{name}");
            let ids = played
                .sim
                .journal(run)
                .iter()
                .map(|fact| &fact.run_id)
                .collect::<std::collections::BTreeSet<_>>();
            assert_eq!(ids.len(), 1, "{name}: a stream is that of one run");
        }
    }
}

#[test]
fn every_prefix_of_a_journal_can_be_read() {
    use starline_scheduler::{Fleet, Scheduler};
    for name in starline_tests::all_scenarios() {
        let played = starline_tests::run_scenario(&name);
        for run in 0..played.sim.run_count() {
            let journal = played.sim.journal(run);
            for length in 1..=journal.len() {
                let mut fleet = Fleet::new();
                let id = journal[0].run_id.clone();
                let made = starline_sim::Strategist::RoundRobin.make();
                let read = Scheduler::recover(id, made, &mut fleet, &journal[..length]);
                let read = read.unwrap_or_else(|fault| panic!("{name}, {length} records: {fault}"));
                assert_eq!(read.seq().0, length as u64);
            }
        }
    }
}
