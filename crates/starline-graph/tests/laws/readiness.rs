//! Readiness by counters against a scan of every edge.

use std::collections::BTreeMap;

use proptest::prelude::*;
use starline_graph::{Effect, TaskGraph, audit};
use starline_types::{
    DependencyKind, DeviceIx, GraphSpec, Judgement, Millis, Outcome, OutcomeStatus, TaskIx, TaskState,
    Timestamp, Value, Verdict,
};

use crate::random::{Plan, acyclic, edge, load, named, task};

const STATUSES: [OutcomeStatus; 4] =
    [OutcomeStatus::Completed, OutcomeStatus::Failed, OutcomeStatus::Cancelled, OutcomeStatus::Skipped];

fn outcome(status: OutcomeStatus) -> Outcome {
    Outcome {
        status,
        result: Value::Null,
        outputs: BTreeMap::new(),
        error: None,
        attempts: 1,
        duration_ms: Millis(1),
        device: None,
    }
}

/// Ends a task as an owner of the graph does: conditions are judged, then recorded.
fn end(
    graph: &mut TaskGraph,
    task: TaskIx,
    status: OutcomeStatus,
) -> (Vec<Judgement>, Vec<(TaskIx, Effect)>) {
    let judge = |edge: starline_graph::EdgeView<'_>| {
        let judged = edge.condition().expect("conditional").judge(&outcome(status), &BTreeMap::new());
        let verdict = if judged == Ok(true) { Verdict::Satisfied } else { Verdict::Impossible };
        Judgement { id: edge.id(), verdict, error: judged.err().map(|error| error.to_string().into()) }
    };
    let judgements: Vec<Judgement> = graph.conditional_edges(task).map(judge).collect();
    let mut effects = Vec::new();
    graph.end(task, status, Timestamp(1), &judgements, |task, effect| effects.push((task, effect)));
    effects.retain(|(task, _)| graph.state(*task).is_unstarted());
    (judgements, effects)
}

/// Whether an edge of a kind is satisfied by a source that ended; an oracle of its own.
fn satisfied(kind: &DependencyKind, status: OutcomeStatus) -> bool {
    use OutcomeStatus::{Completed, Failed, Skipped};
    match kind {
        DependencyKind::Success => status == Completed,
        DependencyKind::Failure => status == Failed,
        DependencyKind::Completion => true,
        DependencyKind::When(text) if text.contains("==") => status == Completed,
        DependencyKind::When(text) if text.contains("in") && text.contains("failed") => {
            matches!(status, Failed | Skipped)
        }
        DependencyKind::When(_) => false,
    }
}

/// Open and impossible edges into each task, by a scan.
fn scan(graph: &TaskGraph) -> Vec<(TaskIx, u32, u32)> {
    let count = |task: TaskIx| {
        let (mut open, mut impossible) = (0, 0);
        for edge in graph.all_edges().filter(|edge| edge.to == task) {
            match graph.state(edge.from).outcome() {
                None => open += 1,
                Some(status) if !satisfied(&edge.kind(), status) => impossible += 1,
                Some(_) => {}
            }
        }
        (task, open, impossible)
    };
    graph.in_order().into_iter().map(count).collect()
}

fn counters(graph: &TaskGraph) -> Vec<(TaskIx, u32, u32)> {
    let counters = |task: TaskIx| (task, graph.waits(task).open, graph.waits(task).impossible);
    graph.in_order().into_iter().map(counters).collect()
}

