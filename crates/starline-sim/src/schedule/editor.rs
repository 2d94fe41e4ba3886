//! What random editors say: batches made up for the graph as it is.

use std::sync::Arc;

use starline_graph::TaskGraph;
use starline_types::{
    ApprovalGate, Dependency, DependencyId, DependencyKind, DependencyRef, DeviceId, DeviceSelector, Edit,
    EditBatch, GraphSpec, HoldId, Millis, OutputSource, OutputSpec, OutputType, Payload, Priority, RequestId,
    RetryPolicy, Revision, TaskField, TaskId, TaskIx, TaskSpec,
};

use super::edits::Manner;
use crate::chance::Chance;
use crate::oracle::CONDITIONS;
use crate::sim::{Answers, Seen};
use crate::{Saying, Speaker};

/// Names that added tasks are given: few, so that some are taken and some were taken before.
const NAMES: u64 = 24;

/// What an editor says about a hold that it was handed.
pub(super) fn answers(chance: &mut Chance, manner: Manner, seen: &Seen<'_>) -> Answers {
    let Some(hold) = seen.hold else { return Vec::new() };
    if chance.percent(manner.dead) {
        return Vec::new();
    }
    let after = if chance.percent(manner.late) {
        Millis(manner.timeout.0 + chance.below(manner.timeout.0 + 1_000))
    } else {
        Millis(chance.below(manner.slowest + 1))
    };
    let mut answers = Vec::new();
    if chance.percent(manner.releasing) {
        answers.push((after, Saying::Release(hold)));
        return answers;
    }
    if chance.percent(20) {
        let tasks = (0..chance.within(1, 3)).map(|_| some_name(chance, seen.graph).to_string()).collect();
        answers.push((Millis(chance.below(after.0 + 1)), Saying::Extend { hold, tasks }));
    }
    let saying = submit(chance, manner.hostile, manner.keeping, Some(hold), Speaker::Editor, seen.graph);
    if chance.percent(manner.double) {
        let again = Millis(after.0 + chance.below(2_000));
        answers.push((again, saying.clone()));
    }
    answers.push((after, saying));
    if chance.percent(30) {
        // If the first one was refused, this one need not be.
        answers.push((Millis(after.0 + chance.within(1, 500)), Saying::Release(hold)));
    }
    if chance.percent(manner.leaving) {
        answers.push((Millis(chance.below(after.0 + 500)), Saying::Detach));
        if chance.percent(80) {
            answers.push((Millis(after.0 + chance.within(500, 5_000)), Saying::Attach));
        }
    }
    answers
}

/// What somebody says unasked.
pub(super) fn improvise(chance: &mut Chance, hostile: u8, seen: &Seen<'_>) -> Saying {
    let by = if chance.percent(50) { Speaker::Editor } else { Speaker::Operator };
    let hold = match chance.below(10) {
        0 => seen.hold,
        1 => Some(HoldId(chance.below(5))),
        _ => None,
    };
    submit(chance, hostile, 20, hold, by, seen.graph)
}

fn submit(
    chance: &mut Chance,
    hostile: u8,
    keeping: u8,
    hold: Option<HoldId>,
    by: Speaker,
    graph: &TaskGraph,
) -> Saying {
    let bad = chance.percent(hostile);
    let current = graph.revision().0;
    let base = match chance.below(10) {
        0 => chance.below(current + 1),
        1 if bad => current + 1,
        _ => current,
    };
    let count = match chance.below(12) {
        0 if bad => 1_001,
        0 => 0,
        1 if bad => 200,
        1..8 => 1,
        _ => chance.within(2, 4),
    };
    let mut edits: Vec<Edit> = (0..count).map(|_| edit(chance, bad, graph)).collect();
    // A task that is to be joined to others is worth more than one that stands alone.
    if chance.percent(15) {
        edits.extend(replaced(chance, graph));
    }
    let request = chance.percent(20).then(|| RequestId::new(format!("r{}", chance.below(10))).ok()).flatten();
    let batch = EditBatch {
        base: Revision(base),
        hold,
        keep_open: chance.percent(keeping),
        request,
        reason: None,
        edits,
    };
    Saying::Submit { batch: Arc::new(batch), by, check_only: chance.percent(4) }
}

fn name(at: u64) -> TaskId {
    TaskId::new(format!("e{at}")).expect("a letter and a number are an id")
}

fn some_task(chance: &mut Chance, graph: &TaskGraph, unstarted: bool) -> Option<TaskIx> {
    let all: Vec<TaskIx> =
        graph.in_order().into_iter().filter(|task| !unstarted || graph.state(*task).is_unstarted()).collect();
    chance.pick(&all).copied()
}

fn some_name(chance: &mut Chance, graph: &TaskGraph) -> TaskId {
    let unstarted = chance.percent(70);
    some_task(chance, graph, unstarted)
        .map_or_else(|| name(chance.below(NAMES)), |task| graph.id(task).clone())
}

fn some_kind(chance: &mut Chance) -> DependencyKind {
    match chance.below(8) {
        0..4 => DependencyKind::Success,
        4 => DependencyKind::Failure,
        5 | 6 => DependencyKind::Completion,
        _ => DependencyKind::When(CONDITIONS[chance.below(CONDITIONS.len() as u64) as usize].0.into()),
    }
}

