//! What attempts put down, and who gets it.

use std::sync::Arc;

use starline_scheduler::{Answer, Author, Input, Role};
use starline_types::{Checkpoint, Edit, EditBatch, EventKind, Payload, TaskRef, TaskSpec};

use crate::job::{Job, retries, task_id};
use crate::support::{World, done, fails};

fn puts_down(world: &mut World, task: &str, attempt: u32, text: &str) {
    let content = Checkpoint::new(text.as_bytes()).expect("a small checkpoint");
    world.tell(0, Input::Checkpoint { task: TaskRef::unresolved(task_id(task)), attempt, content });
}

/// A run whose task fails once and then waits for a second.
fn in_backoff() -> World {
    let mut world = World::new(&["d1"]);
    world.acts("A", [fails(100), done(100)]);
    world.start(&Job::new("A").retry("A", retries(1)));
    world.run_until(100);
    assert_eq!(world.facts(EventKind::TaskRetryScheduled).len(), 1);
    world
}

#[test]
fn a_checkpoint_counts_until_the_next_attempt_begins_or_the_task_ends() {
    let mut world = in_backoff();
    puts_down(&mut world, "A", 1, "late, but in time");
    puts_down(&mut world, "A", 2, "of an attempt that never was");
    assert_eq!(world.facts(EventKind::TaskCheckpoint).len(), 1);
    world.run_until(1100);
    puts_down(&mut world, "A", 1, "too late");
    puts_down(&mut world, "A", 2, "in time");
    world.run();
    puts_down(&mut world, "A", 2, "after the end");
    assert_eq!(world.facts(EventKind::TaskCheckpoint).len(), 2);
    world.check_replay(0);
}

#[test]
fn what_a_task_put_down_is_not_for_another_one_of_its_name() {
    let mut world = in_backoff();
    let edits = vec![
        Edit::RemoveTask { id: task_id("A") },
        Edit::AddTask { task: Arc::new(TaskSpec::new(task_id("A"), Payload::Noop)), after: Vec::new() },
    ];
    let batch = Arc::new(EditBatch { edits, ..EditBatch::default() });
    let author = Author::new("operator", Role::Operator);
    // The run is paused, so that the new task has not begun when it is heard what the old one put down.
    assert_eq!(world.command(Input::Pause), Ok(Answer::Done));
    let answer = world.command(Input::Submit { batch, unread: None, author, check_only: false });
    assert!(matches!(answer, Ok(Answer::Committed(_))), "{answer:?}");
    puts_down(&mut world, "A", 1, "of the task that is gone");
    assert_eq!(world.facts(EventKind::TaskCheckpoint).len(), 0);
    assert_eq!(world.command(Input::Resume), Ok(Answer::Done));
    world.run();
    world.check_replay(0);
}
