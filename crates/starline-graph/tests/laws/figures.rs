//! Paths, slack, width and statistics against enumeration.

use proptest::prelude::*;
use starline_graph::{
    MAX_ANTICHAIN_TASKS, TaskGraph, TooManyTasks, critical_path, heaviest_path, longest_path, max_width,
    maximum_antichain, parallelism, statistics,
};
use starline_types::{DeviceIx, Millis, OutcomeStatus, ParallelismMode, Statistics, TaskIx, Timestamp};

use crate::random::{Plan, acyclic, edge, task};

/// The heaviest path, the one whose tasks were inserted first among equals.
fn heaviest(plan: &Plan, weights: &[u64]) -> (u64, Vec<usize>) {
    let weigh = |path: &Vec<usize>| path.iter().map(|at| weights[*at]).sum::<u64>();
    let paths = plan.paths();
    let weight = paths.iter().map(weigh).max().unwrap_or(0);
    let first = paths.into_iter().filter(|path| weigh(path) == weight).min();
    (weight, first.unwrap_or_default())
}

/// Runs a task from 0 to a time.
fn finish(graph: &mut TaskGraph, task: TaskIx, status: OutcomeStatus, duration: u64) {
    if status == OutcomeStatus::Completed || status == OutcomeStatus::Failed {
        graph.start(task, 1, DeviceIx(0), Timestamp(7));
    }
    graph.end(task, status, Timestamp(7 + duration), &[], |_, _| {});
}

