//! Parts of a graph, and tasks to be tried again.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use starline_graph::{TaskGraph, references, rename_references};
use starline_types::{
    Dependency, DependencyRef, Edit, EditBatch, GraphSpec, OutcomeStatus, TaskField, TaskId, TaskIx,
    TaskSpec, Verdict,
};

use crate::hint::Hints;
use crate::{Code, Fault, Rejection};

/// The tasks of some ids and the edges between them, named `<name>_subgraph`. O(n log n + m).
///
/// # Errors
/// An id is unknown.
pub fn subgraph(graph: &TaskGraph, ids: &[TaskId]) -> Result<GraphSpec, Rejection> {
    let hints = Hints::default();
    let mut wanted = FxHashSet::default();
    let mut faults = Vec::new();
    for (at, id) in ids.iter().enumerate() {
        match graph.find(id.as_str()) {
            Some(task) => {
                wanted.insert(task);
            }
            None => {
                let mut fault = Fault::new(at, Code::UnknownTask, id, format!("task {id} does not exist"));
                fault.hint = hints.nearest_task(id.as_str(), graph);
                faults.push(fault);
            }
        }
    }
    if !faults.is_empty() {
        return Err(Rejection { current: graph.revision(), faults });
    }
    let mut tasks: Vec<TaskIx> = wanted.iter().copied().collect();
    tasks.sort_by_key(|task| graph.order(*task));
    let mut edges: Vec<_> = graph.all_edges().collect();
    edges.retain(|edge| wanted.contains(&edge.from) && wanted.contains(&edge.to));
    edges.sort_by_key(starline_graph::EdgeView::order);
    Ok(GraphSpec {
        name: format!("{}_subgraph", graph.name()),
        tasks: tasks.into_iter().map(|task| Arc::clone(graph.spec(task))).collect(),
        dependencies: edges.iter().map(|edge| graph.dependency(edge)).collect(),
        metadata: graph.metadata().clone(),
    })
}

/// The batch that tries a task again which failed or was cancelled: a copy `<id>.r2`, or `.r3` and so on, behind the
/// sources that let the task run, and in its place before the targets that have not started. What is behind the copy
/// and has not started reads from the copy where it read from the task. Costs what is behind the task.
///
/// # Errors
/// The task is unknown, or did not fail and was not cancelled.
pub fn retry_task(graph: &TaskGraph, id: &TaskId) -> Result<EditBatch, Rejection> {
    let current = graph.revision();
    let reject = |fault: Fault| Rejection { current, faults: vec![fault] };
    let Some(task) = graph.find(id.as_str()) else {
        let mut fault = Fault::new(0, Code::UnknownTask, id, format!("task {id} does not exist"));
        fault.hint = Hints::default().nearest_task(id.as_str(), graph);
        return Err(reject(fault));
    };
    let state = graph.state(task);
    if !matches!(state.outcome(), Some(OutcomeStatus::Failed | OutcomeStatus::Cancelled)) {
        let fault = Fault::new(0, Code::InvalidValue, id, format!("task {id} is {state}"));
        return Err(reject(fault.hint("only a failed or cancelled task is tried again")));
    }
    let copy = copy_id(graph, id).map_err(|error| reject(Fault::new(0, Code::InvalidId, id, error)))?;
    let mut spec = TaskSpec::clone(graph.spec(task));
    if spec.compensation().is_some() {
        // What undoes the copy reads from the copy. A text that cannot be read was refused when it came.
        let own = |name: &str| (name == id.as_str()).then(|| copy.to_string());
        spec = rename_references(&spec, &own).unwrap_or(spec);
    }
    spec.id = copy.clone();
    let mut edits = vec![Edit::AddTask { task: Arc::new(spec), after: Vec::new() }];
    let mut incoming: Vec<_> =
        graph.incoming(task).filter(|edge| edge.verdict() == Some(Verdict::Satisfied)).collect();
    incoming.sort_by_key(starline_graph::EdgeView::order);
    edits.extend(incoming.iter().map(|edge| {
        let dependency = graph.dependency(edge);
        Edit::AddDependency(Dependency { id: None, to: copy.clone(), ..dependency })
    }));
    let mut outgoing: Vec<_> =
        graph.outgoing(task).filter(|edge| graph.state(edge.to).is_unstarted()).collect();
    outgoing.sort_by_key(starline_graph::EdgeView::order);
    for edge in outgoing {
        edits.push(Edit::RemoveDependency { edge: DependencyRef::Id { id: edge.id() } });
        let dependency = graph.dependency(&edge);
        edits.push(Edit::AddDependency(Dependency { id: None, from: copy.clone(), ..dependency }));
    }
    edits.extend(redirected(graph, task, &copy));
    let reason = Some(format!("try task {id} again"));
    Ok(EditBatch { base: current, reason, edits, ..EditBatch::default() })
}

/// The updates of what is behind the moved edges of a task and reads from it: from its copy from now on.
fn redirected(graph: &TaskGraph, task: TaskIx, copy: &TaskId) -> Vec<Edit> {
    let id = graph.id(task).as_str();
    let mut stack: Vec<TaskIx> =
        graph.successors(task).filter(|next| graph.state(*next).is_unstarted()).collect();
    let mut behind: FxHashSet<TaskIx> = stack.iter().copied().collect();
    while let Some(at) = stack.pop() {
        stack.extend(graph.successors(at).filter(|next| behind.insert(*next)));
    }
    let reads = |task: &TaskIx| {
        graph.state(*task).is_unstarted() && references(graph.spec(*task)).iter().any(|name| name == id)
    };
    let mut readers: Vec<TaskIx> = behind.into_iter().filter(reads).collect();
    readers.sort_by_key(|task| graph.order(*task));
    let update = |reader: TaskIx| {
        let spec = graph.spec(reader);
        let name = |name: &str| (name == id).then(|| copy.to_string());
        // A text that cannot be read was refused when it came.
        let renamed = rename_references(spec, &name).ok()?;
        Some(Edit::UpdateTask { id: spec.id.clone(), set: TaskField::differences(spec, &renamed) })
    };
    readers.into_iter().filter_map(update).collect()
}

/// The first free id of a copy: the number goes on from that of the task.
fn copy_id(graph: &TaskGraph, id: &TaskId) -> Result<TaskId, String> {
    let (base, number) = match id.as_str().rsplit_once(".r") {
        Some((base, number)) if !base.is_empty() => match number.parse::<u32>() {
            Ok(number) if number >= 2 => (base, number),
            _ => (id.as_str(), 1),
        },
        _ => (id.as_str(), 1),
    };
    let free =
        (number.saturating_add(1)..).map(|n| format!("{base}.r{n}")).find(|name| graph.find(name).is_none());
    TaskId::new(free.unwrap_or_default()).map_err(|error| error.to_string())
}
