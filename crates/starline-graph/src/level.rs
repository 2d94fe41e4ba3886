//! Acyclicity by level labels.
//!
//! Every edge goes from a lower label to a higher one, so a graph with labels has no cycle. An edge that goes
//! upwards already costs nothing to check. Another one is searched for a way back, from both ends at once; if there is
//! none, the cone behind its target is raised, in ascending order of the old labels, so that each task is visited once.
//! Labels are far apart at first, so that what is put between two tasks finds room there.
//!
//! Sources: M. A. Bender, J. T. Fineman, S. Gilbert, R. E. Tarjan, *A new approach to incremental cycle
//! detection and related problems* (2015), for labels with searches that they prune; A. B. Kahn (1962) for the
//! linear pass over a whole graph.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::num::NonZeroU32;
use std::sync::Arc;

use petgraph::Direction;
use petgraph::stable_graph::EdgeIndex;
use rustc_hash::{FxHashMap, FxHashSet};
use starline_types::{DependencyId, DependencyKind, TaskIx};

use crate::graph::{Edge, EdgeKind, RareEdge, edge_ix, node, task};
use crate::{Condition, EdgeIx, TaskGraph};

/// Distance of labels in a graph that is labelled as a whole, unless it is too deep for that.
const STRIDE: u32 = 1 << 16;
/// The highest label given to a graph that is labelled as a whole: as much again is left for what comes.
const SPREAD: u32 = 1 << 30;
/// Distance of a task that nothing follows from the one before it.
const TAIL: u32 = 1 << 6;
/// Labels from which on the whole graph is labelled anew.
const CEILING: u32 = u32::MAX - TAIL;

/// A cycle: each task is followed by the next, and the last by the first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cycle {
    /// The tasks, starting with the source of the refused edge where one was refused.
    pub tasks: Vec<TaskIx>,
}

/// An edge to be inserted, its ends and its condition already checked.
#[derive(Clone, Debug)]
pub struct NewEdge {
    /// Source.
    pub from: TaskIx,
    /// Target.
    pub to: TaskIx,
    /// Id, if it is not the default one.
    pub id: Option<DependencyId>,
    /// What is asked of the source.
    pub kind: DependencyKind,
    /// The compiled condition of kind `when`.
    pub condition: Option<Condition>,
    /// Prose.
    pub note: Option<Arc<str>>,
}

impl TaskGraph {
    /// Adds an edge, if it closes no cycle.
    ///
    /// O(1) if the edge goes upwards in level or nothing follows its target, else O(k log k) for the k tasks and edges
    /// that must rise. A refusal costs what [`is_upstream`](Self::is_upstream) costs, and the search for the path.
    ///
    /// # Errors
    /// The edge would close a cycle. The graph is unchanged.
    pub fn insert_edge(&mut self, new: NewEdge) -> Result<EdgeIx, Cycle> {
        if self.raise(new.from, new.to).is_err() {
            return Err(Cycle { tasks: self.path(new.to, new.from) });
        }
        Ok(self.insert_unchecked(new))
    }

    /// Adds an edge without asking for cycles: for whole graphs, followed by [`relabel`](Self::relabel).
    pub fn insert_unchecked(&mut self, new: NewEdge) -> EdgeIx {
        let kind = EdgeKind::of(&new.kind);
        let order = self.next_edge_order;
        self.next_edge_order += 1;
        self.conditions += usize::from(kind == EdgeKind::When);
        let plain = new.id.is_none() && new.note.is_none() && new.condition.is_none();
        let id = new.id.clone();
        let rare =
            (!plain).then(|| Box::new(RareEdge { id: new.id, note: new.note, condition: new.condition }));
        let ix = edge_ix(self.dag.add_edge(
            node(new.from),
            node(new.to),
            Edge { order, kind, judged: None, rare },
        ));
        if let Some(id) = id {
            self.edge_ids.insert(id, ix);
        }
        self.count_edge(ix);
        self.rows.forget(new.from);
        ix
    }

    /// Takes an edge out. The labels stay valid.
    pub fn withdraw_edge(&mut self, ix: EdgeIx) {
        drop(self.detach_edge(ix));
    }

    pub(crate) fn detach_edge(&mut self, ix: EdgeIx) -> Option<Edge> {
        self.uncount_edge(ix);
        if let Some(edge) = self.edge(ix) {
            let from = edge.from;
            self.rows.forget(from);
        }
        let removed = self.dag.remove_edge(EdgeIndex::new(ix.0 as usize));
        self.conditions -= usize::from(removed.as_ref().is_some_and(|edge| edge.kind == EdgeKind::When));
        let edge = removed?;
        if let Some(id) = edge.rare.as_ref().and_then(|rare| rare.id.as_ref()) {
            self.edge_ids.remove(id);
        }
        if edge.order + 1 == self.next_edge_order {
            self.next_edge_order = edge.order;
        }
        Some(edge)
    }