proptest! {
    #[test]
    fn paths_are_those_of_enumeration(plan in acyclic(7), weights in proptest::collection::vec(0u64..4, 7)) {
        let (graph, tasks) = plan.build();
        let named = |path: Vec<usize>| path.into_iter().map(|at| tasks[at]).collect::<Vec<_>>();
        let (length, longest) = heaviest(&plan, &[1; 7]);
        prop_assert_eq!(longest.len() as u64, length);
        prop_assert_eq!(longest_path(&graph), named(longest));
        let (weight, path) = heaviest(&plan, &weights);
        let duration = |task: TaskIx| Millis(weights[task.at()]);
        prop_assert_eq!(heaviest_path(&graph, duration), (Millis(weight), named(path.clone())));
        let critical = critical_path(&graph, duration);
        prop_assert_eq!((critical.length, critical.tasks), (Millis(weight), named(path)));
        let paths = plan.paths();
        for (at, timing) in critical.timings.iter().enumerate() {
            let through = paths.iter().filter(|path| path.contains(&at));
            let heaviest = through.map(|path| path.iter().map(|at| weights[*at]).sum::<u64>()).max();
            let before = paths.iter().filter(|path| path.last() == Some(&at));
            let start = before.map(|path| path[..path.len() - 1].iter().map(|at| weights[*at]).sum::<u64>()).max();
            prop_assert_eq!(timing.task, tasks[at]);
            prop_assert_eq!(Some(timing.earliest_start.0), start);
            prop_assert_eq!(timing.earliest_finish.0, timing.earliest_start.0 + weights[at]);
            prop_assert_eq!(timing.latest_finish.0, timing.latest_start.0 + weights[at]);
            prop_assert_eq!(Some(weight - timing.slack().0), heaviest);
            prop_assert_eq!(timing.is_critical(), heaviest == Some(weight));
        }
    }

    #[test]
    fn the_largest_antichain_is_that_of_enumeration(plan in acyclic(11)) {
        let (graph, tasks) = plan.build();
        let above: Vec<Vec<bool>> =
            (0..plan.tasks).map(|from| (0..plan.tasks).map(|to| plan.reaches(from, to)).collect()).collect();
        let independent = |set: u32| {
            let members: Vec<usize> = (0..plan.tasks).filter(|at| set & (1 << at) != 0).collect();
            members.iter().all(|a| members.iter().all(|b| !above[*a][*b])).then_some(members.len())
        };
        let largest = (0..1u32 << plan.tasks).filter_map(independent).max();
        let found = maximum_antichain(&graph).expect("small");
        prop_assert_eq!(Some(found.len()), largest);
        let set = found.iter().fold(0, |set, task| set | 1 << task.at());
        prop_assert_eq!(independent(set), largest);
        prop_assert!(found.is_sorted());
        prop_assert!(max_width(&graph) <= found.len());
        prop_assert_eq!(found.is_empty(), tasks.is_empty());
    }

    #[test]
    fn statistics_are_those_of_enumeration(
        plan in acyclic(7),
        ends in proptest::collection::vec((0u8..5, 0u64..5000), 7),
    ) {
        let (mut graph, tasks) = plan.build();
        let mut durations = vec![0; plan.tasks];
        for (at, (end, duration)) in ends.into_iter().enumerate().take(plan.tasks) {
            let status = match end {
                0 => OutcomeStatus::Completed,
                1 => OutcomeStatus::Failed,
                2 => OutcomeStatus::Cancelled,
                3 => OutcomeStatus::Skipped,
                _ => continue,
            };
            finish(&mut graph, tasks[at], status, duration);
            durations[at] = if end < 2 { duration } else { 0 };
        }
        let ended = tasks.iter().all(|task| graph.state(*task).is_terminal());
        let figures = statistics(&graph);
        let (length, longest) = heaviest(&plan, &[1; 7]);
        let ids = |path: &[usize]| path.iter().map(|at| graph.id(tasks[*at]).clone()).collect::<Vec<_>>();
        prop_assert_eq!(figures.longest_path_length as u64, length);
        prop_assert_eq!(&figures.longest_path_tasks, &ids(&longest));
        let (mode, span, path, work) = match (plan.tasks, ended) {
            (0, _) => (ParallelismMode::Empty, 0.0, vec![], 0.0),
            (count, false) => (ParallelismMode::NodeCount, length as f64, longest, count as f64),
            (_, true) => {
                let (span, path) = heaviest(&plan, &durations);
                let work: u64 = durations.iter().sum();
                (ParallelismMode::ActualTime, span as f64 / 1000.0, path, work as f64 / 1000.0)
            }
        };
        prop_assert_eq!(figures.parallelism_calculation_mode, mode);
        prop_assert_eq!((figures.critical_path_length, figures.total_work), (span, work));
        prop_assert_eq!(&figures.critical_path_tasks, &ids(&path));
        prop_assert_eq!(figures.parallelism_ratio, if span == 0.0 { 0.0 } else { work / span });
        prop_assert_eq!(figures.task_status_counts.values().sum::<u32>() as usize, plan.tasks);
        prop_assert_eq!((figures.total_tasks, figures.total_dependencies), (plan.tasks, plan.edges.len()));
    }
}

fn figures(tasks: usize, edges: &[(usize, usize)]) -> Statistics {
    let plan = Plan { tasks, edges: edges.iter().map(|(from, to)| (*from, *to, 0)).collect() };
    statistics(&plan.build().0)
}

fn path(figures: &Statistics) -> Vec<&str> {
    figures.longest_path_tasks.iter().map(starline_types::TaskId::as_str).collect()
}

#[test]
fn scenario_s1_nothing_and_one_task() {
    let empty = figures(0, &[]);
    assert_eq!(empty, Statistics::default());
    assert_eq!(empty.parallelism_calculation_mode, ParallelismMode::Empty);
    let one = figures(1, &[]);
    assert_eq!((one.longest_path_length, path(&one), one.parallelism_ratio), (1, vec!["t0"], 1.0));
}

