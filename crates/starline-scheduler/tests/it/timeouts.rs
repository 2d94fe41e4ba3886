//! Time-outs and cancelling.

use starline_scheduler::{Answer, Input, Refusal, Undelivered};
use starline_types::{
    CancelReason, ConfirmedBy, ErrorKind, Event, EventKind, Millis, Reading, RunState, TaskReport,
};

use crate::job::{Job, device, retries, task_id};
use crate::support::{Act, Stop, World, done, failed, fails};

/// How the cancelled attempt of A was confirmed, and when.
fn confirmation(world: &World) -> (u64, bool, Option<ConfirmedBy>) {
    let facts = world.facts(EventKind::TaskCancelled);
    match facts.last() {
        Some((at, Event::TaskCancelled { confirmed, confirmed_by, .. })) => (*at, *confirmed, *confirmed_by),
        _ => panic!("nothing was cancelled"),
    }
}

#[test]
fn scenario_t4_waiting_too_long_fails_without_an_attempt() {
    let mut world = World::new(&["d1"]);
    world.acts("B", [done(10_000)]);
    let job = Job::new("B A").task("A", |task| task.queue_timeout = Some(Millis(2000)));
    world.start(&job);
    world.run_until(1999);
    assert_eq!(world.reading("A"), Reading::Queued);
    world.run_until(2000);
    assert_eq!((world.reading("A"), world.error("A")), (Reading::Failed, ErrorKind::QueueTimeout));
    world.run();
    assert_eq!(world.outcome().results[&task_id("A")].attempts, 0);
}

#[test]
fn scenario_t4_a_pause_stops_the_clock_of_the_queue() {
    for restart in [false, true] {
        let mut world = World::new(&["d1"]);
        world.acts("B", [done(10_000)]);
        let job = Job::new("B A").task("A", |task| task.queue_timeout = Some(Millis(2000)));
        world.start(&job);
        world.run_until(1000);
        assert_eq!(world.command(Input::Pause), Ok(Answer::Done));
        world.run_until(5000);
        if restart {
            world.restart();
        }
        assert_eq!(world.command(Input::Resume), Ok(Answer::Done));
        world.run_until(5999);
        assert_eq!(world.reading("A"), Reading::Queued);
        world.run_until(6000);
        assert_eq!(world.reading("A"), Reading::Failed);
        assert_eq!(world.times(EventKind::TaskFailed), [(6000, "A".into())]);
    }
}

#[test]
fn the_clock_of_the_queue_begins_anew_with_each_retry_and_not_before_a_task_is_ready() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [done(5000)]);
    world.acts("B", [fails(100)]);
    let job = Job::new("A>B").retry("B", retries(1));
    world.start(&job.task("B", |task| task.queue_timeout = Some(Millis(500))));
    world.run();
    // Neither the 5 s behind A nor the second of delay count.
    assert_eq!(world.starts(0), ["0 A d1", "5000 B d1", "6100 B d1"]);
    assert_eq!(world.error("B"), ErrorKind::DeviceError);
}

#[test]
fn an_unplaced_task_times_out_in_the_queue() {
    let mut world = World::new(&["d1", "d2"]);
    world.disconnect("d2", true);
    let job = Job::new("A B").pin("A", "d2").pin("B", "d1");
    world.start(&job.task("A", |task| task.queue_timeout = Some(Millis(2000))));
    world.run();
    assert_eq!(world.times(EventKind::TaskFailed), [(2000, "A".into())]);
    assert_eq!(world.outcome().status, RunState::PartiallyFailed);
}

#[test]
fn scenario_t5_running_too_long_is_stopped_and_fails() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [Act::Silent]);
    world.stops_after("d1", 100);
    world.start(&Job::new("A").task("A", |task| task.run_timeout = Some(Millis(5000))));
    world.run();
    let stop = Stop { at: 5000, task: "A".into(), device: "d1".into(), force: false };
    assert_eq!(world.runs[0].stops, [stop]);
    assert_eq!(world.times(EventKind::TaskFailed), [(5100, "A".into())]);
    assert_eq!(world.error("A"), ErrorKind::Timeout);
}

#[test]
fn a_timeout_is_retried_and_a_result_that_comes_first_counts() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [Act::Silent, done(100)]);
    world.stops_after("d1", 100);
    let limit = Some(Millis(5000));
    world.start(&Job::new("A").retry("A", retries(1)).task("A", |task| task.run_timeout = limit));
    world.run();
    assert_eq!(world.starts(0), ["0 A d1", "6100 A d1"]);
    assert_eq!(world.outcome().status, RunState::Completed);

    let mut world = World::new(&["d1"]);
    world.acts("A", [done(5050)]);
    world.stops_after("d1", 100);
    world.start(&Job::new("A").task("A", |task| task.run_timeout = limit));
    world.run();
    assert_eq!(world.outcome().status, RunState::Completed, "the work was done before it was stopped");

    let mut world = World::new(&["d1"]);
    world.acts("A", [fails(5050)]);
    world.start(&Job::new("A").task("A", |task| task.run_timeout = limit));
    world.run();
    assert_eq!(world.error("A"), ErrorKind::Timeout, "it failed because it was stopped");
}

