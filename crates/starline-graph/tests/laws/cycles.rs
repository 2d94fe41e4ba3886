//! No cycle gets in, and a refusal leaves no trace.

use proptest::prelude::*;
use starline_graph::{Cycle, TaskGraph, audit};
use starline_types::TaskIx;

use crate::random::{Plan, acyclic, arbitrary, edge, task};

/// Every step of the cycle is an edge, but for one that was refused.
fn assert_cycle(graph: &TaskGraph, cycle: &Cycle, refused: Option<(TaskIx, TaskIx)>) {
    let tasks = &cycle.tasks;
    assert!(!tasks.is_empty());
    for (at, from) in tasks.iter().enumerate() {
        let to = tasks[(at + 1) % tasks.len()];
        let is_edge = graph.successors(*from).any(|next| next == to);
        assert!(is_edge || refused == Some((*from, to)), "{from:?} -> {to:?} of {tasks:?}");
    }
    let mut distinct = tasks.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), tasks.len(), "no task twice");
}

fn labels(graph: &TaskGraph) -> Vec<(TaskIx, u32)> {
    graph.indices().map(|task| (task, graph.level(task))).collect()
}

proptest! {
    #[test]
    fn an_edge_is_refused_exactly_if_it_closes_a_cycle(plan in arbitrary(10)) {
        let mut graph = TaskGraph::default();
        let tasks: Vec<TaskIx> = (0..plan.tasks).map(|at| graph.insert_task(task(at))).collect();
        let mut kept = Plan { tasks: plan.tasks, edges: Vec::new() };
        for (from, to, kind) in plan.edges {
            let closes = from == to || kept.reaches(to, from);
            let before = (graph.to_spec(), labels(&graph));
            match graph.insert_edge(edge(tasks[from], tasks[to], kind)) {
                Ok(ix) => {
                    prop_assert!(!closes);
                    let view = graph.edge(ix).expect("just inserted");
                    prop_assert_eq!((view.from, view.to), (tasks[from], tasks[to]));
                    kept.edges.push((from, to, kind));
                }
                Err(cycle) => {
                    prop_assert!(closes);
                    prop_assert_eq!(cycle.tasks[0], tasks[from]);
                    prop_assert_eq!(cycle.tasks.get(1).copied().unwrap_or(tasks[from]), tasks[to]);
                    assert_cycle(&graph, &cycle, Some((tasks[from], tasks[to])));
                    prop_assert_eq!((graph.to_spec(), labels(&graph)), before);
                }
            }
            prop_assert_eq!(audit(&graph), vec![]);
        }
    }

    #[test]
    fn a_whole_graph_is_labelled_or_its_cycles_are_named(plan in arbitrary(9)) {
        let mut graph = TaskGraph::default();
        let tasks: Vec<TaskIx> = (0..plan.tasks).map(|at| graph.insert_task(task(at))).collect();
        let edges: Vec<_> =
            plan.edges.iter().map(|(from, to, kind)| graph.insert_unchecked(edge(tasks[*from], tasks[*to], *kind))).collect();
        // Tasks on cycles with each other, by the first of them.
        let mut groups: Vec<usize> = (0..plan.tasks)
            .filter(|at| plan.reaches(*at, *at))
            .map(|at| (0..=at).find(|first| *first == at || plan.reaches(at, *first) && plan.reaches(*first, at)).expect("itself"))
            .collect();
        groups.dedup();
        groups.sort_unstable();
        groups.dedup();
        match graph.relabel() {
            Ok(()) => prop_assert!(groups.is_empty()),
            Err(cycles) => {
                let firsts: Vec<TaskIx> = cycles.iter().map(|cycle| cycle.tasks[0]).collect();
                prop_assert_eq!(firsts, groups.iter().map(|at| tasks[*at]).collect::<Vec<_>>());
                for cycle in &cycles {
                    assert_cycle(&graph, cycle, None);
                }
                for ix in edges {
                    graph.withdraw_edge(ix);
                }
                prop_assert_eq!(graph.relabel(), Ok(()));
            }
        }
        prop_assert_eq!(audit(&graph), vec![]);
    }

    #[test]
    fn what_is_withdrawn_leaves_no_trace(plan in acyclic(8), more in arbitrary(6)) {
        let (mut graph, tasks) = plan.build();
        let before = graph.to_spec();
        let mut all = tasks.clone();
        all.extend((0..more.tasks).map(|at| graph.insert_task(task(100 + at))));
        let added: Vec<TaskIx> = all[tasks.len()..].to_vec();
        let mut edges = Vec::new();
        for (from, to, kind) in &more.edges {
            // From old tasks to new ones and among the new ones.
            let from = if kind % 2 == 0 { added[*from] } else { all[*from % all.len()] };
            if let Ok(ix) = graph.insert_edge(edge(from, added[*to], *kind)) {
                edges.push(ix);
            }
        }
        prop_assert_eq!(audit(&graph), vec![]);
        for ix in edges.into_iter().rev().step_by(2) {
            graph.withdraw_edge(ix);
            prop_assert_eq!(audit(&graph), vec![]);
        }
        for task in added.into_iter().rev() {
            graph.withdraw_task(task);
            prop_assert_eq!(audit(&graph), vec![]);
        }
        prop_assert_eq!(graph.to_spec(), before);
        // Names and ranks are free again.
        let again = graph.insert_task(task(100));
        prop_assert_eq!(graph.order(again) as usize, tasks.len());
        prop_assert_eq!(graph.find("t100"), Some(again));
    }

    #[test]
    fn any_task_can_be_withdrawn(plan in acyclic(8), victims in proptest::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let (mut graph, _) = plan.build();
        for victim in victims {
            let left = graph.in_order();
            if left.is_empty() {
                break;
            }
            let victim = left[victim.index(left.len())];
            graph.withdraw_task(victim);
            prop_assert!(!graph.contains(victim));
            prop_assert_eq!(audit(&graph), vec![]);
        }
        let at = graph.insert_task(task(50));
        prop_assert_eq!(graph.in_order().last().copied(), Some(at));
        prop_assert_eq!(audit(&graph), vec![]);
    }
}

