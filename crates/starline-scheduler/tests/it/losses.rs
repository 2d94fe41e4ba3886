//! Attempts that may be lost, reports that come late, twice or from elsewhere.

use starline_scheduler::{Answer, Input, Undelivered};
use starline_types::{
    ConfirmedBy, ErrorKind, Event, EventKind, IgnoreReason, Reading, RetryPolicy, RunState, TaskRef,
    TaskReport,
};

use crate::job::{Job, by_hand, device, retries, task_id};
use crate::support::{Act, World, done, failed};

fn ignored(world: &World) -> Vec<(String, u32, IgnoreReason)> {
    let facts = world.facts(EventKind::ResultIgnored).into_iter();
    let reason = |(_, event): (u64, &Event)| match event {
        Event::ResultIgnored { task, attempt, reason } => Some((task.to_string(), *attempt, *reason)),
        _ => None,
    };
    facts.filter_map(reason).collect()
}

#[test]
fn a_possible_loss_becomes_certain_with_the_lease() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("A", [Act::Silent, done(100)]);
    world.start(&Job::new("A"));
    world.run_until(1000);
    world.disconnect("d1", false);
    assert_eq!(world.reading("A"), Reading::Running, "it may still run");
    world.run_until(21_699);
    assert_eq!(world.reading("A"), Reading::Running);
    world.run_until(21_700);
    assert_eq!(world.reading("A"), Reading::Backoff);
    world.run();
    let retried = &world.runs[0].sent[1];
    assert!(retried.at >= 21_700 && retried.device == "d2", "{retried:?}");
    assert_eq!(world.outcome().status, RunState::Completed);
}

#[test]
fn a_report_within_the_lease_counts() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("A", [Act::Silent]);
    world.start(&Job::new("A"));
    world.run_until(1000);
    world.disconnect("d1", false);
    world.run_until(5000);
    world.report("A", 1, "d1", TaskReport::done());
    assert_eq!(world.outcome().status, RunState::Completed);
    assert_eq!(world.scheduler().next_deadline(), None);
}

#[test]
fn a_new_life_of_the_device_ends_a_possible_loss_at_once() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [Act::Silent, done(100)]);
    world.start(&Job::new("A"));
    world.run_until(1000);
    world.disconnect("d1", false);
    world.run_until(2000);
    world.connect("d1");
    let task = TaskRef::unresolved(task_id("A"));
    world.tell(0, Input::Stopped { task, attempt: 1, by: ConfirmedBy::Incarnation });
    assert_eq!(world.reading("A"), Reading::Backoff);
    world.run();
    assert_eq!(world.order().len(), 2);
    assert_eq!(world.outcome().status, RunState::Completed);
}

#[test]
fn the_lost_device_is_taken_again_only_if_no_other_fits() {
    for others in [true, false] {
        let devices: &[&str] = if others { &["d1", "d2"] } else { &["d1"] };
        let mut world = World::new(devices);
        world.acts("A", [Act::Silent, done(100)]);
        world.start(&Job::new("A"));
        world.run_until(100);
        world.disconnect("d1", true);
        world.connect("d1");
        world.run();
        assert_eq!(world.runs[0].sent[1].device, if others { "d2" } else { "d1" });
    }
}

#[test]
fn losses_have_a_budget_of_their_own() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("A", [Act::Undelivered(100, Undelivered::Lost)]);
    world.start(&Job::new("A").retry("A", RetryPolicy { lost_max: 2, ..retries(0) }));
    world.run();
    assert_eq!((world.order().len(), world.error("A")), (3, ErrorKind::DeviceLost));
    let counts: Vec<u32> = world
        .facts(EventKind::TaskRetryScheduled)
        .into_iter()
        .filter_map(|(_, event)| match event {
            Event::TaskRetryScheduled { retry, .. } => Some(*retry),
            _ => None,
        })
        .collect();
    assert_eq!(counts, [1, 2]);
}

