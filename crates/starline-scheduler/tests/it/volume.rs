//! Large graphs: nothing recurses, and nothing is slow.

use starline_graph::audit;
use starline_types::{DependencyKind, FailurePolicy, Reading, RunState};

use crate::job::{Job, device};
use crate::late::urgent_first;
use crate::support::{World, done, fails};

/// `t0 > t1 > ...`, made without the search for names of the small graphs.
fn chain(length: usize) -> Job {
    let mut job = Job::new("");
    let names: Vec<String> = (0..length).map(|at| format!("t{at}")).collect();
    for (at, name) in names.iter().enumerate() {
        job.push(name);
        if at > 0 {
            job.join(&names[at - 1], name, DependencyKind::Success);
        }
    }
    job
}

/// One source, many tasks behind it, one that waits for all.
fn fan(width: usize) -> Job {
    let mut job = Job::new("source sink");
    for at in 0..width {
        let name = format!("t{at}");
        job.push(&name);
        job.join("source", &name, DependencyKind::Success);
        job.join(&name, "sink", DependencyKind::Completion);
    }
    job
}

const LONG: usize = 100_000;
const WIDE: usize = 10_000;

#[test]
fn a_long_chain_runs_to_its_end() {
    let mut world = World::of([device("d1").with_slots(4), device("d2")]);
    world.start(&chain(LONG));
    world.run();
    let outcome = world.outcome();
    assert_eq!((outcome.status, outcome.counts.completed as usize), (RunState::Completed, LONG));
    assert_eq!(outcome.statistics.longest_path_length, LONG);
    assert_eq!(world.now.0, 100 * LONG as u64);
    assert!(audit(world.scheduler().graph()).is_empty());
}

#[test]
fn a_failure_at_the_head_of_a_long_chain_skips_it_in_one_step() {
    for policy in [FailurePolicy::SkipDependents, FailurePolicy::FailFast] {
        let mut world = World::new(&["d1"]);
        world.acts("t0", [fails(100)]);
        world.start(&chain(LONG).settings(|settings| settings.on_failure = policy));
        world.run();
        let outcome = world.outcome();
        let ended = outcome.counts.skipped + outcome.counts.cancelled;
        assert_eq!((outcome.status, ended as usize, world.now.0), (RunState::Failed, LONG - 1, 100));
    }
}

#[test]
fn a_wide_fan_fills_the_slots_of_its_devices() {
    for (strategy, slots) in [(crate::job::round_robin as crate::job::Maker, 100), (urgent_first, 100)] {
        let mut world = World::of((0..10).map(|n| device(&format!("d{n}")).with_slots(slots)));
        world.acts("t7", [fails(10)]);
        world.start(&fan(WIDE).strategy(strategy));
        world.run();
        let outcome = world.outcome();
        assert_eq!(outcome.status, RunState::PartiallyFailed);
        assert_eq!(outcome.counts.completed as usize, WIDE + 1);
        assert_eq!(world.order().last(), Some(&"sink"));
        // A source, ten rounds of a thousand, and the sink.
        assert_eq!(world.now.0, 1200);
    }
}

#[test]
fn a_failed_source_skips_a_wide_fan_and_leaves_its_end() {
    let mut world = World::new(&["d1"]);
    world.acts("source", [fails(100)]);
    world.acts("sink", [done(1)]);
    world.start(&fan(WIDE));
    world.run();
    assert_eq!(world.outcome().counts.skipped as usize, WIDE);
    assert_eq!(world.reading("sink"), Reading::Completed);
}

#[test]
fn cancelling_a_large_run_is_one_step() {
    let mut world = World::new(&["d1"]);
    world.start(&fan(WIDE));
    assert!(world.command(starline_scheduler::Input::CancelRun { force: false }).is_ok());
    world.run();
    assert_eq!(world.outcome().status, RunState::Cancelled);
}