#[test]
fn scenarios_s2_and_s3_and_the_examples() {
    // Tasks, edges, longest path, work, ratio, width.
    for (tasks, edges, length, ratio, width) in [
        (3, vec![(0, 1), (1, 2)], 3, 1.0, 1),
        (4, vec![(0, 1), (0, 2), (1, 3), (2, 3)], 3, 4.0 / 3.0, 2),
        (6, vec![(0, 1), (1, 3), (3, 5), (0, 2), (2, 4), (4, 5)], 4, 1.5, 2),
        (6, vec![(0, 1), (0, 2), (0, 3), (1, 5), (2, 5), (3, 4)], 3, 2.0, 3),
        (5, vec![(0, 4), (1, 4), (2, 4), (3, 4)], 2, 2.5, 4),
    ] {
        let figures = figures(tasks, &edges);
        assert_eq!((figures.longest_path_length, figures.total_work), (length, tasks as f64), "{edges:?}");
        assert_eq!((figures.parallelism_ratio, figures.max_width), (ratio, width), "{edges:?}");
        assert_eq!(figures.critical_path_tasks, figures.longest_path_tasks);
    }
    assert_eq!(path(&figures(4, &[(0, 2), (0, 1), (2, 3), (1, 3)])), ["t0", "t1", "t3"]);
}

#[test]
fn scenario_s4_times_once_everything_has_ended() {
    let plan = Plan { tasks: 5, edges: (0..4).map(|at| (at, 4, 0)).collect() };
    let (mut graph, tasks) = plan.build();
    for (task, seconds) in tasks.iter().zip([12, 12, 12, 269, 369]) {
        finish(&mut graph, *task, OutcomeStatus::Completed, seconds * 1000);
    }
    let figures = statistics(&graph);
    assert_eq!(figures.parallelism_calculation_mode, ParallelismMode::ActualTime);
    assert_eq!((figures.critical_path_length, figures.total_work), (638.0, 674.0));
    assert!((figures.parallelism_ratio - 1.0564).abs() < 1e-4);
    assert_eq!(figures.critical_path_tasks.iter().map(ToString::to_string).collect::<Vec<_>>(), ["t3", "t4"]);
    assert_eq!((figures.longest_path_length, figures.max_width, figures.attempts_total), (2, 4, 5));
}

#[test]
fn scenario_s5_nothing_but_cancelled_tasks_take_no_time() {
    let (mut graph, tasks) = Plan { tasks: 2, edges: vec![(0, 1, 0)] }.build();
    for task in tasks {
        finish(&mut graph, task, OutcomeStatus::Cancelled, 500);
    }
    let parallelism = parallelism(&graph);
    assert_eq!(
        (parallelism.mode, parallelism.length, parallelism.ratio()),
        (ParallelismMode::ActualTime, 0.0, 0.0)
    );
}

#[test]
fn width_is_not_the_largest_antichain() {
    let (graph, tasks) = Plan { tasks: 4, edges: vec![(0, 1, 0), (0, 2, 0)] }.build();
    assert_eq!(max_width(&graph), 2);
    assert_eq!(maximum_antichain(&graph), Ok(tasks[1..].to_vec()));
}

#[test]
fn antichains_have_a_limit_that_is_reached_in_time() {
    let mut graph = TaskGraph::default();
    let tasks: Vec<TaskIx> = (0..MAX_ANTICHAIN_TASKS).map(|at| graph.insert_task(task(at))).collect();
    // Layers of 50 whose neighbours are joined by a pattern that repeats nowhere.
    for (at, from) in tasks.iter().enumerate() {
        for next in [(at * 7) % 50, (at * 13 + 5) % 50, (at * 31 + 11) % 50] {
            if let Some(to) = tasks.get((at / 50 + 1) * 50 + next) {
                graph.insert_unchecked(edge(*from, *to, 2));
            }
        }
    }
    graph.relabel().expect("layers");
    let found = maximum_antichain(&graph).expect("at the limit");
    assert!(found.len() >= 50);
    let behind = starline_graph::descendants(&graph, found.iter().copied());
    assert!(found.iter().all(|task| !behind.contains(task)));
    graph.insert_task(task(MAX_ANTICHAIN_TASKS));
    let error = maximum_antichain(&graph).expect_err("one too many");
    assert_eq!(error, TooManyTasks { max: 5_000, got: 5_001 });
    assert_eq!(error.to_string(), "graph has 5001 tasks, an exact antichain is computed up to 5000");
}
