//! Figures about a graph and its run.

use starline_sim::{Action, Sim, Strategist, Work};
use starline_types::{Millis, ParallelismMode, Statistics, TaskId, Timestamp};

use crate::scene::{built, device, graph, plan, world};

crate::scenarios! {
    scenario_s5_completed_and_cancelled => "s5_completed_and_cancelled",
    scenario_s5_only_cancelled_tasks => "s5_only_cancelled_tasks",
}

fn figures(tasks: &[&str], edges: &[&str]) -> Statistics {
    starline_graph::statistics(&built(graph(tasks, edges)))
}

fn names(tasks: &[TaskId]) -> Vec<&str> {
    tasks.iter().map(TaskId::as_str).collect()
}

fn close(found: f64, wanted: f64) -> bool {
    (found - wanted).abs() < 1e-4
}

#[test]
fn scenario_s1_empty_and_single() {
    let empty = figures(&[], &[]);
    assert_eq!(empty.parallelism_calculation_mode, ParallelismMode::Empty);
    assert_eq!((empty.critical_path_length, empty.total_work, empty.parallelism_ratio), (0.0, 0.0, 0.0));
    assert_eq!((empty.longest_path_length, empty.longest_path_tasks.len()), (0, 0));
    let single = figures(&["it"], &[]);
    assert_eq!((single.longest_path_length, names(&single.longest_path_tasks)), (1, vec!["it"]));
    assert!(close(single.parallelism_ratio, 1.0));
}

#[test]
fn scenario_s2_diamond() {
    let found = figures(&["A", "B", "C", "D"], &["A>B", "A>C", "B>D", "C>D"]);
    assert_eq!((found.longest_path_length, found.max_width), (3, 2));
    assert_eq!(names(&found.longest_path_tasks), ["A", "B", "D"]);
    assert!(close(found.total_work, 4.0) && close(found.parallelism_ratio, 4.0 / 3.0), "{found:?}");
    assert_eq!(found.parallelism_calculation_mode, ParallelismMode::NodeCount);
}

#[test]
fn scenario_s3_two_paths_of_equal_length() {
    let found = figures(&["A", "B", "C", "D", "E", "F"], &["A>B", "B>D", "D>F", "A>C", "C>E", "E>F"]);
    assert_eq!((found.longest_path_length, found.max_width), (4, 2));
    assert!(close(found.critical_path_length, 4.0) && close(found.total_work, 6.0), "{found:?}");
    assert!(close(found.parallelism_ratio, 1.5));
}

/// Four tasks joined into one, with the given durations in seconds, run to their end.
fn joined(seconds: [u64; 5]) -> Sim {
    let tasks = ["t1", "t2", "t3", "t4", "t5"];
    let spec = graph(&tasks, &["t1>t5", "t2>t5", "t3>t5", "t4>t5"]);
    let mut sim = world(vec![device("rack").with_slots(4)], plan(spec), Strategist::LoadBalance);
    for (task, seconds) in tasks.iter().zip(seconds) {
        sim.tell(0, task, vec![Work::lasting(Millis::from_secs(seconds))]);
    }
    sim.at(Timestamp(0), Action::Start(0));
    sim.run_to_end();
    sim
}

#[test]
fn scenario_s4_real_durations() {
    let sim = joined([12, 12, 12, 269, 369]);
    let found = sim.outcome(0).expect("the run has ended").statistics;
    assert_eq!(found.parallelism_calculation_mode, ParallelismMode::ActualTime);
    assert!(close(found.critical_path_length, 638.0) && close(found.total_work, 674.0), "{found:?}");
    assert!(close(found.parallelism_ratio, 1.0564), "{found:?}");
    assert_eq!(names(&found.critical_path_tasks), ["t4", "t5"]);
    assert_eq!((found.longest_path_length, found.max_width), (2, 4));
    assert_eq!(found.execution_duration, Some(638.0));
}