fn new_task(chance: &mut Chance, id: TaskId) -> TaskSpec {
    let mut task = TaskSpec::new(id, Payload::Noop);
    task.run_timeout = None;
    // The output that templates of others may refer to.
    let spec = OutputSpec { from: OutputSource::Pointer("/n".into()), kind: OutputType::Integer };
    task.outputs.insert("n".into(), spec);
    for _ in 0..chance.below(3) {
        field(chance).exchange(&mut task);
    }
    task
}

fn field(chance: &mut Chance) -> TaskField {
    match chance.below(9) {
        0 | 1 => TaskField::Priority(Priority::new(chance.within(0, 100)).unwrap_or_default()),
        2 => TaskField::QueueTimeout(chance.percent(70).then(|| Millis(chance.within(1, 20_000)))),
        3 => TaskField::RunTimeout(chance.percent(70).then(|| Millis(chance.within(1, 20_000)))),
        4 => {
            let retry =
                RetryPolicy { max: chance.below(3) as u32, base: Millis(500), ..RetryPolicy::default() };
            TaskField::Retry(chance.percent(70).then(|| Arc::new(retry)))
        }
        5 => {
            let on = DeviceId::new(format!("d{}", chance.below(5))).ok();
            let selector = DeviceSelector { on, ..DeviceSelector::default() };
            TaskField::Device(chance.percent(70).then(|| Arc::new(selector)))
        }
        6 => {
            let gate = ApprovalGate {
                prompt: "May it run?".to_owned(),
                timeout: Some(Millis(chance.within(1, 20_000))),
                ..ApprovalGate::default()
            };
            TaskField::Approval(chance.percent(60).then_some(gate))
        }
        7 => TaskField::Description(format!("number {}", chance.below(100))),
        _ => TaskField::Tips(vec!["look".to_owned()]),
    }
}

fn some_edge(chance: &mut Chance, graph: &TaskGraph, bad: bool) -> Option<DependencyRef> {
    let edges: Vec<_> = graph
        .all_edges()
        .filter(|edge| bad || graph.state(edge.to).is_unstarted())
        .map(|edge| (edge.id(), graph.id(edge.from).clone(), graph.id(edge.to).clone()))
        .collect();
    let (id, from, to) = chance.pick(&edges)?.clone();
    Some(if chance.percent(50) { DependencyRef::Id { id } } else { DependencyRef::Ends { from, to } })
}

fn edit(chance: &mut Chance, bad: bool, graph: &TaskGraph) -> Edit {
    match chance.below(if bad { 14 } else { 12 }) {
        0..3 => {
            let task = new_task(chance, name(chance.clone().below(NAMES)));
            let after = (0..chance.below(3)).map(|_| (some_name(chance, graph), some_kind(chance))).collect();
            Edit::AddTask { task: Arc::new(task), after }
        }
        3..5 => {
            let unstarted = !bad;
            let id =
                some_task(chance, graph, unstarted).map_or_else(|| name(0), |task| graph.id(task).clone());
            Edit::UpdateTask { id, set: (0..chance.within(1, 2)).map(|_| field(chance)).collect() }
        }
        5 => Edit::RemoveTask { id: some_name(chance, graph) },
        6..8 => {
            let (from, to) = (some_name(chance, graph), some_name(chance, graph));
            let mut edge = Dependency::success(from, to).with_kind(some_kind(chance));
            if chance.percent(20) {
                edge.id = DependencyId::new(format!("x{}", chance.below(10))).ok();
            }
            if chance.percent(20) {
                edge.note = Some(Arc::from("a note"));
            }
            Edit::AddDependency(edge)
        }
        8 => match some_edge(chance, graph, bad) {
            Some(edge) => Edit::RemoveDependency { edge },
            None => Edit::RemoveTask { id: name(chance.below(NAMES)) },
        },
        9 => match some_edge(chance, graph, bad) {
            Some(edge) => {
                let note = chance.percent(30).then(|| Arc::from(""));
                Edit::UpdateDependency { edge, kind: Some(some_kind(chance)), note }
            }
            None => Edit::RemoveTask { id: name(chance.below(NAMES)) },
        },
        10 => {
            let clear_existing = chance.percent(20);
            Edit::Build { graph: Arc::new(small(chance)), clear_existing }
        }
        11 => Edit::Merge { graph: Arc::new(small(chance)), prefix: format!("m{}_", chance.below(4)).into() },
        12 => Edit::Clear,
        _ => Edit::RemoveTask { id: TaskId::new("nobody").expect("letters are an id") },
    }
}

/// A pair of tasks, one behind the other.
fn small(chance: &mut Chance) -> GraphSpec {
    let first = chance.below(NAMES);
    let (one, two) = (name(first), name(first + 1));
    let dependencies = vec![Dependency::success(one.clone(), two.clone()).with_kind(some_kind(chance))];
    let tasks = [one, two].into_iter().map(|id| Arc::new(new_task(chance, id))).collect();
    GraphSpec { tasks, dependencies, ..GraphSpec::default() }
}

/// A task in the place of another one: under the same name, or with its edges.
fn replaced(chance: &mut Chance, graph: &TaskGraph) -> Vec<Edit> {
    let Some(task) = some_task(chance, graph, true) else { return Vec::new() };
    let id = graph.id(task).clone();
    let before: Vec<_> = graph.predecessors(task).map(|from| graph.id(from).clone()).collect();
    let again = if chance.percent(60) { id.clone() } else { name(chance.below(NAMES)) };
    let after = before.into_iter().map(|from| (from, some_kind(chance))).collect();
    let spec = new_task(chance, again);
    vec![Edit::RemoveTask { id }, Edit::AddTask { task: Arc::new(spec), after }]
}
