//! Runs as a whole: start, policies, pause, two runs over one fleet.

use serde_json::json;
use starline_scheduler::{Answer, Input, Refusal};
use starline_types::{
    CancelReason, Event, EventKind, FailurePolicy, Millis, PauseCause, Reading, RunState, SkipReason,
};

use crate::job::{Job, by_hand, device, device_id, retries, task_id};
use crate::support::{Act, Stop, World, brings, done, fails};

#[test]
fn scenario_o1_a_run_needs_devices_and_a_way_to_them() {
    let mut world = World::new(&[]);
    world.submit(&Job::new("A"));
    let refusal = world.command(Input::Start).expect_err("no devices");
    assert_eq!(refusal, Refusal::NoDevices);
    assert_eq!(refusal.to_string(), "No available devices for assignment");
    assert_eq!(world.state(), RunState::Created);

    let mut world = World::new(&["d1", "d2"]);
    world.submit(&Job::new("A B").strategy(by_hand).pin("B", "d2"));
    let refusal = world.command(Input::Start).expect_err("A has no device");
    let devices = vec![device_id("d1"), device_id("d2")];
    assert_eq!(refusal, Refusal::Unassigned { tasks: vec![task_id("A")], devices });
    let text = refusal.to_string();
    assert!(["A", "d1", "d2"].iter().all(|name| text.contains(name)), "{text}");

    let mut world = World::new(&["d1"]);
    world.submit(&Job::new("A").strategy(by_hand).assign("A", "d1").assign("zz", "d1"));
    let refusal = world.command(Input::Start).expect_err("no such task");
    assert_eq!(refusal.to_string(), "unknown_task: no task zz, known are A");

    let mut world = World::new(&["d1"]);
    world.submit(&Job::new("A").strategy(by_hand).assign("A", "d9"));
    let refusal = world.command(Input::Start).expect_err("no such device");
    assert!(matches!(&refusal, Refusal::UnknownDevice { known, .. } if known == &[device_id("d1")]));
}

#[test]
fn a_map_by_hand_is_enough_and_outlives_a_restart() {
    let mut world = World::new(&["d1", "d2"]);
    world.submit(&Job::new("A B").strategy(by_hand).assign("A", "d2").pin("B", "d1"));
    world.restart();
    assert_eq!(world.command(Input::Start), Ok(Answer::Done));
    world.run();
    assert_eq!(world.starts(0), ["0 A d2", "0 B d1"]);
}

#[test]
fn scenario_o2_the_outcome_has_one_entry_for_each_task() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("A", [brings(100, json!({"n": 1}))]);
    world.acts("B", [fails(200)]);
    world.start(&Job::new("A B B>C"));
    world.run();
    let outcome = world.outcome();
    assert_eq!((outcome.status, outcome.total_tasks), (RunState::PartiallyFailed, 3));
    let read: Vec<Reading> = outcome.results.values().map(|result| result.status).collect();
    assert_eq!(read, [Reading::Completed, Reading::Failed, Reading::Skipped]);
    let a = &outcome.results[&task_id("A")];
    assert_eq!((&a.result, a.attempts), (&json!({"n": 1}), 1));
    assert_eq!((a.started_at, a.finished_at, a.duration_ms), (Some(0), Some(100), Some(Millis(100))));
    let c = &outcome.results[&task_id("C")];
    assert_eq!((c.skip_reason, c.attempts), (Some(SkipReason::SourceFailed), 0));
    assert_eq!((c.started_at, c.finished_at, c.duration_ms), (None, Some(200), None));
    let counts = &outcome.statistics.task_status_counts;
    let expected = [("completed", 1), ("failed", 1), ("skipped", 1)];
    assert!(counts.iter().map(|(word, count)| (word.as_str(), *count)).eq(expected));
    assert_eq!((world.runs[0].closed, outcome.unconfirmed), (1, vec![]));
}

