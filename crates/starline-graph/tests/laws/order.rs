//! Order, levels and reachability against the plainest search.

use proptest::prelude::*;
use starline_graph::{ancestors, components, descendants, levels, topological_order};
use starline_types::TaskIx;

use crate::random::{Plan, acyclic};

proptest! {
    #[test]
    fn the_order_takes_the_first_inserted_of_those_that_can_come_next(plan in acyclic(12)) {
        let (graph, tasks) = plan.build();
        let mut expected: Vec<usize> = Vec::new();
        while let Some(next) = (0..plan.tasks).find(|at| {
            let waits = plan.edges.iter().any(|(from, to, _)| to == at && !expected.contains(from));
            !expected.contains(at) && !waits
        }) {
            expected.push(next);
        }
        let expected: Vec<TaskIx> = expected.into_iter().map(|at| tasks[at]).collect();
        prop_assert_eq!(topological_order(&graph), expected);
    }

    #[test]
    fn levels_are_longest_ways_from_a_source(plan in acyclic(8)) {
        let (graph, tasks) = plan.build();
        let levels = levels(&graph);
        let paths = plan.paths();
        for (at, task) in tasks.iter().enumerate() {
            let longest = paths.iter().filter(|path| path.last() == Some(&at)).map(Vec::len).max();
            prop_assert_eq!(Some(levels[task.at()] as usize + 1), longest);
        }
    }

    #[test]
    fn reachability_is_that_of_the_plainest_search(plan in acyclic(10), starts in proptest::collection::vec(0..10usize, 1..3)) {
        let (graph, tasks) = plan.build();
        for from in 0..plan.tasks {
            for to in 0..plan.tasks {
                prop_assert_eq!(graph.is_upstream(tasks[from], tasks[to]), plan.reaches(from, to));
            }
        }
        let pairs = || (0..plan.tasks).flat_map(|from| (0..plan.tasks).map(move |to| (from, to)));
        let asked: Vec<(TaskIx, TaskIx)> = pairs().map(|(from, to)| (tasks[from], tasks[to])).collect();
        let expected: Vec<bool> = pairs().map(|(from, to)| plan.reaches(from, to)).collect();
        prop_assert_eq!(graph.are_upstream(&asked), expected);
        let starts: Vec<usize> = starts.into_iter().filter(|at| *at < plan.tasks).collect();
        let among = |reaches: &dyn Fn(usize, usize) -> bool| -> Vec<TaskIx> {
            (0..plan.tasks).filter(|at| starts.iter().any(|start| reaches(*start, *at))).map(|at| tasks[at]).collect()
        };
        let from = || starts.iter().map(|at| tasks[*at]);
        prop_assert_eq!(descendants(&graph, from()), among(&|start, at| plan.reaches(start, at)));
        prop_assert_eq!(ancestors(&graph, from()), among(&|start, at| plan.reaches(at, start)));
    }

    #[test]
    fn components_hold_what_edges_join(plan in acyclic(10)) {
        let (graph, tasks) = plan.build();
        let both = Plan {
            tasks: plan.tasks,
            edges: plan.edges.iter().flat_map(|(a, b, kind)| [(*a, *b, *kind), (*b, *a, *kind)]).collect(),
        };
        let mut expected: Vec<Vec<TaskIx>> = Vec::new();
        for at in 0..plan.tasks {
            let first = (0..at).find(|before| both.reaches(*before, at));
            match first.and_then(|first| expected.iter_mut().find(|group| group.contains(&tasks[first]))) {
                Some(group) => group.push(tasks[at]),
                None => expected.push(vec![tasks[at]]),
            }
        }
        prop_assert_eq!(components(&graph), expected);
    }
}

#[test]
fn scenario_g1_the_order_follows_edges_first() {
    // Inserted as t3, t1, t2.
    let plan = Plan { tasks: 3, edges: vec![(1, 2, 0), (2, 0, 0)] };
    let (graph, tasks) = plan.build();
    assert_eq!(topological_order(&graph), vec![tasks[1], tasks[2], tasks[0]]);
}
