//! Tasks that undo the work of others, in the reverse of their order.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use starline_graph::{TaskGraph, topological_order};
use starline_types::{
    Compensation, Dependency, DependencyKind, DeviceId, DeviceSelector, Edit, EditBatch, FileInput,
    GraphSpec, MAX_ID_BYTES, OutcomeStatus, Payload, RunId, TaskDetails, TaskId, TaskIx, TaskSpec,
};

/// As many tasks wait for each other in pairs across one that is not undone. Beyond, they are put in a row: a task that
/// joins a thousand with a thousand is no reason for a million edges.
const PAIRS: usize = 16;

/// A task that is to be undone, and those that are to be undone before it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Undo {
    /// The task.
    pub task: TaskIx,
    /// Tasks downstream of it that are undone before it, the nearest ones.
    pub after: Vec<TaskIx>,
}

/// Whether a task has something that undoes it, and made an attempt, so that there may be something to undo.
#[must_use]
pub fn may_need_undo(graph: &TaskGraph, task: TaskIx) -> bool {
    graph.spec(task).compensation().is_some() && graph.record(task).attempts > 0
}

/// The tasks that are to be undone, downstream ones first: each behind the nearest ones downstream of it, also through
/// tasks that are not undone. Where a task that is not undone would join more than 16 of them with others, those are
/// undone one after the other. O(n log n + m).
#[must_use]
pub fn undo_order(graph: &TaskGraph, wanted: &dyn Fn(TaskIx) -> bool) -> Vec<Undo> {
    if !graph.indices().any(wanted) {
        return Vec::new();
    }
    let mut order: Vec<Undo> = Vec::new();
    let mut places: FxHashMap<TaskIx, usize> = FxHashMap::default();
    // What is undone at or behind a task, and nearest to it.
    let mut nearest: FxHashMap<TaskIx, Vec<TaskIx>> = FxHashMap::default();
    let mut rows: FxHashMap<TaskIx, Vec<TaskIx>> = FxHashMap::default();
    for task in topological_order(graph).into_iter().rev() {
        let mut behind: Vec<TaskIx> = Vec::new();
        let mut seen = FxHashSet::default();
        for next in graph.successors(task) {
            behind.extend(nearest.get(&next).into_iter().flatten().filter(|task| seen.insert(**task)));
        }
        if wanted(task) {
            places.insert(task, order.len());
            order.push(Undo { task, after: behind });
            nearest.insert(task, vec![task]);
        } else if behind.len() > PAIRS {
            // In the order in which they are undone anyway, so that no row closes a cycle with another one.
            behind.sort_unstable_by_key(|task| places.get(task).copied());
            for pair in behind.windows(2) {
                if let [first, second] = pair {
                    rows.entry(*second).or_default().push(*first);
                }
            }
            nearest.insert(task, behind.pop().into_iter().collect());
        } else if !behind.is_empty() {
            nearest.insert(task, behind);
        }
    }
    for undo in &mut order {
        let Some(before) = rows.remove(&undo.task) else { continue };
        let mut known: FxHashSet<TaskIx> = undo.after.iter().copied().collect();
        undo.after.extend(before.into_iter().filter(|task| known.insert(*task)));
    }
    order
}

/// Names tasks after those that they undo.
#[derive(Debug, Default)]
struct Names {
    taken: FxHashSet<TaskId>,
    /// Numbers tried for a name.
    numbers: FxHashMap<String, u32>,
}

impl Names {
    /// `<id>.undo`, or with a number behind it if that is taken; shortened if it would be too long.
    fn name(&mut self, id: &TaskId, is_taken: &dyn Fn(&str) -> bool) -> Option<TaskId> {
        // Room for the number as well.
        let room = MAX_ID_BYTES - Compensation::SUFFIX.len() - 10;
        let base = id.as_str();
        let fits = base.len() + Compensation::SUFFIX.len() <= MAX_ID_BYTES;
        let base = if fits { base } else { base.get(..room)? };
        loop {
            let number = self.numbers.entry(base.to_owned()).or_default();
            *number += 1;
            let suffix = Compensation::SUFFIX;
            let name = if *number == 1 {
                format!("{base}{suffix}")
            } else {
                format!("{}{suffix}{number}", base.get(..base.len().min(room))?)
            };
            if is_taken(&name) {
                continue;
            }
            let name = TaskId::new(name).ok()?;
            if self.taken.insert(name.clone()) {
                return Some(name);
            }
        }
    }
}

