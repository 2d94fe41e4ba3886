//! The steps of a draft: how they are unwound, what takes them back once they are committed, what they changed.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use starline_graph::{EdgeIx, EdgeTerms, RemovedEdge, RemovedTask, TaskGraph, default_id};
use starline_types::{Dependency, DependencyId, Revision, TaskId, TaskIx, TaskSpec};

/// One step of a draft.
#[derive(Debug)]
pub(super) enum Step {
    Task(TaskIx),
    Edge(EdgeIx),
    RemovedTask(Box<RemovedTask>),
    RemovedEdge(Box<RemovedEdge>),
    Spec {
        task: TaskIx,
        before: Arc<TaskSpec>,
    },
    Terms {
        edge: EdgeIx,
        before: Box<EdgeTerms>,
    },
    Distant {
        task: TaskIx,
        before: Box<[TaskIx]>,
    },
    Graph(Box<TaskGraph>),
    /// The first step: ranks from before the draft.
    Ranks((u32, u32)),
    /// Labels of a refused bulk insertion mean nothing: the graph is labelled anew.
    Labels,
}

/// The steps of a draft, in order.
#[derive(Debug, Default)]
pub(crate) struct Steps(pub(super) Vec<Step>);

/// Tasks and edges that a commit concerns.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Touched {
    /// Tasks that are new.
    pub added: Vec<TaskIx>,
    /// Tasks that are gone, by the index they had.
    pub removed: Vec<TaskIx>,
    /// Tasks whose specification changed.
    pub updated: Vec<TaskIx>,
    /// Tasks with other edges into them.
    pub rewired: Vec<TaskIx>,
    /// The whole graph was replaced.
    pub replaced: bool,
}

impl Touched {
    /// Whether every task that was there is there as it was, but for its edges.
    #[must_use]
    pub fn only_adds(&self) -> bool {
        self.removed.is_empty() && self.updated.is_empty() && !self.replaced
    }
}

impl Steps {
    /// Takes every change back, last first.
    pub(crate) fn unwind(&mut self, graph: &mut TaskGraph) {
        while let Some(step) = self.0.pop() {
            match step {
                Step::Task(task) => graph.withdraw_task(task),
                Step::Edge(edge) => graph.withdraw_edge(edge),
                Step::RemovedTask(removed) => graph.put_back_task(*removed),
                Step::RemovedEdge(removed) => graph.put_back_edge(*removed),
                Step::Spec { task, before } => drop(graph.replace_spec(task, before)),
                Step::Terms { edge, before } => drop(graph.change_edge(edge, *before)),
                Step::Distant { task, before } => drop(graph.set_distant(task, before)),
                Step::Graph(before) => *graph = *before,
                Step::Ranks(ranks) => graph.set_next_ranks(ranks),
                Step::Labels => {
                    let labelled = graph.relabel();
                    debug_assert!(labelled.is_ok(), "the graph before the batch had no cycle");
                }
            }
        }
    }

    /// Notes in the graph what was changed, and forgets what is gone.
    pub(crate) fn note(&self, graph: &mut TaskGraph, revision: Revision) {
        let begin = self.0.iter().rposition(|step| matches!(step, Step::Graph(_))).unwrap_or_default();
        for step in &self.0[begin..] {
            match step {
                Step::Task(task) | Step::Spec { task, .. } if graph.contains(*task) => {
                    graph.note_task(*task, revision);
                }
                Step::Edge(edge) | Step::Terms { edge, .. } => {
                    if let Some(to) = graph.edge(*edge).map(|edge| edge.to) {
                        graph.note_edge(*edge, revision);
                        graph.note_task(to, revision);
                    }
                }
                Step::RemovedTask(removed) => {
                    graph.forget_task(removed.ix);
                    for edge in &removed.edges {
                        cut(graph, edge, revision);
                    }
                }
                Step::RemovedEdge(removed) => cut(graph, removed, revision),
                Step::Task(_)
                | Step::Spec { .. }
                | Step::Distant { .. }
                | Step::Graph(_)
                | Step::Ranks(_)
                | Step::Labels => {}
            }
        }
    }

    /// Whom the steps concern.
    pub(crate) fn touched(&self, graph: &TaskGraph) -> Touched {
        let mut touched = Touched::default();
        for step in &self.0 {
            match step {
                Step::Task(task) => touched.added.push(*task),
                Step::Spec { task, .. } => touched.updated.push(*task),
                Step::Edge(edge) | Step::Terms { edge, .. } => {
                    touched.rewired.extend(graph.edge(*edge).map(|edge| edge.to));
                }
                Step::RemovedEdge(removed) => touched.rewired.push(removed.to),
                Step::RemovedTask(removed) => {
                    touched.removed.push(removed.ix);
                    touched.rewired.extend(removed.edges.iter().map(|edge| edge.to));
                }
                Step::Graph(before) => {
                    // What was removed before the rest was is gone as well.
                    let mut removed = std::mem::take(&mut touched.removed);
                    removed.extend(before.indices());
                    touched = Touched { replaced: true, removed, ..Touched::default() };
                }
                Step::Distant { .. } | Step::Ranks(_) | Step::Labels => {}
            }
        }
        touched
    }

