//! Changes of the structure that can be taken back exactly: indices, ranks and counters included.
//!
//! Indices of removed tasks and edges are given out again, last freed first. Taking steps back in the reverse order
//! therefore finds every index free again.

use std::sync::Arc;

use petgraph::stable_graph::EdgeIndex;
use starline_types::{DependencyId, DependencyKind, TaskIx, TaskSpec, Verdict};

use crate::graph::{Edge, EdgeKind, RareEdge, edge_ix, node};
use crate::{Condition, EdgeIx, EdgeView, NewEdge, Record, TaskGraph};

/// A task that was taken out, with what it takes to put it back.
#[derive(Clone, Debug)]
pub struct RemovedTask {
    /// Where it was.
    pub ix: TaskIx,
    /// What it was.
    pub spec: Arc<TaskSpec>,
    /// Its rank by insertion.
    pub order: u32,
    /// Its edges, in the order in which they were taken out.
    pub edges: Vec<RemovedEdge>,
    level: u32,
    record: Record,
    retired: Option<u32>,
}

/// An edge that was taken out, with what it takes to put it back.
#[derive(Clone, Debug)]
pub struct RemovedEdge {
    /// Where it was.
    pub ix: EdgeIx,
    /// Source.
    pub from: TaskIx,
    /// Target.
    pub to: TaskIx,
    /// Its rank by insertion.
    pub order: u32,
    edge: Edge,
}

/// What an edge asked and said before it was changed.
#[derive(Clone, Debug)]
pub struct EdgeTerms {
    kind: EdgeKind,
    judged: Option<Verdict>,
    condition: Option<Condition>,
    note: Option<Arc<str>>,
}

impl RemovedEdge {
    /// The id that was given to the edge, if it was not the default one.
    #[must_use]
    pub fn explicit_id(&self) -> Option<&DependencyId> {
        self.edge.rare.as_ref().and_then(|rare| rare.id.as_ref())
    }

    /// What the edge asked of its source.
    #[must_use]
    pub fn kind(&self) -> DependencyKind {
        kind_of(self.edge.kind, self.edge.rare.as_ref().and_then(|rare| rare.condition.as_ref()))
    }

    /// Its note.
    #[must_use]
    pub fn note(&self) -> Option<&Arc<str>> {
        self.edge.rare.as_ref().and_then(|rare| rare.note.as_ref())
    }
}

impl EdgeTerms {
    /// New terms; `condition` is the compiled one of kind `when`.
    #[must_use]
    pub fn new(kind: &DependencyKind, condition: Option<Condition>, note: Option<Arc<str>>) -> Self {
        Self { kind: EdgeKind::of(kind), judged: None, condition, note }
    }

    /// What is asked of the source.
    #[must_use]
    pub fn kind(&self) -> DependencyKind {
        kind_of(self.kind, self.condition.as_ref())
    }

    /// The note.
    #[must_use]
    pub fn note(&self) -> Option<&Arc<str>> {
        self.note.as_ref()
    }

    /// The same terms with another note.
    #[must_use]
    pub fn with_note(mut self, note: Option<Arc<str>>) -> Self {
        self.note = note;
        self
    }
}

impl EdgeView<'_> {
    /// What the edge asks and says.
    #[must_use]
    pub fn terms(&self) -> EdgeTerms {
        let (kind, judged) = (self.weight().kind, self.weight().judged);
        EdgeTerms { kind, judged, condition: self.condition().cloned(), note: self.note().cloned() }
    }
}

pub(crate) fn kind_of(kind: EdgeKind, condition: Option<&Condition>) -> DependencyKind {
    match kind {
        EdgeKind::Success => DependencyKind::Success,
        EdgeKind::Failure => DependencyKind::Failure,
        EdgeKind::Completion => DependencyKind::Completion,
        EdgeKind::When => DependencyKind::When(
            condition.map_or_else(|| Arc::from(""), |condition| Arc::clone(condition.text())),
        ),
    }
}

impl EdgeKind {
    pub(crate) fn of(kind: &DependencyKind) -> Self {
        match kind {
            DependencyKind::Success => Self::Success,
            DependencyKind::Failure => Self::Failure,
            DependencyKind::Completion => Self::Completion,
            DependencyKind::When(_) => Self::When,
        }
    }
}