#[test]
fn only_what_may_run_twice_is_retried_after_a_loss_on_an_unfenced_device() {
    for (fenced, idempotent, attempts) in
        [(true, false, 2), (true, true, 2), (false, false, 1), (false, true, 2)]
    {
        for certain in [true, false] {
            let mut profile = device("d1");
            profile.fenced = fenced;
            let mut world = World::of([profile, device("d2")]);
            world.acts("A", [Act::Silent, done(100)]);
            world.start(&Job::new("A").task("A", |task| task.idempotent = idempotent));
            world.run_until(100);
            world.disconnect("d1", certain);
            world.run();
            assert_eq!(world.order().len(), attempts, "fenced {fenced}, idempotent {idempotent}");
            if attempts == 1 {
                assert_eq!(world.error("A"), ErrorKind::DeviceLost);
            }
        }
    }
}

#[test]
fn an_unknown_fate_is_settled_by_the_lease_and_told_once() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("A", [Act::Undelivered(100, Undelivered::Unknown), done(100)]);
    world.start(&Job::new("A"));
    world.run_until(200);
    world.undelivered("A", 1, "d1", Undelivered::Unknown);
    world.disconnect("d1", false);
    assert_eq!(world.facts(EventKind::AttemptLost).len(), 1, "the lease runs already");
    world.run();
    assert!(world.runs[0].sent[1].at >= 20_800);
}

#[test]
fn a_device_of_another_protocol_fails_the_task() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [Act::Undelivered(100, Undelivered::Protocol)]);
    world.start(&Job::new("A").retry("A", retries(5)));
    world.run();
    assert_eq!((world.order().len(), world.error("A")), (1, ErrorKind::Unsupported));
}

#[test]
fn cancelling_a_task_that_may_be_lost_ends_with_certainty() {
    // The lease ends, the device is known to be gone, or it reports after all.
    for way in ["lease", "gone", "report"] {
        let mut world = World::new(&["d1", "d2"]);
        world.acts("A", [Act::Silent]);
        world.start(&Job::new("A"));
        world.run_until(1000);
        world.disconnect("d1", false);
        world.run_until(2000);
        assert_eq!(world.cancel("A"), Ok(Answer::Done));
        assert_eq!(world.reading("A"), Reading::Cancelling);
        match way {
            "gone" => world.undelivered("A", 1, "d1", Undelivered::Lost),
            "report" => world.report("A", 1, "d1", failed(ErrorKind::DeviceError)),
            _ => {}
        }
        world.run();
        let facts = world.facts(EventKind::TaskCancelled);
        let Some((at, Event::TaskCancelled { confirmed: true, confirmed_by: Some(by), .. })) = facts.last()
        else {
            panic!("{facts:?}")
        };
        match way {
            "gone" => assert_eq!((*at, *by), (2000, ConfirmedBy::Incarnation)),
            "report" => assert_eq!((*at, *by), (2000, ConfirmedBy::Result)),
            // A device that came back in between would keep its attempt until the lease of the request ends.
            _ => assert_eq!((*at, *by), (22_700, ConfirmedBy::Lease)),
        }
        assert_eq!(world.order().len(), 1);
    }
}

#[test]
fn the_first_report_wins() {
    let mut world = World::new(&["d1"]);
    world.start(&Job::new("A>B"));
    world.run_until(100);
    world.report("A", 1, "d1", failed(ErrorKind::DeviceError));
    assert_eq!(world.reading("A"), Reading::Completed);
    assert_eq!(ignored(&world), [("A".into(), 1, IgnoreReason::StaleAttempt)]);
    world.run();
    world.report("B", 1, "d1", TaskReport::done());
    assert_eq!(ignored(&world)[1], ("B".into(), 1, IgnoreReason::RunEnded));
    // Who reports is told that it was heard, each time.
    let heard = [("A", 1), ("A", 1), ("B", 1), ("B", 1)].map(|(task, number)| (task.to_owned(), number));
    assert_eq!(world.runs[0].acknowledged, heard);
    world.check_replay(0);
}