#[test]
fn a_pause_does_not_stop_run_time() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [Act::Silent]);
    world.stops_after("d1", 100);
    world.start(&Job::new("A").task("A", |task| task.run_timeout = Some(Millis(5000))));
    assert_eq!(world.command(Input::Pause), Ok(Answer::Done));
    world.run();
    assert_eq!(world.times(EventKind::TaskFailed), [(5100, "A".into())]);
}

#[test]
fn a_silent_device_ends_a_timed_out_attempt_with_its_lease() {
    for (fenced, idempotent, attempts) in
        [(true, false, 2), (true, true, 2), (false, false, 1), (false, true, 2)]
    {
        let mut profile = device("d1");
        profile.fenced = fenced;
        let mut world = World::of([profile]);
        world.acts("A", [Act::Silent, done(100)]);
        let job = Job::new("A").retry("A", retries(1)).task("A", |task| {
            task.run_timeout = Some(Millis(5000));
            task.idempotent = idempotent;
        });
        world.start(&job);
        world.run();
        assert_eq!(world.order().len(), attempts, "fenced {fenced}, idempotent {idempotent}");
        if attempts == 1 {
            assert_eq!(world.error("A"), ErrorKind::Timeout);
            assert_eq!(world.now.0, 25_700);
        } else {
            assert_eq!(world.runs[0].sent[1].at, 26_700);
        }
    }
}

#[test]
fn scenario_t6_a_cancelled_task_ends_when_its_end_is_certain() {
    // The device says that it stopped.
    let mut world = World::new(&["d1"]);
    world.acts("A", [Act::Silent]);
    world.stops_after("d1", 200);
    world.start(&Job::new("A"));
    world.run_until(1000);
    assert_eq!(world.cancel("A"), Ok(Answer::Done));
    assert_eq!(world.reading("A"), Reading::Cancelling);
    assert_eq!(world.cancel("A"), Ok(Answer::Done), "a second request changes nothing");
    world.run();
    assert_eq!(confirmation(&world), (1200, true, Some(ConfirmedBy::Ack)));
    assert_eq!(world.facts(EventKind::TaskCancelRequested).len(), 1);
    assert_eq!(world.runs[0].stops.len(), 1);
    assert_eq!(world.outcome().status, RunState::Cancelled);

    // A success comes first: the work was done.
    let mut world = World::new(&["d1"]);
    world.acts("A", [done(1100)]);
    world.stops_after("d1", 200);
    world.start(&Job::new("A"));
    world.run_until(1000);
    assert_eq!(world.cancel("A"), Ok(Answer::Done));
    world.run();
    assert_eq!(world.outcome().status, RunState::Completed);

    // A failure comes first: that is an end as well, and not retried.
    let mut world = World::new(&["d1"]);
    world.acts("A", [fails(1100)]);
    world.start(&Job::new("A").retry("A", retries(3)));
    world.run_until(1000);
    assert_eq!(world.cancel("A"), Ok(Answer::Done));
    world.run();
    assert_eq!(confirmation(&world), (1100, true, Some(ConfirmedBy::Result)));

    // Nothing comes: force after the grace, certainty at the end of the lease.
    let mut world = World::new(&["d1"]);
    world.acts("A", [Act::Silent]);
    world.start(&Job::new("A"));
    world.run_until(1000);
    assert_eq!(world.cancel("A"), Ok(Answer::Done));
    world.run();
    assert_eq!(confirmation(&world), (21_700, true, Some(ConfirmedBy::Lease)));
    let stop = |at, force| Stop { at, task: "A".into(), device: "d1".into(), force };
    assert_eq!(world.runs[0].stops, [stop(1000, false), stop(11_000, true)]);
}

#[test]
fn a_silent_device_that_is_not_fenced_leaves_a_cancel_unconfirmed() {
    let mut profile = device("d1");
    profile.fenced = false;
    let mut world = World::of([profile]);
    world.acts("A", [Act::Silent]);
    world.start(&Job::new("A"));
    assert_eq!(world.cancel("A"), Ok(Answer::Done));
    world.run();
    assert_eq!(confirmation(&world), (20_700, false, None));
    assert_eq!(world.outcome().unconfirmed, [task_id("A")]);
}

#[test]
fn cancelling_what_has_ended_or_is_unknown_is_refused() {
    let mut world = World::new(&["d1"]);
    world.start(&Job::new("A>B"));
    world.run_until(150);
    let refusal = world.cancel("A").expect_err("it has ended");
    assert_eq!(refusal, Refusal::TaskTerminal { task: task_id("A"), state: "completed" });
    let refusal = world.cancel("zz").expect_err("no such task");
    assert_eq!(refusal.to_string(), "unknown_task: no task zz, known are A, B");
}