#[test]
fn scenario_o4_fail_fast_cancels_in_the_same_step_and_waits_for_the_rest() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("A", [fails(100)]);
    world.acts("X", [Act::Silent]);
    world.stops_after("d2", 50);
    let policy = FailurePolicy::FailFast;
    world.start(&Job::new("A X A>Y").settings(|settings| settings.on_failure = policy));
    world.run_until(100);
    assert_eq!((world.reading("Y"), world.reading("X")), (Reading::Cancelled, Reading::Cancelling));
    let cancelled = world.facts(EventKind::TaskCancelled);
    assert!(matches!(cancelled[0], (100, Event::TaskCancelled { reason: CancelReason::FailFast, .. })));
    let stop = Stop { at: 100, task: "X".into(), device: "d2".into(), force: false };
    assert_eq!(world.runs[0].stops, [stop]);
    assert_eq!(world.state(), RunState::Executing);
    world.run();
    assert_eq!((world.outcome().status, world.now.0), (RunState::Failed, 150));
    assert_eq!(world.outcome().reason.as_deref(), Some("fail_fast"));
}

#[test]
fn fail_fast_does_not_retry_what_fails_while_it_ends() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("A", [fails(100)]);
    world.acts("X", [fails(200)]);
    let policy = FailurePolicy::FailFast;
    let job = Job::new("A X").retry("X", retries(3)).settings(|settings| settings.on_failure = policy);
    world.start(&job);
    world.run();
    assert_eq!(world.outcome().results[&task_id("X")].status, Reading::Cancelled);
    assert_eq!((world.outcome().status, world.now.0), (RunState::Failed, 200));
}

fn wait_for_edit(words: &str) -> Job {
    Job::new(words).settings(|settings| {
        settings.on_failure = FailurePolicy::WaitForEdit;
        settings.edit_wait = Millis::from_secs(60);
    })
}

#[test]
fn scenario_o5_a_blocked_run_waits_for_an_edit_until_its_deadline() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [fails(100)]);
    world.start(&wait_for_edit("A>B"));
    world.run_until(100);
    assert_eq!((world.state(), world.scheduler().paused()), (RunState::Paused, Some(PauseCause::NeedsEdit)));
    assert_eq!(world.reading("B"), Reading::Blocked);
    world.run_until(60_099);
    assert_eq!(world.state(), RunState::Paused);
    world.run();
    assert_eq!((world.outcome().status, world.now.0), (RunState::Failed, 60_100));
    assert_eq!(world.reading("B"), Reading::Skipped);
}

#[test]
fn waiting_for_an_edit_begins_when_nothing_else_can_be_done() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("A", [fails(100)]);
    world.acts("X", [fails(300), done(100)]);
    world.start(&wait_for_edit("A X A>B").retry("X", retries(1)));
    world.run_until(1399);
    assert_eq!(world.state(), RunState::Executing, "X is in backoff, then runs");
    world.run_until(1400);
    assert_eq!(world.scheduler().paused(), Some(PauseCause::NeedsEdit));
    world.run();
    assert_eq!((world.outcome().status, world.now.0), (RunState::PartiallyFailed, 61_400));
}

#[test]
fn a_wait_for_an_edit_goes_on_after_a_restart() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [fails(100)]);
    world.start(&wait_for_edit("A>B"));
    world.run_until(30_000);
    world.restart();
    assert_eq!(world.scheduler().paused(), Some(PauseCause::NeedsEdit));
    world.run();
    assert_eq!((world.outcome().status, world.now.0), (RunState::Failed, 60_100));
}

