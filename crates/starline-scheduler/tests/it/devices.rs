//! Devices that work, and the ledger about them.

use starline_types::{DeviceStatus, ErrorKind, EventKind, Reading, RetryPolicy, RunState};

use crate::job::{Job, device, retries, task_id};
use crate::support::{Act, World, done, fails};

#[test]
fn scenario_d1_one_device_runs_one_task_after_the_other() {
    let mut world = World::new(&["d1"]);
    let d1 = world.ix("d1");
    assert_eq!(world.fleet.status(d1), DeviceStatus::Idle);
    world.fleet.watch(true);
    world.start(&Job::new("t1 t2 t3"));
    let mut turns = Vec::new();
    for at in 1..=40 {
        world.run_until(at * 10);
        turns.extend(world.fleet.turned().into_iter().map(|(_, status)| status));
    }
    assert_eq!(world.starts(0), ["0 t1 d1", "100 t2 d1", "200 t3 d1"]);
    let (busy, idle) = (DeviceStatus::Busy, DeviceStatus::Idle);
    assert_eq!(turns, [busy, idle, busy, idle, busy, idle]);
    assert_eq!(world.fleet.status(d1), idle);
}

#[test]
fn scenario_d2_a_failure_does_not_stop_a_device() {
    let mut world = World::new(&["d1"]);
    world.acts("t2", [fails(100)]);
    world.start(&Job::new("t1 t2 t3"));
    world.run();
    let outcome = world.outcome();
    let read = ["t1", "t2", "t3"].map(|task| outcome.results[&task_id(task)].status);
    assert_eq!(read, [Reading::Completed, Reading::Failed, Reading::Completed]);
    assert_eq!(outcome.statistics.attempts_total, 3);
}

#[test]
fn scenario_d2_two_devices_share_the_work() {
    let mut world = World::new(&["d1", "d2"]);
    world.start(&Job::new("a b c d e f"));
    world.run();
    let expected = ["0 a d1", "0 b d2", "100 c d1", "100 d d2", "200 e d1", "200 f d2"];
    let mut starts = world.starts(0);
    starts.sort();
    assert_eq!(starts, expected);
    assert_eq!(world.now.0, 300);
}

fn lost(max: u32) -> RetryPolicy {
    RetryPolicy { lost_max: max, ..retries(0) }
}

#[test]
fn scenario_d3_a_lost_device_fails_its_task_alone() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("A", [Act::Silent]);
    world.acts("B", [done(500)]);
    world.start(&Job::new("A B").retry("A", lost(0)));
    world.run_until(200);
    world.disconnect("d1", true);
    assert_eq!((world.reading("A"), world.error("A")), (Reading::Failed, ErrorKind::DeviceLost));
    assert_eq!(world.reading("B"), Reading::Running);
    world.run();
    assert_eq!(world.outcome().status, RunState::PartiallyFailed);
    assert_eq!(world.now.0, 500);
}

#[test]
fn scenario_d3_a_lost_task_runs_again_elsewhere() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("A", [Act::Silent, done(100)]);
    world.start(&Job::new("A").retry("A", lost(1)));
    world.run_until(200);
    world.disconnect("d1", true);
    world.run();
    assert_eq!(world.starts(0), ["0 A d1", "1200 A d2"]);
    assert_eq!(world.runs[0].sent[1].number, 2);
    assert_eq!(world.facts(EventKind::AttemptLost).len(), 1);
    assert_eq!(world.outcome().status, RunState::Completed);
}

#[test]
fn plans_on_a_lost_device_are_made_anew() {
    let mut world = World::new(&["d1", "d2"]);
    world.start(&Job::new("a b c d").retry("a", lost(1)));
    world.run_until(50);
    world.disconnect("d1", true);
    world.run();
    // The planned task moves at once, the lost one after its delay.
    assert_eq!(world.starts(0), ["0 a d1", "0 b d2", "100 c d2", "200 d d2", "1050 a d2"]);
    assert_eq!(world.outcome().status, RunState::Completed);
}

#[test]
fn a_draining_device_finishes_and_takes_nothing_new() {
    let mut world = World::new(&["d1", "d2"]);
    world.start(&Job::new("a b c d"));
    world.run_until(50);
    world.drain("d1", true);
    assert_eq!(world.fleet.status(world.ix("d1")), DeviceStatus::Draining);
    world.run_until(10_000);
    assert_eq!(world.outcome().status, RunState::Completed);
    let on_d1 = world.runs[0].sent.iter().filter(|sent| sent.device == "d1").count();
    assert_eq!(on_d1, 1);
}

#[test]
fn a_drain_that_ends_lets_a_pinned_task_go() {
    let mut world = World::new(&["d1"]);
    world.start(&Job::new("a b").pin("a", "d1").pin("b", "d1"));
    world.drain("d1", true);
    world.run_until(500);
    assert_eq!((world.reading("a"), world.reading("b")), (Reading::Completed, Reading::Unplaced));
    world.drain("d1", false);
    world.run();
    assert_eq!(world.starts(0), ["0 a d1", "500 b d1"]);
}

#[test]
fn a_new_device_takes_over_what_has_no_plan_yet() {
    let mut world = World::new(&["d1"]);
    world.start(&Job::new("a").retry("a", lost(1)));
    world.run_until(50);
    world.disconnect("d1", true);
    world.register(device("d2"), true);
    world.run();
    assert_eq!(world.starts(0), ["0 a d1", "1050 a d2"]);
}

#[test]
fn more_slots_are_used_as_soon_as_the_profile_has_them() {
    let mut world = World::new(&["d1"]);
    world.start(&Job::new("a b c"));
    world.run_until(50);
    let grown = world.fleet.register(device("d1").with_slots(3));
    let change = starline_scheduler::DeviceChange::Up;
    world.tell(0, starline_scheduler::Input::DeviceChanged { device: grown, change });
    assert_eq!(world.starts(0), ["0 a d1", "50 b d1", "50 c d1"]);
}
