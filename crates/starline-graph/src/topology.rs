//! Order, levels, reachability and components. Nothing here recurses: chains may be a million tasks long.
//!
//! Source: A. B. Kahn, *Topological sorting of large networks* (1962).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashSet;
use starline_types::TaskIx;

use crate::TaskGraph;

/// Every task behind its predecessors; of several that could come next, the one that was inserted first.
///
/// O(n log n + m).
#[must_use]
pub fn topological_order(graph: &TaskGraph) -> Vec<TaskIx> {
    let mut waiting = in_degrees(graph);
    let mut free: BinaryHeap<Reverse<(u32, TaskIx)>> = graph
        .indices()
        .filter(|task| waiting[task.at()] == 0)
        .map(|task| Reverse((graph.order(task), task)))
        .collect();
    let mut order = Vec::with_capacity(graph.len());
    while let Some(Reverse((_, task))) = free.pop() {
        order.push(task);
        for next in graph.successors(task) {
            waiting[next.at()] -= 1;
            if waiting[next.at()] == 0 {
                free.push(Reverse((graph.order(next), next)));
            }
        }
    }
    debug_assert_eq!(order.len(), graph.len(), "a graph has no cycle");
    order
}

/// Level of every task by index: 0 without predecessors, else one more than the largest of its predecessors.
///
/// O(n + m).
#[must_use]
pub fn levels(graph: &TaskGraph) -> Vec<u32> {
    let mut levels = vec![0; graph.bound()];
    for task in any_order(graph) {
        for next in graph.successors(task) {
            levels[next.at()] = levels[next.at()].max(levels[task.at()] + 1);
        }
    }
    levels
}

/// Tasks that can be reached from some tasks, without those that are reached from none; in the order of insertion.
///
/// A start is among them only if another start leads to it. O(k log k) for the k tasks and edges that are reached.
#[must_use]
pub fn descendants(graph: &TaskGraph, from: impl IntoIterator<Item = TaskIx>) -> Vec<TaskIx> {
    reached(graph, from, |task, stack| stack.extend(graph.successors(task)))
}

/// Tasks from which some tasks can be reached, in the order of insertion; otherwise as [`descendants`].
#[must_use]
pub fn ancestors(graph: &TaskGraph, of: impl IntoIterator<Item = TaskIx>) -> Vec<TaskIx> {
    reached(graph, of, |task, stack| stack.extend(graph.predecessors(task)))
}

/// Tasks that are joined by edges of any direction, each group and the groups in the order of insertion.
///
/// O(n log n + m).
#[must_use]
pub fn components(graph: &TaskGraph) -> Vec<Vec<TaskIx>> {
    let mut component = vec![usize::MAX; graph.bound()];
    let mut groups: Vec<Vec<TaskIx>> = Vec::new();
    let mut stack = Vec::new();
    for start in graph.in_order() {
        if component[start.at()] == usize::MAX {
            component[start.at()] = groups.len();
            stack.push(start);
            while let Some(task) = stack.pop() {
                for next in graph.successors(task).chain(graph.predecessors(task)) {
                    if component[next.at()] == usize::MAX {
                        component[next.at()] = groups.len();
                        stack.push(next);
                    }
                }
            }
            groups.push(Vec::new());
        }
        groups[component[start.at()]].push(start);
    }
    groups
}

impl TaskGraph {
    /// Whether a path leads from a task to another one. No task is upstream of itself.
    ///
    /// O(1) if an edge joins them or the labels forbid it, else the tasks between them by level are searched. The
    /// labels must be valid: after [`insert_unchecked`](Self::insert_unchecked), ask
    /// [`relabel`](Self::relabel) first.
    ///
    /// # Panics
    /// An index is not of this graph.
    #[must_use]
    pub fn is_upstream(&self, task: TaskIx, of: TaskIx) -> bool {
        let floor = self.level(task);
        let (mut seen, mut stack) = (FxHashSet::default(), vec![of]);
        while let Some(at) = stack.pop() {
            if self.level(at) <= floor {
                continue;
            }
            for before in self.predecessors(at) {
                if before == task {
                    return true;
                }
                if self.level(before) > floor && seen.insert(before) {
                    stack.push(before);
                }
            }
        }
        false
    }
}

/// Every task behind its predecessors, in no order that means more. O(n + m).
pub(crate) fn any_order(graph: &TaskGraph) -> Vec<TaskIx> {
    let mut waiting = in_degrees(graph);
    let mut order: Vec<TaskIx> = graph.indices().filter(|task| waiting[task.at()] == 0).collect();
    let mut at = 0;
    while let Some(task) = order.get(at).copied() {
        at += 1;
        for next in graph.successors(task) {
            waiting[next.at()] -= 1;
            if waiting[next.at()] == 0 {
                order.push(next);
            }
        }
    }
    order
}

fn in_degrees(graph: &TaskGraph) -> Vec<u32> {
    let mut degrees = vec![0; graph.bound()];
    for edge in graph.all_edges() {
        degrees[edge.to.at()] += 1;
    }
    degrees
}

fn reached(
    graph: &TaskGraph,
    from: impl IntoIterator<Item = TaskIx>,
    push: impl Fn(TaskIx, &mut Vec<TaskIx>),
) -> Vec<TaskIx> {
    let mut stack = Vec::new();
    for start in from {
        push(start, &mut stack);
    }
    let mut seen = FxHashSet::default();
    while let Some(task) = stack.pop() {
        if seen.insert(task) {
            push(task, &mut stack);
        }
    }
    let mut found: Vec<TaskIx> = seen.into_iter().collect();
    found.sort_unstable_by_key(|task| graph.order(*task));
    found
}
