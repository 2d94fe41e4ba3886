//! Applies a recorded batch again.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use starline_graph::TaskGraph;
use starline_types::{Applied, Edit, EditBatch, Origin, TaskId, TaskSpec};

use crate::draft::Draft;
use crate::{Limits, Surroundings, Touched};

/// Applies a batch that was committed before: the same changes in the same order, within the largest limits. Returns
/// whom it concerns.
///
/// A recorded fact cannot be refused. Edits that do not fit this graph, which means that the record belongs
/// to another one, are left out.
pub fn reapply(graph: &mut TaskGraph, applied: &Applied) -> Touched {
    let mut limits = Limits { degree: usize::MAX, edits: usize::MAX, ..Limits::ceiling() };
    if applied.origin == Origin::Rollback {
        // What undoes a graph is as large as that.
        (limits.tasks, limits.dependencies) = (usize::MAX, usize::MAX);
    }
    let around = Surroundings { limits, ..Surroundings::default() };
    // It was rebased when it was checked.
    let base = graph.revision();
    let mut draft = Draft::new(graph, base, &around);
    for (index, edit) in applied.batch.edits.iter().enumerate() {
        draft.apply(index, edit);
    }
    let drafted = draft.finish();
    for judgement in &applied.edges {
        if let Some(ix) = graph.find_edge(judgement.id.as_str()).map(|edge| edge.ix) {
            graph.settle_edge(ix, judgement.verdict);
        }
    }
    let touched = drafted.steps.touched(graph);
    if applied.revision > graph.revision() {
        drafted.steps.note(graph, applied.revision);
    }
    graph.set_revision(applied.revision);
    touched
}

/// Builds a graph that was checked before, as revision 0.
pub fn install(graph: &mut TaskGraph, batch: &EditBatch) {
    let revision = graph.revision();
    let applied = Applied { revision, batch: batch.clone(), ..Applied::default() };
    drop(reapply(graph, &applied));
}

/// The tasks that a batch adds or changes, as they would be, with the positions of the edits.
#[must_use]
pub fn specified(batch: &EditBatch, graph: &TaskGraph) -> Vec<(usize, Arc<TaskSpec>)> {
    let mut specs = Specified::default();
    for (edit, change) in batch.edits.iter().enumerate() {
        match change {
            Edit::AddTask { task, .. } => specs.add(edit, Arc::clone(task)),
            Edit::UpdateTask { id, set } => {
                let made = specs.find(id).map(Arc::clone);
                let known = made.or_else(|| graph.find(id.as_str()).map(|task| Arc::clone(graph.spec(task))));
                if let Some(known) = known {
                    let mut spec = TaskSpec::clone(&known);
                    set.iter().for_each(|field| field.clone().exchange(&mut spec));
                    specs.add(edit, Arc::new(spec));
                }
            }
            Edit::Build { graph, clear_existing } => {
                if *clear_existing {
                    specs = Specified::default();
                }
                graph.tasks.iter().for_each(|task| specs.add(edit, Arc::clone(task)));
            }
            Edit::Merge { graph, prefix } => {
                for task in &graph.tasks {
                    if let Ok(id) = TaskId::new(format!("{prefix}{}", task.id)) {
                        specs.add(edit, Arc::new(TaskSpec { id, ..TaskSpec::clone(task) }));
                    }
                }
            }
            Edit::Restore { tasks, .. } => {
                tasks.iter().for_each(|(_, task)| specs.add(edit, Arc::clone(task)));
            }
            Edit::RemoveTask { id } => specs.remove(id),
            Edit::Clear => specs = Specified::default(),
            Edit::AddDependency(_) | Edit::UpdateDependency { .. } | Edit::RemoveDependency { .. } => {}
        }
    }
    specs.specs.into_iter().flatten().collect()
}

/// Tasks as a batch makes them, so far.
#[derive(Default)]
struct Specified {
    /// Those that were removed again are `None`.
    specs: Vec<Option<(usize, Arc<TaskSpec>)>>,
    by_id: FxHashMap<TaskId, usize>,
}

impl Specified {
    fn add(&mut self, edit: usize, spec: Arc<TaskSpec>) {
        match self.by_id.get(&spec.id) {
            Some(at) => self.specs[*at] = Some((edit, spec)),
            None => {
                self.by_id.insert(spec.id.clone(), self.specs.len());
                self.specs.push(Some((edit, spec)));
            }
        }
    }

    fn find(&self, id: &TaskId) -> Option<&Arc<TaskSpec>> {
        self.by_id.get(id).and_then(|at| self.specs[*at].as_ref()).map(|(_, spec)| spec)
    }

    fn remove(&mut self, id: &TaskId) {
        if let Some(at) = self.by_id.remove(id) {
            self.specs[at] = None;
        }
    }
}
