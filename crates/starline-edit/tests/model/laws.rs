//! The laws of one world: what holds for every batch, in whatever state.

use std::collections::BTreeMap;
use std::sync::Arc;

use starline_edit::{
    Applied, CheckedBatch, Edit, EditBatch, History, Origin, TaskGraph, check, check_within, reapply,
};
use starline_graph::audit;
use starline_types::{DependencyRef, OutcomeStatus, TaskId, TaskState};

use crate::choices::Choices;
use crate::generate::{batch, rules, task_id};
use crate::history::{Past, barred};
use crate::judge::Rules;
use crate::reference::Model;
use crate::summary;
use crate::world::{Answer, World, around, expected, picture};

/// Lives through a few batches and steps of execution, with all laws.
pub(crate) fn live(mut choices: Choices, rounds: usize) {
    let mut world = World::submitted(&mut choices, 12);
    for _ in 0..rounds {
        for _ in 0..choices.below(8) {
            world.execute(&mut choices);
        }
        let rules = rules(&mut choices);
        let batch = batch(&mut choices, &world.model, 6);
        let before = world.clone();
        if choices.one_in(4) {
            drop(check_within(&mut world.graph, &batch, &around(&rules)));
            assert_untouched(&before.graph, &world.graph);
        }
        match world.submit(&batch, &rules) {
            Answer::Refused => assert_untouched(&before.graph, &world.graph),
            Answer::Committed(applied) => {
                summary::agree(&applied.summary, &before.model, &world.model);
                assert_replays(&before, &world, &applied);
                assert_reverses(&before, &world, &applied);
            }
        }
        if choices.one_in(4) {
            assert_confluent(&before, &batch, &mut choices);
        }
    }
}

/// Ranks and indices: what the next insertion will get, and what facts refer to.
fn ranks(graph: &TaskGraph) -> impl PartialEq + std::fmt::Debug {
    let tasks: Vec<_> = graph.in_order().iter().map(|task| (*task, graph.order(*task))).collect();
    let mut edges: Vec<_> = graph.all_edges().map(|edge| (edge.ix, edge.order())).collect();
    edges.sort_by_key(|(_, order)| *order);
    (tasks, edges)
}

/// Ranks by name: what was taken back has those it had, whatever indices it got.
fn named_ranks(graph: &TaskGraph) -> impl PartialEq + std::fmt::Debug {
    let tasks: BTreeMap<_, _> =
        graph.indices().map(|task| (graph.id(task).clone(), graph.order(task))).collect();
    let edges: BTreeMap<_, _> = graph.all_edges().map(|edge| (edge.id(), edge.order())).collect();
    (tasks, edges)
}

/// A batch that is dropped or refused leaves the graph as it was, and as it will be.
#[track_caller]
fn assert_untouched(before: &TaskGraph, after: &TaskGraph) {
    let probe = |graph: &TaskGraph| {
        let mut graph = graph.clone();
        let task = |name: &str| {
            let task = starline_types::TaskSpec::new(task_id(name), starline_types::Payload::Noop);
            Edit::AddTask { task: Arc::new(task), after: vec![] }
        };
        let edge = starline_types::Dependency::success(task_id("probe-1"), task_id("probe-2"));
        let edits = vec![task("probe-1"), task("probe-2"), Edit::AddDependency(edge)];
        let batch = EditBatch { base: graph.revision(), edits, ..EditBatch::default() };
        let _ = check(&mut graph, &batch).expect("new names").commit();
        graph
    };
    assert_eq!(picture(before), picture(after));
    assert_eq!(ranks(before), ranks(after));
    let (before, after) = (probe(before), probe(after));
    assert_eq!(picture(&before), picture(&after));
    assert_eq!(ranks(&before), ranks(&after));
    assert_eq!(audit(&after), []);
}

/// The record of a commit makes the graph before the graph after, also when it was written and read.
#[track_caller]
fn assert_replays(before: &World, after: &World, applied: &Applied) {
    let text = serde_json::to_string(applied).expect("JSON");
    let read: Applied = serde_json::from_str(&text).expect("JSON");
    assert_eq!(read, *applied);
    let mut graph = before.graph.clone();
    reapply(&mut graph, &read);
    assert_eq!(picture(&graph), picture(&after.graph));
    assert_eq!(ranks(&graph), ranks(&after.graph));
    assert_eq!(audit(&graph), []);
}

/// The inverse makes the graph after the graph before, and its inverse the graph after again.
#[track_caller]
fn assert_reverses(before: &World, after: &World, applied: &Applied) {
    let plain = Rules::default();
    let commit = |graph: &mut TaskGraph, edits: &[Edit]| {
        let batch = EditBatch { base: graph.revision(), edits: edits.to_vec(), ..EditBatch::default() };
        check_within(graph, &batch, &around(&plain)).map(CheckedBatch::commit)
    };
    let mut graph = after.graph.clone();
    let undone = match commit(&mut graph, &applied.inverse) {
        Ok(undone) => undone,
        Err(rejection) => {
            assert!(barred(&after.model, &before.model), "{rejection}");
            return assert_untouched(&after.graph, &graph);
        }
    };
    assert!(!barred(&after.model, &before.model), "nothing that is impossible comes back");
    assert_eq!(picture(&graph).timeless(), picture(&before.graph).timeless());
    assert_eq!(named_ranks(&graph), named_ranks(&before.graph));
    assert_eq!(graph.next_ranks(), after.graph.next_ranks(), "what comes back takes no new rank");
    assert_eq!(audit(&graph), []);
    let mut replayed = after.graph.clone();
    reapply(&mut replayed, &undone);
    assert_eq!(picture(&replayed), picture(&graph));
    assert_eq!(ranks(&replayed), ranks(&graph));
    let _ = commit(&mut graph, &undone.inverse).expect("what was taken back can be brought back");
    assert_eq!(picture(&graph).timeless(), picture(&after.graph).timeless());
    assert_eq!(audit(&graph), []);
}

