//! Retries: how many, how late, of what.

use starline_scheduler::{Answer, Input};
use starline_types::{
    ErrorKind, Event, EventKind, Jitter, Millis, Reading, RetryPolicy, RunState, TaskError, TaskReport,
};

use crate::job::{Job, retries, task_id};
use crate::support::{Act, World, done, fails, fails_with};

fn delays(world: &World) -> Vec<u64> {
    let facts = world.facts(EventKind::TaskRetryScheduled).into_iter();
    facts
        .filter_map(|(_, event)| match event {
            Event::TaskRetryScheduled { delay_ms, .. } => Some(delay_ms.0),
            _ => None,
        })
        .collect()
}

#[test]
fn scenario_t1_retries_end_with_one_failure() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [fails(100)]);
    world.start(&Job::new("A>B A~C").retry("A", retries(2)));
    world.run();
    assert_eq!(world.reading("A"), Reading::Failed);
    assert_eq!(world.outcome().results[&task_id("A")].attempts, 3);
    assert_eq!(world.facts(EventKind::TaskRetryScheduled).len(), 2);
    assert_eq!(world.facts(EventKind::TaskFailed).len(), 1);
    assert_eq!(world.facts(EventKind::TaskSkipped).len(), 1);
    assert_eq!(world.order(), ["A", "A", "A", "C"]);
}

/// The delays of two retries under a seed.
fn two_delays(seed: u64) -> [u64; 2] {
    let mut world = World::new(&["d1"]);
    world.acts("A", [fails(10)]);
    let policy = RetryPolicy { max: 2, base: Millis(500), ..RetryPolicy::default() };
    assert_eq!(policy.jitter, Jitter::Full);
    world.start(&Job::new("A").retry("A", policy).settings(|settings| settings.seed = seed));
    world.run_until(10_000);
    let delays = delays(&world);
    [delays[0], delays[1]]
}

#[test]
fn scenario_t2_first_delays_are_uniform() {
    const SEEDS: u64 = 10_000;
    let (mut sum, mut buckets) = (0, [0_u64; 10]);
    let mut beyond = 0;
    for seed in 0..SEEDS {
        let [first, second] = two_delays(seed);
        assert!(first <= 500, "seed {seed}: first delay {first}");
        assert!(second <= 1000, "seed {seed}: second delay {second}");
        sum += first;
        buckets[usize::try_from((first * 10 / 501).min(9)).expect("a bucket")] += 1;
        beyond += u64::from(second > 500);
    }
    let mean = sum as f64 / SEEDS as f64;
    assert!((mean - 250.0).abs() <= 12.5, "the mean is {mean}");
    assert!(buckets.iter().all(|count| (800..1200).contains(count)), "{buckets:?}");
    assert!((4500..5500).contains(&beyond), "{beyond} second delays beyond the first bound");
}

#[test]
fn scenario_t2_equal_seeds_draw_equal_delays() {
    for seed in 0..50 {
        assert_eq!(two_delays(seed), two_delays(seed));
    }
    assert_ne!(two_delays(1), two_delays(2));
}

#[test]
fn a_replay_draws_no_delay_again() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [fails(10)]);
    let policy = RetryPolicy { max: 3, base: Millis(500), ..RetryPolicy::default() };
    let job = Job::new("A").retry("A", policy).settings(|settings| settings.seed = 7);
    let mut other = World::new(&["d1"]);
    other.acts("A", [fails(10)]);
    world.start(&job);
    other.start(&job);
    other.run();
    // A restart during the first delay leaves the later draws as they would have been.
    world.run_until(11);
    world.restart();
    world.run();
    assert_eq!((delays(&world), world.starts(0)), (delays(&other), other.starts(0)));
}

#[test]
fn delays_grow_to_their_cap() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [fails(0)]);
    let policy = RetryPolicy { cap: Millis(5000), ..retries(5) };
    world.start(&Job::new("A").retry("A", policy));
    world.run();
    assert_eq!(delays(&world), [1000, 2000, 4000, 5000, 5000]);
}