/// The task that undoes another one. It may run twice, as nobody can know how far it came; and it runs where the work
/// was done, if that can be.
fn undo_spec(spec: &TaskSpec, run: Payload, id: TaskId, device: Option<DeviceId>) -> TaskSpec {
    let mut selector = spec.device.as_deref().cloned().unwrap_or_default();
    if selector.on.is_none() {
        selector.prefer = device.or(selector.prefer);
    }
    let gate = spec.gate().cloned().map(|mut gate| {
        gate.prompt = format!("undo of {}: {}", spec.id, gate.prompt);
        gate
    });
    let metadata = [(Compensation::METADATA.to_owned(), spec.id.as_str().into())];
    let details = TaskDetails {
        metadata: metadata.into(),
        approval: gate,
        files: spec.files().clone(),
        ..TaskDetails::default()
    };
    TaskSpec {
        run_timeout: spec.run_timeout,
        device: (selector != DeviceSelector::default()).then(|| Arc::new(selector)),
        priority: spec.priority,
        idempotent: true,
        retry: spec.retry.clone(),
        inputs: spec.inputs.clone(),
        details: Some(Arc::new(details)),
        ..TaskSpec::new(id, run)
    }
}

/// The batch that undoes what the tasks of a graph may have done: a task `<id>.undo` behind each, in reverse order.
/// `device` says where a task ran last. Empty if there is nothing to undo. O(n log n + m).
#[must_use]
pub fn rollback(graph: &TaskGraph, device: &dyn Fn(TaskIx) -> Option<DeviceId>) -> EditBatch {
    let order = undo_order(graph, &|task| may_need_undo(graph, task));
    let mut names = Names::default();
    let mut named: FxHashMap<TaskIx, TaskId> = FxHashMap::default();
    let mut edits = Vec::with_capacity(order.len());
    for undo in order {
        let spec = graph.spec(undo.task);
        let Some(compensation) = spec.compensation() else { continue };
        let Some(id) = names.name(&spec.id, &|name| graph.find(name).is_some()) else { continue };
        let sources = undo.after.iter().filter_map(|task| named.get(task)).cloned();
        let after = std::iter::once(spec.id.clone()).chain(sources);
        let after = after.map(|source| (source, DependencyKind::Completion)).collect();
        named.insert(undo.task, id.clone());
        let task = Arc::new(undo_spec(spec, compensation.run.clone(), id, device(undo.task)));
        edits.push(Edit::AddTask { task, after });
    }
    EditBatch {
        base: graph.revision(),
        reason: Some("undo what was done".to_owned()),
        edits,
        ..EditBatch::default()
    }
}

/// What undoes one task of a run that is over: everything that its texts name is filled in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filled {
    /// What is done.
    pub run: Payload,
    /// Files that are sent along, with their contents known.
    pub files: BTreeMap<String, FileInput>,
    /// Where the work was done.
    pub device: Option<DeviceId>,
}

/// The graph of a run that undoes another one which is over: the tasks of [`rollback`] alone, without those that were
/// undone in the run itself, or elsewhere as `is_undone` says. `fill` fills in what the old run knew. O(n log n + m), and what filling in costs.
///
/// # Errors
/// What `fill` says of the first task that cannot be filled in.
pub fn undo_graph<E>(
    graph: &TaskGraph,
    is_undone: &dyn Fn(&TaskId) -> bool,
    fill: &dyn Fn(TaskIx) -> Result<Filled, E>,
) -> Result<GraphSpec, E> {
    let undone = undone(graph);
    let wanted = |task| {
        may_need_undo(graph, task) && !undone.contains(graph.id(task).as_str()) && !is_undone(graph.id(task))
    };
    let mut names = Names::default();
    let mut named: FxHashMap<TaskIx, TaskId> = FxHashMap::default();
    let mut made =
        GraphSpec { name: format!("{}{}", graph.name(), Compensation::SUFFIX), ..GraphSpec::default() };
    for undo in undo_order(graph, &wanted) {
        let spec = graph.spec(undo.task);
        let Some(id) = names.name(&spec.id, &|_| false) else { continue };
        let filled = fill(undo.task)?;
        let mut task = undo_spec(spec, filled.run, id.clone(), filled.device);
        task.inputs = Default::default();
        if let Some(details) = &mut task.details {
            Arc::make_mut(details).files = filled.files;
        }
        let sources = undo.after.iter().filter_map(|task| named.get(task));
        made.dependencies.extend(sources.map(|source| {
            Dependency::success(source.clone(), id.clone()).with_kind(DependencyKind::Completion)
        }));
        named.insert(undo.task, id);
        made.tasks.push(Arc::new(task));
    }
    Ok(made)
}

/// The tasks that were undone within their own run: something that undoes them has completed.
#[must_use]
pub fn undone(graph: &TaskGraph) -> FxHashSet<&str> {
    let done = |task: &TaskIx| graph.state(*task).outcome() == Some(OutcomeStatus::Completed);
    graph.indices().filter(done).filter_map(|task| graph.spec(task).compensates()).collect()
}

/// The id of the run that undoes another one: `<run>.undo`, or with a number behind it if that is taken.
#[must_use]
pub fn undo_run(run: &RunId, is_taken: &dyn Fn(&str) -> bool) -> Option<RunId> {
    let free = (1..).map(|number: u32| match number {
        1 => format!("{run}{}", Compensation::SUFFIX),
        _ => format!("{run}{}{number}", Compensation::SUFFIX),
    });
    RunId::new(free.into_iter().find(|name| !is_taken(name))?).ok()
}
