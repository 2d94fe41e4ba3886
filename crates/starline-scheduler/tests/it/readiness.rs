//! Readiness: edges, skips, conditions, and what a restart leaves of them.

use proptest::prelude::*;
use serde_json::json;
use starline_edit::Code;
use starline_scheduler::{Answer, Fleet, Input, Scheduler, Step};
use starline_types::{
    DependencyKind, ErrorKind, Event, EventKind, GraphSpec, OutcomeStatus, OutputType, Payload, Reading,
    RunId, RunState, SkipReason, TaskReport, Timestamp,
};

use crate::job::{Job, retries, task_id};
use crate::support::{Act, World, brings, done, failed, fails};

/// The skips so far: time, task, reason.
fn skips(world: &World) -> Vec<(u64, String, SkipReason)> {
    let facts = world.facts(EventKind::TaskSkipped).into_iter();
    let skip = |(at, event): (u64, &Event)| match event {
        Event::TaskSkipped { task, reason, .. } => Some((at, task.to_string(), *reason)),
        _ => None,
    };
    facts.filter_map(skip).collect()
}

fn message_of_skip(world: &World) -> String {
    let facts = world.facts(EventKind::TaskSkipped);
    let Some((_, Event::TaskSkipped { message: Some(message), .. })) = facts.first() else {
        panic!("no skip with a message: {facts:?}")
    };
    message.to_string()
}

#[test]
fn scenario_r1_a_failure_skips_its_dependents_in_the_same_step() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [fails(100)]);
    world.start(&Job::new("A>B"));
    world.run();
    assert_eq!(skips(&world), [(100, "B".into(), SkipReason::SourceFailed)]);
    assert_eq!(world.order(), ["A"]);
    let outcome = world.outcome();
    let counts = outcome.counts;
    assert_eq!(outcome.status, RunState::Failed);
    assert_eq!((counts.completed, counts.failed, counts.skipped), (0, 1, 1));
    let kinds: Vec<EventKind> =
        world.runs[0].facts.iter().filter(|(at, _)| at.0 == 100).map(|(_, event)| event.kind()).collect();
    assert_eq!(kinds, [EventKind::TaskFailed, EventKind::TaskSkipped, EventKind::RunFailed]);
}

#[test]
fn scenario_r2_a_run_ends_with_its_last_report() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("A", [fails(100)]);
    world.acts("X", [done(250)]);
    world.start(&Job::new("A X A>B"));
    world.run();
    assert_eq!(world.outcome().status, RunState::PartiallyFailed);
    assert_eq!(world.now, Timestamp(250), "no timer was waited for");
}

#[test]
fn scenario_r3_completion_is_satisfied_by_every_end() {
    for end in [OutcomeStatus::Failed, OutcomeStatus::Cancelled, OutcomeStatus::Skipped] {
        let mut world = World::new(&["d1"]);
        world.acts("A", [fails(100)]);
        world.submit(&Job::new("A~B"));
        match end {
            OutcomeStatus::Cancelled => assert_eq!(world.cancel("A"), Ok(Answer::Done)),
            OutcomeStatus::Skipped => assert_eq!(world.skip("A"), Ok(Answer::Done)),
            _ => {}
        }
        assert_eq!(world.command(Input::Start), Ok(Answer::Done));
        world.run();
        assert_eq!(world.order().last(), Some(&"B"), "after A is {end}");
        assert_eq!(world.outcome().results[&task_id("B")].status, Reading::Completed);
    }
}

#[test]
fn scenario_r4_failure_edges_wait_for_the_final_failure() {
    let mut world = World::new(&["d1"]);
    world.start(&Job::new("A!B"));
    world.run();
    assert_eq!(skips(&world), [(100, "B".into(), SkipReason::SourceCompleted)]);

    let mut world = World::new(&["d1"]);
    world.acts("A", [fails(100)]);
    world.start(&Job::new("A!B").retry("A", retries(2)));
    world.run();
    // Three attempts of 100 ms, with delays of 1 s and 2 s.
    assert_eq!(world.starts(0), ["0 A d1", "1100 A d1", "3200 A d1", "3300 B d1"]);
    assert_eq!(world.facts(EventKind::TaskFailed).len(), 1);
    assert_eq!(world.outcome().status, RunState::PartiallyFailed);
}