#[test]
fn scenario_o6_a_paused_run_records_and_assigns_nothing() {
    let mut world = World::new(&["d1"]);
    world.start(&Job::new("A B"));
    world.run_until(50);
    assert_eq!(world.command(Input::Pause), Ok(Answer::Done));
    assert_eq!(world.command(Input::Pause), Ok(Answer::Done), "a second pause is nothing new");
    world.run_until(1000);
    assert_eq!((world.reading("A"), world.reading("B")), (Reading::Completed, Reading::Ready));
    assert_eq!(world.order(), ["A"]);
    assert_eq!(world.facts(EventKind::RunPaused).len(), 1);
    assert_eq!(world.command(Input::Resume), Ok(Answer::Done));
    assert_eq!(world.command(Input::Resume), Ok(Answer::Done), "a second resume is nothing new");
    world.run();
    assert_eq!(world.starts(0), ["0 A d1", "1000 B d1"]);
    assert_eq!(world.facts(EventKind::RunResumed).len(), 1);
}

#[test]
fn a_paused_run_decides_no_skips_and_ends_when_all_is_done() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [fails(100)]);
    world.start(&Job::new("A>B"));
    assert_eq!(world.command(Input::Pause), Ok(Answer::Done));
    world.run_until(500);
    assert_eq!((world.reading("B"), world.state()), (Reading::Blocked, RunState::Paused));
    assert_eq!(world.command(Input::Resume), Ok(Answer::Done));
    assert_eq!(world.outcome().status, RunState::Failed);

    let mut world = World::new(&["d1"]);
    world.start(&Job::new("A"));
    assert_eq!(world.command(Input::Pause), Ok(Answer::Done));
    world.run();
    assert_eq!(world.outcome().status, RunState::Completed, "its last report ends a paused run");
}

#[test]
fn commands_are_refused_where_they_mean_nothing() {
    let mut world = World::new(&["d1"]);
    world.submit(&Job::new("A"));
    for input in [Input::Pause, Input::Resume] {
        let refusal = world.command(input).expect_err("not begun");
        assert!(matches!(refusal, Refusal::WrongRunState { state: RunState::Created, .. }), "{refusal}");
    }
    assert_eq!(world.command(Input::Prepare), Ok(Answer::Done));
    assert_eq!(world.state(), RunState::Ready);
    assert_eq!(world.command(Input::Start), Ok(Answer::Done));
    let refusal = world.command(Input::Start).expect_err("begun already");
    let allowed = "allowed are created, ready";
    assert!(refusal.to_string().starts_with("wrong_run_state") && refusal.to_string().contains(allowed));
    assert_eq!(world.facts(EventKind::RunStarted).len(), 1);
    world.run();
    let over = Err(Refusal::RunTerminal(RunState::Completed));
    let (task, on) = (task_id("A"), device_id("d1"));
    for input in [
        Input::Prepare,
        Input::Start,
        Input::Pause,
        Input::Resume,
        Input::CancelRun { force: false },
        Input::CancelTask { task: task.clone() },
        Input::SkipTask { task: task.clone() },
        Input::Reassign { task, device: on },
        Input::ClearAssignments,
    ] {
        assert_eq!(world.command(input.clone()), over, "{input:?}");
    }
}

#[test]
fn an_empty_run_completes_at_once_and_a_cancelled_one_never_begins() {
    let mut world = World::new(&["d1"]);
    world.start(&Job::new(""));
    assert_eq!((world.outcome().status, world.outcome().total_tasks), (RunState::Completed, 0));

    for words in ["", "A>B"] {
        let mut world = World::new(&["d1"]);
        world.submit(&Job::new(words));
        assert_eq!(world.command(Input::CancelRun { force: false }), Ok(Answer::Done));
        assert_eq!(world.outcome().status, RunState::Cancelled, "{words:?}");
        assert_eq!(world.runs[0].closed, 1);
    }
}