#[test]
fn a_cancelled_task_is_an_end_for_its_edges() {
    let mut world = World::new(&["d1"]);
    world.start(&Job::new("A B B>C B~D"));
    assert_eq!(world.cancel("B"), Ok(Answer::Done));
    assert_eq!(world.reading("C"), Reading::Skipped);
    world.run();
    assert_eq!(world.order(), ["A", "D"]);
}

#[test]
fn a_task_cancelled_before_it_was_sent_is_never_sent() {
    let mut world = World::new(&["d1"]);
    world.start(&Job::new("A B"));
    assert_eq!(world.cancel("B"), Ok(Answer::Done));
    world.run();
    assert_eq!(world.order(), ["A"]);
    assert_eq!(world.fleet.load(world.ix("d1")), (0, 0));
}

#[test]
fn an_attempt_refused_while_it_is_cancelled_is_cancelled() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [Act::Undelivered(100, Undelivered::NotAccepted)]);
    world.start(&Job::new("A"));
    assert_eq!(world.cancel("A"), Ok(Answer::Done));
    world.run();
    assert_eq!(confirmation(&world), (100, true, Some(ConfirmedBy::Ack)));
}

#[test]
fn scenario_t7_cancelling_a_run() {
    // Nothing runs.
    let mut world = World::new(&["d1"]);
    world.submit(&Job::new("A>B"));
    assert_eq!(world.command(Input::CancelRun { force: false }), Ok(Answer::Done));
    assert_eq!(world.state(), RunState::Cancelled);
    assert_eq!((world.reading("A"), world.reading("B")), (Reading::Cancelled, Reading::Cancelled));
    let again = world.command(Input::CancelRun { force: false });
    assert_eq!(again, Err(Refusal::RunTerminal(RunState::Cancelled)));

    // An attempt is still stopping.
    let mut world = World::new(&["d1"]);
    world.acts("A", [Act::Silent]);
    world.start(&Job::new("A B A>C"));
    assert_eq!(world.command(Input::CancelRun { force: false }), Ok(Answer::Done));
    assert_eq!((world.state(), world.reading("A")), (RunState::Executing, Reading::Cancelling));
    assert_eq!((world.reading("B"), world.reading("C")), (Reading::Cancelled, Reading::Cancelled));
    let facts = world.runs[0].facts.len();
    assert_eq!(world.command(Input::CancelRun { force: false }), Ok(Answer::Done));
    assert_eq!(world.runs[0].facts.len(), facts, "nothing new");
    assert_eq!(world.skip("B"), Err(Refusal::RunCancelling));
    assert_eq!(world.command(Input::Pause), Err(Refusal::RunCancelling));
    // With force the device is asked once more, at once.
    assert_eq!(world.command(Input::CancelRun { force: true }), Ok(Answer::Done));
    assert_eq!(world.runs[0].stops.iter().map(|stop| stop.force).collect::<Vec<_>>(), [false, true]);
    world.report("A", 1, "d1", TaskReport::Stopped);
    let outcome = world.outcome();
    assert_eq!((outcome.status, outcome.counts.cancelled), (RunState::Cancelled, 3));
    assert_eq!(outcome.reason.as_deref(), Some("cancelled"));
}

#[test]
fn a_run_that_was_cancelled_is_cancelled_whatever_its_tasks_came_to() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("B", [fails(50)]);
    world.start(&Job::new("A B A>C"));
    world.run_until(60);
    assert_eq!(world.command(Input::CancelRun { force: false }), Ok(Answer::Done));
    world.run();
    let outcome = world.outcome();
    assert_eq!(outcome.status, RunState::Cancelled);
    let counts = outcome.counts;
    assert_eq!((counts.completed, counts.failed, counts.cancelled), (1, 1, 1));
    assert!(
        world
            .facts(EventKind::TaskCancelRequested)
            .iter()
            .all(|(_, event)| matches!(event, Event::TaskCancelRequested { reason: CancelReason::Run, .. }))
    );
}

#[test]
fn a_device_that_stops_unasked_has_failed() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [Act::Report(100, TaskReport::Stopped), done(100)]);
    world.start(&Job::new("A").retry("A", retries(1)));
    world.run();
    assert_eq!(world.starts(0), ["0 A d1", "1100 A d1"]);
}

#[test]
fn a_timeout_during_a_cancel_changes_nothing_and_a_cancel_during_a_timeout_does() {
    let job = Job::new("A").retry("A", retries(3)).task("A", |task| task.run_timeout = Some(Millis(5000)));
    for (cancelled_at, ended_at) in [(4900, 5200), (5100, 5200)] {
        let mut world = World::new(&["d1"]);
        world.acts("A", [Act::Silent]);
        world.start(&job);
        world.run_until(cancelled_at);
        assert_eq!(world.cancel("A"), Ok(Answer::Done));
        world.run_until(ended_at);
        world.report("A", 1, "d1", failed(ErrorKind::DeviceError));
        world.run();
        assert_eq!(world.outcome().status, RunState::Cancelled, "cancelled at {cancelled_at}");
        assert_eq!(world.order().len(), 1);
    }
}