/// Results and a batch in both orders: if both take the batch, the graph is the same.
fn assert_confluent(before: &World, batch: &EditBatch, choices: &mut Choices) {
    let running = before.model.tasks.iter().filter(|task| task.state.as_str() == "running");
    let mut results = Vec::new();
    for task in running {
        let status = [OutcomeStatus::Completed, OutcomeStatus::Failed, OutcomeStatus::Cancelled];
        if choices.below(3) > 0 {
            results.push((task.spec.id.clone(), status[choices.below(3)]));
        }
    }
    let plain = Rules::default();
    let fold = |world: &mut World| results.iter().for_each(|(id, status)| world.end(id, *status));
    let (mut first, mut second) = (before.clone(), before.clone());
    let one = first.submit(batch, &plain);
    fold(&mut first);
    fold(&mut second);
    let folded = picture(&second.graph);
    match (one, second.submit(batch, &plain)) {
        (Answer::Committed(_), Answer::Committed(_)) => {
            assert_eq!(picture(&first.graph), picture(&second.graph));
        }
        (_, Answer::Refused) => assert_eq!(picture(&second.graph), folded),
        (Answer::Refused, Answer::Committed(_)) => {}
    }
}

/// Commits, undos and redos, with and without execution in between.
pub(crate) fn remember(mut choices: Choices, rounds: usize) {
    let mut world = World::submitted(&mut choices, 6);
    let (mut history, mut past) = (History::default(), Past::default());
    let executes = choices.one_in(3);
    let plain = Rules::default();
    for _ in 0..rounds {
        if executes && choices.one_in(3) {
            world.execute(&mut choices);
        }
        match choices.below(5) {
            0..=2 => {
                let edits = batch(&mut choices, &world.model, 3);
                let before = world.model.clone();
                if let Answer::Committed(applied) = world.submit(&edits, &plain)
                    && !edits.edits.is_empty()
                {
                    past.edited(before, applied.batch.clone(), !applied.inverse.is_empty());
                    history.learn(&Arc::new(*applied));
                }
            }
            3 => undo(&mut world, &mut history, &mut past),
            _ => redo(&mut world, &mut history, &mut past),
        }
        assert_eq!(history.len(), past.len());
    }
}

fn undo(world: &mut World, history: &mut History, past: &mut Past) {
    let batch = history.undo(world.graph.revision(), None);
    let Some(mut back) = past.before_last(&world.model) else {
        let rejection = batch.expect_err("nothing is left");
        assert_eq!(rejection.faults[0].code.as_str(), "nothing_to_undo");
        return;
    };
    let batch = batch.expect("a commit is left");
    let before = world.graph.clone();
    let plain = Rules::default();
    match check_within(&mut world.graph, &batch, &around(&plain)).map(CheckedBatch::commit) {
        Ok(applied) => {
            assert!(!barred(&world.model, &back), "{applied:#?}");
            assert_eq!(applied.summary.added_tasks.len(), came(&world.model, &back));
            learn_changes(&world.graph, &mut back);
            world.model = back;
            world.agree();
            history.learn(&Arc::new(Applied { origin: Origin::Undo, ..applied }));
            past.undone();
        }
        Err(rejection) => {
            assert!(barred(&world.model, &back) || replaces_started(&world.model, &batch), "{rejection}");
            assert_eq!(picture(&world.graph), picture(&before));
        }
    }
}

/// Whether a batch takes out a task that has started, or the last edges of one: what was replaced by its like.
fn replaces_started(model: &Model, batch: &EditBatch) -> bool {
    let started = |id: &TaskId| model.task(id).is_some_and(|task| task.state != TaskState::Pending);
    batch.edits.iter().any(|edit| match edit {
        Edit::RemoveTask { id } | Edit::UpdateTask { id, .. } => started(id),
        Edit::Clear => model.tasks.iter().any(|task| started(&task.spec.id)),
        Edit::RemoveDependency { edge: DependencyRef::Id { id } }
        | Edit::UpdateDependency { edge: DependencyRef::Id { id }, .. } => {
            model.edges.iter().any(|edge| edge.id == *id && started(&edge.to))
        }
        Edit::Restore { dependencies, .. } => dependencies.iter().any(|(_, edge)| started(&edge.to)),
        _ => false,
    })
}

fn came(now: &Model, back: &Model) -> usize {
    back.tasks.iter().filter(|task| now.task(&task.spec.id).is_none()).count()
}

/// The reference does not say which of several equal ways led back: it takes the revisions from the graph.
fn learn_changes(graph: &TaskGraph, model: &mut Model) {
    let (tasks, edges) = picture(graph).changed;
    model.tasks.iter_mut().zip(tasks).for_each(|(task, changed)| task.changed = changed);
    model.edges.iter_mut().zip(edges).for_each(|(edge, changed)| edge.changed = changed);
}

fn redo(world: &mut World, history: &mut History, past: &mut Past) {
    let batch = history.redo(world.graph.revision(), None);
    let Some(next) = past.next() else {
        let rejection = batch.expect_err("nothing was taken back");
        assert_eq!(rejection.faults[0].code.as_str(), "nothing_to_redo");
        return;
    };
    let batch = batch.expect("a commit was taken back");
    assert_eq!(batch.edits, next.edits);
    if let Answer::Committed(applied) = world.submit(&batch, &Rules::default()) {
        history.learn(&Arc::new(Applied { origin: Origin::Redo, ..*applied }));
        past.redone();
    }
    assert_eq!(picture(&world.graph), expected(&world.model));
}
