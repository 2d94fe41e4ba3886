//! What an editor may send, how fast, and what of it pauses a run.

use std::sync::Arc;

use starline_scheduler::{Answer, Author, Code, Fault, Input, Refusal, Role, Unread};
use starline_types::{Edit, EditBatch, EventKind, Payload, RunState, TaskSpec};

use crate::job::{Job, task_id};
use crate::support::{World, done};

fn world() -> World {
    let mut world = World::new(&["d1"]);
    world.acts("A", [done(500_000)]);
    world.start(&Job::new("A>B"));
    world.run_until(100_000);
    world
}

fn adds(count: usize) -> Vec<Edit> {
    let task = |at| Arc::new(TaskSpec::new(task_id(&format!("N{at}")), Payload::Noop));
    (0..count).map(|at| Edit::AddTask { task: task(at), after: Vec::new() }).collect()
}

fn submission(world: &World, edits: Vec<Edit>, role: Role, check_only: bool) -> Input {
    let batch = EditBatch { base: world.scheduler().revision(), edits, ..EditBatch::default() };
    Input::Submit { batch: Arc::new(batch), unread: None, author: Author::new("somebody", role), check_only }
}

fn is_busy(answer: &Result<Answer, Refusal>) -> bool {
    let Err(Refusal::Rejected(rejection)) = answer else { return false };
    rejection.faults.iter().any(|fault| fault.code == Code::Busy)
}

#[test]
fn verdicts_for_an_editor_are_as_many_as_its_batches() {
    let mut world = world();
    let ask = |world: &mut World, role, check_only| {
        let input = submission(world, adds(1), role, check_only);
        world.command(input)
    };
    for _ in 0..99 {
        assert!(matches!(ask(&mut world, Role::Editor, true), Ok(Answer::Checked(_))));
    }
    assert!(matches!(ask(&mut world, Role::Editor, false), Ok(Answer::Committed(_))), "the hundredth");
    let facts = world.scheduler().seq();
    for check_only in [true, false] {
        assert!(is_busy(&ask(&mut world, Role::Editor, check_only)), "{check_only}");
    }
    for role in [Role::Operator, Role::Embedder] {
        assert!(!is_busy(&ask(&mut world, role, true)), "{role:?}");
    }
    assert_eq!(world.scheduler().seq(), facts, "neither a verdict nor its refusal is a fact");
    world.run_until(100_100);
    assert!(!is_busy(&ask(&mut world, Role::Editor, true)), "one more after 100 ms");
    assert!(is_busy(&ask(&mut world, Role::Editor, true)));
    world.check_replay(0);
    world.restart();
    assert!(!is_busy(&ask(&mut world, Role::Editor, true)), "a process begins with a burst of its own");
}

#[test]
fn a_batch_that_is_too_large_because_of_what_cannot_be_read_pauses_nothing() {
    let mut world = world();
    let faults = (1..=10_000).map(|at| Fault::new(at, Code::InvalidValue, "edit", "it cannot be read"));
    let unread = Unread { faults: faults.collect(), positions: vec![0], ..Unread::default() };
    for _ in 0..3 {
        let input = match submission(&world, adds(1), Role::Editor, false) {
            Input::Submit { batch, author, check_only, .. } => {
                Input::Submit { batch, unread: Some(Arc::new(unread.clone())), author, check_only }
            }
            other => other,
        };
        let Err(Refusal::Rejected(rejection)) = world.command(input) else { panic!("too large") };
        let limit = rejection.faults.iter().find(|fault| fault.code == Code::LimitExceeded);
        assert_eq!(limit.map(|fault| fault.item.as_str()), Some("edits"));
    }
    assert_eq!((world.state(), world.facts(EventKind::EditRejected).len()), (RunState::Executing, 3));
    assert_eq!(world.facts(EventKind::RunPaused).len(), 0);
}
