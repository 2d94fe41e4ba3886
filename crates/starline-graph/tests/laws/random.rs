//! Graphs by chance, and the plainest way to search them.

use std::sync::Arc;

use proptest::prelude::*;
use starline_graph::{Condition, NewEdge, TaskGraph, default_id};
use starline_types::{DependencyId, DependencyKind, GraphSpec, Payload, TaskId, TaskIx, TaskSpec};

/// A graph as numbers: tasks are inserted in the order 0, 1, …
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) tasks: usize,
    pub(crate) edges: Vec<(usize, usize, u8)>,
}

impl Plan {
    /// The graph, its edges checked all at once.
    pub(crate) fn build(&self) -> (TaskGraph, Vec<TaskIx>) {
        let mut graph = TaskGraph::with_capacity(self.tasks, self.edges.len());
        let tasks: Vec<TaskIx> = (0..self.tasks).map(|at| graph.insert_task(task(at))).collect();
        for (from, to, kind) in &self.edges {
            let edge = named(&graph, edge(tasks[*from], tasks[*to], *kind));
            graph.insert_unchecked(edge);
        }
        graph.relabel().expect("the plan has no cycle");
        (graph, tasks)
    }

    pub(crate) fn successors(&self, of: usize) -> impl Iterator<Item = usize> + '_ {
        self.edges.iter().filter(move |edge| edge.0 == of).map(|edge| edge.1)
    }

    /// Whether a path of at least one edge leads from one task to another.
    pub(crate) fn reaches(&self, from: usize, to: usize) -> bool {
        let mut seen = vec![false; self.tasks];
        let mut stack: Vec<usize> = self.successors(from).collect();
        while let Some(at) = stack.pop() {
            if at == to {
                return true;
            }
            if !std::mem::replace(&mut seen[at], true) {
                stack.extend(self.successors(at));
            }
        }
        false
    }

    /// Every path, by the tasks on it.
    pub(crate) fn paths(&self) -> Vec<Vec<usize>> {
        let mut paths: Vec<Vec<usize>> = (0..self.tasks).map(|at| vec![at]).collect();
        let mut done = 0;
        while let Some(path) = paths.get(done).cloned() {
            done += 1;
            let last = *path.last().expect("no path is empty");
            let mut next: Vec<usize> = self.successors(last).collect();
            next.sort_unstable();
            next.dedup();
            for next in next {
                let mut longer = path.clone();
                longer.push(next);
                paths.push(longer);
            }
        }
        paths
    }
}

pub(crate) fn id(at: usize) -> TaskId {
    TaskId::new(format!("t{at}")).expect("an id")
}

pub(crate) fn task(at: usize) -> Arc<TaskSpec> {
    Arc::new(TaskSpec::new(id(at), Payload::Noop))
}

/// Kind 3 and above are conditions.
pub(crate) fn kind(number: u8) -> DependencyKind {
    match number {
        0 => DependencyKind::Success,
        1 => DependencyKind::Failure,
        2 => DependencyKind::Completion,
        3 => DependencyKind::When(Arc::from("status == \"completed\"")),
        4 => DependencyKind::When(Arc::from("status in [\"failed\", \"skipped\"]")),
        _ => DependencyKind::When(Arc::from("outputs.missing > 1")),
    }
}

pub(crate) fn edge(from: TaskIx, to: TaskIx, number: u8) -> NewEdge {
    let kind = kind(number);
    let condition = match &kind {
        DependencyKind::When(text) => Some(Condition::compile(Arc::clone(text)).expect("a condition")),
        _ => None,
    };
    NewEdge { from, to, id: None, kind, condition, note: None }
}

/// The edge with an id that no parallel one has.
pub(crate) fn named(graph: &TaskGraph, edge: NewEdge) -> NewEdge {
    let taken: Vec<DependencyId> =
        graph.edges_between(edge.from, edge.to).iter().map(|edge| edge.id()).collect();
    let default = default_id(graph.id(edge.from), graph.id(edge.to));
    if !taken.contains(&default) {
        return edge;
    }
    let mut numbered = (2..).map(|k| DependencyId::new(format!("{default}#{k}")).expect("an id"));
    NewEdge { id: numbered.find(|id| !taken.contains(id)), ..edge }
}

/// Plans without cycles, whose tasks were inserted in no order that means anything.
pub(crate) fn acyclic(tasks: usize) -> impl Strategy<Value = Plan> {
    (0..=tasks).prop_flat_map(|tasks| {
        let ranks = Just((0..tasks).collect::<Vec<usize>>()).prop_shuffle();
        let edges = proptest::collection::vec((0..tasks.max(1), 0..tasks.max(1), 0u8..6), 0..=tasks * 3);
        (ranks, edges).prop_map(move |(ranks, edges)| {
            let oriented = edges.into_iter().filter(|(a, b, _)| a != b && *a < tasks && *b < tasks).map(
                |(a, b, kind)| {
                    if ranks[a] < ranks[b] { (a, b, kind) } else { (b, a, kind) }
                },
            );
            Plan { tasks, edges: oriented.collect() }
        })
    })
}

/// Plans with or without cycles and self-loops.
pub(crate) fn arbitrary(tasks: usize) -> impl Strategy<Value = Plan> {
    (1..=tasks).prop_flat_map(|tasks| {
        proptest::collection::vec((0..tasks, 0..tasks, 0u8..6), 0..=tasks * 2)
            .prop_map(move |edges| Plan { tasks, edges })
    })
}

/// Loads what was exported.
pub(crate) fn load(spec: &GraphSpec) -> TaskGraph {
    let mut graph = TaskGraph::default();
    for task in &spec.tasks {
        graph.insert_task(Arc::clone(task));
    }
    for dependency in &spec.dependencies {
        let find = |id: &TaskId| graph.find(id.as_str()).expect("both ends are there");
        let condition = match &dependency.kind {
            DependencyKind::When(text) => Some(Condition::compile(Arc::clone(text)).expect("a condition")),
            _ => None,
        };
        let edge = NewEdge {
            from: find(&dependency.from),
            to: find(&dependency.to),
            id: dependency.id.clone(),
            kind: dependency.kind.clone(),
            condition,
            note: dependency.note.clone(),
        };
        graph.insert_unchecked(edge);
    }
    graph.relabel().expect("what was exported has no cycle");
    graph
}