fn coverage() -> Job {
    Job::new("A").output("A", "coverage", OutputType::Number).when("A", "B", "outputs.coverage > 80")
}

/// An output that A does not declare is missing in the condition.
fn no_coverage() -> Job {
    Job::new("A").when("A", "B", "outputs.coverage > 80")
}

fn check_coverage(restart: bool) {
    for (job, result, reason) in [
        (coverage(), json!({"coverage": 85}), None),
        (coverage(), json!({"coverage": 70}), Some(SkipReason::ConditionFalse)),
        (no_coverage(), json!({}), Some(SkipReason::ConditionError)),
    ] {
        let mut world = World::new(&["d1"]);
        world.acts("A", [brings(100, result)]);
        // The graph as a file has it.
        let text = serde_json::to_string(&job.graph).expect("a graph is JSON");
        let graph: GraphSpec = serde_json::from_str(&text).expect("a graph reads as it was written");
        assert_eq!(graph, job.graph);
        world.start(&Job { graph, ..job });
        if restart {
            world.run_until(50);
            world.restart();
        }
        world.run();
        match reason {
            None => assert_eq!(world.order(), ["A", "B"]),
            Some(reason) => assert_eq!(skips(&world), [(100, "B".into(), reason)]),
        }
        if reason == Some(SkipReason::ConditionError) {
            assert!(message_of_skip(&world).contains("coverage"), "{}", message_of_skip(&world));
        }
    }
}

#[test]
fn scenario_r5_conditions_judge_typed_outputs() {
    check_coverage(false);
}

#[test]
fn scenario_r6_conditions_judge_alike_after_saving_and_loading() {
    check_coverage(true);
}

#[test]
fn scenario_r6_an_exported_graph_runs_as_the_original() {
    let mut world = World::new(&["d1"]);
    world.start(&coverage());
    let spec = world.scheduler().graph().to_spec();
    let text = serde_json::to_string(&spec).expect("a graph is JSON");
    assert_eq!(serde_json::from_str::<GraphSpec>(&text).expect("a graph"), coverage().graph);
}

#[test]
fn scenario_r7_one_impossible_edge_is_enough() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("A", [fails(100)]);
    world.acts("X", [done(500)]);
    world.start(&Job::new("A X A>B B>C C>D X~D"));
    world.run();
    let expected = [("B", SkipReason::SourceFailed), ("C", SkipReason::SourceSkipped)];
    let expected = expected.into_iter().chain([("D", SkipReason::SourceSkipped)]);
    let expected: Vec<_> = expected.map(|(task, reason)| (100, task.to_owned(), reason)).collect();
    assert_eq!(skips(&world), expected);
}

#[test]
fn skips_go_in_topological_order_whatever_the_order_of_insertion() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [fails(100)]);
    world.start(&Job::new("D C B A A>B B>C C>D A>D"));
    world.run();
    let tasks: Vec<String> = skips(&world).into_iter().map(|(_, task, _)| task).collect();
    assert_eq!(tasks, ["B", "C", "D"]);
}

#[test]
fn scenario_r8_all_edges_have_to_be_satisfied() {
    for (a, x) in [(100, 300), (300, 100)] {
        let mut world = World::new(&["d1", "d2"]);
        world.acts("A", [fails(a)]);
        world.acts("X", [done(x)]);
        world.start(&Job::new("A X A~B X>B"));
        world.run_until(200);
        assert_eq!(world.reading("B"), Reading::Waiting);
        world.run();
        assert_eq!(world.runs[0].sent.last().map(|sent| (sent.at, sent.task.as_str())), Some((300, "B")));
    }
}

