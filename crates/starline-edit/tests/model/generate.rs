//! Batches by chance, valid and invalid edits mixed. Names are few, so that they meet.

use std::collections::BTreeMap;
use std::sync::Arc;

use starline_edit::{Edit, EditBatch, Gates, GraphSpec, Limits, Revision, Usage};
use starline_types::{
    ApprovalGate, ApprovalTimeout, Compensation, Dependency, DependencyId, DependencyKind, DependencyRef,
    DeviceId, DeviceSelector, Exec, FileInput, Millis, Patterns, Payload, Policy, PolicyLimits, Priority,
    Prompt, TaskField, TaskId, TaskSpec,
};

use crate::choices::Choices;
use crate::judge::Rules;
use crate::reference::{CONDITIONS, Model};

/// Some names look like parts of default ids of edges; `x.` is the prefix of merged graphs.
const NAMES: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "b#2", "x.a", "x.b", "a-", "a.r2"];

pub(crate) fn task_id(name: &str) -> TaskId {
    TaskId::new(name).expect("an id")
}

fn name(choices: &mut Choices) -> TaskId {
    task_id(choices.one(&NAMES).expect("names"))
}

/// Mostly a task of the graph, or one that the batch may make.
fn known(choices: &mut Choices, model: &Model) -> TaskId {
    if choices.one_in(6) {
        return name(choices);
    }
    choices.one(&model.tasks).map_or_else(|| name(choices), |task| task.spec.id.clone())
}

pub(crate) fn kind(choices: &mut Choices) -> DependencyKind {
    match choices.below(12) {
        0..=5 => DependencyKind::Success,
        6 => DependencyKind::Failure,
        7..=8 => DependencyKind::Completion,
        9..=10 => DependencyKind::When(choices.one(&CONDITIONS).expect("conditions").0.into()),
        _ => DependencyKind::When("outputs.x >".into()),
    }
}

fn given_id(choices: &mut Choices) -> Option<DependencyId> {
    let ids = ["e1", "e2", "a->b", "a->b#2", "b->c"];
    choices.one_in(4).then(|| DependencyId::new(choices.one(&ids).expect("ids")).expect("an id"))
}

fn note(choices: &mut Choices) -> Option<Arc<str>> {
    choices.one_in(4).then(|| (*choices.one(&["x", "y", ""]).expect("notes")).into())
}

fn dependency(choices: &mut Choices, from: TaskId, to: TaskId) -> Dependency {
    let (kind, id, note) = (kind(choices), given_id(choices), note(choices));
    Dependency { id, from, to, kind, note }
}

fn text(choices: &mut Choices, of: &TaskId) -> Payload {
    let text = match choices.below(8) {
        0 => "plain".to_owned(),
        1 => "broken {{ tasks }".to_owned(),
        2 => format!("{{{{ tasks[\"{of}\"].status }}}} and {{{{ tasks[\"{}\"].result }}}}", name(choices)),
        _ => format!("{{{{ tasks[\"{of}\"].result }}}}"),
    };
    Payload::Prompt(Arc::new(Prompt { text }))
}

fn device(choices: &mut Choices) -> Option<Arc<DeviceSelector>> {
    let device = |choices: &mut Choices| {
        let ids = ["d1", "d2", "prod-1", "nowhere"];
        choices.one_in(2).then(|| DeviceId::new(choices.one(&ids).expect("ids")).expect("an id"))
    };
    let (on, prefer) = (device(choices), device(choices));
    let needs = if choices.one_in(3) { vec!["pager".to_owned(), "logs".to_owned()] } else { vec![] };
    let selector = DeviceSelector { on, prefer, needs, ..DeviceSelector::default() };
    (selector != DeviceSelector::default()).then(|| Arc::new(selector))
}

