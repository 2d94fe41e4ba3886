//! From a whole graph to a batch.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use starline_graph::{EdgeIx, TaskGraph};
use starline_types::{Dependency, DependencyRef, Edit, EditBatch, GraphSpec, TaskField, TaskId, TaskState};

/// A batch that makes one graph another, and what was left out on the way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    /// The batch; its base is the revision of the graph.
    pub batch: EditBatch,
    /// What the proposal asked for and cannot have.
    pub warnings: Vec<DifferenceWarning>,
}

/// What a proposal asked for and cannot have.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct DifferenceWarning {
    /// Stable word: `kept_started_task`.
    pub code: &'static str,
    /// The task.
    pub item: TaskId,
    /// What became of it, in one line.
    pub message: String,
}

/// The batch that makes a graph what a proposal says: edges go first, then tasks; tasks come, change; edges change,
/// come.
///
/// Tasks match by id. Edges match by id, then by ends and kind, then by ends, as a change. A task that is missing from
/// the proposal is removed if it is unstarted, kept with a warning if it has ended, and removed, which will be
/// rejected, if it is running. `diff(g, g)` is empty. O((n + m) log (n + m)).
#[must_use]
pub fn diff(from: &TaskGraph, to: &GraphSpec) -> Difference {
    let mut found = Difference {
        batch: EditBatch { base: from.revision(), ..EditBatch::default() },
        warnings: Vec::new(),
    };
    let proposed: FxHashSet<&str> = to.tasks.iter().map(|task| task.id.as_str()).collect();
    let mut removed = Vec::new();
    let mut gone: FxHashSet<TaskId> = FxHashSet::default();
    for task in from.in_order() {
        let id = from.id(task);
        if proposed.contains(id.as_str()) {
            continue;
        }
        let state = from.state(task);
        if state.is_unstarted() || matches!(state, TaskState::Running { .. }) {
            gone.insert(id.clone());
            removed.push(Edit::RemoveTask { id: id.clone() });
        } else {
            let message = format!("task {id} is {state} and stays in the graph");
            found.warnings.push(DifferenceWarning { code: "kept_started_task", item: id.clone(), message });
        }
    }
    let edges = edges(from, to, &proposed, &gone);
    let (mut added, mut updated) = (Vec::new(), Vec::new());
    for task in &to.tasks {
        match from.find(task.id.as_str()) {
            None => added.push(Edit::AddTask { task: Arc::clone(task), after: Vec::new() }),
            Some(known) => {
                let set = TaskField::differences(from.spec(known), task);
                if !set.is_empty() {
                    updated.push(Edit::UpdateTask { id: task.id.clone(), set });
                }
            }
        }
    }
    found.batch.edits.extend(edges.removed);
    found.batch.edits.extend(removed);
    found.batch.edits.extend(added);
    found.batch.edits.extend(updated);
    found.batch.edits.extend(edges.updated);
    found.batch.edits.extend(edges.added);
    found
}

#[derive(Debug, Default)]
struct EdgeEdits {
    removed: Vec<Edit>,
    updated: Vec<Edit>,
    added: Vec<Edit>,
}

fn edges(
    from: &TaskGraph,
    to: &GraphSpec,
    proposed: &FxHashSet<&str>,
    gone: &FxHashSet<TaskId>,
) -> EdgeEdits {
    let mut existing: Vec<_> = from.all_edges().collect();
    existing.sort_by_key(starline_graph::EdgeView::order);
    let mut by_ends: FxHashMap<(&str, &str), Vec<EdgeIx>> = FxHashMap::default();
    for edge in &existing {
        by_ends.entry((from.id(edge.from).as_str(), from.id(edge.to).as_str())).or_default().push(edge.ix);
    }
    let mut matched: FxHashMap<EdgeIx, &Dependency> = FxHashMap::default();
    let mut open: Vec<&Dependency> = Vec::new();
    // By id, between the same ends.
    for wanted in &to.dependencies {
        let ends = (wanted.from.as_str(), wanted.to.as_str());
        let named = wanted.id.as_ref().and_then(|id| from.find_edge(id.as_str()));
        let same = named.filter(|edge| (from.id(edge.from).as_str(), from.id(edge.to).as_str()) == ends);
        match same {
            Some(edge) if !matched.contains_key(&edge.ix) => {
                matched.insert(edge.ix, wanted);
            }
            _ => open.push(wanted),
        }
    }
    // An id that the proposal gives to an edge elsewhere cannot stay with another one.
    let claimed: FxHashSet<&str> =
        to.dependencies.iter().filter_map(|wanted| wanted.id.as_ref().map(|id| id.as_str())).collect();
    // By ends and kind, then by ends alone.
    for alike in [true, false] {
        open.retain(|wanted| {
            let candidates = by_ends.get(&(wanted.from.as_str(), wanted.to.as_str()));
            let free = candidates.into_iter().flatten().find(|ix| {
                !matched.contains_key(ix)
                    && from.edge(**ix).is_some_and(|edge| {
                        // One that was given an id elsewhere in the proposal is another one.
                        (wanted.id.is_none() || edge.explicit_id() == wanted.id.as_ref())
                            && (!alike || edge.kind() == wanted.kind)
                            && (claimed.is_empty() || !claimed.contains(edge.id().as_str()))
                    })
            });
            match free {
                Some(ix) => {
                    matched.insert(*ix, wanted);
                    false
                }
                None => true,
            }
        });
    }
    let mut edits = EdgeEdits::default();
    for edge in &existing {
        match matched.get(&edge.ix) {
            Some(wanted) => {
                let kind = (edge.kind() != wanted.kind).then(|| wanted.kind.clone());
                let note = (edge.note() != wanted.note.as_ref())
                    .then(|| wanted.note.clone().unwrap_or_else(|| Arc::from("")));
                if kind.is_some() || note.is_some() {
                    edits.updated.push(Edit::UpdateDependency {
                        edge: DependencyRef::Id { id: edge.id() },
                        kind,
                        note,
                    });
                }
            }
            // Edges of a task that goes go with it; those of one that stays although it is missing stay as well.
            None => {
                let known = |id: &TaskId| proposed.contains(id.as_str());
                let (source, target) = (from.id(edge.from), from.id(edge.to));
                let with_task = gone.contains(source) || gone.contains(target);
                if !with_task && known(source) && known(target) {
                    edits.removed.push(Edit::RemoveDependency { edge: DependencyRef::Id { id: edge.id() } });
                }
            }
        }
    }
    edits.added = open.into_iter().map(|wanted| Edit::AddDependency(wanted.clone())).collect();
    edits
}
