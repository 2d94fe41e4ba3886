//! What takes a commit back.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use starline_graph::{EdgeView, TaskGraph, default_id};
use starline_types::{Dependency, DependencyId, DependencyRef, Edit, TaskField};

use crate::draft::Happened;

/// The edits that take back what happened, last first: the order in which they are to be applied.
pub(crate) fn inverse(happened: Vec<Happened<'_>>, graph: &TaskGraph) -> Vec<Edit> {
    let mut inverse = Vec::new();
    let (mut came, mut gone) = (FxHashSet::default(), FxHashSet::default());
    for happened in &happened {
        match happened {
            Happened::TaskCame(id) => {
                came.insert(id.clone());
            }
            Happened::TaskGone { edges, .. } => gone.extend(edges.iter().map(|(_, edge)| id_of(edge))),
            Happened::EdgeGone((_, edge)) => {
                gone.insert(id_of(edge));
            }
            Happened::EdgeCame { .. }
            | Happened::SpecChanged { .. }
            | Happened::TermsChanged { .. }
            | Happened::Replaced(_) => {}
        }
    }
    // Where dependencies come back: which edit, and where in it.
    let mut back: FxHashMap<DependencyId, (usize, usize)> = FxHashMap::default();
    for happened in happened {
        match happened {
            Happened::Replaced(before) => {
                if !graph.is_empty() {
                    inverse.push(Edit::Clear);
                }
                inverse.extend(restore_all(before));
            }
            Happened::TaskCame(id) => inverse.push(Edit::RemoveTask { id }),
            // A task takes its edges along, also those whose targets have ended by then; unless the id is needed.
            Happened::EdgeCame { from, to, id }
                if (came.contains(&from) || came.contains(&to)) && !gone.contains(&id) => {}
            Happened::EdgeCame { id, .. } => {
                inverse.push(Edit::RemoveDependency { edge: DependencyRef::Id { id } });
            }
            Happened::TaskGone { order, spec, edges } => {
                for (at, (_, edge)) in edges.iter().enumerate() {
                    back.insert(id_of(edge), (inverse.len(), at));
                }
                inverse.push(Edit::Restore { tasks: vec![(order, Arc::clone(spec))], dependencies: edges });
            }
            Happened::EdgeGone(edge) => {
                back.insert(id_of(&edge.1), (inverse.len(), 0));
                inverse.push(Edit::Restore { tasks: Vec::new(), dependencies: vec![edge] });
            }
            Happened::SpecChanged { before, now } => {
                let set = TaskField::differences(&now, before);
                if !set.is_empty() {
                    inverse.push(Edit::UpdateTask { id: before.id.clone(), set });
                }
            }
            Happened::TermsChanged { id, before, .. } => {
                let (kind, note) = (before.kind(), before.note().cloned());
                // What comes back comes back as it was, and not by way of terms that may be impossible by now.
                match back.get(&id).and_then(|place| restored(&mut inverse, *place)) {
                    Some(edge) => (edge.kind, edge.note) = (kind, note),
                    None => inverse.push(Edit::UpdateDependency {
                        edge: DependencyRef::Id { id },
                        kind: Some(kind),
                        note: Some(note.unwrap_or_else(|| Arc::from(""))),
                    }),
                }
            }
        }
    }
    inverse
}

fn restored(inverse: &mut [Edit], (edit, at): (usize, usize)) -> Option<&mut Dependency> {
    match inverse.get_mut(edit)? {
        Edit::Restore { dependencies, .. } => dependencies.get_mut(at).map(|(_, edge)| edge),
        _ => None,
    }
}

fn id_of(edge: &Dependency) -> DependencyId {
    edge.id.clone().unwrap_or_else(|| default_id(&edge.from, &edge.to))
}

/// Everything that was in a graph, with its ranks.
fn restore_all(graph: &TaskGraph) -> Option<Edit> {
    let mut edges: Vec<EdgeView<'_>> = graph.all_edges().collect();
    edges.sort_by_key(EdgeView::order);
    let tasks = graph.in_order().into_iter();
    let tasks: Vec<_> = tasks.map(|task| (graph.order(task), Arc::clone(graph.spec(task)))).collect();
    let dependencies = edges.iter().map(|edge| (edge.order(), graph.dependency(edge))).collect();
    (!tasks.is_empty()).then_some(Edit::Restore { tasks, dependencies })
}