#[test]
fn scenario_t3_some_failures_are_not_retried() {
    for kind in [
        ErrorKind::PermissionDenied,
        ErrorKind::InvalidRequest,
        ErrorKind::Unsupported,
        ErrorKind::BadOutput,
        ErrorKind::RenderError,
    ] {
        let mut world = World::new(&["d1"]);
        world.acts("A", [fails_with(100, kind.clone())]);
        world.start(&Job::new("A").retry("A", retries(5)));
        world.run();
        assert_eq!((world.order().len(), world.error("A")), (1, kind));
        assert_eq!(world.outcome().status, RunState::Failed);
    }
}

#[test]
fn task_and_device_may_rule_out_a_retry_and_nothing_brings_one_in() {
    let custom = ErrorKind::Other("quota".into());
    let listed = RetryPolicy { non_retryable: vec![custom.clone()], ..retries(5) };
    let told = |retryable| TaskError { retryable, ..TaskError::new(custom.clone(), "used up") };
    let forced =
        TaskError { retryable: Some(true), ..TaskError::new(ErrorKind::PermissionDenied, "no entry") };
    for (policy, error, attempts) in [
        (retries(1), told(None), 2),
        (retries(1), told(Some(true)), 2),
        (retries(1), told(Some(false)), 1),
        (listed, told(None), 1),
        (retries(5), forced, 1),
    ] {
        let mut world = World::new(&["d1"]);
        world.acts("A", [Act::Report(100, TaskReport::failed(error.clone()))]);
        world.start(&Job::new("A").retry("A", policy));
        world.run();
        assert_eq!(world.order().len(), attempts, "{error:?}");
    }
}

#[test]
fn a_retry_that_completes_satisfies_its_edges() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [fails(100), done(100)]);
    world.start(&Job::new("A>B A!C").retry("A", retries(1)));
    world.run_until(500);
    assert_eq!((world.reading("A"), world.reading("B")), (Reading::Backoff, Reading::Waiting));
    world.run();
    assert_eq!(world.starts(0), ["0 A d1", "1100 A d1", "1200 B d1"]);
    assert_eq!(world.outcome().status, RunState::Completed);
    assert_eq!(world.outcome().statistics.attempts_total, 3);
}

#[test]
fn a_backoff_leaves_the_device_to_others() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [fails(100), done(100)]);
    world.start(&Job::new("A B C").retry("A", retries(1)));
    world.run();
    assert_eq!(world.starts(0), ["0 A d1", "100 B d1", "200 C d1", "1100 A d1"]);
}

#[test]
fn a_pause_during_a_backoff_delays_the_retry_alone() {
    // The delay ends at 1100 ms: during the pause, or after it.
    for (from, to, start) in [(500, 5000, 5000), (500, 800, 1100), (1100, 2000, 1100)] {
        let mut world = World::new(&["d1"]);
        world.acts("A", [fails(100), done(5000)]);
        world.start(&Job::new("A").retry("A", retries(1)));
        world.run_until(from);
        assert_eq!(world.command(Input::Pause), Ok(Answer::Done));
        world.run_until(to);
        assert_eq!(world.command(Input::Resume), Ok(Answer::Done));
        world.run();
        assert_eq!(world.runs[0].sent[1].at, start, "paused from {from} to {to}");
    }
}

#[test]
fn a_task_in_backoff_can_be_cancelled_skipped_and_moved() {
    for command in ["cancel", "skip", "move"] {
        let mut world = World::new(&["d1", "d2"]);
        world.acts("A", [fails(100), done(100)]);
        world.start(&Job::new("A").retry("A", retries(1)));
        world.run_until(500);
        match command {
            "cancel" => assert_eq!(world.cancel("A"), Ok(Answer::Done)),
            "skip" => assert_eq!(world.skip("A"), Ok(Answer::Done)),
            _ => assert_eq!(world.reassign("A", "d2"), Ok(Answer::Done)),
        }
        world.run();
        let expected: &[&str] = if command == "move" { &["0 A d1", "1100 A d2"] } else { &["0 A d1"] };
        assert_eq!(world.starts(0), expected, "{command}");
    }
}

#[test]
fn a_restart_during_a_backoff_keeps_its_end() {
    let mut world = World::new(&["d1"]);
    world.acts("A", [fails(100), done(100)]);
    world.start(&Job::new("A").retry("A", retries(1)));
    world.run_until(500);
    world.restart();
    assert_eq!(world.reading("A"), Reading::Backoff);
    world.run();
    assert_eq!(world.starts(0), ["0 A d1", "1100 A d1"]);
}
