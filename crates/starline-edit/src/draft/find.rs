//! Finding what an edit names.

use starline_graph::EdgeIx;
use starline_types::{DependencyId, DependencyRef, TaskId, TaskIx};

use super::{Draft, PendingEdge};
use crate::{Code, Fault, Place};

/// Parallel edges that a fault names.
const NAMED: usize = 20;

/// An edge that an edit names.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found {
    /// It is in the graph.
    Graph(EdgeIx),
    /// An earlier edit of the batch adds it.
    Pending(usize),
}

impl Draft<'_, '_> {
    pub(super) fn find(
        &mut self,
        edit: usize,
        id: &TaskId,
        item: &dyn Fn() -> String,
        place: Option<Place>,
    ) -> Option<TaskIx> {
        if let Some(task) = self.graph.find(id.as_str()) {
            return Some(task);
        }
        match self.refused.tasks.get(id) {
            // Within one edit the fault of the task says it all.
            Some(index) if *index == edit => {}
            Some(index) => {
                let message = format!("{} needs task {id}, which edit {index} does not make", item());
                self.faults.push(Fault::new(edit, Code::DependsOnRejected, id, message).at(place));
            }
            None => {
                let message = format!("{} names task {id}, which does not exist", item());
                let mut fault = Fault::new(edit, Code::UnknownTask, id, message).at(place);
                fault.hint = self.hints.nearest_task(id.as_str(), self.graph);
                self.faults.push(fault);
            }
        }
        None
    }

    /// Edges that earlier edits add between two tasks.
    pub(super) fn pending_between(&mut self, from: TaskIx, to: TaskIx) -> Vec<usize> {
        let (indexed, by_ends) = &mut self.ends;
        for (at, pending) in self.edges.iter().enumerate().skip(*indexed) {
            by_ends.entry((pending.edge.from, pending.edge.to)).or_default().push(at);
        }
        *indexed = self.edges.len();
        let found = by_ends.get(&(from, to)).map_or(&[][..], Vec::as_slice);
        found.iter().copied().filter(|at| !self.edges[*at].dropped).collect()
    }

    /// Takes back an edge that an edit adds.
    pub(super) fn drop_pending(&mut self, at: usize) {
        let pending = &mut self.edges[at];
        self.dropped += usize::from(!std::mem::replace(&mut pending.dropped, true));
        if let Some(id) = &pending.edge.id {
            self.edge_ids.remove(id);
        }
    }

    /// Takes back the edges that earlier edits add to a task that goes.
    pub(super) fn drop_pending_of(&mut self, task: TaskIx) {
        for at in 0..self.edges.len() {
            let PendingEdge { edge, dropped, .. } = &self.edges[at];
            if !dropped && (edge.from == task || edge.to == task) {
                self.drop_pending(at);
            }
        }
    }

    /// The edge that waits to be inserted and has the default id of its ends.
    fn pending_by_default(&mut self, id: &str) -> Option<usize> {
        if self.joined.is_empty() {
            return None;
        }
        let (from, to) = id.split_once("->")?;
        let ends = (self.graph.find(from)?, self.graph.find(to)?);
        if !self.joined.contains(&ends) {
            return None;
        }
        let pending = self.pending_between(ends.0, ends.1);
        pending.into_iter().find(|at| self.edges[*at].edge.id.is_none())
    }

    /// Whether an edge has this id already, in the graph or by an earlier edit.
    pub(super) fn is_taken(&mut self, id: &str) -> bool {
        self.graph.find_edge(id).is_some()
            || self.edge_ids.contains(id)
            || self.pending_by_default(id).is_some()
    }

    /// The id of a new edge whose default id is taken: `from->to#2` and so on.
    pub(super) fn numbered(&mut self, from: TaskIx, to: TaskIx) -> Option<DependencyId> {
        let alone = !self.joined.contains(&(from, to)) && self.graph.edges_between(from, to).is_empty();
        let is_plain = self.edge_ids.is_empty() && self.chosen.is_empty() && !self.graph.has_given_ids();
        if alone && is_plain {
            return None;
        }
        let base = starline_graph::default_id(self.graph.id(from), self.graph.id(to));
        if !self.is_taken(base.as_str()) && !self.chosen.contains(&base) {
            return None;
        }
        let mut is_free = |id: &str| !self.is_taken(id) && !self.chosen.contains(id);
        let free = (2_usize..).map(|k| format!("{base}#{k}")).find(|id| is_free(id));
        free.and_then(|id| DependencyId::new(id).ok())
    }

