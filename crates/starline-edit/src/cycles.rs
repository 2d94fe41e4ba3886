//! Cycles of a graph that has other faults as well.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use starline_graph::TaskGraph;
use starline_types::{Dependency, Edit, EditBatch, GraphSpec, Payload, TaskSpec};

use crate::{Code, Fault, Place, Surroundings, check_within};

/// The cycles of a graph, whatever else is wrong with it: dependencies that lead nowhere are left out, and of tasks
/// nothing but the ids counts. The faults belong to the edit at the position. Costs O(n + m).
///
/// # Examples
///
/// ```
/// use starline_edit::{GraphSpec, cycles};
/// use starline_types::{Dependency, Payload, TaskId, TaskSpec};
///
/// let [a, b, nobody] = ["a", "b", "nobody"].map(|id| TaskId::new(id).expect("an id"));
/// let mut graph = GraphSpec::default();
/// graph.tasks = [&a, &b].map(|id| TaskSpec::new(id.clone(), Payload::Noop).into()).to_vec();
/// for (from, to) in [(&a, &b), (&b, &a), (&nobody, &a)] {
///     graph.dependencies.push(Dependency::success(from.clone(), to.clone()));
/// }
/// assert_eq!(cycles(0, &graph)[0].code.as_str(), "would_cycle");
/// ```
#[must_use]
pub fn cycles(edit: usize, graph: &GraphSpec) -> Vec<Fault> {
    let mut ids = FxHashSet::default();
    let tasks = graph.tasks.iter().filter(|task| ids.insert(&task.id));
    let tasks = tasks.map(|task| Arc::new(TaskSpec::new(task.id.clone(), Payload::Noop))).collect();
    let mut ends = FxHashSet::default();
    let mut positions = Vec::new();
    let mut dependencies = Vec::new();
    for (at, edge) in graph.dependencies.iter().enumerate() {
        let leads = edge.from != edge.to && ids.contains(&edge.from) && ids.contains(&edge.to);
        if leads && ends.insert((&edge.from, &edge.to)) {
            positions.push(at);
            dependencies.push(Dependency::success(edge.from.clone(), edge.to.clone()));
        }
    }
    let graph = Arc::new(GraphSpec { tasks, dependencies, ..GraphSpec::default() });
    let edits = vec![Edit::Build { graph, clear_existing: false }];
    let batch = EditBatch { edits, ..EditBatch::default() };
    let mut empty = TaskGraph::default();
    let Err(rejection) = check_within(&mut empty, &batch, &Surroundings::default()) else {
        return Vec::new();
    };
    let mut faults = rejection.faults;
    faults.retain(|fault| fault.code == Code::WouldCycle);
    for fault in &mut faults {
        fault.edit = edit;
        if let Some(Place::Dependency(at)) = &mut fault.place {
            *at = positions.get(*at).copied().unwrap_or(*at);
        }
    }
    faults
}