proptest! {
    #[test]
    fn counters_are_those_of_a_scan(
        plan in acyclic(9),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0u8..9), 0..6),
        choices in proptest::collection::vec((any::<prop::sample::Index>(), 0usize..4), 0..9),
    ) {
        let (mut graph, _) = plan.build();
        for (at, (one, other, edit)) in edits.into_iter().enumerate() {
            let tasks = graph.in_order();
            match edit {
                7 if !tasks.is_empty() => graph.withdraw_task(tasks[one.index(tasks.len())]),
                8 if graph.edge_count() > 0 => {
                    let edges: Vec<_> = graph.all_edges().map(|edge| edge.ix).collect();
                    graph.withdraw_edge(edges[one.index(edges.len())]);
                }
                kind if kind < 6 && tasks.len() > 1 => {
                    let ends = (tasks[one.index(tasks.len())], tasks[other.index(tasks.len())]);
                    let edge = named(&graph, edge(ends.0, ends.1, kind));
                    let _ = graph.insert_edge(edge);
                }
                _ => {
                    graph.insert_task(task(100 + at));
                }
            }
            prop_assert_eq!(audit(&graph), vec![]);
        }
        let mut facts = Vec::new();
        for (choice, status) in choices {
            let pending: Vec<TaskIx> =
                graph.in_order().into_iter().filter(|task| graph.state(*task) == TaskState::Pending).collect();
            if pending.is_empty() {
                break;
            }
            let task = pending[choice.index(pending.len())];
            let ready = graph.waits(task).satisfied();
            // Only what is ready runs; anything may be cancelled or skipped.
            let status = STATUSES[if ready { status } else { 2 + status % 2 }];
            if ready && status != OutcomeStatus::Skipped {
                graph.start(task, 1, DeviceIx(3), Timestamp(0));
            }
            let before = scan(&graph);
            let (judgements, effects) = end(&mut graph, task, status);
            facts.push((graph.id(task).clone(), status, judgements));
            let after = scan(&graph);
            prop_assert_eq!(&counters(&graph), &after);
            prop_assert_eq!(audit(&graph), vec![]);
            for ((target, open, impossible), (_, was_open, was_impossible)) in after.into_iter().zip(before) {
                let pending = graph.state(target).is_unstarted();
                let ready = pending && open + impossible == 0 && was_open > 0;
                let blocked = pending && impossible > 0 && was_impossible == 0;
                prop_assert_eq!(effects.contains(&(target, Effect::Ready)), ready);
                prop_assert_eq!(effects.contains(&(target, Effect::Blocked)), blocked);
                prop_assert!(effects.iter().filter(|effect| effect.0 == target).count() <= 1);
                let impossible_edge = graph.impossible_edge(target);
                prop_assert_eq!(impossible_edge.is_some(), impossible > 0);
            }
        }
        // Saved, loaded, and the facts replayed.
        let text = serde_json::to_string(&graph.to_spec()).expect("JSON");
        let spec: GraphSpec = serde_json::from_str(&text).expect("JSON");
        let mut loaded = load(&spec);
        prop_assert_eq!(&loaded.to_spec(), &graph.to_spec());
        for (task, status, judgements) in facts {
            let task = loaded.find(task.as_str()).expect("loaded");
            loaded.end(task, status, Timestamp(1), &judgements, |_, _| {});
        }
        let named = |graph: &TaskGraph| -> Vec<_> {
            counters(graph).into_iter().map(|(task, open, impossible)| (graph.id(task).clone(), open, impossible)).collect()
        };
        prop_assert_eq!(named(&loaded), named(&graph));
        prop_assert_eq!(audit(&loaded), vec![]);
    }
}

#[test]
fn scenario_r9_every_kind_and_outcome_survives_loading() {
    let table = [
        [true, false, false, false],
        [false, true, false, false],
        [true, true, true, true],
        [true, false, false, false],
    ];
    for (kind, row) in table.into_iter().enumerate() {
        for (status, expected) in STATUSES.into_iter().zip(row) {
            let kind = u8::try_from(kind).expect("small");
            let plan = Plan { tasks: 2, edges: vec![(0, 1, kind)] };
            let (mut graph, tasks) = plan.build();
            let mut loaded = load(&graph.to_spec());
            let effect = if expected { Effect::Ready } else { Effect::Blocked };
            for graph in [&mut graph, &mut loaded] {
                assert_eq!(end(graph, tasks[0], status).1, vec![(tasks[1], effect)], "{kind} {status}");
                assert_eq!(graph.waits(tasks[1]).satisfied(), expected);
                let edge = graph.incoming(tasks[1]).next().expect("an edge");
                assert_eq!(edge.verdict() == Some(Verdict::Satisfied), expected);
            }
        }
    }
}

#[test]
fn scenario_r4_an_attempt_that_is_retried_settles_nothing() {
    let (mut graph, tasks) = Plan { tasks: 2, edges: vec![(0, 1, 1)] }.build();
    for attempt in 1..=3 {
        graph.start(tasks[0], attempt, DeviceIx(0), Timestamp(u64::from(attempt)));
        if attempt < 3 {
            graph.suspend(tasks[0]);
            assert!(!graph.waits(tasks[1]).satisfied());
        }
    }
    assert_eq!(end(&mut graph, tasks[0], OutcomeStatus::Failed).1, vec![(tasks[1], Effect::Ready)]);
}

#[test]
fn edges_from_ended_tasks_are_settled_when_they_are_added() {
    let (mut graph, tasks) = Plan { tasks: 2, edges: vec![] }.build();
    end(&mut graph, tasks[0], OutcomeStatus::Completed);
    graph.insert_edge(edge(tasks[0], tasks[1], 0)).expect("no cycle");
    assert!(graph.waits(tasks[1]).satisfied());
    let condition = graph.insert_edge(edge(tasks[0], tasks[1], 3)).expect("no cycle");
    assert_eq!(graph.waits(tasks[1]).open, 1);
    graph.settle_edge(condition, Verdict::Satisfied);
    assert!(graph.waits(tasks[1]).satisfied());
    graph.settle_edge(condition, Verdict::Impossible);
    assert_eq!(graph.impossible_edge(tasks[1]), Some(condition));
    assert_eq!(audit(&graph), vec![]);
    graph.withdraw_edge(condition);
    assert!(graph.waits(tasks[1]).satisfied());
    let unsettled = graph.insert_task(task(7));
    let open = graph.insert_edge(edge(unsettled, tasks[1], 3)).expect("no cycle");
    graph.settle_edge(open, Verdict::Satisfied);
    assert_eq!(graph.waits(tasks[1]).open, 1, "its source has not ended");
}