#[test]
fn tasks_skipped_by_an_operator_do_not_spoil_a_run() {
    let mut world = World::new(&["d1"]);
    world.start(&Job::new("A B"));
    let refusal = world.skip("A").expect_err("it runs");
    assert_eq!(refusal, Refusal::TaskNotPending { task: task_id("A"), state: "running" });
    assert_eq!(world.skip("B"), Ok(Answer::Done));
    world.run();
    assert_eq!(world.outcome().status, RunState::Completed);
    let b = &world.outcome().results[&task_id("B")];
    assert_eq!((b.status, b.skip_reason), (Reading::Skipped, Some(SkipReason::Operator)));

    let mut world = World::new(&["d1"]);
    world.submit(&Job::new("A B"));
    assert_eq!((world.skip("A"), world.skip("B")), (Ok(Answer::Done), Ok(Answer::Done)));
    assert_eq!(world.command(Input::Start), Ok(Answer::Done));
    assert_eq!((world.outcome().status, world.outcome().counts.skipped), (RunState::Completed, 2));
}

#[test]
fn two_runs_share_the_slots_of_a_fleet() {
    let mut world = World::of([device("d1").with_slots(2)]);
    let first = world.start(&Job::new("A B C"));
    let second = world.start(&Job::new("X Y Z"));
    world.run_until(50);
    assert_eq!((world.runs[first].sent.len(), world.runs[second].sent.len()), (2, 0));
    assert_eq!(world.fleet.load(world.ix("d1")), (2, 4), "two live attempts and four plans");
    world.run();
    assert_eq!(world.starts(first), ["0 A d1", "0 B d1", "100 C d1"]);
    assert_eq!(world.starts(second), ["100 X d1", "200 Y d1", "200 Z d1"]);
    for run in [first, second] {
        assert_eq!(world.runs[run].scheduler.run_state(), RunState::Completed);
    }
    assert_eq!(world.fleet.load(world.ix("d1")), (0, 0));
}

#[test]
fn a_paused_run_leaves_the_slots_to_the_other() {
    let mut world = World::new(&["d1"]);
    let first = world.start(&Job::new("A B"));
    let second = world.start(&Job::new("X"));
    assert_eq!(world.command_to(first, Input::Pause), Ok(Answer::Done));
    world.run_until(1000);
    assert_eq!(world.runs[second].scheduler.run_state(), RunState::Completed);
    assert_eq!(world.command_to(first, Input::Resume), Ok(Answer::Done));
    world.run();
    assert_eq!(world.starts(first), ["0 A d1", "1000 B d1"]);
    assert_eq!(world.starts(second), ["100 X d1"]);
}

#[test]
fn cancelling_one_run_leaves_the_other_alone() {
    let mut world = World::new(&["d1"]);
    let first = world.start(&Job::new("A B"));
    let second = world.start(&Job::new("X Y"));
    assert_eq!(world.command_to(first, Input::CancelRun { force: false }), Ok(Answer::Done));
    world.run();
    assert_eq!(world.runs[first].scheduler.run_state(), RunState::Cancelled);
    assert_eq!(world.runs[second].scheduler.run_state(), RunState::Completed);
    assert!(world.runs[second].facts.iter().all(|(_, event)| event.kind() != EventKind::TaskCancelled));
}

#[test]
fn the_deadline_of_a_run_cancels_it_even_while_it_is_paused() {
    for paused in [false, true] {
        let mut world = World::new(&["d1"]);
        world.acts("A", [Act::Silent]);
        world.stops_after("d1", 100);
        world.start(&Job::new("A B A>C").settings(|settings| settings.deadline = Some(Millis(5000))));
        if paused {
            assert_eq!(world.command(Input::Pause), Ok(Answer::Done));
        }
        world.run();
        let outcome = world.outcome();
        assert_eq!((outcome.status, world.now.0), (RunState::Cancelled, 5100));
        assert_eq!(outcome.reason.as_deref(), Some("deadline"));
        assert_eq!(outcome.counts.cancelled, 3);
    }
}

#[test]
fn a_run_that_ends_before_its_deadline_has_no_deadline_left() {
    let mut world = World::new(&["d1"]);
    world.start(&Job::new("A").settings(|settings| settings.deadline = Some(Millis(5000))));
    world.run();
    assert_eq!((world.outcome().status, world.now.0), (RunState::Completed, 100));
    assert_eq!(world.scheduler().next_deadline(), None);
}