    /// The edge that an edit names.
    pub(super) fn find_edge(&mut self, edit: usize, edge: &DependencyRef) -> Option<Found> {
        match edge {
            DependencyRef::Id { id } => self.find_edge_by_id(edit, id),
            DependencyRef::Ends { from, to } => self.find_edge_by_ends(edit, from, to),
        }
    }

    fn find_edge_by_id(&mut self, edit: usize, id: &DependencyId) -> Option<Found> {
        if let Some(found) = self.graph.find_edge(id.as_str()).map(|edge| edge.ix) {
            return Some(Found::Graph(found));
        }
        if self.edge_ids.contains(id) {
            let named = |pending: &PendingEdge| !pending.dropped && pending.edge.id.as_ref() == Some(id);
            return self.edges.iter().position(named).map(Found::Pending);
        }
        if let Some(at) = self.pending_by_default(id.as_str()) {
            return Some(Found::Pending(at));
        }
        if let Some(index) = self.refused.edge_ids.get(id) {
            self.needs_edge(edit, *index, id.as_str());
            return None;
        }
        let target = id.as_str().split_once("->").and_then(|(_, to)| self.graph.find(to));
        self.unknown_edge(edit, id.to_string(), target);
        None
    }

    fn find_edge_by_ends(&mut self, edit: usize, from: &TaskId, to: &TaskId) -> Option<Found> {
        let item = || format!("dependency {from} -> {to}");
        if let Some(index) = self.refused.edge_ends.get(&(from.clone(), to.clone())).copied() {
            let ends = self.graph.find(from.as_str()).zip(self.graph.find(to.as_str()));
            let joined = ends.is_some_and(|(from, to)| {
                !self.pending_between(from, to).is_empty() || !self.graph.edges_between(from, to).is_empty()
            });
            if !joined {
                self.needs_edge(edit, index, &format!("{from}->{to}"));
                return None;
            }
        }
        let source = self.find(edit, from, &item, None);
        let target = self.find(edit, to, &item, None);
        let (source, target) = (source?, target?);
        let mut found: Vec<Found> =
            self.graph.edges_between(source, target).into_iter().map(|edge| Found::Graph(edge.ix)).collect();
        found.extend(self.pending_between(source, target).into_iter().map(Found::Pending));
        match found.as_slice() {
            [one] => Some(*one),
            [] => {
                self.unknown_edge(edit, format!("{from}->{to}"), Some(target));
                None
            }
            many => {
                let ids: Vec<String> = self
                    .graph
                    .edges_between(source, target)
                    .iter()
                    .take(NAMED)
                    .map(|edge| edge.id().to_string())
                    .collect();
                let message = format!("{} dependencies lead from {from} to {to}", many.len());
                let fault = self.fault(edit, Code::AmbiguousDependency, format!("{from}->{to}"), message);
                fault.hint = Some(format!("name one by its id: {}", ids.join(", ")));
                None
            }
        }
    }

    fn needs_edge(&mut self, edit: usize, index: usize, id: &str) {
        let message = format!("edit {index} does not make dependency {id}");
        self.fault(edit, Code::DependsOnRejected, id, message);
    }

    /// Names the edges into the target, which are the likely ones.
    fn unknown_edge(&mut self, edit: usize, id: String, target: Option<TaskIx>) {
        let known = |task: TaskIx| {
            let ids: Vec<String> = self.graph.incoming(task).map(|edge| edge.id().to_string()).collect();
            self.hints.nearest(&id, ids.iter().map(String::as_str))
        };
        let hint = target.and_then(known).or_else(|| {
            let from = id.split_once("->").and_then(|(from, _)| self.graph.find(from))?;
            let ids: Vec<String> = self.graph.outgoing(from).map(|edge| edge.id().to_string()).collect();
            self.hints.nearest(&id, ids.iter().map(String::as_str))
        });
        let message = format!("there is no dependency {id}");
        self.fault(edit, Code::UnknownDependency, id, message).hint = hint;
    }
}
