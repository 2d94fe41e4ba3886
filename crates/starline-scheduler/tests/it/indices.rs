//! Indices of removed tasks are given out again: what was wound up for one task means nothing for the next.

use std::sync::Arc;

use starline_scheduler::{Answer, Author, Input, Role};
use starline_types::{
    ApprovalGate, ApprovalTimeout, Edit, EditBatch, ErrorKind, EventKind, Millis, Reading, TaskDetails,
    TaskSpec,
};

use crate::job::{Job, device, retries, task_id};
use crate::support::{World, done, fails};

/// Takes one task out and adds another one, which gets its index.
fn replace(world: &mut World, gone: &str, task: TaskSpec) {
    let (index, id) = (world.task(gone), task.id.clone());
    let batch = EditBatch {
        base: world.scheduler().revision(),
        edits: vec![
            Edit::RemoveTask { id: task_id(gone) },
            Edit::AddTask { task: Arc::new(task), after: Vec::new() },
        ],
        ..EditBatch::default()
    };
    let submit = Input::Submit {
        batch: Arc::new(batch),
        unread: None,
        author: Author::new("me", Role::Operator),
        check_only: false,
    };
    assert!(matches!(world.command(submit), Ok(Answer::Committed(_))));
    assert_eq!(world.task(id.as_str()), index);
}

/// The specification of a task that a job has in words.
fn spec(id: &str, change: impl FnOnce(&mut TaskSpec)) -> TaskSpec {
    TaskSpec::clone(&Job::new(id).task(id, change).graph.tasks[0])
}

#[test]
fn the_queue_clock_of_a_removed_task_says_nothing_of_the_next_one() {
    let limits = |limit| move |task: &mut TaskSpec| task.queue_timeout = limit;
    // Removed at 5 s; the clock of `A` would be over at 10 s.
    for (limit, over) in [(Some(10_000), 15_000), (Some(7_000), 12_000), (Some(3_000), 8_000)] {
        let mut world = World::new(&["d1"]);
        world.acts("busy", [done(100_000)]);
        world.start(&Job::new("busy A").task("A", limits(Some(Millis(10_000)))));
        world.run_until(5000);
        replace(&mut world, "A", spec("X", limits(limit.map(Millis))));
        world.run_until(over - 1);
        assert_eq!(world.reading("X"), Reading::Queued, "{limit:?}");
        world.run_until(over);
        assert_eq!((world.reading("X"), world.error("X")), (Reading::Failed, ErrorKind::QueueTimeout));
        world.run();
        assert_eq!(world.times(EventKind::TaskFailed), [(over, "X".into())]);
    }
    let mut world = World::new(&["d1"]);
    world.acts("busy", [done(100_000)]);
    world.start(&Job::new("busy A").task("A", limits(Some(Millis(10_000)))));
    world.run_until(5000);
    replace(&mut world, "A", spec("X", limits(None)));
    world.run();
    assert_eq!(world.starts(0), ["0 busy d1", "100000 X d1"], "X waits as long as it takes");
}

#[test]
fn the_queue_clock_of_a_removed_task_says_nothing_of_one_that_is_not_ready() {
    let mut world = World::new(&["d1"]);
    world.acts("busy", [done(100_000)]);
    world.start(&Job::new("busy A").task("A", |task| task.queue_timeout = Some(Millis(10_000))));
    world.run_until(5000);
    let gated = |task: &mut TaskSpec| {
        task.queue_timeout = Some(Millis(1000));
        gate(task, 60_000);
    };
    replace(&mut world, "A", spec("X", gated));
    world.run_until(20_000);
    assert_eq!(world.reading("X"), Reading::AwaitingApproval);
}

fn gate(task: &mut TaskSpec, limit: u64) {
    let gate = ApprovalGate {
        prompt: "May it?".into(),
        timeout: Some(Millis(limit)),
        on_timeout: ApprovalTimeout::Reject,
    };
    task.details = Some(Arc::new(TaskDetails { approval: Some(gate), ..TaskDetails::default() }));
}

#[test]
fn the_question_about_a_removed_task_is_not_the_one_about_the_next() {
    let mut world = World::new(&["d1"]);
    world.acts("busy", [done(100_000)]);
    world.start(&Job::new("busy A").task("A", |task| gate(task, 10_000)));
    world.run_until(5000);
    replace(&mut world, "A", spec("X", |task| gate(task, 10_000)));
    world.run();
    assert_eq!(world.times(EventKind::ApprovalRequested), [(0, "A".into()), (5000, "X".into())]);
    assert_eq!(world.times(EventKind::ApprovalExpired), [(15_000, "X".into())]);
}

#[test]
fn the_time_limit_of_an_attempt_is_not_that_of_the_next_task() {
    let mut world = World::new(&["d1"]);
    // The first attempt of `A` is over at 1 s, and the task waits for its retry; its limit would be over at 10 s.
    world.acts("A", [fails(1000)]);
    world.acts("X", [done(30_000)]);
    let limited = |limit| move |task: &mut TaskSpec| task.run_timeout = Some(Millis(limit));
    world.start(&Job::new("A").retry("A", retries(3)).task("A", limited(10_000)));
    world.run_until(1500);
    replace(&mut world, "A", spec("X", limited(60_000)));
    world.run();
    assert_eq!(world.times(EventKind::TaskCompleted), [(31_500, "X".into())]);
    assert_eq!(world.facts(EventKind::TaskCancelRequested), []);
}

#[test]
fn the_wait_for_any_device_begins_anew_with_the_next_task() {
    let mut world = World::of([device("d1"), device("d2"), device("d3")]);
    world.drain("d2", true);
    world.drain("d3", true);
    world.acts("busy", [done(200_000)]);
    world.start(&Job::new("busy A").pin("busy", "d1").pin("A", "d2"));
    world.forget("d2");
    world.run_until(20_000);
    let pinned = Job::new("X").pin("X", "d3");
    replace(&mut world, "A", TaskSpec::clone(&pinned.graph.tasks[0]));
    world.forget("d3");
    world.run_until(49_999);
    assert_eq!(world.reading("X"), Reading::Unplaced, "the grace of A was over at 30 s");
    world.run_until(50_000);
    assert_eq!(world.error("X"), ErrorKind::NoEligibleDevice);
}