    /// What happened, last first, in names that held at the time.
    pub(crate) fn backwards<'s>(&'s self, graph: &'s TaskGraph) -> Vec<Happened<'s>> {
        let mut names = Names::new(graph);
        let mut happened = Vec::new();
        let mut rest = self.0.as_slice();
        if let Some(at) = rest.iter().position(|step| matches!(step, Step::Graph(_)))
            && let Step::Graph(before) = &rest[at]
        {
            // Whatever came after is in the graph that took its place, or gone with one in between.
            happened.push(Happened::Replaced(before));
            names = Names::new(before);
            rest = &rest[..at];
        }
        for step in rest.iter().rev() {
            match step {
                Step::Task(task) => happened.push(Happened::TaskCame(names.of(*task))),
                Step::Edge(edge) => {
                    let came = names.ends(*edge).map(|(from, to, id)| Happened::EdgeCame { from, to, id });
                    happened.extend(came);
                }
                Step::RemovedTask(removed) => {
                    names.tasks.insert(removed.ix, removed.spec.id.clone());
                    names.specs.insert(removed.ix, Arc::clone(&removed.spec));
                    let edges =
                        removed.edges.iter().map(|edge| (edge.order, names.dependency(edge))).collect();
                    removed.edges.iter().for_each(|edge| names.learn(edge));
                    happened.push(Happened::TaskGone { order: removed.order, spec: &removed.spec, edges });
                }
                Step::RemovedEdge(removed) => {
                    let edge = (removed.order, names.dependency(removed));
                    names.learn(removed);
                    happened.push(Happened::EdgeGone(edge));
                }
                Step::Spec { task, before } => {
                    if let Some(now) =
                        names.specs.insert(*task, Arc::clone(before)).or_else(|| names.present(*task))
                    {
                        happened.push(Happened::SpecChanged { before, now });
                    }
                }
                Step::Terms { edge, before } => {
                    if let Some((from, to, id)) = names.ends(*edge) {
                        happened.push(Happened::TermsChanged { from, to, id, before });
                    }
                }
                Step::Distant { .. } | Step::Graph(_) | Step::Ranks(_) | Step::Labels => {}
            }
        }
        happened
    }
}

/// What a step did.
#[derive(Debug)]
pub(crate) enum Happened<'s> {
    TaskCame(TaskId),
    TaskGone {
        order: u32,
        spec: &'s Arc<TaskSpec>,
        edges: Vec<(u32, Dependency)>,
    },
    EdgeCame {
        from: TaskId,
        to: TaskId,
        id: DependencyId,
    },
    EdgeGone((u32, Dependency)),
    SpecChanged {
        before: &'s Arc<TaskSpec>,
        now: Arc<TaskSpec>,
    },
    TermsChanged {
        from: TaskId,
        to: TaskId,
        id: DependencyId,
        before: &'s EdgeTerms,
    },
    /// The whole graph went, and another one took its place.
    Replaced(&'s TaskGraph),
}

fn cut(graph: &mut TaskGraph, removed: &RemovedEdge, revision: Revision) {
    graph.forget_edge(removed.ix);
    if graph.contains(removed.to) {
        graph.note_task(removed.to, revision);
    }
}

/// Names as they were before a step: indices are given out again, so they are learned walking backwards.
struct Names<'g> {
    graph: &'g TaskGraph,
    tasks: FxHashMap<TaskIx, TaskId>,
    specs: FxHashMap<TaskIx, Arc<TaskSpec>>,
    edges: FxHashMap<EdgeIx, (TaskId, TaskId, DependencyId)>,
}

impl<'g> Names<'g> {
    fn new(graph: &'g TaskGraph) -> Self {
        let (tasks, specs, edges) = <_>::default();
        Self { graph, tasks, specs, edges }
    }

    fn of(&self, task: TaskIx) -> TaskId {
        self.tasks.get(&task).cloned().unwrap_or_else(|| self.graph.id(task).clone())
    }

    fn present(&self, task: TaskIx) -> Option<Arc<TaskSpec>> {
        self.graph.contains(task).then(|| Arc::clone(self.graph.spec(task)))
    }

    /// Source, target and id of an edge that was not removed later, or was before.
    fn ends(&self, edge: EdgeIx) -> Option<(TaskId, TaskId, DependencyId)> {
        self.edges.get(&edge).cloned().or_else(|| {
            let found = self.graph.edge(edge)?;
            Some((self.of(found.from), self.of(found.to), found.id()))
        })
    }

    fn dependency(&self, removed: &RemovedEdge) -> Dependency {
        Dependency {
            id: removed.explicit_id().cloned(),
            from: self.of(removed.from),
            to: self.of(removed.to),
            kind: removed.kind(),
            note: removed.note().cloned(),
        }
    }

    fn learn(&mut self, removed: &RemovedEdge) {
        let (from, to) = (self.of(removed.from), self.of(removed.to));
        let id = removed.explicit_id().cloned().unwrap_or_else(|| default_id(&from, &to));
        self.edges.insert(removed.ix, (from, to, id));
    }
}