impl TaskGraph {
    /// Takes an unstarted task and its edges out. O(degree).
    ///
    /// The number of its attempts is kept under its id: a later task of this id goes on counting, so that no attempt
    /// has the name of another one.
    ///
    /// # Panics
    /// The index is not of this graph.
    pub fn remove_task(&mut self, task: TaskIx) -> RemovedTask {
        let incident: Vec<EdgeIx> =
            self.outgoing(task).map(|edge| edge.ix).chain(self.incoming(task).map(|edge| edge.ix)).collect();
        let edges = incident.into_iter().filter_map(|ix| self.remove_edge(ix)).collect();
        let record = std::mem::take(&mut self.records[task.at()]);
        let (spec, order, level) = (Arc::clone(self.spec(task)), self.order(task), self.level(task));
        self.forget_name(task);
        self.dag.remove_node(node(task));
        *self.counts.of(record.state) -= 1;
        let attempts = record.attempts;
        let retired = if attempts > 0 { self.retired.insert(spec.id.clone(), attempts) } else { None };
        RemovedTask { ix: task, spec, order, edges, level, record, retired }
    }

    /// Takes a pending task and its edges out again. O(degree).
    ///
    /// Only for tasks that nothing observed: it is how a draft is unwound.
    pub fn withdraw_task(&mut self, task: TaskIx) {
        self.forget_name(task);
        let edges: Vec<EdgeIx> =
            self.outgoing(task).map(|edge| edge.ix).chain(self.incoming(task).map(|edge| edge.ix)).collect();
        for edge in edges {
            self.withdraw_edge(edge);
        }
        let order = self.order(task);
        if order + 1 == self.next_order {
            self.next_order = order;
        }
        self.dag.remove_node(node(task));
        self.counts.pending -= 1;
    }

    /// Puts a task back that was the last one to be taken out.
    ///
    /// # Panics
    /// Debug builds: something else was changed in between, and the index is taken.
    pub fn put_back_task(&mut self, removed: RemovedTask) {
        let RemovedTask { ix, spec, order, edges, level, record, retired } = removed;
        match retired {
            Some(attempts) => {
                self.retired.insert(spec.id.clone(), attempts);
            }
            None if record.attempts > 0 => {
                self.retired.remove(&spec.id);
            }
            None => {}
        }
        let next = self.next_order;
        let found = self.insert_task(spec);
        debug_assert_eq!(found, ix, "steps are taken back in the reverse order");
        self.next_order = next;
        let weight = &mut self.dag[node(found)];
        (weight.order, weight.level) = (order, level);
        *self.counts.of(self.records[found.at()].state) -= 1;
        *self.counts.of(record.state) += 1;
        self.records[found.at()] = record;
        edges.into_iter().rev().for_each(|edge| self.put_back_edge(edge));
    }

    /// Takes an edge out, if it is there.
    pub fn remove_edge(&mut self, ix: EdgeIx) -> Option<RemovedEdge> {
        let (from, to) = self.edge(ix).map(|edge| (edge.from, edge.to))?;
        let order = self.dag[EdgeIndex::new(ix.0 as usize)].order;
        let next = self.next_edge_order;
        let edge = self.detach_edge(ix)?;
        self.next_edge_order = next;
        Some(RemovedEdge { ix, from, to, order, edge })
    }

    /// Puts an edge back that was the last one to be taken out. What was added in between, and is gone, may have
    /// raised the label of its source.
    pub fn put_back_edge(&mut self, removed: RemovedEdge) {
        let RemovedEdge { ix, from, to, edge, .. } = removed;
        let raised = self.raise(from, to);
        debug_assert!(raised.is_ok(), "the graph had this edge and no cycle");
        self.conditions += usize::from(edge.kind == EdgeKind::When);
        let id = edge.rare.as_ref().and_then(|rare| rare.id.clone());
        let found = edge_ix(self.dag.add_edge(node(from), node(to), edge));
        debug_assert_eq!(found, ix, "steps are taken back in the reverse order");
        if let Some(id) = id {
            self.edge_ids.insert(id, found);
        }
        self.count_edge(found);
        self.rows.forget(from);
    }