#[test]
fn scenario_g2_a_refused_cycle_names_its_tasks() {
    let mut graph = TaskGraph::default();
    let [a, b, c] = [0, 1, 2].map(|at| graph.insert_task(task(at)));
    for (from, to) in [(a, b), (b, c)] {
        graph.insert_edge(edge(from, to, 0)).expect("no cycle");
    }
    assert_eq!(graph.insert_edge(edge(c, a, 0)), Err(Cycle { tasks: vec![c, a, b] }));
    assert_eq!(graph.insert_edge(edge(a, a, 0)), Err(Cycle { tasks: vec![a] }));
    assert_eq!((graph.edge_count(), graph.revision().0), (2, 0));
}

#[test]
fn long_chains_overflow_nothing() {
    const LENGTH: usize = 100_000;
    let mut graph = TaskGraph::with_capacity(LENGTH, LENGTH);
    let tasks: Vec<TaskIx> = (0..LENGTH).map(|at| graph.insert_task(task(at))).collect();
    // From the end to the beginning: every edge but the first raises nothing.
    for pair in tasks.windows(2).rev() {
        graph.insert_unchecked(edge(pair[0], pair[1], 2));
    }
    graph.relabel().expect("a chain");
    let cycle = graph.insert_edge(edge(tasks[LENGTH - 1], tasks[0], 2)).expect_err("a ring");
    assert_eq!(cycle.tasks.len(), LENGTH);
    assert!(graph.is_upstream(tasks[0], tasks[LENGTH - 1]));
    assert!(!graph.is_upstream(tasks[LENGTH - 1], tasks[0]));
    let halves = (0..LENGTH).flat_map(|at| [(tasks[at / 2], tasks[at]), (tasks[at], tasks[at / 2])]);
    let upstream = graph.are_upstream(&halves.collect::<Vec<_>>());
    assert!(upstream.chunks(2).enumerate().all(|(at, found)| found == [at > 0, false]));
    assert_eq!(starline_graph::topological_order(&graph), tasks);
    assert_eq!(starline_graph::descendants(&graph, [tasks[0]]).len(), LENGTH - 1);
    assert_eq!(starline_graph::ancestors(&graph, [tasks[LENGTH - 1]]).len(), LENGTH - 1);
    assert_eq!(starline_graph::components(&graph).len(), 1);
    let figures = starline_graph::statistics(&graph);
    assert_eq!((figures.longest_path_length, figures.max_width), (LENGTH, 1));
    assert_eq!(
        starline_graph::critical_path(&graph, |_| starline_types::Millis(1)).length.0 as usize,
        LENGTH
    );
    assert_eq!(audit(&graph), vec![]);
}
