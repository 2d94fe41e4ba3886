//! Whole graphs of so many edges that they are labelled in one pass, differences, extracts, and tasks tried again.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use starline_edit::{
    CheckedBatch, Code, Edit, EditBatch, GraphSpec, Revision, TaskGraph, check, check_within, diff,
    retry_task, subgraph,
};
use starline_graph::audit;
use starline_types::{Dependency, Payload, TaskField, TaskId, TaskSpec, TaskState};

use crate::choices::Choices;
use crate::generate::{batch, task_id, whole};
use crate::judge::{Rules, judge};
use crate::reference::{Decided, Model, references};
use crate::world::{Answer, World, around, found, picture};

/// A batch that builds some tasks with more than a thousand edges, some of them against the order.
fn large(choices: &mut Choices, revision: Revision) -> EditBatch {
    let tasks = 30 + choices.below(20);
    let id = |at: usize| task_id(&format!("n{at}"));
    let mut graph = GraphSpec::default();
    graph.tasks.extend((0..tasks).map(|at| Arc::new(TaskSpec::new(id(at), Payload::Noop))));
    for _ in 0..1_000 + choices.below(100) {
        let (one, other) = (choices.below(tasks), choices.below(tasks));
        if one != other {
            graph.dependencies.push(Dependency::success(id(one.min(other)), id(one.max(other))));
        }
    }
    graph.dependencies.extend((1..tasks).map(|at| Dependency::success(id(at - 1), id(at))));
    while graph.dependencies.len() < 1_000 {
        graph.dependencies.push(Dependency::success(id(0), id(tasks - 1)));
    }
    for _ in 0..choices.below(3) {
        let (one, other) = (choices.below(tasks), choices.below(tasks));
        if one != other {
            graph.dependencies.push(Dependency::success(id(one.max(other)), id(one.min(other))));
        }
    }
    let build = Edit::Build { graph: Arc::new(graph), clear_existing: choices.one_in(3) };
    EditBatch { base: revision, edits: vec![build], ..EditBatch::default() }
}

fn label_in_one_pass(mut choices: Choices) {
    let mut world = World::submitted(&mut choices, 6);
    let mut batch_ = large(&mut choices, world.graph.revision());
    let more = batch(&mut choices, &world.model, 3);
    batch_.edits.extend(more.edits);
    let before = picture(&world.graph);
    let verdict = judge(&world.model, &batch_, &Rules::default());
    let plain = Rules::default();
    let answer = check_within(&mut world.graph, &batch_, &around(&plain)).map(CheckedBatch::commit);
    match (answer, verdict) {
        (Ok(_), Ok(after)) => {
            world.model = after;
            world.agree();
        }
        (Err(rejection), Err(expected)) => {
            let cyclic = |code: &Code| *code == Code::WouldCycle;
            let others = |faults: Vec<(usize, Code)>| -> Vec<_> {
                faults.into_iter().filter(|(_, code)| !cyclic(code)).collect()
            };
            // Edges may be on many cycles: which of them are taken for the closing ones is a matter of taste.
            assert_eq!(
                rejection.faults.iter().any(|fault| cyclic(&fault.code)),
                expected.iter().any(|(_, code)| cyclic(code))
            );
            assert_eq!(others(found(&rejection)), others(crate::world::sorted(expected)));
            assert_eq!(picture(&world.graph), before);
            assert_eq!(audit(&world.graph), []);
        }
        (answer, verdict) => panic!("{answer:?} but {:?}", verdict.map(|_| ())),
    }
}

/// Edges without their ids, as a set that counts.
fn edges(spec: &GraphSpec) -> Vec<String> {
    let mut edges: Vec<String> = spec
        .dependencies
        .iter()
        .map(|edge| format!("{} {} {} {:?}", edge.from, edge.to, edge.kind, edge.note))
        .collect();
    edges.sort();
    edges
}

fn tasks(spec: &GraphSpec) -> Vec<Arc<TaskSpec>> {
    let mut tasks = spec.tasks.clone();
    tasks.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
    tasks
}

/// A graph without states, made by the batches that were taken.
fn unstarted(choices: &mut Choices, rounds: usize) -> World {
    let mut world = World::submitted(choices, 8);
    for _ in 0..rounds {
        let edits = batch(choices, &world.model, 4);
        world.submit(&edits, &Rules::default());
    }
    world
}