    /// Gives an edge other terms, and returns those it had. A verdict that was recorded for a condition goes with the
    /// terms it belongs to.
    pub fn change_edge(&mut self, ix: EdgeIx, terms: EdgeTerms) -> Option<EdgeTerms> {
        let from = self.edge(ix)?.from;
        self.uncount_edge(ix);
        let edge = &mut self.dag[EdgeIndex::new(ix.0 as usize)];
        let rare = edge.rare.take().unwrap_or_default();
        let before =
            EdgeTerms { kind: edge.kind, judged: edge.judged, condition: rare.condition, note: rare.note };
        self.conditions += usize::from(terms.kind == EdgeKind::When);
        self.conditions -= usize::from(before.kind == EdgeKind::When);
        edge.kind = terms.kind;
        edge.judged = terms.judged;
        let rare = RareEdge { id: rare.id, note: terms.note, condition: terms.condition };
        let plain = rare.id.is_none() && rare.note.is_none() && rare.condition.is_none();
        edge.rare = (!plain).then(|| Box::new(rare));
        self.count_edge(ix);
        self.rows.forget(from);
        Some(before)
    }

    /// Replaces what a task is, and returns what it was. The id stays.
    ///
    /// # Panics
    /// The index is not of this graph. Debug builds: the id is another one.
    pub fn replace_spec(&mut self, task: TaskIx, spec: Arc<TaskSpec>) -> Arc<TaskSpec> {
        let weight = &mut self.dag[node(task)];
        debug_assert_eq!(weight.spec.id, spec.id, "a task keeps its id");
        weight.priority = spec.priority;
        weight.limits_queue = spec.queue_timeout.is_some();
        weight.names_outputs = !spec.outputs.is_empty();
        std::mem::replace(&mut weight.spec, spec)
    }

    /// Adds a task at a rank of its own, as one that comes back to where it was.
    pub fn insert_task_at(&mut self, spec: Arc<TaskSpec>, order: u32) -> TaskIx {
        let next = self.next_order;
        let ix = self.insert_task(spec);
        self.dag[node(ix)].order = order;
        self.next_order = next.max(order.saturating_add(1));
        ix
    }

    /// Puts an edge at a rank of its own, as one that comes back to where it was. The rank that it had, if that was
    /// the last one, is free again: what comes back takes none.
    pub fn rank_edge(&mut self, ix: EdgeIx, order: u32) {
        if let Some(edge) = self.dag.edge_weight_mut(EdgeIndex::new(ix.0 as usize)) {
            let had = std::mem::replace(&mut edge.order, order);
            if had + 1 == self.next_edge_order {
                self.next_edge_order = had;
            }
            self.next_edge_order = self.next_edge_order.max(order.saturating_add(1));
        }
    }

    /// Adds an edge, if it closes no cycle: as [`insert_edge`](Self::insert_edge).
    ///
    /// # Errors
    /// It would close a cycle.
    pub fn insert_ranked(&mut self, new: NewEdge, order: Option<u32>) -> Result<EdgeIx, crate::Cycle> {
        let ix = self.insert_edge(new)?;
        if let Some(order) = order {
            self.rank_edge(ix, order);
        }
        Ok(ix)
    }

    /// Ranks that the next task and the next edge get.
    #[must_use]
    pub fn next_ranks(&self) -> (u32, u32) {
        (self.next_order, self.next_edge_order)
    }

    /// Sets the ranks that the next task and the next edge get: those from before a draft that was taken back, so
    /// that a graph which refused a batch gives the same ranks as one that never saw it.
    pub fn set_next_ranks(&mut self, (task, edge): (u32, u32)) {
        (self.next_order, self.next_edge_order) = (task, edge);
    }

    /// Whether any edge has an id that is not the default one. O(1).
    #[must_use]
    pub fn has_given_ids(&self) -> bool {
        !self.edge_ids.is_empty()
    }

    /// Ranks that the next task and the next edge get: a graph that takes the place of another one goes on counting,
    /// so that what comes back finds its rank free.
    pub fn continue_ranks(&mut self, of: &Self) {
        self.next_order = self.next_order.max(of.next_order);
        self.next_edge_order = self.next_edge_order.max(of.next_edge_order);
        for (id, attempts) in &of.retired {
            self.retired.insert(id.clone(), *attempts);
        }
        for task in of.indices() {
            let attempts = of.record(task).attempts;
            if attempts > 0 {
                self.retired.insert(of.id(task).clone(), attempts);
            }
        }
    }
}
