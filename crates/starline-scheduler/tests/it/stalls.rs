//! Runs that cannot go on: devices that are away, and devices that will never fit.

use starline_scheduler::{Answer, Input};
use starline_types::{ErrorKind, Event, EventKind, FailurePolicy, PauseCause, Reading, RunState};

use crate::job::{Job, by_hand, device};
use crate::late::urgent_first;
use crate::support::{World, done, fails};

fn reasons(world: &World) -> Vec<(u64, String)> {
    let facts = world.facts(EventKind::RunPaused).into_iter();
    let reason = |(at, event): (u64, &Event)| match event {
        Event::RunPaused { cause: PauseCause::NeedsOperator, reason: Some(reason), .. } => {
            Some((at, reason.to_string()))
        }
        _ => None,
    };
    facts.filter_map(reason).collect()
}

#[test]
fn a_task_pinned_to_a_device_that_is_away_waits_for_it() {
    let mut world = World::new(&["d1", "d2"]);
    world.disconnect("d2", true);
    world.start(&Job::new("A B").pin("A", "d2").pin("B", "d1"));
    assert_eq!((world.reading("A"), world.reading("B")), (Reading::Unplaced, Reading::Running));
    world.run_until(5000);
    assert_eq!(world.state(), RunState::Executing);
    world.connect("d2");
    world.run();
    assert_eq!(world.starts(0), ["0 B d1", "5000 A d2"]);
}

#[test]
fn a_stalled_run_pauses_names_the_task_and_resumes_by_itself() {
    for strategy in [crate::job::round_robin, by_hand, urgent_first] {
        let mut world = World::new(&["d1", "d2"]);
        world.disconnect("d2", true);
        world.start(&Job::new("A B").pin("A", "d2").pin("B", "d1").strategy(strategy));
        world.run_until(60_099);
        assert_eq!(world.state(), RunState::Executing);
        world.run_until(60_100);
        assert_eq!(world.scheduler().paused(), Some(PauseCause::NeedsOperator), "60 s after B ended");
        assert_eq!(reasons(&world), [(60_100, "no connected device for A".into())]);
        world.run_until(100_000);
        world.connect("d2");
        assert_eq!((world.state(), world.reading("A")), (RunState::Executing, Reading::Running));
        world.run();
        assert_eq!(world.outcome().status, RunState::Completed);
        assert_eq!(world.facts(EventKind::RunResumed).len(), 1);
    }
}

#[test]
fn a_stalled_run_takes_a_device_that_is_new() {
    let mut world = World::new(&["d1"]);
    world.submit(&Job::new("A"));
    assert_eq!(world.command(Input::Prepare), Ok(Answer::Done));
    world.disconnect("d1", true);
    assert_eq!(world.command(Input::Start), Ok(Answer::Done));
    world.run_until(70_000);
    assert_eq!(world.scheduler().paused(), Some(PauseCause::NeedsOperator));
    world.register(device("d2"), true);
    world.run();
    assert_eq!(world.starts(0), ["70000 A d2"]);
}

#[test]
fn a_device_that_comes_in_time_ends_the_stall() {
    let mut world = World::new(&["d1", "d2"]);
    world.disconnect("d2", true);
    world.acts("A", [done(1000)]);
    world.start(&Job::new("A>B").pin("A", "d2").pin("B", "d2"));
    world.run_until(59_000);
    world.connect("d2");
    world.run_until(59_500);
    world.disconnect("d2", true);
    // A was lost and is in its delay, then unplaced: the 60 s begin anew.
    world.run_until(119_000);
    assert_eq!(world.state(), RunState::Executing);
    world.run_until(130_000);
    assert_eq!(reasons(&world).len(), 1);
    assert!(reasons(&world)[0].0 >= 119_500);
}

#[test]
fn a_device_that_does_not_help_leaves_the_run_paused() {
    let mut world = World::new(&["d1", "d2", "d3"]);
    world.disconnect("d2", true);
    world.disconnect("d3", true);
    world.start(&Job::new("A").pin("A", "d2"));
    world.run_until(60_000);
    world.connect("d3");
    assert_eq!(world.scheduler().paused(), Some(PauseCause::NeedsOperator));
    // An operator may move the task instead.
    assert_eq!(world.command(Input::CancelTask { task: crate::job::task_id("A") }), Ok(Answer::Done));
    assert_eq!(world.outcome().status, RunState::Cancelled);
}

#[test]
fn an_operator_who_resumes_a_stalled_run_gets_another_minute() {
    let mut world = World::new(&["d1", "d2"]);
    world.disconnect("d2", true);
    world.start(&Job::new("A").pin("A", "d2"));
    world.run_until(60_000);
    world.run_until(80_000);
    assert_eq!(world.command(Input::Resume), Ok(Answer::Done));
    assert_eq!(world.state(), RunState::Executing);
    world.run_until(200_000);
    let times: Vec<u64> = reasons(&world).into_iter().map(|(at, _)| at).collect();
    assert_eq!(times, [60_000, 140_000]);
}