#[test]
fn late_and_foreign_reports_are_ignored() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("A", [Act::Undelivered(100, Undelivered::Lost), Act::Silent]);
    world.start(&Job::new("A").retry("A", RetryPolicy { lost_max: 4, ..retries(0) }));
    world.run_until(500);
    world.report("A", 1, "d1", TaskReport::done());
    assert_eq!(world.reading("A"), Reading::Backoff, "the first attempt is over");
    world.run_until(2000);
    assert_eq!((world.reading("A"), world.runs[0].sent[1].device.as_str()), (Reading::Running, "d2"));
    world.report("A", 1, "d1", TaskReport::done());
    world.report("A", 2, "d1", TaskReport::done());
    world.report("A", 3, "d2", TaskReport::done());
    assert_eq!(world.reading("A"), Reading::Running);
    let (task, device) = (TaskRef::unresolved(task_id("zz")), world.ix("d2"));
    world.tell(0, Input::Reported { task, attempt: 1, device, report: TaskReport::done() });
    let expected = [
        ("A", 1, IgnoreReason::StaleAttempt),
        ("A", 1, IgnoreReason::StaleAttempt),
        ("A", 2, IgnoreReason::ForeignDevice),
        ("A", 3, IgnoreReason::StaleAttempt),
        ("zz", 1, IgnoreReason::UnknownTask),
    ];
    assert_eq!(ignored(&world), expected.map(|(task, number, reason)| (task.to_owned(), number, reason)));
    world.report("A", 2, "d2", TaskReport::done());
    assert_eq!(world.outcome().status, RunState::Completed);
    world.check_replay(0);
}

#[test]
fn a_report_before_any_attempt_is_ignored() {
    let mut world = World::new(&["d1"]);
    world.submit(&Job::new("A"));
    world.report("A", 1, "d1", TaskReport::done());
    assert_eq!(ignored(&world), [("A".into(), 1, IgnoreReason::StaleAttempt)]);
    assert_eq!(world.command(Input::Start), Ok(Answer::Done));
    world.run();
    assert_eq!(world.order().len(), 1);
}

#[test]
fn stops_and_failures_of_delivery_of_ended_attempts_change_nothing() {
    let mut world = World::new(&["d1"]);
    world.acts("B", [Act::Silent]);
    world.start(&Job::new("A B"));
    world.run_until(150);
    let task = TaskRef::unresolved(task_id("A"));
    world.tell(0, Input::Stopped { task: task.clone(), attempt: 1, by: ConfirmedBy::Ack });
    world.tell(0, Input::Began { task, attempt: 1 });
    world.undelivered("A", 1, "d1", Undelivered::NotAccepted);
    world.undelivered("A", 1, "d1", Undelivered::Lost);
    assert_eq!((world.reading("A"), world.reading("B")), (Reading::Completed, Reading::Running));
    assert_eq!(world.fleet.load(world.ix("d1")), (1, 0));
}

#[test]
fn losing_a_device_by_hand_waits_for_it() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("A", [Act::Silent, done(100)]);
    world.start(&Job::new("A").strategy(by_hand).assign("A", "d1"));
    world.run_until(100);
    world.disconnect("d1", true);
    world.run_until(30_000);
    assert_eq!(world.reading("A"), Reading::Unplaced, "nobody plans it anew");
    world.connect("d1");
    world.run();
    assert_eq!(world.starts(0), ["0 A d1", "30000 A d1"]);
}

#[test]
fn a_restart_keeps_the_lease_of_a_possible_loss() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("A", [Act::Silent, done(100)]);
    world.start(&Job::new("A"));
    world.run_until(1000);
    world.disconnect("d1", false);
    world.run_until(5000);
    world.restart();
    assert_eq!(world.fleet.load(world.ix("d1")), (1, 0), "the live attempt is booked again");
    world.run_until(21_699);
    assert_eq!(world.reading("A"), Reading::Running);
    world.run_until(21_700);
    assert_eq!(world.reading("A"), Reading::Backoff);
}
