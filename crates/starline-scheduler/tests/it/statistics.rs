//! Figures of a run.

use starline_types::{ParallelismMode, RunState, Statistics, TaskId};

use crate::job::{Job, device};
use crate::support::{World, done};

fn names(tasks: &[TaskId]) -> Vec<&str> {
    tasks.iter().map(TaskId::as_str).collect()
}

fn near(got: f64, expected: f64) -> bool {
    (got - expected).abs() < 1e-4
}

fn figures(words: &str) -> Statistics {
    let mut world = World::new(&["d1"]);
    world.submit(&Job::new(words));
    world.scheduler().statistics(world.now)
}

#[test]
fn scenario_s1_an_empty_graph_and_a_single_task() {
    let figures_of_none = figures("");
    assert_eq!(figures_of_none.parallelism_calculation_mode, ParallelismMode::Empty);
    assert!(near(figures_of_none.critical_path_length, 0.0) && near(figures_of_none.total_work, 0.0));
    assert!(near(figures_of_none.parallelism_ratio, 0.0));
    assert!(figures_of_none.longest_path_tasks.is_empty());
    let one = figures("A");
    assert_eq!((one.longest_path_length, names(&one.longest_path_tasks)), (1, vec!["A"]));
    assert!(near(one.parallelism_ratio, 1.0));
}

#[test]
fn scenario_s2_the_unfinished_diamond() {
    let found = figures("A>B A>C B>D C>D");
    assert_eq!(found.parallelism_calculation_mode, ParallelismMode::NodeCount);
    assert_eq!((found.longest_path_length, found.max_width), (3, 2));
    assert_eq!(names(&found.longest_path_tasks), ["A", "B", "D"]);
    assert!(near(found.total_work, 4.0) && near(found.parallelism_ratio, 1.3333));
}

#[test]
fn scenario_s3_two_paths_of_equal_length() {
    let found = figures("A>B B>D D>F A>C C>E E>F");
    assert!(near(found.critical_path_length, 4.0) && near(found.total_work, 6.0));
    assert!(near(found.parallelism_ratio, 1.5));
    assert_eq!(found.max_width, 2);
    assert_eq!(names(&found.longest_path_tasks), ["A", "B", "D", "F"]);
}

#[test]
fn scenario_s4_a_finished_run_counts_seconds() {
    let mut world = World::of([device("d1").with_slots(4)]);
    for (task, seconds) in [("t1", 12), ("t2", 12), ("t3", 12), ("t4", 269), ("t5", 369)] {
        world.acts(task, [done(seconds * 1000)]);
    }
    world.start(&Job::new("t1 t2 t3 t4 t1>t5 t2>t5 t3>t5 t4>t5"));
    world.run();
    let found = world.outcome().statistics;
    assert_eq!(found.parallelism_calculation_mode, ParallelismMode::ActualTime);
    assert!(near(found.critical_path_length, 638.0) && near(found.total_work, 674.0));
    assert!(near(found.parallelism_ratio, 1.0564), "{}", found.parallelism_ratio);
    assert_eq!(names(&found.critical_path_tasks), ["t4", "t5"]);
    assert_eq!((found.longest_path_length, found.max_width, found.attempts_total), (2, 4, 5));
    assert_eq!(found.execution_duration, Some(638.0));
}

#[test]
fn scenario_s5_cancelled_tasks_alone_make_a_cancelled_run() {
    let mut world = World::new(&["d1"]);
    world.submit(&Job::new("A B"));
    for task in ["A", "B"] {
        assert!(world.cancel(task).is_ok());
    }
    assert!(world.command(starline_scheduler::Input::Start).is_ok());
    assert_eq!(world.outcome().status, RunState::Cancelled);

    let mut world = World::new(&["d1"]);
    world.start(&Job::new("A B"));
    assert!(world.cancel("B").is_ok());
    world.run();
    assert_eq!(world.outcome().status, RunState::Completed);
}

#[test]
fn execution_time_runs_from_the_start_to_now_and_then_to_the_end() {
    let mut world = World::new(&["d1"]);
    world.submit(&Job::new("A"));
    assert_eq!(world.scheduler().statistics(world.now).execution_duration, None);
    world.run_until(1000);
    assert!(world.command(starline_scheduler::Input::Start).is_ok());
    world.run_until(1050);
    assert_eq!(world.scheduler().statistics(world.now).execution_duration, Some(0.05));
    world.run_until(9000);
    assert_eq!(world.scheduler().statistics(world.now).execution_duration, Some(0.1));
    assert_eq!(world.scheduler().statistics(world.now).state, RunState::Completed);
}