/// A paused run in which A has ended in some way and B is behind it: nothing is decided about B yet.
fn ended(kind: DependencyKind, end: OutcomeStatus) -> World {
    let mut world = World::new(&["d1", "d2", "d3"]);
    world.acts("A", [Act::Silent]);
    let skipped = end == OutcomeStatus::Skipped;
    let job = Job::new(if skipped { "Z A Z>A" } else { "A" }).edge("A", "B", kind);
    world.acts("Z", [Act::Silent]);
    world.start(&job);
    assert_eq!(world.command(Input::Pause), Ok(Answer::Done));
    match end {
        OutcomeStatus::Completed => world.report("A", 1, "d1", TaskReport::done()),
        OutcomeStatus::Failed => world.report("A", 1, "d1", failed(ErrorKind::DeviceError)),
        OutcomeStatus::Cancelled => {
            assert_eq!(world.cancel("A"), Ok(Answer::Done));
            world.report("A", 1, "d1", TaskReport::Stopped);
        }
        OutcomeStatus::Skipped => assert_eq!(world.skip("A"), Ok(Answer::Done)),
    }
    world
}

#[test]
fn scenario_r9_readiness_is_the_same_after_saving_and_loading() {
    use OutcomeStatus::{Cancelled, Completed, Failed, Skipped};
    let ends = [Completed, Failed, Cancelled, Skipped];
    let condition = DependencyKind::When("status == \"completed\"".into());
    for (kind, satisfied) in [
        (DependencyKind::Success, vec![Completed]),
        (DependencyKind::Failure, vec![Failed]),
        (DependencyKind::Completion, ends.to_vec()),
        (condition, vec![Completed]),
    ] {
        for end in ends {
            let mut world = ended(kind.clone(), end);
            let expected = if satisfied.contains(&end) { Reading::Ready } else { Reading::Blocked };
            assert_eq!(world.reading("B"), expected, "{kind} after {end}");
            let before = world.scheduler().fingerprint();
            world.restart();
            assert_eq!(world.scheduler().fingerprint(), before, "{kind} after {end}");
            assert_eq!(world.reading("B"), expected, "{kind} after {end}, loaded");
            assert_eq!(world.command(Input::Resume), Ok(Answer::Done));
            let now = world.reading("B");
            let expected = if satisfied.contains(&end) { Reading::Running } else { Reading::Skipped };
            assert_eq!(now, expected, "{kind} after {end}, loaded and resumed");
        }
    }
}

#[test]
fn scenario_r10_a_condition_is_boolean_and_well_formed() {
    let mut world = World::new(&["d1"]);
    world.start(&Job::new("A").when("A", "B", "1"));
    world.run();
    assert_eq!(skips(&world), [(100, "B".into(), SkipReason::ConditionError)]);
    assert!(!message_of_skip(&world).is_empty());

    let mut step = Step::default();
    let plan = Job::new("A").when("A", "B", "outputs.x >").plan();
    let run = RunId::new("r").expect("the name of a run");
    let made = Scheduler::create(run, plan, None, Timestamp(0), &mut Fleet::new(), &mut step);
    let rejection = made.expect_err("no expression");
    assert_eq!(rejection.faults[0].code, Code::InvalidCondition);
}

#[test]
fn conditions_see_failures_and_the_inputs_of_the_run() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [fails(100)]);
    let job = Job::new("A").when("A", "B", "status == \"failed\" and error.kind == \"device_error\"");
    let job = job.when("A", "C", "inputs.deep").when("A", "D", "not inputs.deep");
    world.start(&job.settings(|settings| {
        settings.inputs.insert("deep".into(), json!(true));
    }));
    world.run();
    assert_eq!(world.order(), ["A", "B", "C"]);
    assert_eq!(skips(&world), [(100, "D".into(), SkipReason::ConditionFalse)]);
}

#[test]
fn a_condition_out_of_a_skipped_task_is_judged() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [fails(100)]);
    let job = Job::new("A>B").when("B", "C", "status == \"skipped\"").when("B", "D", "outputs.x > 1");
    world.start(&job);
    world.run();
    assert_eq!(world.order(), ["A", "C"]);
    let last = skips(&world);
    assert_eq!(last.last(), Some(&(100, "D".into(), SkipReason::ConditionError)));
}

