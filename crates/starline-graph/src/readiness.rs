//! Readiness by counters: ending a task costs its out-degree, and nothing is ever scanned.

use petgraph::Direction;
use petgraph::stable_graph::EdgeIndex;
use starline_types::{DependencyId, Judgement, OutcomeStatus, TaskId, TaskIx, TaskState, Verdict};

use crate::graph::{Edge, EdgeKind, edge_ix, node, task};
use crate::{EdgeIx, TaskGraph};

/// What the end of a task did to one of its successors.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effect {
    /// All edges into it are satisfied now.
    Ready,
    /// An edge into it became impossible, for the first time.
    Blocked,
}

impl EdgeKind {
    /// The verdict for an ended source; `None` for a condition.
    pub(crate) fn verdict(self, status: OutcomeStatus) -> Option<Verdict> {
        let satisfied = match self {
            Self::Success => status == OutcomeStatus::Completed,
            Self::Failure => status == OutcomeStatus::Failed,
            Self::Completion => true,
            Self::When => return None,
        };
        Some(if satisfied { Verdict::Satisfied } else { Verdict::Impossible })
    }
}

impl Edge {
    /// Whether an id is that of the edge: the one it was given, or `from->to`.
    fn is_named(&self, from: &TaskId, to: &TaskId, id: &DependencyId) -> bool {
        match self.rare.as_ref().and_then(|rare| rare.id.as_ref()) {
            Some(given) => given == id,
            None => {
                let arrow = id.as_str().strip_prefix(from.as_str()).and_then(|rest| rest.strip_prefix("->"));
                arrow == Some(to.as_str())
            }
        }
    }
}

impl TaskGraph {
    /// Begins an attempt: the task is running.
    pub fn start(
        &mut self,
        task: TaskIx,
        attempt: u32,
        device: starline_types::DeviceIx,
        now: starline_types::Timestamp,
    ) {
        self.set_state(task, TaskState::Running { attempt, device });
        let record = &mut self.records[task.at()];
        record.attempts = record.attempts.max(attempt);
        record.device = Some(device);
        record.started = now;
    }

    /// Ends an attempt without ending the task: it is pending again.
    pub fn suspend(&mut self, task: TaskIx) {
        self.set_state(task, TaskState::Pending);
    }

    /// Ends a task and settles the edges out of it. O(out-degree).
    ///
    /// `judgements` are the recorded verdicts of the conditional edges, found by their ids, at once if they come in
    /// the order of [`conditional_edges`](Self::conditional_edges); a missing one counts as impossible. `effect` is called
    /// for every successor whose last open edge was satisfied, or whose first edge became impossible; also for
    /// one that has ended without waiting, such as a cancelled task.
    pub fn end(
        &mut self,
        task_ix: TaskIx,
        status: OutcomeStatus,
        now: starline_types::Timestamp,
        judgements: &[Judgement],
        mut effect: impl FnMut(TaskIx, Effect),
    ) {
        self.set_state(task_ix, status.into());
        self.records[task_ix.at()].finished = now;
        let Self { rows, waits, dag, .. } = self;
        let mut settle = |target: TaskIx, verdict: Verdict| {
            let wait = &mut waits[target.at()];
            wait.open -= 1;
            let change = match verdict {
                Verdict::Satisfied if wait.satisfied() => Effect::Ready,
                Verdict::Satisfied => return,
                Verdict::Impossible => {
                    wait.impossible += 1;
                    if wait.impossible > 1 {
                        return;
                    }
                    Effect::Blocked
                }
            };
            effect(target, change);
        };
        if let Some(row) = rows.of(task_ix) {
            for (target, kind) in row {
                settle(target, kind.verdict(status).unwrap_or(Verdict::Impossible));
            }
            return;
        }
        let mut expected = 0;
        let mut walk = dag.neighbors_directed(node(task_ix), Direction::Outgoing).detach();
        while let Some((edge, target)) = walk.next(dag) {
            let verdict = dag[edge].kind.verdict(status).unwrap_or_else(|| {
                // A graph that was rebuilt may hold its edges in another order than the one that judged them.
                let (from, to) = (&dag[node(task_ix)].spec.id, &dag[target].spec.id);
                let names = |judgement: &&Judgement| dag[edge].is_named(from, to, &judgement.id);
                let next = judgements.get(expected).filter(names);
                let judgement = next.or_else(|| judgements.iter().find(names));
                let verdict = judgement.map_or(Verdict::Impossible, |judgement| judgement.verdict);
                dag[edge].judged = Some(verdict);
                expected += 1;
                verdict
            });
            settle(task(target), verdict);
        }
    }

    /// The conditional edges out of a task, in the order in which their judgements are recorded.
    pub fn conditional_edges(&self, of: TaskIx) -> impl Iterator<Item = crate::EdgeView<'_>> + '_ {
        self.outgoing(of).filter(|edge| edge.condition().is_some())
    }

    /// Whether any edge out of a task is conditional. O(out-degree), without touching the conditions.
    #[must_use]
    pub fn has_conditional_edges(&self, of: TaskIx) -> bool {
        self.dag
            .edges_directed(node(of), Direction::Outgoing)
            .any(|edge| edge.weight().kind == EdgeKind::When)
    }

    /// The impossible edge into a task that was inserted first, if there is one. O(in-degree).
    #[must_use]
    pub fn impossible_edge(&self, into: TaskIx) -> Option<EdgeIx> {
        let impossible = self.incoming(into).filter(|edge| edge.verdict() == Some(Verdict::Impossible));
        impossible.min_by_key(crate::EdgeView::order).map(|edge| edge.ix)
    }

    /// Records the verdict of a conditional edge whose source had ended before the edge was added. O(1).
    ///
    /// Edges of other kinds, and edges whose source has not ended, are left as they are.
    pub fn settle_edge(&mut self, ix: EdgeIx, verdict: Verdict) {
        let edge = EdgeIndex::new(ix.0 as usize);
        let Some((from, _)) = self.dag.edge_endpoints(edge) else { return };
        if self.dag[edge].kind == EdgeKind::When && self.records[from.index()].state.is_terminal() {
            self.uncount_edge(ix);
            self.dag[edge].judged = Some(verdict);
            self.count_edge(ix);
        }
    }

    /// Counts an edge that was just inserted: its source may have ended already.
    pub(crate) fn count_edge(&mut self, ix: EdgeIx) {
        self.count(ix, 1);
    }

    /// Takes an edge out of the counts, before it is removed.
    pub(crate) fn uncount_edge(&mut self, ix: EdgeIx) {
        self.count(ix, -1);
    }

    fn count(&mut self, ix: EdgeIx, by: i32) {
        let edge = EdgeIndex::new(ix.0 as usize);
        let Some((from, to)) = self.dag.edge_endpoints(edge) else { return };
        let weight = &self.dag[edge];
        let verdict = self.records[from.index()]
            .state
            .outcome()
            .map(|status| weight.kind.verdict(status).or(weight.judged));
        let record = &mut self.waits[to.index()];
        match verdict {
            None | Some(None) => record.open = record.open.saturating_add_signed(by),
            Some(Some(Verdict::Impossible)) => {
                record.impossible = record.impossible.saturating_add_signed(by)
            }
            Some(Some(Verdict::Satisfied)) => {}
        }
        debug_assert_eq!(edge_ix(edge), ix);
    }

    fn set_state(&mut self, task: TaskIx, state: TaskState) {
        let record = &mut self.records[task.at()];
        *self.counts.of(record.state) -= 1;
        record.state = state;
        *self.counts.of(state) += 1;
    }
}
