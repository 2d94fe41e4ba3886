//! A draft: edits applied to the graph itself, with what it takes to unwind them.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use starline_graph::{Condition, Cycle, EdgeIx, NewEdge, TaskGraph};
use starline_types::{
    Dependency, DependencyId, DependencyKind, Edit, GraphSpec, TaskId, TaskIx, TaskSpec, Verdict,
};

use crate::hint::Hints;
use crate::{Code, Fault, Place, Surroundings, task_rules};

/// Edges from which on a batch is labelled in one pass over the graph instead of edge by edge.
const BULK_EDGES: usize = 1_000;
/// Tasks and edges looked at in the search for further cycles of a bulk insertion.
const CYCLE_STEPS: usize = 10_000_000;
/// Edges for which room is made at once: more of them may never come, as those of a refused graph.
const MAX_RESERVED_EDGES: usize = 1 << 18;
/// Faults of one graph after which the rest of it is not looked at: each takes memory, and nobody reads on.
const MAX_GRAPH_FAULTS: usize = 20_000;
/// Faults for cycles after which no more are searched for.
const MAX_CYCLES: usize = 1_000;
/// Tasks named by these faults after which no more are searched for.
const MAX_CYCLE_TASKS: usize = 100_000;

/// One step back.
#[derive(Debug)]
enum Undo {
    Task(TaskIx),
    Edge(EdgeIx),
    Graph(Box<TaskGraph>),
    /// Labels of a refused bulk insertion mean nothing: the graph is labelled anew.
    Labels,
}

/// An edge whose names are resolved. Edges are inserted once all tasks are known and all removals done.
#[derive(Debug)]
struct PendingEdge {
    edit: usize,
    place: Option<Place>,
    edge: NewEdge,
}

/// An edge of a bulk insertion.
#[derive(Clone, Copy, Debug)]
struct Inserted {
    from: TaskIx,
    to: TaskIx,
    ix: EdgeIx,
    edit: usize,
    place: Option<Place>,
}

/// Edits applied to the graph itself, with what it takes to unwind them.
#[derive(Debug)]
pub(crate) struct Draft<'g, 'a> {
    graph: &'g mut TaskGraph,
    around: &'a Surroundings<'a>,
    devices: task_rules::Devices<'a>,
    hints: Hints,
    undo: Vec<Undo>,
    edges: Vec<PendingEdge>,
    edge_ids: FxHashSet<DependencyId>,
    /// Tasks that a faulty edit would have made.
    refused: FxHashMap<TaskId, usize>,
    touched: Vec<(usize, TaskIx)>,
    faults: Vec<Fault>,
}

/// What a draft leaves behind.
#[derive(Debug)]
pub(crate) struct Drafted {
    pub(crate) faults: Vec<Fault>,
    undo: Vec<Undo>,
}

impl Drafted {
    /// Nothing to take back.
    pub(crate) fn empty() -> Self {
        Self { faults: Vec::new(), undo: Vec::new() }
    }

    /// Takes every change back, last first.
    pub(crate) fn unwind(&mut self, graph: &mut TaskGraph) {
        while let Some(step) = self.undo.pop() {
            match step {
                Undo::Task(task) => graph.withdraw_task(task),
                Undo::Edge(edge) => graph.withdraw_edge(edge),
                Undo::Graph(before) => *graph = *before,
                Undo::Labels => {
                    let labelled = graph.relabel();
                    debug_assert!(labelled.is_ok(), "the graph before the batch had no cycle");
                }
            }
        }
    }
}

