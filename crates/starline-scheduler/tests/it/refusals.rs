//! Devices that refuse attempts: no budget is used, and nothing spins.

use starline_scheduler::Undelivered;
use starline_types::{Event, EventKind, LossReason, Millis, Reading, RetryPolicy, RunState};

use crate::job::{Job, by_hand, device, retries};
use crate::late::urgent_first;
use crate::support::{Act, World, done, fails, refuses};

#[test]
fn a_refused_task_goes_elsewhere_at_once_and_uses_no_budget() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("A", [refuses(10), done(100)]);
    world.start(&Job::new("A").retry("A", retries(0)));
    world.run();
    assert_eq!(world.starts(0), ["0 A d1", "10 A d2"]);
    assert_eq!(world.outcome().status, RunState::Completed);
    assert!(world.facts(EventKind::TaskRetryScheduled).is_empty());
}

#[test]
fn refusals_of_the_only_device_never_spin() {
    for strategy in [crate::job::round_robin, by_hand, urgent_first] {
        let mut world = World::new(&["d1"]);
        world.acts("A", [refuses(0)]);
        let policy = RetryPolicy { base: Millis(1000), cap: Millis(60_000), ..retries(0) };
        let job = Job::new("A").retry("A", policy).strategy(strategy);
        world.start(&if world.fleet.available() > 0 { job.assign("A", "d1") } else { job });
        world.run_until(600_000);
        let starts: Vec<u64> = world.runs[0].sent.iter().map(|sent| sent.at).collect();
        let gaps: Vec<u64> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.is_sorted() && gaps[0] >= 1000, "{gaps:?}");
        assert_eq!(gaps.last(), Some(&60_000), "{gaps:?}");
        assert!(starts.len() < 20, "{starts:?}");
    }
}

#[test]
fn refusals_do_not_spin_even_without_a_delay_in_the_policy() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("A", [refuses(0)]);
    let policy = RetryPolicy { base: Millis(0), cap: Millis(0), ..retries(0) };
    world.start(&Job::new("A").retry("A", policy));
    world.run_until(60_000);
    let count = world.runs[0].sent.len();
    assert!((60..200).contains(&count), "{count} attempts in a minute");
    assert_eq!(world.state(), RunState::Executing);
}

#[test]
fn a_refusing_device_is_left_out_for_this_task_alone() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [refuses(10), done(100)]);
    world.start(&Job::new("A B"));
    world.run();
    assert_eq!(world.starts(0), ["0 A d1", "10 B d1", "1010 A d1"]);
}

#[test]
fn a_refused_task_does_not_hold_up_others_of_its_queue() {
    for strategy in [crate::job::round_robin, urgent_first] {
        let mut world = World::new(&["d1"]);
        world.acts("A", [refuses(0), refuses(0), done(100)]);
        world.start(&Job::new("A B C").priority("A", 100).strategy(strategy));
        world.run();
        let starts = world.starts(0);
        assert_eq!(starts[..3], ["0 A d1", "0 B d1", "100 C d1"], "{starts:?}");
        assert_eq!(world.outcome().status, RunState::Completed);
    }
}

#[test]
fn refusals_in_a_row_end_with_an_attempt_that_begins() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [refuses(0), refuses(0), fails(100), refuses(0), done(100)]);
    world.start(&Job::new("A").retry("A", retries(1)));
    world.run();
    let until: Vec<u64> = world
        .facts(EventKind::AttemptLost)
        .into_iter()
        .filter_map(|(at, event)| match event {
            Event::AttemptLost { until: Some(until), reason: LossReason::NotAccepted, .. } => {
                Some(until.0 - at)
            }
            _ => None,
        })
        .collect();
    assert_eq!(until, [1000, 2000, 1000], "the row begins anew");
    assert_eq!(world.outcome().status, RunState::Completed);
}

#[test]
fn all_devices_may_refuse_in_turn() {
    let mut world = World::new(&["d1", "d2", "d3"]);
    world.acts("A", [refuses(0), refuses(0), refuses(0), done(100)]);
    world.start(&Job::new("A"));
    world.run_until(0);
    let mut devices: Vec<&str> = world.runs[0].sent.iter().map(|sent| sent.device.as_str()).collect();
    devices.sort_unstable();
    assert_eq!(devices, ["d1", "d2", "d3"], "each is asked once");
    assert!(matches!(world.reading("A"), Reading::Ready | Reading::Queued | Reading::Unplaced));
    world.run();
    assert_eq!(world.runs[0].sent.last().map(|sent| sent.at), Some(1000));
}

#[test]
fn a_new_device_takes_a_refused_task_before_its_delay_is_over() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [refuses(0), done(100)]);
    world.start(&Job::new("A"));
    world.run_until(100);
    world.register(device("d2"), true);
    world.run();
    assert_eq!(world.starts(0), ["0 A d1", "100 A d2"]);
}

#[test]
fn a_refusal_survives_a_restart() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [refuses(0), done(100)]);
    world.start(&Job::new("A"));
    world.run_until(500);
    world.restart();
    assert_eq!(world.order().len(), 1, "the device is still left out");
    world.run();
    assert_eq!(world.starts(0), ["0 A d1", "1000 A d1"]);
}

#[test]
fn a_refused_pinned_task_waits_for_its_device() {
    let mut world = World::new(&["d1", "d2"]);
    world.acts("A", [Act::Undelivered(0, Undelivered::NotAccepted), done(100)]);
    world.start(&Job::new("A").pin("A", "d1"));
    world.run();
    assert_eq!(world.starts(0), ["0 A d1", "1000 A d1"]);
}
