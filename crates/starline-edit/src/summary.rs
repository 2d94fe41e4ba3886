//! What a commit changed, on balance.

use std::sync::Arc;

use starline_graph::{EdgeView, TaskGraph, default_id};
use starline_types::{ChangeSummary, Dependency, DependencyId, TaskField, TaskId, TaskSpec};

use crate::draft::Happened;

/// Something that happened to a task.
struct TaskTold<'h> {
    id: &'h TaskId,
    /// 1 if it came, -1 if it went.
    by: i64,
    /// As it was before.
    before: Option<&'h Arc<TaskSpec>>,
}

/// Something that happened to an edge. Edges with the same ends are one on balance.
struct EdgeTold<'h> {
    ends: (&'h TaskId, &'h TaskId),
    id: DependencyId,
    /// 1 if it came, -1 if it went, 0 if it changed.
    by: i64,
}

/// All that happened, last first.
#[derive(Default)]
struct Told<'h> {
    tasks: Vec<TaskTold<'h>>,
    edges: Vec<EdgeTold<'h>>,
}

/// What changed on balance of all that happened, which is told last first. `was_empty`: there was no graph.
pub(crate) fn summary(happened: &[Happened<'_>], graph: &TaskGraph, was_empty: bool) -> ChangeSummary {
    let Told { mut tasks, mut edges } = told(happened, graph);
    let mut summary = ChangeSummary::default();
    // Stable: what happened to one of them stays in the order in which it is told.
    tasks.sort_by_key(|told| told.id);
    for told in tasks.chunk_by(|one, next| one.id == next.id) {
        let id = told[0].id;
        match told.iter().map(|told| told.by).sum() {
            1.. => summary.added_tasks.push(id.clone()),
            ..=-1 => summary.removed_tasks.push(id.clone()),
            0 => {
                let before = told.iter().rev().find_map(|told| told.before);
                let now = graph.find(id.as_str()).map(|task| graph.spec(task));
                let fields = before.zip(now).map(|(before, now)| TaskField::differences(before, now));
                let mut names: Vec<String> =
                    fields.unwrap_or_default().iter().map(|field| field.name().to_owned()).collect();
                names.dedup();
                if !names.is_empty() {
                    summary.modified_tasks.insert(id.clone(), names);
                }
            }
        }
    }
    if summary.added_tasks.len() > 1 {
        summary.added_tasks.sort_by_key(|id| graph.find(id.as_str()).map(|task| graph.order(task)));
    }
    edges.sort_by_key(|told| told.ends);
    for told in edges.chunk_by(|one, next| one.ends == next.ends) {
        // The id of one that is there now, or was there before.
        let now = || told.iter().find(|told| told.by >= 0).map(|told| told.id.clone());
        let old = || told.iter().rev().find(|told| told.by < 0).map(|told| told.id.clone());
        match told.iter().map(|told| told.by).sum() {
            1.. => summary.added_dependencies.extend(now()),
            ..=-1 => summary.removed_dependencies.extend(old()),
            0 => summary.modified_dependencies.extend(now()),
        }
    }
    summary.typed(was_empty)
}

fn told<'h>(happened: &'h [Happened<'h>], graph: &'h TaskGraph) -> Told<'h> {
    let mut told = Told::default();
    for happened in happened {
        match happened {
            Happened::TaskCame(id) => told.tasks.push(TaskTold { id, by: 1, before: None }),
            Happened::TaskGone { spec, edges, .. } => {
                told.tasks.push(TaskTold { id: &spec.id, by: -1, before: Some(spec) });
                told.edges.extend(edges.iter().map(|(_, edge)| gone(edge)));
            }
            Happened::EdgeCame { from, to, id } => {
                told.edges.push(EdgeTold { ends: (from, to), id: id.clone(), by: 1 });
            }
            Happened::EdgeGone((_, edge)) => told.edges.push(gone(edge)),
            Happened::SpecChanged { before, .. } => {
                told.tasks.push(TaskTold { id: &before.id, by: 0, before: Some(before) });
            }
            Happened::TermsChanged { from, to, id, .. } => {
                told.edges.push(EdgeTold { ends: (from, to), id: id.clone(), by: 0 });
            }
            Happened::Replaced(before) => {
                let came = graph.indices().map(|task| TaskTold { id: graph.id(task), by: 1, before: None });
                let left = before.indices().map(|task| TaskTold {
                    id: before.id(task),
                    by: -1,
                    before: Some(before.spec(task)),
                });
                told.tasks.extend(came.chain(left));
                let there = |graph: &'h TaskGraph, edge: EdgeView<'_>, by: i64| {
                    let ends = (graph.id(edge.from), graph.id(edge.to));
                    EdgeTold { ends, id: edge.id(), by }
                };
                let came = graph.all_edges().map(|edge| there(graph, edge, 1));
                let left = before.all_edges().map(|edge| there(before, edge, -1));
                told.edges.extend(came.chain(left));
            }
        }
    }
    told
}

fn gone(edge: &Dependency) -> EdgeTold<'_> {
    let id = edge.id.clone().unwrap_or_else(|| default_id(&edge.from, &edge.to));
    EdgeTold { ends: (&edge.from, &edge.to), id, by: -1 }
}
