//! Order, levels, reachability and components. Nothing here recurses: chains may be a million tasks long.
//!
//! Source: A. B. Kahn, *Topological sorting of large networks* (1962).

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::Range;

use rustc_hash::FxHashSet;
use starline_types::TaskIx;

use crate::TaskGraph;

/// Pairs of tasks from which on a pass over the graph is shared by many of them.
const SHARED_PAIRS: usize = 16;
/// Words of a set of sources that one pass follows: 512 sources.
const WORDS: usize = 8;

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
    /// O(1) if the labels forbid it, O(degree) if an edge joins them. Else the tasks between them by level are searched
    /// from both ends, until the searches meet or one of them has seen everything: twice the smaller side at most. The
    /// labels must be valid: after [`insert_unchecked`](Self::insert_unchecked), ask
    /// [`relabel`](Self::relabel) first.
    ///
    /// # Panics
    /// An index is not of this graph.
    #[must_use]
    pub fn is_upstream(&self, task: TaskIx, of: TaskIx) -> bool {
        let (floor, ceiling) = (self.level(task), self.level(of));
        if floor >= ceiling {
            return false;
        }
        if !self.edges_between(task, of).is_empty() {
            return true;
        }
        // Down one way as deep as it goes, to come near the other end; and up in all ways, to be easily met.
        let (mut below, mut down) = (FxHashSet::default(), vec![task]);
        let (mut above, mut up) = (FxHashSet::default(), VecDeque::from([of]));
        let (mut walked_down, mut walked_up) = (0_usize, 0_usize);
        loop {
            // Whoever has walked less goes on, so that a hub on one side does not cost its degree again and again.
            if walked_down <= walked_up {
                let Some(at) = down.pop() else { return false };
                walked_down += 1;
                for next in self.successors(at) {
                    walked_down += 1;
                    if next == of || above.contains(&next) {
                        return true;
                    }
                    if self.level(next) < ceiling && below.insert(next) {
                        down.push(next);
                    }
                }
            } else {
                let Some(at) = up.pop_front() else { return false };
                walked_up += 1;
                for before in self.predecessors(at) {
                    walked_up += 1;
                    if before == task || below.contains(&before) {
                        return true;
                    }
                    if self.level(before) > floor && above.insert(before) {
                        up.push_back(before);
                    }
                }
            }
        }
    }

    /// Whether a path leads from the first task of each pair to the second: [`is_upstream`](Self::is_upstream)
    /// for many pairs at once, of which each would search the graph.
    ///
    /// O(n log n + (n + m) * sources / 512) at worst, in passes over the levels between sources and targets.
    ///
    /// # Panics
    /// An index is not of this graph.
    #[must_use]
    pub fn are_upstream(&self, pairs: &[(TaskIx, TaskIx)]) -> Vec<bool> {
        if pairs.len() < SHARED_PAIRS {
            return pairs.iter().map(|(task, of)| self.is_upstream(*task, *of)).collect();
        }
        let mut verdicts = vec![false; pairs.len()];
        // The pairs that their labels leave open, by source; sources of near levels share a pass.
        let mut open: Vec<usize> =
            (0..pairs.len()).filter(|at| self.level(pairs[*at].0) < self.level(pairs[*at].1)).collect();
        open.sort_unstable_by_key(|at| (self.level(pairs[*at].0), pairs[*at].0));
        let mut by_level: Vec<TaskIx> = self.indices().collect();
        by_level.sort_unstable_by_key(|task| (self.level(*task), *task));
        let mut sets = vec![[0_u64; WORDS]; self.bound()];
        let mut rest = open.as_slice();
        while !rest.is_empty() {
            let (shared, later, sources) = share(pairs, rest);
            rest = later;
            self.follow(&sources, self.between(&by_level, pairs, shared), &by_level, &mut sets);
            for at in shared {
                let (task, of) = pairs[*at];
                let bit =
                    sources.binary_search_by_key(&(self.level(task), task), |of| (self.level(*of), *of));
                verdicts[*at] = bit.is_ok_and(|bit| sets[of.at()][bit / 64] >> (bit % 64) & 1 == 1);
            }
        }
        verdicts
    }

    /// Where the tasks between the sources and targets of some pairs stand among all tasks by level.
    fn between(&self, by_level: &[TaskIx], pairs: &[(TaskIx, TaskIx)], shared: &[usize]) -> Range<usize> {
        let lowest = shared.iter().map(|at| self.level(pairs[*at].0)).min().unwrap_or_default();
        let highest = shared.iter().map(|at| self.level(pairs[*at].1)).max().unwrap_or_default();
        let from = by_level.partition_point(|task| self.level(*task) < lowest);
        let to = by_level.partition_point(|task| self.level(*task) <= highest);
        from..to
    }

    /// Leaves in the set of each task between which of the sources it is, or is downstream of.
    fn follow(
        &self,
        sources: &[TaskIx],
        between: Range<usize>,
        by_level: &[TaskIx],
        sets: &mut [[u64; WORDS]],
    ) {
        let lowest = by_level.get(between.start).map_or(0, |task| self.level(*task));
        // Sources come in the order of all tasks.
        let mut sources = sources.iter().enumerate().peekable();
        for task in &by_level[between] {
            let mut set = [0; WORDS];
            if let Some((bit, _)) = sources.next_if(|(_, source)| *source == task) {
                set[bit / 64] |= 1 << (bit % 64);
            }
            for before in self.predecessors(*task).filter(|before| self.level(*before) >= lowest) {
                for (word, more) in set.iter_mut().zip(sets[before.at()]) {
                    *word |= more;
                }
            }
            sets[task.at()] = set;
        }
    }
}

/// Pairs with as many sources as one pass can follow, the others, and those sources. The pairs are sorted by
/// source.
fn share<'p>(pairs: &[(TaskIx, TaskIx)], open: &'p [usize]) -> (&'p [usize], &'p [usize], Vec<TaskIx>) {
    let mut sources: Vec<TaskIx> = Vec::new();
    let mut count = 0;
    for at in open {
        let source = pairs[*at].0;
        if sources.last() != Some(&source) {
            if sources.len() == WORDS * 64 {
                break;
            }
            sources.push(source);
        }
        count += 1;
    }
    let (shared, later) = open.split_at(count);
    (shared, later, sources)
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