fn field(choices: &mut Choices, model: &Model) -> TaskField {
    match choices.below(13) {
        0 => TaskField::Description(["one", "two", ""][choices.below(3)].to_owned()),
        1 => TaskField::Priority(Priority::HIGH),
        2 => TaskField::Tips(vec!["look".to_owned()]),
        3 => {
            let of = known(choices, model);
            TaskField::Run(text(choices, &of))
        }
        4 => TaskField::Run(Payload::Noop),
        5 => TaskField::QueueTimeout(Some(Millis(choices.below(3) as u64))),
        6 => TaskField::RunTimeout([None, Some(Millis(5)), Some(Millis::ZERO)][choices.below(3)]),
        7 => TaskField::Device(device(choices)),
        8 => TaskField::Idempotent(true),
        9 => TaskField::Name(Some("other".to_owned())),
        10 if choices.one_in(2) => TaskField::Compensate(choices.one_in(2).then(Compensation::default)),
        10 => {
            let on_timeout = [ApprovalTimeout::Reject, ApprovalTimeout::Approve][choices.below(2)];
            let gate = ApprovalGate { on_timeout, ..ApprovalGate::default() };
            TaskField::Approval(choices.one_in(2).then_some(gate))
        }
        11 => {
            let file = FileInput::Output { task: known(choices, model), output: "log".to_owned() };
            TaskField::Files(BTreeMap::from([("log".to_owned(), file)]))
        }
        _ => TaskField::Run(Payload::Exec(Arc::new(Exec {
            argv: if choices.one_in(2) { vec![] } else { vec!["ls".to_owned()] },
            ..Exec::default()
        }))),
    }
}

/// A task; one in four refers to another one.
fn task(choices: &mut Choices, model: &Model, id: TaskId) -> TaskSpec {
    let mut task = TaskSpec::new(id, Payload::Noop);
    if choices.one_in(3) {
        for _ in 0..choices.below(3) {
            field(choices, model).exchange(&mut task);
        }
    }
    task
}

/// A whole graph of few tasks, mostly without faults.
pub(crate) fn whole(choices: &mut Choices, model: &Model, tasks: usize) -> GraphSpec {
    let mut graph = GraphSpec { name: ["", "plan"][choices.below(2)].to_owned(), ..GraphSpec::default() };
    for _ in 0..tasks {
        let id = name(choices);
        if graph.tasks.iter().any(|task| task.id == id) && !choices.one_in(8) {
            continue;
        }
        graph.tasks.push(Arc::new(task(choices, model, id)));
    }
    if graph.tasks.is_empty() {
        return graph;
    }
    for _ in 0..choices.below(tasks + 2) {
        let (one, other) = (choices.below(graph.tasks.len()), choices.below(graph.tasks.len()));
        // Mostly forward.
        let (from, to) = if choices.one_in(10) { (one, other) } else { (one.min(other), one.max(other)) };
        if from == to && !choices.one_in(10) {
            continue;
        }
        let ends = (graph.tasks[from].id.clone(), graph.tasks[to].id.clone());
        graph.dependencies.push(dependency(choices, ends.0, ends.1));
    }
    graph
}

fn edge_ref(choices: &mut Choices, model: &Model) -> DependencyRef {
    let Some(edge) = choices.one(&model.edges).filter(|_| !choices.clone().one_in(8)) else {
        return match given_id(choices) {
            Some(id) => DependencyRef::Id { id },
            None => DependencyRef::Ends { from: known(choices, model), to: known(choices, model) },
        };
    };
    match choices.below(2) {
        0 => DependencyRef::Id { id: edge.id.clone() },
        _ => DependencyRef::Ends { from: edge.from.clone(), to: edge.to.clone() },
    }
}

/// One edit; `ahead` is the graph as it would be after the edits before it, as far as that is known.
fn edit(choices: &mut Choices, ahead: &Model) -> Edit {
    match choices.below(24) {
        0..=4 => {
            let id = name(choices);
            let task = Arc::new(task(choices, ahead, id));
            let after = (0..choices.below(3)).map(|_| (known(choices, ahead), kind(choices))).collect();
            Edit::AddTask { task, after }
        }
        5..=7 => {
            let id = known(choices, ahead);
            let set = (0..choices.below(4)).map(|_| field(choices, ahead)).collect();
            Edit::UpdateTask { id, set }
        }
        8..=10 => Edit::RemoveTask { id: known(choices, ahead) },
        11..=14 => {
            let (from, to) = (known(choices, ahead), known(choices, ahead));
            Edit::AddDependency(dependency(choices, from, to))
        }
        15..=17 => {
            let edge = edge_ref(choices, ahead);
            let kind = choices.one_in(2).then(|| kind(choices));
            Edit::UpdateDependency { edge, kind, note: note(choices) }
        }
        18..=20 => Edit::RemoveDependency { edge: edge_ref(choices, ahead) },
        21 => {
            let size = choices.below(4);
            let graph = Arc::new(whole(choices, ahead, size));
            Edit::Build { graph, clear_existing: choices.one_in(2) }
        }
        22 => {
            let size = choices.below(4);
            let graph = Arc::new(whole(choices, ahead, size));
            Edit::Merge { graph, prefix: ["x.", "y", "", "no id "][choices.below(4)].into() }
        }
        _ => Edit::Clear,
    }
}