    /// Raises `to` and what is behind it above `from`.
    pub(crate) fn raise(&mut self, from: TaskIx, to: TaskIx) -> Result<(), ()> {
        if from == to {
            return Err(());
        }
        let floor = self.dag[node(from)].level;
        if floor < self.dag[node(to)].level {
            return Ok(());
        }
        if self.successors(to).next().is_none() && floor < CEILING {
            self.dag[node(to)].level = floor + TAIL;
            return Ok(());
        }
        if self.is_upstream(to, from) {
            return Err(());
        }
        if self.lift(floor, to).is_none() {
            let labelled = self.relabel();
            debug_assert!(labelled.is_ok(), "a graph with labels has no cycle");
            // New labels leave room for as many tasks as there can be.
            return self.lift(self.dag[node(from)].level, to).ok_or(());
        }
        Ok(())
    }

    /// Raises `to` above a label, and what is behind it, as far as it must. `None`, and nothing has changed, if there
    /// are no labels left for that.
    fn lift(&mut self, floor: u32, to: TaskIx) -> Option<()> {
        // Ascending old labels are a topological order of the cone: each task is final when it is popped.
        let mut wanted: FxHashMap<TaskIx, u32> = FxHashMap::default();
        let mut queue = BinaryHeap::new();
        let old = self.dag[node(to)].level;
        if floor < old {
            return Some(());
        }
        wanted.insert(to, floor + 1);
        queue.push(Reverse((old, to)));
        let mut raised = Vec::new();
        while let Some(Reverse((old, at))) = queue.pop() {
            let label = wanted[&at];
            if label >= CEILING {
                return None;
            }
            raised.push((at, label));
            debug_assert!(old < label);
            for next in self.dag.neighbors_directed(node(at), Direction::Outgoing).map(task) {
                let level = self.dag[node(next)].level;
                if level > label {
                    continue;
                }
                let known = wanted.entry(next).or_insert_with(|| {
                    queue.push(Reverse((level, next)));
                    0
                });
                *known = (*known).max(label + 1);
            }
        }
        for (at, label) in raised {
            self.dag[node(at)].level = label;
        }
        Some(())
    }

    /// Labels the whole graph anew in one pass. O(n + m).
    ///
    /// # Errors
    /// Cycles, one for each group of tasks that are on cycles with each other; the labels are then not valid,
    /// and the edges must be withdrawn.
    pub fn relabel(&mut self) -> Result<(), Vec<Cycle>> {
        let mut waiting: Vec<u32> = vec![0; self.bound()];
        for edge in self.dag.edge_indices() {
            if let Some((_, to)) = self.dag.edge_endpoints(edge) {
                waiting[to.index()] += 1;
            }
        }
        let mut queue: VecDeque<TaskIx> = VecDeque::new();
        for ix in self.indices() {
            if waiting[ix.at()] == 0 {
                queue.push_back(ix);
            }
        }
        for ix in &queue {
            self.dag[node(*ix)].level = 0;
        }
        let (mut labelled, mut depth) = (0, 0);
        while let Some(at) = queue.pop_front() {
            labelled += 1;
            depth = self.dag[node(at)].level;
            let label = depth + 1;
            let mut walk = self.dag.neighbors_directed(node(at), Direction::Outgoing).detach();
            while let Some((_, next)) = walk.next(&self.dag) {
                waiting[next.index()] -= 1;
                let level = &mut self.dag[next].level;
                // The last predecessor in breadth-first order has the largest label.
                *level = label;
                if waiting[next.index()] == 0 {
                    queue.push_back(task(next));
                }
            }
        }
        if labelled < self.len() {
            return Err(self.cycles(&waiting));
        }
        // The last task in breadth-first order has the largest label.
        let stride = (SPREAD / (depth + 1)).clamp(1, STRIDE);
        for label in self.dag.node_weights_mut() {
            label.level *= stride;
        }
        let bound = self.bound();
        self.rows.rebuild(&self.dag, bound);
        Ok(())
    }

    /// One cycle for each strongly connected group among the tasks that a linear pass could not reach.
    fn cycles(&self, waiting: &[u32]) -> Vec<Cycle> {
        let groups = petgraph::algo::kosaraju_scc(&self.dag);
        let mut found: Vec<Cycle> = Vec::new();
        for group in groups {
            let members: FxHashSet<TaskIx> = group.iter().map(|ix| task(*ix)).collect();
            let first = members.iter().copied().min_by_key(|ix| self.order(*ix));
            let Some(first) = first.filter(|ix| waiting[ix.at()] > 0) else { continue };
            if members.len() > 1 {
                found.push(Cycle { tasks: self.shortest_path(first, first, Some(&members)) });
            } else if self.successors(first).any(|next| next == first) {
                found.push(Cycle { tasks: vec![first] });
            }
        }
        found.sort_by_key(|cycle| cycle.tasks.first().map(|first| self.order(*first)));
        found
    }

