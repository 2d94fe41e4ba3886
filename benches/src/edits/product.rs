//! The same edits by the product: on its graph, and as batches that are checked and committed.

use std::sync::Arc;

use starline::edit::{CheckedBatch, EditBatch, Limits, Surroundings, TaskGraph, check_within, install};
use starline::graph::NewEdge;
use starline::types::{Dependency, DependencyKind, DependencyRef, Edit, Payload, TaskId, TaskIx, TaskSpec};

use super::{Budget, Edits, Kind, Times};
use crate::{Dag, RunError, clock, product};

const NAME: &str = "starline";

fn failed(error: impl std::fmt::Display) -> RunError {
    RunError::failed(NAME, error.to_string())
}

/// A benchmark graph as the product keeps it.
pub(super) fn graph(dag: &Dag) -> Result<TaskGraph, RunError> {
    let build = Edit::Build { graph: Arc::new(product::plan(dag)?), clear_existing: true };
    let mut graph = TaskGraph::default();
    install(&mut graph, &EditBatch { edits: vec![build], ..EditBatch::default() });
    RunError::unless_complete(NAME, graph.len(), dag.tasks)?;
    Ok(graph)
}

fn wrongly(kind: Kind) -> RunError {
    failed(format_args!("{} was judged wrongly", kind.name()))
}

pub(super) fn spec(number: usize) -> Result<Arc<TaskSpec>, RunError> {
    let id = TaskId::new(format!("n{number}")).map_err(failed)?;
    Ok(Arc::new(TaskSpec::new(id, Payload::Noop)))
}

/// The graph alone, as the libraries do it: indices of tasks in, a verdict out. The path of a cycle is not searched
/// for, as they do not.
pub(super) fn on_the_graph(mut graph: TaskGraph, edits: &Edits) -> Result<Times, RunError> {
    let mut times = Times::with_capacity(edits.pairs.len());
    let budget = Budget::start();
    // Indices are given out in the order of insertion.
    for (number, (from, to)) in edits.pairs.iter().map(|(from, to)| (TaskIx(*from), TaskIx(*to))).enumerate()
    {
        if budget.is_spent(&times) {
            break;
        }
        let new = spec(number)?;
        let begin = clock::now();
        let accepted = edit_graph(&mut graph, edits.kind, from, to, new);
        let time = begin.elapsed();
        if accepted == edits.kind.is_refused() {
            return Err(wrongly(edits.kind));
        }
        if number >= edits.warm_up || Budget::is_slow(time) {
            times.add(time);
        }
    }
    Ok(times)
}

fn edge(from: TaskIx, to: TaskIx) -> NewEdge {
    NewEdge { from, to, id: None, kind: DependencyKind::Success, condition: None, note: None }
}

fn edit_graph(graph: &mut TaskGraph, kind: Kind, from: TaskIx, to: TaskIx, new: Arc<TaskSpec>) -> bool {
    match kind {
        Kind::Cycle | Kind::FarCycle => !graph.is_upstream(to, from),
        Kind::Cross => graph.insert_edge(edge(from, to)).is_ok(),
        Kind::Append => {
            let new = graph.insert_task(new);
            graph.insert_edge(edge(from, new)).is_ok()
        }
        Kind::Insert | Kind::Split => {
            if kind == Kind::Split
                && let Some(known) = graph.edges_between(from, to).first().map(|edge| edge.ix)
            {
                drop(graph.remove_edge(known));
            }
            let new = graph.insert_task(new);
            graph.insert_edge(edge(from, new)).is_ok() && graph.insert_edge(edge(new, to)).is_ok()
        }
    }
}

/// A batch for each edit, by names: checked against all rules, committed, with its inverse and a summary.
pub(super) fn as_batches(mut graph: TaskGraph, edits: &Edits) -> Result<Times, RunError> {
    let around = Surroundings { limits: Limits::ceiling(), ..Surroundings::default() };
    let mut times = Times::with_capacity(edits.pairs.len());
    let budget = Budget::start();
    for (number, (from, to)) in edits.pairs.iter().enumerate() {
        if budget.is_spent(&times) {
            break;
        }
        let [from, to] = [*from, *to].map(|task| graph.id(TaskIx(task)).clone());
        let base = graph.revision();
        let batch =
            EditBatch { base, edits: written(edits.kind, from, to, spec(number)?), ..EditBatch::default() };
        let begin = clock::now();
        let verdict = check_within(&mut graph, &batch, &around).map(CheckedBatch::commit);
        let time = begin.elapsed();
        if verdict.is_err() != edits.kind.is_refused() {
            return Err(wrongly(edits.kind));
        }
        if number >= edits.warm_up || Budget::is_slow(time) {
            times.add(time);
        }
    }
    Ok(times)
}

/// An edit as editors write it.
pub(super) fn written(kind: Kind, from: TaskId, to: TaskId, new: Arc<TaskSpec>) -> Vec<Edit> {
    let id = new.id.clone();
    let add = Edit::AddTask { task: new, after: vec![(from.clone(), DependencyKind::Success)] };
    let edge = |from: TaskId, to: TaskId| Edit::AddDependency(Dependency::success(from, to));
    match kind {
        Kind::Append => vec![add],
        Kind::Insert => vec![add, edge(id, to)],
        Kind::Cross | Kind::Cycle | Kind::FarCycle => vec![edge(from, to)],
        Kind::Split => {
            let split = DependencyRef::Ends { from, to: to.clone() };
            vec![Edit::RemoveDependency { edge: split }, add, edge(id, to)]
        }
    }
}