/// A batch whose later edits often build on earlier ones.
pub(crate) fn batch(choices: &mut Choices, model: &Model, most: usize) -> EditBatch {
    let count = choices.below(most + 1);
    let mut ahead = model.clone();
    let mut edits = Vec::new();
    for _ in 0..count {
        let edit = edit(choices, &ahead);
        let alone =
            EditBatch { base: Revision(ahead.revision), edits: vec![edit.clone()], ..Default::default() };
        match crate::judge::judge(&ahead, &alone, &Rules::default()) {
            Ok(after) => ahead = after,
            // Faults are kept, but not all of them.
            Err(_) if choices.one_in(3) => {}
            Err(_) => continue,
        }
        edits.push(edit);
    }
    let back = if choices.one_in(4) { choices.below(5) as u64 } else { 0 };
    let base = if choices.one_in(60) { model.revision + 1 } else { model.revision.saturating_sub(back) };
    EditBatch { base: Revision(base), edits, ..EditBatch::default() }
}

fn patterns(choices: &mut Choices, all: bool) -> Patterns {
    let some = |choices: &mut Choices, lists: &[&[&str]]| {
        choices.one_in(3).then(|| {
            let list = choices.one(lists).copied().unwrap_or_default();
            list.iter().map(|pattern| (*pattern).into()).collect()
        })
    };
    let (devices, capabilities): (&[&[&str]], &[&[&str]]) = if all {
        (&[&["d*", "nowhere"], &["*1"], &[]], &[&["logs", "pager"], &["l*"]])
    } else {
        (&[&["prod-*"], &["*2"]], &[&["pager"]])
    };
    let kinds: &[&[&str]] =
        if all { &[&["noop", "prompt"], &["*p*", "exec"]] } else { &[&["exec"], &["prompt"]] };
    Patterns {
        devices: some(choices, devices),
        capabilities: some(choices, capabilities),
        kinds: some(choices, kinds),
    }
}

/// Rules: mostly none, else limits that are easily hit, known devices, guard rails.
pub(crate) fn rules(choices: &mut Choices) -> Rules {
    let mut rules = Rules::default();
    if choices.one_in(4) {
        rules.devices =
            Some(["d1", "d2", "prod-1"].map(|id| DeviceId::new(id).expect("an id")).into_iter().collect());
    }
    if choices.one_in(5) {
        let mut limits = Limits::default();
        limits.tasks = 4 + choices.below(6);
        limits.dependencies = 3 + choices.below(8);
        limits.degree = 1 + choices.below(3);
        limits.edits = 3 + choices.below(6);
        limits.run_edits = 12;
        limits.added_tasks = 8;
        rules.limits = limits;
    }
    if choices.one_in(3) {
        rules.usage = Usage { edits: choices.below(14) as u64, added_tasks: choices.below(10) as u64 };
    }
    rules.gates = [Gates::Free, Gates::Unchanged, Gates::Kept][choices.below(3)];
    if choices.one_in(4) {
        let ops = ["add_task", "update_task", "remove_task", "add_dependency", "build", "merge"];
        let limit = |choices: &mut Choices| choices.one_in(6).then(|| choices.below(12) as u64);
        rules.policy = Some(Policy {
            allow: choices.one_in(4).then(|| ops[..choices.below(7)].iter().map(|op| (*op).into()).collect()),
            only: patterns(choices, true),
            limits: PolicyLimits { edits: limit(choices), added_tasks: limit(choices) },
            require_approval: patterns(choices, false),
        });
    }
    rules
}
