//! What a commit changed, on balance.

use std::collections::BTreeMap;
use std::sync::Arc;

use starline_graph::TaskGraph;
use starline_types::{ChangeSummary, DependencyId, TaskField, TaskId, TaskSpec};

use crate::draft::Happened;

/// Comings less goings of one name, and how it began.
#[derive(Debug, Default)]
struct Balance {
    came: i64,
    gone: i64,
    /// As it was before the first step that concerned it.
    before: Option<Arc<TaskSpec>>,
    changed: bool,
}

#[derive(Debug, Default)]
struct EdgeBalance {
    came: i64,
    gone: i64,
    changed: bool,
    /// Of one that is there now.
    id: Option<DependencyId>,
    /// Of one that was there before.
    old: Option<DependencyId>,
}

/// What changed on balance of all that happened, which is told last first. `was_empty`: there was no graph.
pub(crate) fn summary(happened: &[Happened<'_>], graph: &TaskGraph, was_empty: bool) -> ChangeSummary {
    let mut tasks: BTreeMap<TaskId, Balance> = BTreeMap::new();
    let mut edges: BTreeMap<(TaskId, TaskId), EdgeBalance> = BTreeMap::new();
    let mut edge = |from: TaskId, to: TaskId, id: DependencyId, came: i64, gone: i64, changed: bool| {
        let balance = edges.entry((from, to)).or_default();
        balance.came += came;
        balance.gone += gone;
        balance.changed |= changed;
        if gone > 0 {
            balance.old = Some(id);
        } else {
            balance.id.get_or_insert(id);
        }
    };
    for happened in happened {
        match happened {
            Happened::TaskCame(id) => tasks.entry(id.clone()).or_default().came += 1,
            Happened::TaskGone { spec, edges, .. } => {
                let balance = tasks.entry(spec.id.clone()).or_default();
                balance.gone += 1;
                balance.before = Some(Arc::clone(spec));
                for (_, gone) in edges {
                    let id =
                        gone.id.clone().unwrap_or_else(|| starline_graph::default_id(&gone.from, &gone.to));
                    edge(gone.from.clone(), gone.to.clone(), id, 0, 1, false);
                }
            }
            Happened::EdgeCame { from, to, id } => edge(from.clone(), to.clone(), id.clone(), 1, 0, false),
            Happened::EdgeGone((_, gone)) => {
                let id = gone.id.clone().unwrap_or_else(|| starline_graph::default_id(&gone.from, &gone.to));
                edge(gone.from.clone(), gone.to.clone(), id, 0, 1, false);
            }
            Happened::SpecChanged { before, .. } => {
                let balance = tasks.entry(before.id.clone()).or_default();
                balance.before = Some(Arc::clone(before));
                balance.changed = true;
            }
            Happened::TermsChanged { from, to, id, .. } => {
                edge(from.clone(), to.clone(), id.clone(), 0, 0, true);
            }
            Happened::Replaced(before) => {
                for task in graph.indices() {
                    tasks.entry(graph.id(task).clone()).or_default().came += 1;
                }
                for found in graph.all_edges() {
                    edge(graph.id(found.from).clone(), graph.id(found.to).clone(), found.id(), 1, 0, false);
                }
                for task in before.indices() {
                    let balance = tasks.entry(before.id(task).clone()).or_default();
                    balance.gone += 1;
                    balance.before = Some(Arc::clone(before.spec(task)));
                }
                for found in before.all_edges() {
                    edge(before.id(found.from).clone(), before.id(found.to).clone(), found.id(), 0, 1, false);
                }
            }
        }
    }
    let mut summary = ChangeSummary::default();
    for (id, balance) in tasks {
        match balance.came - balance.gone {
            1.. => summary.added_tasks.push(id),
            ..=-1 => summary.removed_tasks.push(id),
            0 => {
                let now = graph.find(id.as_str()).map(|task| graph.spec(task));
                let fields =
                    balance.before.zip(now).map(|(before, now)| TaskField::differences(&before, now));
                let mut names: Vec<String> =
                    fields.unwrap_or_default().iter().map(|field| field.name().to_owned()).collect();
                names.dedup();
                if !names.is_empty() {
                    summary.modified_tasks.insert(id, names);
                }
            }
        }
    }
    summary.added_tasks.sort_by_key(|id| graph.find(id.as_str()).map(|task| graph.order(task)));
    for balance in edges.into_values() {
        match balance.came - balance.gone {
            1.. => summary.added_dependencies.extend(balance.id),
            ..=-1 => summary.removed_dependencies.extend(balance.old),
            0 if balance.changed || balance.came > 0 => summary.modified_dependencies.extend(balance.id),
            0 => {}
        }
    }
    summary.typed(was_empty)
}