    /// The cycle that an edge `to -> … -> from` would close, starting with `to`.
    fn path(&self, from: TaskIx, to: TaskIx) -> Vec<TaskIx> {
        if from == to {
            return vec![from];
        }
        if !self.edges_between(from, to).is_empty() {
            return vec![to, from];
        }
        let mut tasks = self.shortest_path(from, to, None);
        tasks.insert(0, to);
        tasks
    }

    /// Tasks on a shortest path, without `to`; `from == to` asks for a cycle. Breadth first, deterministic.
    ///
    /// Without a set of tasks to stay within the labels must be valid: they tell what cannot lead to `to`.
    fn shortest_path(&self, from: TaskIx, to: TaskIx, within: Option<&FxHashSet<TaskIx>>) -> Vec<TaskIx> {
        let ceiling = self.level(to);
        let leads_away = |next: TaskIx| match within {
            Some(within) => !within.contains(&next),
            None => next != to && self.level(next) >= ceiling,
        };
        let mut came_from: Vec<Option<NonZeroU32>> = vec![None; self.bound()];
        let mut queue = VecDeque::from([from]);
        let mut row: Vec<TaskIx> = Vec::new();
        'search: while let Some(at) = queue.pop_front() {
            row.clear();
            row.extend(self.successors(at));
            row.sort_by_key(|ix| self.order(*ix));
            for next in row.iter().copied() {
                if came_from[next.at()].is_some() || leads_away(next) {
                    continue;
                }
                came_from[next.at()] = NonZeroU32::new(at.0 + 1);
                if next == to {
                    break 'search;
                }
                queue.push_back(next);
            }
        }
        let mut path = Vec::new();
        let mut at = to;
        while let Some(before) = came_from[at.at()] {
            at = TaskIx(before.get() - 1);
            path.push(at);
            if at == from {
                break;
            }
        }
        path.reverse();
        path
    }
}

#[cfg(test)]
mod tests {
    use starline_types::{Payload, TaskId, TaskSpec};

    use super::*;
    use crate::audit;

    fn edge(from: TaskIx, to: TaskIx) -> NewEdge {
        NewEdge { from, to, id: None, kind: DependencyKind::Success, condition: None, note: None }
    }

    fn insert(graph: &mut TaskGraph, name: &str) -> TaskIx {
        graph.insert_task(Arc::new(TaskSpec::new(TaskId::new(name).expect("a task id"), Payload::Noop)))
    }

    /// A line of tasks, labelled as a whole.
    fn line(length: usize) -> (TaskGraph, Vec<TaskIx>) {
        let mut graph = TaskGraph::default();
        let tasks: Vec<TaskIx> = (0..length).map(|at| insert(&mut graph, &format!("t{at}"))).collect();
        for pair in tasks.windows(2) {
            graph.insert_unchecked(edge(pair[0], pair[1]));
        }
        graph.relabel().expect("a line");
        (graph, tasks)
    }

    #[test]
    fn what_is_put_between_two_tasks_raises_neither() {
        let (mut graph, tasks) = line(1_000);
        let before: Vec<u32> = tasks.iter().map(|task| graph.level(*task)).collect();
        for (at, pair) in tasks.windows(2).enumerate() {
            let new = insert(&mut graph, &format!("n{at}"));
            graph.insert_edge(edge(pair[0], new)).expect("no cycle");
            graph.insert_edge(edge(new, pair[1])).expect("no cycle");
        }
        assert_eq!(tasks.iter().map(|task| graph.level(*task)).collect::<Vec<_>>(), before);
        assert_eq!(audit(&graph), vec![]);
    }

    #[test]
    fn labels_are_made_anew_before_they_run_out() {
        let (mut graph, tasks) = line(10);
        let [early, last] = [tasks[0], tasks[9]];
        graph.dag[node(last)].level = CEILING - 1;
        let (one, two) = (insert(&mut graph, "one"), insert(&mut graph, "two"));
        graph.insert_edge(edge(one, two)).expect("no cycle");
        graph.insert_edge(edge(last, one)).expect("no cycle");
        assert!(graph.level(one) < SPREAD, "{}", graph.level(one));
        assert!(graph.insert_edge(edge(two, early)).is_err());
        assert_eq!(audit(&graph), vec![]);
        // Nothing follows the target, and no label is left.
        graph.dag[node(two)].level = u32::MAX - 1;
        let three = insert(&mut graph, "three");
        graph.insert_edge(edge(two, three)).expect("no cycle");
        assert!(graph.level(three) < SPREAD, "{}", graph.level(three));
        assert_eq!(audit(&graph), vec![]);
    }
}