impl<'g, 'a> Draft<'g, 'a> {
    pub(crate) fn new(graph: &'g mut TaskGraph, around: &'a Surroundings<'a>) -> Self {
        Self {
            graph,
            around,
            devices: task_rules::Devices::new(),
            hints: Hints::default(),
            undo: Vec::new(),
            edges: Vec::new(),
            edge_ids: FxHashSet::default(),
            refused: FxHashMap::default(),
            touched: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Applies one edit, or notes its faults.
    pub(crate) fn apply(&mut self, edit: usize, change: &Edit) {
        match change {
            Edit::AddTask { task, after } => {
                if let Some(ix) = self.add_task(edit, task, None) {
                    for (at, (from, kind)) in after.iter().enumerate() {
                        if after[..at].contains(&(from.clone(), kind.clone())) {
                            let item = format!("{from}->{}", task.id);
                            let message = format!("task {} is listed twice after {from}", task.id);
                            self.faults.push(Fault::new(edit, Code::DuplicateDependency, item, message));
                            continue;
                        }
                        let dependency =
                            Dependency::success(from.clone(), task.id.clone()).with_kind(kind.clone());
                        self.add_edge(edit, &dependency, Some(ix), None);
                    }
                }
            }
            Edit::AddDependency(dependency) => self.add_edge(edit, dependency, None, None),
            Edit::Build { graph, clear_existing } => self.build(edit, graph, *clear_existing),
        }
    }

    fn build(&mut self, edit: usize, spec: &GraphSpec, clear_existing: bool) {
        if clear_existing && !self.graph.is_empty() {
            let started: Vec<TaskIx> = self
                .graph
                .indices()
                .filter(|task| !self.graph.state(*task).is_unstarted())
                .take(20)
                .collect();
            if !started.is_empty() {
                for task in started {
                    let (id, state) = (self.graph.id(task), self.graph.state(task));
                    let message = format!("task {id} is {state}, so the graph cannot be replaced");
                    let hint = "build with clear_existing: false keeps what there is";
                    self.faults.push(Fault::new(edit, Code::TaskNotPending, id, message).hint(hint));
                }
                return;
            }
            let mut fresh = TaskGraph::default();
            fresh.describe(self.graph.name().to_owned(), self.graph.metadata().clone());
            fresh.set_revision(self.graph.revision());
            // Edges of earlier edits of this batch point into the graph that goes: they go with it.
            self.edges.clear();
            self.edge_ids.clear();
            self.touched.clear();
            self.undo.push(Undo::Graph(Box::new(std::mem::replace(self.graph, fresh))));
        }
        if self.exceeds("tasks", edit, self.graph.len() + spec.tasks.len(), self.around.limits.tasks) {
            return;
        }
        let edges = self.graph.edge_count() + self.edges.len() + spec.dependencies.len();
        if self.exceeds("dependencies", edit, edges, self.around.limits.dependencies) {
            return;
        }
        let edges = spec.dependencies.len().min(MAX_RESERVED_EDGES);
        self.graph.reserve(spec.tasks.len(), edges);
        self.edges.reserve(edges);
        let before = self.faults.len();
        for (at, task) in spec.tasks.iter().enumerate() {
            if self.has_enough_faults(edit, before, spec.tasks.len() - at, "tasks and all dependencies") {
                return;
            }
            self.add_task(edit, task, Some(Place::Task(at)));
        }
        for (at, dependency) in spec.dependencies.iter().enumerate() {
            if self.has_enough_faults(edit, before, spec.dependencies.len() - at, "dependencies") {
                return;
            }
            self.add_edge(edit, dependency, None, Some(Place::Dependency(at)));
        }
    }

    /// Whether a graph has so many faults that the rest of it is not looked at, which is told.
    fn has_enough_faults(&mut self, edit: usize, before: usize, left: usize, what: &str) -> bool {
        let enough = self.faults.len() - before >= MAX_GRAPH_FAULTS;
        if enough {
            let message = format!("after {MAX_GRAPH_FAULTS} faults, {left} more {what} were not looked at");
            self.faults.push(Fault::new(edit, Code::LimitExceeded, "faults", message));
        }
        enough
    }

    fn add_task(&mut self, edit: usize, task: &Arc<TaskSpec>, place: Option<Place>) -> Option<TaskIx> {
        let mut faults = task_rules::faults(edit, task, self.around, &self.devices, &self.hints);
        for fault in &mut faults {
            fault.place = place;
        }
        if self.graph.find(task.id.as_str()).is_some() {
            let message = format!("task {} exists already", task.id);
            let fault = Fault::new(edit, Code::DuplicateTask, &task.id, message);
            faults.push(fault.hint("choose another id").at(place));
        }
        if place.is_none() && self.exceeds("tasks", edit, self.graph.len() + 1, self.around.limits.tasks) {
            return None;
        }
        if !faults.is_empty() {
            self.faults.append(&mut faults);
            if self.graph.find(task.id.as_str()).is_none() {
                self.refused.entry(task.id.clone()).or_insert(edit);
            }
            return None;
        }
        let ix = self.graph.insert_task(Arc::clone(task));
        self.undo.push(Undo::Task(ix));
        self.touched.push((edit, ix));
        Some(ix)
    }

    fn find(
        &mut self,
        edit: usize,
        id: &TaskId,
        item: &dyn Fn() -> String,
        place: Option<Place>,
    ) -> Option<TaskIx> {
        if let Some(task) = self.graph.find(id.as_str()) {
            return Some(task);
        }
        match self.refused.get(id) {
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

    fn add_edge(&mut self, edit: usize, dependency: &Dependency, to: Option<TaskIx>, place: Option<Place>) {
        let Dependency { id, from, to: target, kind, note } = dependency;
        let item = || format!("dependency {from} -> {target}");
        let source = self.find(edit, from, &item, place);
        let target_ix = to.or_else(|| self.find(edit, target, &item, place));
        let (Some(from_ix), Some(to_ix)) = (source, target_ix) else { return };
        if from_ix == to_ix {
            let message = format!("task {from} cannot wait for itself");
            self.faults.push(Fault::new(edit, Code::SelfDependency, from, message).at(place));
            return;
        }
        let state = self.graph.state(to_ix);
        if !state.is_unstarted() {
            let message = format!("task {target} is {state}");
            let fault = Fault::new(edit, Code::DependencyTargetNotPending, target, message);
            self.faults.push(fault.hint(format!("add a task after {target} instead")).at(place));
            return;
        }
        let condition = match kind {
            DependencyKind::When(text) => match Condition::compile(Arc::clone(text)) {
                Ok(condition) => Some(condition),
                Err(error) => {
                    let message = format!("{}: {error}", item());
                    self.faults.push(Fault::new(edit, Code::InvalidCondition, text, message).at(place));
                    return;
                }
            },
            DependencyKind::Success | DependencyKind::Failure | DependencyKind::Completion => None,
        };
        if let Some(status) = self.graph.state(from_ix).outcome()
            && kind.verdict(status) == Some(Verdict::Impossible)
        {
            let message = format!("task {from} is {status}, so {} can never be satisfied", item());
            let fault = Fault::new(edit, Code::EdgeNeverSatisfiable, format!("{from}->{target}"), message);
            self.faults.push(fault.hint("use the kind completion, or another source").at(place));
            return;
        }
        let id = match id {
            Some(id) if self.graph.find_edge(id.as_str()).is_some() || self.edge_ids.contains(id) => {
                let message = format!("a dependency {id} exists already");
                self.faults.push(Fault::new(edit, Code::DuplicateDependency, id, message).at(place));
                return;
            }
            Some(id) => {
                self.edge_ids.insert(id.clone());
                Some(id.clone())
            }
            None => None,
        };
        let edge =
            NewEdge { from: from_ix, to: to_ix, id, kind: kind.clone(), condition, note: note.clone() };
        self.edges.push(PendingEdge { edit, place, edge });
    }

    /// Inserts the edges, judging cycles, and looks at templates and degrees.
    pub(crate) fn finish(mut self) -> Drafted {
        let edges = std::mem::take(&mut self.edges);
        if edges.len() >= BULK_EDGES && edges.len() * 4 >= self.graph.edge_count() {
            self.insert_bulk(edges);
        } else {
            self.insert_each(edges);
        }
        if self.faults.is_empty() {
            self.check_references();
            self.check_degrees();
        }
        self.faults.sort_by_key(|fault| fault.edit);
        Drafted { faults: self.faults, undo: self.undo }
    }

    /// Gives a parallel edge an id of its own: `from->to#2` and so on.
    fn name(&self, mut edge: NewEdge) -> NewEdge {
        if edge.id.is_some() {
            return edge;
        }
        let parallel = self.graph.edges_between(edge.from, edge.to);
        if parallel.is_empty() && self.edge_ids.is_empty() {
            return edge;
        }
        let base = starline_graph::default_id(self.graph.id(edge.from), self.graph.id(edge.to));
        let taken = |id: &str| self.graph.find_edge(id).is_some() || self.edge_ids.contains(id);
        if taken(base.as_str()) {
            let numbered = (2_usize..).map(|k| format!("{base}#{k}")).find(|id| !taken(id));
            edge.id = numbered.and_then(|id| DependencyId::new(id).ok());
        }
        edge
    }

    fn insert_each(&mut self, edges: Vec<PendingEdge>) {
        for PendingEdge { edit, place, edge } in edges {
            let edge = self.name(edge);
            let (from, to) = (edge.from, edge.to);
            match self.graph.insert_edge(edge) {
                Ok(ix) => self.undo.push(Undo::Edge(ix)),
                Err(cycle) => {
                    let fault = self.cycle_fault(edit, from, to, &cycle.tasks);
                    self.faults.push(fault.at(place));
                }
            }
        }
    }

    fn insert_bulk(&mut self, edges: Vec<PendingEdge>) {
        let mut inserted = Vec::with_capacity(edges.len());
        self.undo.push(Undo::Labels);
        for PendingEdge { edit, place, edge } in edges {
            let edge = self.name(edge);
            let (from, to) = (edge.from, edge.to);
            let ix = self.graph.insert_unchecked(edge);
            self.undo.push(Undo::Edge(ix));
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
                    self.graph.withdraw_edge(ix);
                    refused.insert(ix);
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
        self.undo.retain(|step| !matches!(step, Undo::Edge(ix) if refused.contains(ix)));
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

    fn check_references(&mut self) {
        // What each template refers to: the edit, the task, the name, and the place of its pair if it exists.
        let mut references: Vec<(usize, TaskIx, String, Option<usize>)> = Vec::new();
        let mut pairs: Vec<(TaskIx, TaskIx)> = Vec::new();
        for (edit, task) in std::mem::take(&mut self.touched) {
            for name in starline_graph::references(self.graph.spec(task)) {
                let pair = self.graph.find(&name).map(|source| {
                    pairs.push((source, task));
                    pairs.len() - 1
                });
                references.push((edit, task, name, pair));
            }
        }
        let upstream = self.graph.are_upstream(&pairs);
        for (edit, task, name, pair) in references {
            let id = self.graph.id(task);
            let (message, hint) = match pair {
                Some(pair) if upstream[pair] => continue,
                Some(_) => {
                    // A task can never wait for itself.
                    let hint = format!("add a dependency from {name}, or leave the reference out");
                    let message = format!("task {id} refers to {name}, which is not upstream of it");
                    (message, Some(hint).filter(|_| name != id.as_str()))
                }
                None => (
                    format!("task {id} refers to {name}, which does not exist"),
                    self.hints.nearest_task(&name, self.graph),
                ),
            };
            let hint = hint.unwrap_or_else(|| "leave the reference out".to_owned());
            let fault = Fault::new(edit, Code::ReferenceNotUpstream, id, message);
            self.faults.push(fault.hint(hint));
        }
    }

    fn check_degrees(&mut self) {
        let limit = self.around.limits.degree;
        let ends = self.undo.iter().filter_map(|step| match step {
            Undo::Edge(edge) => self.graph.edge(*edge).map(|edge| (edge.from, edge.to)),
            Undo::Task(_) | Undo::Graph(_) | Undo::Labels => None,
        });
        let (mut outgoing, mut incoming) = (FxHashSet::default(), FxHashSet::default());
        for (from, to) in ends {
            outgoing.insert(from);
            incoming.insert(to);
        }
        let too_many = |count: usize| count > limit;
        let mut over: Vec<(TaskIx, &str, usize)> = Vec::new();
        over.extend(outgoing.iter().map(|task| (*task, "out of", self.graph.out_degree(*task))));
        over.extend(incoming.iter().map(|task| (*task, "into", self.graph.in_degree(*task))));
        over.retain(|(_, _, count)| too_many(*count));
        over.sort_unstable();
        for (task, side, count) in over.into_iter().take(20) {
            let id = self.graph.id(task);
            let message = format!("{count} dependencies {side} task {id}");
            self.faults
                .push(Fault::new(0, Code::LimitExceeded, id, message).hint(format!("at most {limit}")));
        }
    }

    fn exceeds(&mut self, what: &str, edit: usize, got: usize, max: usize) -> bool {
        if got > max {
            let message = format!("{got} {what} in one graph");
            self.faults
                .push(Fault::new(edit, Code::LimitExceeded, what, message).hint(format!("at most {max}")));
        }
        got > max
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