fn script(world: &World, task: &str) -> String {
    let sent = world.runs[0].sent.iter().find(|sent| sent.task == task).expect("an attempt");
    match &sent.payload {
        Payload::Sh(shell) => shell.script.clone(),
        other => panic!("{other:?} is no script"),
    }
}

#[test]
fn scenario_r11_payloads_are_filled_in_from_upstream() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [brings(100, json!({"n": 3}))]);
    let job = Job::new("A>B").output("A", "n", OutputType::Integer);
    world.start(&job.script("B", "echo {{ tasks.A.outputs.n }}"));
    world.run();
    assert_eq!(script(&world, "B"), "echo 3");

    let mut step = Step::default();
    let plan = Job::new("A B").script("B", "echo {{ tasks.A.outputs.n }}").plan();
    let run = RunId::new("r").expect("the name of a run");
    let made = Scheduler::create(run, plan, None, Timestamp(0), &mut Fleet::new(), &mut step);
    let rejection = made.expect_err("a reference to a task that is not upstream");
    assert_eq!(
        (rejection.faults[0].code, rejection.faults[0].item.as_str()),
        (Code::ReferenceNotUpstream, "B")
    );
}

#[test]
fn scenario_r11_payloads_are_filled_in_alike_after_a_restart() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [brings(100, json!({"n": "two words"}))]);
    world.acts("X", [done(500)]);
    let job = Job::new("A X A>B X>B").output("A", "n", OutputType::String);
    world.start(&job.script("B", "echo {{ tasks.A.outputs.n }}"));
    world.run_until(150);
    world.restart();
    world.run();
    assert_eq!(script(&world, "B"), "echo 'two words'");
}

#[test]
fn a_payload_that_cannot_be_filled_in_fails_without_an_attempt() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [fails(100)]);
    let job = Job::new("A~B").output("A", "n", OutputType::Integer).retry("B", retries(5));
    world.start(&job.script("B", "echo {{ tasks.A.outputs.n }}"));
    world.run();
    assert_eq!((world.order(), world.error("B")), (vec!["A"], ErrorKind::RenderError));
    assert_eq!(world.outcome().results[&task_id("B")].attempts, 0);
    assert_eq!(world.outcome().status, RunState::Failed);
}

#[test]
fn a_missing_output_fails_the_attempt_and_is_not_retried() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [brings(100, json!({"n": "three"}))]);
    world.start(&Job::new("A").output("A", "n", OutputType::Integer).retry("A", retries(5)));
    world.run();
    assert_eq!((world.order().len(), world.error("A")), (1, ErrorKind::BadOutput));
}

proptest! {
    /// Whatever the ends of two sources and the kinds of their edges: the target runs if both are satisfied.
    #[test]
    fn a_task_runs_exactly_if_all_its_edges_are_satisfied(
        kinds in prop::collection::vec(0..3_usize, 1..5),
        succeeds in prop::collection::vec(any::<bool>(), 5),
        times in prop::collection::vec(1..400_u64, 5),
    ) {
        let edges = [DependencyKind::Success, DependencyKind::Failure, DependencyKind::Completion];
        let mut world = World::new(&["d0", "d1", "d2", "d3"]);
        let (mut job, mut expected) = (Job::new(""), true);
        for (at, kind) in kinds.iter().enumerate() {
            job = job.edge(&format!("s{at}"), "target", edges[*kind].clone());
            world.acts(&format!("s{at}"), [if succeeds[at] { done(times[at]) } else { fails(times[at]) }]);
            expected &= *kind == 2 || (*kind == 0) == succeeds[at];
        }
        world.start(&job);
        world.run();
        prop_assert_eq!(world.order().contains(&"target"), expected);
        prop_assert_eq!(skips(&world).len(), usize::from(!expected));
    }
}