fn differ(mut choices: Choices) {
    let mut one = unstarted(&mut choices, 2);
    // The other graph comes from this one, or from nowhere.
    let other = if choices.one_in(2) {
        unstarted(&mut choices, 2)
    } else {
        let mut other = one.clone();
        for _ in 0..2 {
            let edits = batch(&mut choices, &other.model, 4);
            other.submit(&edits, &Rules::default());
        }
        other
    };
    let goal = other.graph.to_spec();
    assert_eq!(diff(&other.graph, &goal).batch.edits, []);
    let found = diff(&one.graph, &goal);
    assert_eq!(found.warnings, []);
    let order = |edit: &Edit| {
        let ops = ["remove_dependency", "remove_task", "add_task", "update_task", "update_dependency"];
        ops.iter().position(|op| *op == edit.op()).unwrap_or(ops.len())
    };
    assert!(found.batch.edits.is_sorted_by_key(order), "{:#?}", found.batch.edits);
    let before = edges(&one.graph.to_spec());
    let verdict = check(&mut one.graph, &found.batch).map(CheckedBatch::commit);
    assert!(verdict.is_ok(), "{before:?} to {:?}: {verdict:?}", edges(&goal));
    let reached = one.graph.to_spec();
    assert_eq!(tasks(&reached), tasks(&goal));
    assert_eq!(edges(&reached), edges(&goal));
    let given = |spec: &GraphSpec| -> BTreeSet<_> {
        spec.dependencies.iter().filter_map(|edge| edge.id.clone().map(|id| id.to_string())).collect()
    };
    assert!(given(&goal).is_subset(&given(&picture(&one.graph).spec)));
    assert_eq!(diff(&one.graph, &goal).batch.edits, []);
}

fn extract(mut choices: Choices) {
    let world = unstarted(&mut choices, 1);
    let mut wanted: Vec<TaskId> = world.model.tasks.iter().map(|task| task.spec.id.clone()).collect();
    wanted.retain(|_| choices.below(2) == 0);
    let part = subgraph(&world.graph, &wanted).expect("known tasks");
    let expected: Vec<&TaskSpec> =
        world.model.tasks.iter().map(|task| &task.spec).filter(|task| wanted.contains(&task.id)).collect();
    assert_eq!(part.tasks.iter().map(|task| &**task).collect::<Vec<_>>(), expected);
    let inside = |edge: &&crate::reference::Edge| wanted.contains(&edge.from) && wanted.contains(&edge.to);
    let ends = world.model.edges.iter().filter(inside).map(|edge| (&edge.from, &edge.to, &edge.kind));
    let found = part.dependencies.iter().map(|edge| (&edge.from, &edge.to, &edge.kind));
    assert!(ends.eq(found));
    assert_eq!(part.name, format!("{}_subgraph", world.graph.name()));
    let stranger = [task_id("stranger")];
    let unknown = subgraph(&world.graph, &stranger).expect_err("unknown");
    assert_eq!(unknown.faults[0].code, Code::UnknownTask);
}

fn try_again(mut choices: Choices) {
    let mut world = World::submitted(&mut choices, 10);
    for _ in 0..choices.below(30) {
        world.execute(&mut choices);
    }
    let ids: Vec<TaskId> = world.model.tasks.iter().map(|task| task.spec.id.clone()).collect();
    for id in ids {
        let state = world.model.state(&id);
        let batch = retry_task(&world.graph, &id);
        if !matches!(state, TaskState::Failed | TaskState::Cancelled) {
            assert_eq!(batch.expect_err("neither").faults[0].code, Code::InvalidValue);
            continue;
        }
        let expected = retried(&world.model, &id);
        let mut after = world.clone();
        let plain = Rules::default();
        let batch = batch.expect("it failed or was cancelled");
        let answer = check_within(&mut after.graph, &batch, &around(&plain)).map(CheckedBatch::commit);
        // The copy may read from a task that it does not wait for, as may an ended one that was behind the task.
        let reads = |task: &crate::reference::Task| {
            let upstream = |name: &String| expected.reaches(&task_id(name), &task.spec.id);
            references(&task.spec).iter().all(upstream)
        };
        assert_eq!(answer.is_ok(), expected.tasks.iter().all(reads), "{answer:?}");
        if answer.is_err() {
            continue;
        }
        assert_eq!(tasks(&after.graph.to_spec()), tasks(&expected.spec()));
        assert_eq!(edges(&after.graph.to_spec()), edges(&expected.spec()));
        assert_eq!(audit(&after.graph), []);
    }
}

