//! Inserting edges: a cycle is the fault of the edge that closes it.

use rustc_hash::{FxHashMap, FxHashSet};
use starline_graph::{Cycle, EdgeIx};
use starline_types::{DependencyId, Judgement, TaskId, TaskIx, Verdict};

use super::steps::Step;
use super::{Draft, PendingEdge};
use crate::{Code, Fault, Place};

/// Edges from which on a batch is labelled in one pass over the graph instead of edge by edge.
const BULK_EDGES: usize = 1_000;
/// Tasks and edges looked at in the search for further cycles of a bulk insertion.
const CYCLE_STEPS: usize = 10_000_000;
/// Faults for cycles after which no more are searched for.
const MAX_CYCLES: usize = 1_000;
/// Tasks named by these faults after which no more are searched for.
const MAX_CYCLE_TASKS: usize = 100_000;

/// An edge of a bulk insertion.
#[derive(Clone, Copy, Debug)]
struct Inserted {
    from: TaskIx,
    to: TaskIx,
    ix: EdgeIx,
    edit: usize,
    place: Option<Place>,
}

impl Draft<'_, '_> {
    /// Inserts the edges that are still wanted.
    pub(super) fn insert_edges(&mut self) {
        let mut edges = std::mem::take(&mut self.edges);
        edges.retain(|pending| !pending.dropped);
        if edges.len() >= BULK_EDGES && edges.len() * 4 >= self.graph.edge_count() {
            self.insert_bulk(edges);
        } else {
            self.insert_each(edges);
        }
    }

    fn insert_each(&mut self, edges: Vec<PendingEdge>) {
        for PendingEdge { edit, place, edge, order, judged, .. } in edges {
            let (from, to) = (edge.from, edge.to);
            match self.graph.insert_ranked(edge, order) {
                Ok(ix) => self.inserted(ix, judged),
                Err(cycle) => {
                    let fault = self.cycle_fault(edit, from, to, &cycle.tasks);
                    self.faults.push(fault.at(place));
                }
            }
        }
    }

    fn inserted(&mut self, ix: EdgeIx, judged: bool) {
        self.steps.push(Step::Edge(ix));
        if judged && let Some(id) = self.graph.edge(ix).map(|edge| edge.id()) {
            self.settle(ix, id);
        }
    }

    /// Records that the condition of an edge over a task that has ended is true.
    pub(super) fn settle(&mut self, ix: EdgeIx, id: DependencyId) {
        self.graph.settle_edge(ix, Verdict::Satisfied);
        self.judgements.push(Judgement { id, verdict: Verdict::Satisfied, error: None });
    }

    fn insert_bulk(&mut self, edges: Vec<PendingEdge>) {
        let mut inserted = Vec::with_capacity(edges.len());
        self.steps.push(Step::Labels);
        for PendingEdge { edit, place, edge, order, judged, .. } in edges {
            let (from, to) = (edge.from, edge.to);
            let ix = self.graph.insert_unchecked(edge);
            if let Some(order) = order {
                self.graph.rank_edge(ix, order);
            }
            self.inserted(ix, judged);
            inserted.push(Inserted { from, to, ix, edit, place });
        }
        let Err(cycles) = self.graph.relabel() else { return };
        let steps = self.graph.len() + inserted.len();
        self.refuse_cycles(cycles, &inserted, (CYCLE_STEPS / steps).max(1));
    }

    /// Notes a fault for each cycle. Groups of tasks may be on many cycles with each other, of which one is
    /// found at a time: the edge that closes it is taken out, and the rest is searched again.
    fn refuse_cycles(&mut self, mut cycles: Vec<Cycle>, inserted: &[Inserted], rounds: usize) {
        let mut last: FxHashMap<(TaskIx, TaskIx), Vec<usize>> = FxHashMap::default();
        for (at, edge) in inserted.iter().enumerate() {
            last.entry((edge.from, edge.to)).or_default().push(at);
        }
        let mut refused = FxHashSet::default();
        let mut named = 0;
        for round in 1.. {
            let before = refused.len();
            for cycle in cycles {
                // The fault belongs to the edge of the cycle that was added last.
                let steps = cycle.tasks.len();
                let ends = |at: usize| (cycle.tasks[at], cycle.tasks[(at + 1) % steps]);
                let added = |at: usize| last.get(&ends(at)).and_then(|edges| edges.last().copied());
                let Some(closing) = (0..steps).filter(|at| added(*at).is_some()).max_by_key(|at| added(*at))
                else {
                    continue;
                };
                let (from, to) = ends(closing);
                let mut tasks = cycle.tasks.clone();
                tasks.rotate_left(closing);
                // Parallel edges close the same cycle.
                for at in last.remove(&(from, to)).unwrap_or_default() {
                    let Inserted { ix, edit, place, .. } = inserted[at];
                    let fault = self.cycle_fault(edit, from, to, &tasks);
                    self.faults.push(fault.at(place));
                    refused.insert(ix);
                    self.graph.withdraw_edge(ix);
                    named += tasks.len();
                }
            }
            let enough = refused.len() >= MAX_CYCLES || named >= MAX_CYCLE_TASKS;
            if round >= rounds || refused.len() == before || enough {
                break;
            }
            cycles = match self.graph.relabel() {
                Ok(()) => break,
                Err(cycles) => cycles,
            };
        }
        self.steps.retain(|step| !matches!(step, Step::Edge(ix) if refused.contains(ix)));
    }

    /// `tasks` starts with `from`, followed by `to`.
    fn cycle_fault(&self, edit: usize, from: TaskIx, to: TaskIx, tasks: &[TaskIx]) -> Fault {
        let id = |task: TaskIx| self.graph.id(task).clone();
        let path: Vec<TaskId> = tasks.iter().map(|task| id(*task)).collect();
        let walk: Vec<&str> = path.iter().skip(1).chain(path.iter().take(2)).map(TaskId::as_str).collect();
        let message = format!("{} -> {} closes {}", id(from), id(to), shorten(&walk));
        let mut fault = Fault::new(edit, Code::WouldCycle, format!("{}->{}", id(from), id(to)), message);
        fault.path = path;
        fault
    }
}

/// A path in words; the middle of a long one is left out, since the whole path is in the fault.
fn shorten(walk: &[&str]) -> String {
    const SHOWN: usize = 12;
    if walk.len() <= SHOWN {
        return walk.join(" -> ");
    }
    let (head, tail) = (&walk[..SHOWN / 2], &walk[walk.len() - SHOWN / 2..]);
    format!("{} -> … {} tasks … -> {}", head.join(" -> "), walk.len() - SHOWN, tail.join(" -> "))
}
