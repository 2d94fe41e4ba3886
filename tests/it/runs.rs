//! Runs: their states, results and commands.

use starline_scheduler::{Input, Plan, Refusal};
use starline_sim::{Action, Sim, Strategist, Work};
use starline_types::{ErrorKind, Millis, Reading, RunId, RunState, TaskReport, Timestamp};

use crate::scene::{device, graph, plan, task_id, world};

crate::scenarios! {
    scenario_o4_fail_fast => "o4_fail_fast",
    scenario_o4_fail_fast_and_then_cancelled => "o4_fail_fast_and_then_cancelled",
    scenario_o5_wait_for_edit_until_the_deadline => "o5_wait_for_edit_until_the_deadline",
    scenario_o6_pause_and_resume => "o6_pause_and_resume",
    scenario_o7_two_runs_share_a_fleet => "o7_two_runs_share_a_fleet",
}

fn refusal(sim: &mut Sim, input: Input) -> Refusal {
    sim.input(0, input).expect("a command has an answer").expect_err("it is refused")
}

#[test]
fn scenario_o1_a_run_that_cannot_be_placed_is_refused() {
    let mut nobody = world(vec![], plan(graph(&["A"], &[])), Strategist::RoundRobin);
    let said = refusal(&mut nobody, Input::Start).to_string();
    assert_eq!(said, "No available devices for assignment");

    let mut unassigned =
        world(vec![device("d1"), device("d2")], plan(graph(&["A"], &[])), Strategist::Nobody);
    let said = refusal(&mut unassigned, Input::Start).to_string();
    assert!(said.contains('A') && said.contains("d1") && said.contains("d2"), "{said}");

    for (task, device_id, wanted) in [("zz", "d1", "unknown_task"), ("A", "d9", "unknown_device")] {
        let assignments = vec![(task_id(task), device(device_id).id)];
        let plan = Plan { assignments, ..plan(graph(&["A"], &[])) };
        let mut mapped = world(vec![device("d1")], plan, Strategist::Nobody);
        let said = refusal(&mut mapped, Input::Start).to_string();
        assert!(said.contains(wanted), "{said}");
    }
}

#[test]
fn scenario_o2_the_result_has_every_task() {
    let mut sim = world(vec![device("d1")], plan(graph(&["A", "B", "C"], &["B>C"])), Strategist::RoundRobin);
    let result = serde_json::json!({ "n": 1 });
    sim.tell(0, "A", vec![Work::lasting(Millis(500)).reporting(TaskReport::completed(result.clone()))]);
    sim.tell(0, "B", vec![Work::lasting(Millis(500)).failing(ErrorKind::ExitStatus)]);
    sim.at(Timestamp(0), Action::Start(0));
    sim.run_to_end();
    let outcome = sim.outcome(0).expect("the run has ended");
    assert_eq!(
        (outcome.status, outcome.total_tasks, outcome.results.len()),
        (RunState::PartiallyFailed, 3, 3)
    );
    let of = |id: &str| &outcome.results[&task_id(id)];
    assert_eq!((of("A").status, &of("A").result), (Reading::Completed, &result));
    assert_eq!((of("B").status, of("C").status), (Reading::Failed, Reading::Skipped));
    assert_eq!((of("A").started_at, of("A").finished_at), (Some(0), Some(500)));
    assert_eq!((of("C").attempts, of("C").started_at), (0, None));
    let counts: Vec<(&str, u32)> =
        outcome.statistics.task_status_counts.iter().map(|(state, count)| (state.as_str(), *count)).collect();
    assert_eq!(counts, [("completed", 1), ("failed", 1), ("skipped", 1)]);
}

#[test]
fn scenario_o7_no_fact_belongs_to_two_runs() {
    let mut sim = world(vec![device("d1")], plan(graph(&["A", "B"], &[])), Strategist::RoundRobin);
    let other = RunId::new("other").expect("id");
    let second = sim.submit(other, plan(graph(&["A"], &[])), Strategist::LoadBalance).expect("valid");
    sim.at(Timestamp(0), Action::Start(0));
    sim.at(Timestamp(0), Action::Start(second));
    sim.run_to_end();
    for run in [0, second] {
        let id = if run == 0 { "run" } else { "other" };
        assert!(sim.journal(run).iter().all(|fact| fact.run_id.as_str() == id));
        assert_eq!(sim.outcome(run).map(|outcome| outcome.status), Some(RunState::Completed));
    }
}

#[test]
fn an_empty_graph_completes_at_once() {
    let mut sim = world(vec![device("d1")], plan(graph(&[], &[])), Strategist::RoundRobin);
    sim.input(0, Input::Start).expect("an answer").expect("it starts");
    assert_eq!(sim.outcome(0).map(|outcome| outcome.status), Some(RunState::Completed));
}

#[test]
fn what_was_cancelled_before_the_start_takes_no_place() {
    let mut sim = world(vec![device("d1")], plan(graph(&["A", "B"], &[])), Strategist::RoundRobin);
    sim.input(0, Input::CancelTask { task: task_id("A") }).expect("an answer").expect("it is cancelled");
    sim.input(0, Input::Start).expect("an answer").expect("it starts");
    sim.run_to_end();
    assert_eq!(sim.outcome(0).map(|outcome| outcome.status), Some(RunState::Completed));
    let d1 = sim.fleet().find(&device("d1").id).expect("registered");
    assert_eq!(sim.fleet().load(d1), (0, 0), "nothing is planned for a task that has ended");
}

#[test]
fn queue_time_does_not_run_before_the_start() {
    let mut spec = graph(&["A"], &[]);
    std::sync::Arc::make_mut(&mut spec.tasks[0]).queue_timeout = Some(Millis(1_000));
    let mut second = spec.clone();
    second.tasks.push(std::sync::Arc::new(crate::scene::task("first")));
    second
        .dependencies
        .push(crate::scene::edge("first", "A").with_kind(starline_types::DependencyKind::Completion));
    let mut sim = world(vec![device("d1")], plan(second), Strategist::RoundRobin);
    sim.input(0, Input::Prepare).expect("an answer").expect("it is prepared");
    sim.input(0, Input::SkipTask { task: task_id("first") }).expect("an answer").expect("it is skipped");
    sim.at(Timestamp(60_000), Action::Start(0));
    sim.run_to_end();
    assert_eq!(sim.outcome(0).map(|outcome| outcome.status), Some(RunState::Completed));
}