/// The graph with a copy in the place of a task.
fn retried(model: &Model, id: &TaskId) -> Model {
    let (base, number) = match id.as_str().strip_suffix(".r2") {
        Some(base) => (base, 3),
        None => (id.as_str(), 2),
    };
    let free = |name: &String| model.tasks.iter().all(|task| task.spec.id.as_str() != name);
    let copy = task_id(&(number..).map(|n| format!("{base}.r{n}")).find(free).expect("numbers do not end"));
    let mut after = model.clone();
    after.edges.retain(|edge| !(edge.from == *id && model.unstarted(&edge.to)));
    for edge in &model.edges {
        let mut moved = edge.clone();
        if edge.to == *id && model.decided(&edge.from, &edge.kind) == Decided::Satisfied {
            moved.to = copy.clone();
        } else if edge.from == *id && model.unstarted(&edge.to) {
            moved.from = copy.clone();
        } else {
            continue;
        }
        after.edges.push(moved);
    }
    let mut spec = model.task(id).expect("known").spec.clone();
    spec.id = copy.clone();
    after.tasks.push(crate::reference::Task { spec, state: TaskState::Pending, changed: 0 });
    // What is behind the copy reads from it.
    let behind: Vec<TaskId> = after.tasks.iter().map(|task| task.spec.id.clone()).collect();
    for task in &behind {
        if !after.unstarted(task) || !after.reaches(&copy, task) {
            continue;
        }
        let mut spec = after.task(task).expect("known").spec.clone();
        if let Payload::Prompt(prompt) = &mut spec.run {
            let text = prompt.text.replace(&format!("tasks[\"{id}\"]"), &format!("tasks[\"{copy}\"]"));
            *prompt = Arc::new(starline_types::Prompt { text });
        }
        let mut files = spec.files().clone();
        for file in files.values_mut() {
            if let starline_types::FileInput::Output { task, .. } = file
                && task == id
            {
                task.clone_from(&copy);
            }
        }
        TaskField::Files(files).exchange(&mut spec);
        after.task_mut(task).spec = spec;
    }
    after
}

fn merge(mut choices: Choices) {
    let mut world = unstarted(&mut choices, 1);
    let size = choices.below(5);
    let other = whole(&mut choices, &Model::default(), size);
    let alone = EditBatch {
        edits: vec![Edit::Build { graph: Arc::new(other.clone()), clear_existing: true }],
        ..EditBatch::default()
    };
    let mut graph = TaskGraph::default();
    let Ok(checked) = check(&mut graph, &alone) else { return };
    checked.install();
    let before = world.graph.to_spec();
    let edits = vec![Edit::Merge { graph: Arc::new(other), prefix: "merged_".into() }];
    let batch = EditBatch { base: world.graph.revision(), edits, ..EditBatch::default() };
    let Answer::Committed(_) = world.submit(&batch, &Rules::default()) else { panic!("new names") };
    let after = world.graph.to_spec();
    assert_eq!(after.tasks[..before.tasks.len()], before.tasks);
    assert_eq!(after.dependencies[..before.dependencies.len()], before.dependencies);
    assert_eq!(after.dependencies.len(), before.dependencies.len() + graph.edge_count());
    for task in &after.tasks[before.tasks.len()..] {
        assert!(references(task).iter().all(|name| name.starts_with("merged_")));
    }
    // The kinds are kept, in order.
    let kinds = after.dependencies[before.dependencies.len()..].iter().map(|edge| &edge.kind);
    assert!(kinds.eq(graph.to_spec().dependencies.iter().map(|edge| &edge.kind)));
}

fn numbers(most: usize) -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(any::<u16>(), 0..most)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3_000) })]

    #[test]
    fn a_difference_makes_one_graph_the_other(numbers in numbers(300)) {
        differ(Choices::listed(numbers));
    }

    #[test]
    fn a_subgraph_has_what_was_asked_for(numbers in numbers(160)) {
        extract(Choices::listed(numbers));
    }

    #[test]
    fn a_task_tried_again_takes_the_place(numbers in numbers(240)) {
        try_again(Choices::listed(numbers));
    }

    #[test]
    fn a_merged_graph_keeps_its_shape(numbers in numbers(160)) {
        merge(Choices::listed(numbers));
    }
}

#[test]
fn large_graphs_are_judged_as_small_ones() {
    for seed in 0..12 {
        label_in_one_pass(Choices::Seeded(seed));
    }
}

pub(crate) fn volume(seed: u64) {
    match seed % 4 {
        0 => extract(Choices::Seeded(seed)),
        1 => differ(Choices::Seeded(seed)),
        2 => try_again(Choices::Seeded(seed)),
        _ => merge(Choices::Seeded(seed)),
    }
}