#[test]
fn an_operator_moves_a_task_of_a_stalled_run() {
    let mut world = World::new(&["d1", "d2", "d3"]);
    world.disconnect("d2", true);
    world.disconnect("d3", true);
    world.start(&Job::new("A").strategy(by_hand).assign("A", "d2"));
    world.run_until(60_000);
    assert_eq!(world.reassign("A", "d3"), Ok(Answer::Done));
    assert_eq!(world.scheduler().paused(), Some(PauseCause::NeedsOperator), "d3 is away as well");
    assert_eq!(world.reassign("A", "d1"), Ok(Answer::Done));
    world.run();
    assert_eq!(world.starts(0), ["60000 A d1"]);
    assert_eq!(world.facts(EventKind::RunResumed).len(), 1);
}

#[test]
fn a_stalled_run_goes_on_without_the_task_that_stalled_it() {
    for command in ["skip", "cancel"] {
        let mut world = World::new(&["d1", "d2"]);
        world.acts("F", [fails(100)]);
        world.disconnect("d2", true);
        let policy = FailurePolicy::WaitForEdit;
        let job = Job::new("A F F>B").pin("A", "d2").pin("F", "d1");
        world.start(&job.settings(|settings| settings.on_failure = policy));
        world.run_until(70_000);
        assert_eq!(world.scheduler().paused(), Some(PauseCause::NeedsOperator));
        assert_eq!(if command == "skip" { world.skip("A") } else { world.cancel("A") }, Ok(Answer::Done));
        assert_eq!(world.scheduler().paused(), Some(PauseCause::NeedsEdit), "B is left, and blocked");
        world.run();
        assert_eq!((world.outcome().status, world.now.0), (RunState::Failed, 670_000), "after {command}");
    }
}

#[test]
fn a_task_that_no_device_can_ever_fit_fails_after_its_grace() {
    for strategy in [crate::job::round_robin, urgent_first] {
        let mut world = World::of([device("d1"), device("d2").with_capabilities(["excel"])]);
        world.acts("A", [done(5000)]);
        let needs = |selector: &mut starline_types::DeviceSelector| selector.needs = vec!["excel".into()];
        world.start(&Job::new("A>B A~C").select("B", needs).strategy(strategy).pin("A", "d1"));
        world.run_until(1000);
        world.forget("d2");
        world.run_until(34_999);
        assert_eq!(world.reading("B"), Reading::Unplaced, "the wait begins when it is ready");
        world.run();
        assert_eq!(world.times(EventKind::TaskFailed), [(35_000, "B".into())]);
        assert_eq!(world.error("B"), ErrorKind::NoEligibleDevice);
        assert_eq!(world.outcome().status, RunState::PartiallyFailed);
    }
}

#[test]
fn a_ready_task_whose_last_device_is_removed_fails_after_its_grace() {
    for strategy in [crate::job::round_robin, urgent_first] {
        let mut world = World::of([device("d1"), device("d2").with_capabilities(["excel"])]);
        world.acts("A", [done(5000)]);
        let needs = |selector: &mut starline_types::DeviceSelector| selector.needs = vec!["excel".into()];
        world.start(&Job::new("A B").select("A", needs).select("B", needs).strategy(strategy));
        world.run_until(1000);
        assert_eq!(world.reading("B"), Reading::Queued);
        world.forget("d2");
        world.run_until(30_999);
        assert_eq!(world.reading("B"), Reading::Unplaced);
        world.run_until(31_000);
        assert_eq!((world.reading("B"), world.error("B")), (Reading::Failed, ErrorKind::NoEligibleDevice));
    }
}

#[test]
fn a_device_that_comes_within_the_grace_saves_the_task() {
    let mut world = World::of([device("d1"), device("d2").with_capabilities(["excel"])]);
    let needs = |selector: &mut starline_types::DeviceSelector| selector.needs = vec!["excel".into()];
    world.start(&Job::new("A>B").select("B", needs));
    world.forget("d2");
    world.run_until(20_000);
    world.register(device("d3").with_capabilities(["excel"]), true);
    world.run_until(20_050);
    assert_eq!(world.reading("B"), Reading::Running);
    world.run();
    assert_eq!((world.starts(0), world.now.0), (vec!["0 A d1".into(), "20000 B d3".into()], 20_100));
}

#[test]
fn a_run_with_a_deadline_or_a_queue_timeout_does_not_stall() {
    let mut world = World::new(&["d1", "d2"]);
    world.disconnect("d2", true);
    let limit = Some(starline_types::Millis(90_000));
    world.start(&Job::new("A").pin("A", "d2").task("A", |task| task.queue_timeout = limit));
    world.run();
    assert!(reasons(&world).is_empty());
    assert_eq!((world.error("A"), world.now.0), (ErrorKind::QueueTimeout, 90_000));
}
