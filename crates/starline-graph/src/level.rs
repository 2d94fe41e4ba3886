//! Acyclicity by level labels.
//!
//! Every edge goes from a lower label to a higher one, so a graph with labels has no cycle. An edge that goes
//! upwards already costs nothing to check; another one raises the cone behind its target, in ascending order
//! of the old labels, so that each task is visited once; reaching the source of the edge is a cycle.
//!
//! Sources: M. A. Bender, J. T. Fineman, S. Gilbert, R. E. Tarjan, *A new approach to incremental cycle
//! detection and related problems* (2015), for labels with pruned forward search; A. B. Kahn (1962) for the
//! linear pass over a whole graph.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use petgraph::Direction;
use petgraph::stable_graph::EdgeIndex;
use rustc_hash::{FxHashMap, FxHashSet};
use starline_types::{DependencyId, DependencyKind, TaskIx};

use crate::graph::{Edge, EdgeKind, RareEdge, edge_ix, node, task};
use crate::{Condition, EdgeIx, TaskGraph};

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
    /// O(1) if the edge goes upwards in level, else O(k log k) for the k tasks and edges that must rise.
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
        let kind = match new.kind {
            DependencyKind::Success => EdgeKind::Success,
            DependencyKind::Failure => EdgeKind::Failure,
            DependencyKind::Completion => EdgeKind::Completion,
            DependencyKind::When(_) => EdgeKind::When,
        };
        self.conditions += usize::from(kind == EdgeKind::When);
        let plain = new.id.is_none() && new.note.is_none() && new.condition.is_none();
        let id = new.id.clone();
        let rare =
            (!plain).then(|| Box::new(RareEdge { id: new.id, note: new.note, condition: new.condition }));
        let ix = edge_ix(self.dag.add_edge(node(new.from), node(new.to), Edge { kind, judged: None, rare }));
        if let Some(id) = id {
            self.edge_ids.insert(id, ix);
        }
        self.count_edge(ix);
        self.rows.forget(new.from);
        ix
    }

    /// Takes an edge out. The labels stay valid.
    pub fn withdraw_edge(&mut self, ix: EdgeIx) {
        self.uncount_edge(ix);
        if let Some(edge) = self.edge(ix) {
            let from = edge.from;
            self.rows.forget(from);
        }
        let removed = self.dag.remove_edge(EdgeIndex::new(ix.0 as usize));
        self.conditions -= usize::from(removed.as_ref().is_some_and(|edge| edge.kind == EdgeKind::When));
        if let Some(id) = removed.and_then(|edge| edge.rare).and_then(|rare| rare.id) {
            self.edge_ids.remove(&id);
        }
    }

    /// Raises `to` and what is behind it above `from`.
    fn raise(&mut self, from: TaskIx, to: TaskIx) -> Result<(), ()> {
        if from == to {
            return Err(());
        }
        let floor = self.dag[node(from)].level;
        if floor < self.dag[node(to)].level {
            return Ok(());
        }
        // Ascending old labels are a topological order of the cone: each task is final when it is popped.
        let mut wanted: FxHashMap<TaskIx, u32> = FxHashMap::default();
        let mut queue = BinaryHeap::new();
        wanted.insert(to, floor + 1);
        queue.push(Reverse((self.dag[node(to)].level, to)));
        let mut raised = Vec::new();
        while let Some(Reverse((old, at))) = queue.pop() {
            let label = wanted[&at];
            raised.push((at, label));
            debug_assert!(old < label);
            for next in self.dag.neighbors_directed(node(at), Direction::Outgoing).map(task) {
                if next == from {
                    return Err(());
                }
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
        Ok(())
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
        let mut labelled = 0;
        while let Some(at) = queue.pop_front() {
            labelled += 1;
            let label = self.dag[node(at)].level + 1;
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

    /// The cycle that an edge `to -> … -> from` would close, starting with `from`.
    fn path(&self, from: TaskIx, to: TaskIx) -> Vec<TaskIx> {
        if from == to {
            return vec![from];
        }
        let mut tasks = self.shortest_path(from, to, None);
        tasks.insert(0, to);
        tasks
    }

    /// Tasks on a shortest path, without `to`; `from == to` asks for a cycle. Breadth first, deterministic.
    fn shortest_path(&self, from: TaskIx, to: TaskIx, within: Option<&FxHashSet<TaskIx>>) -> Vec<TaskIx> {
        let mut came_from: FxHashMap<TaskIx, TaskIx> = FxHashMap::default();
        let mut queue = VecDeque::from([from]);
        'search: while let Some(at) = queue.pop_front() {
            let mut next: Vec<TaskIx> = self.successors(at).collect();
            next.sort_by_key(|ix| self.order(*ix));
            for next in next {
                if within.is_some_and(|within| !within.contains(&next)) || came_from.contains_key(&next) {
                    continue;
                }
                came_from.insert(next, at);
                if next == to {
                    break 'search;
                }
                queue.push_back(next);
            }
        }
        let mut path = Vec::new();
        let mut at = to;
        while let Some(before) = came_from.get(&at) {
            path.push(*before);
            at = *before;
            if at == from {
                break;
            }
        }
        path.reverse();
        path
    }
}
