//! The same edits by libraries that keep a graph acyclic, and by a sort of the whole graph after each edit.
//!
//! They keep numbers, and neither names nor states nor conditions. A refused edit leaves their graph as it was.

use daggy::petgraph::acyclic::Acyclic;
use daggy::petgraph::algo::toposort;
use daggy::petgraph::data::Build as _;
use daggy::petgraph::graph::NodeIndex;
use daggy::petgraph::stable_graph::StableDiGraph;

use super::{Budget, Edits, Kind, Times};
use crate::{Dag, RunError, clock};

type Plain = StableDiGraph<(), (), u32>;

fn node(at: u32) -> NodeIndex<u32> {
    NodeIndex::new(at as usize)
}

fn plain(dag: &Dag) -> Plain {
    let mut graph = Plain::with_capacity(dag.tasks, dag.edges.len());
    for _ in 0..dag.tasks {
        graph.add_node(());
    }
    for (from, to) in &dag.edges {
        graph.add_edge(node(*from), node(*to), ());
    }
    graph
}

/// Makes each edit and checks the verdict. The time of an edit is that of the call.
fn timed(
    system: &'static str,
    edits: &Edits,
    mut edit: impl FnMut(NodeIndex<u32>, NodeIndex<u32>) -> bool,
) -> Result<Times, RunError> {
    let mut times = Times::with_capacity(edits.pairs.len());
    let budget = Budget::start();
    for (number, (from, to)) in edits.pairs.iter().enumerate() {
        if budget.is_spent(&times) {
            break;
        }
        let begin = clock::now();
        let accepted = edit(node(*from), node(*to));
        let time = begin.elapsed();
        if accepted == edits.kind.is_refused() {
            return Err(RunError::failed(system, format!("{} was judged wrongly", edits.kind.name())));
        }
        if number >= edits.warm_up || Budget::is_slow(time) {
            times.add(time);
        }
    }
    Ok(times)
}

/// petgraph's graph with an order of its nodes that is kept up to date.
pub(super) fn acyclic(dag: &Dag, edits: &Edits) -> Result<Times, RunError> {
    const NAME: &str = "petgraph Acyclic";
    let graph = Acyclic::try_from_graph(plain(dag));
    let mut graph = graph.map_err(|_| RunError::failed(NAME, "the graph has a cycle"))?;
    timed(NAME, edits, |from, to| match edits.kind {
        Kind::Cross | Kind::Cycle | Kind::FarCycle => graph.try_add_edge(from, to, ()).is_ok(),
        Kind::Append => {
            let new = graph.add_node(());
            graph.try_add_edge(from, new, ()).is_ok()
        }
        Kind::Insert | Kind::Split => {
            if edits.kind == Kind::Split
                && let Some(edge) = graph.find_edge(from, to)
            {
                graph.remove_edge(edge);
            }
            let new = graph.add_node(());
            graph.try_add_edge(from, new, ()).is_ok() && graph.try_add_edge(new, to, ()).is_ok()
        }
    })
}

/// daggy, which searches for a path whenever an edge is added.
pub(super) fn daggy(dag: &Dag, edits: &Edits) -> Result<Times, RunError> {
    const NAME: &str = "daggy";
    let mut graph = daggy::Dag::<(), (), u32>::with_capacity(dag.tasks, dag.edges.len());
    for _ in 0..dag.tasks {
        graph.add_node(());
    }
    let edges = dag.edges.iter().map(|(from, to)| (node(*from), node(*to), ()));
    graph.add_edges(edges).map_err(|error| RunError::failed(NAME, error.to_string()))?;
    timed(NAME, edits, |from, to| match edits.kind {
        Kind::Cross | Kind::Cycle | Kind::FarCycle => graph.add_edge(from, to, ()).is_ok(),
        Kind::Append => {
            graph.add_child(from, (), ());
            true
        }
        Kind::Insert | Kind::Split => {
            if edits.kind == Kind::Split
                && let Some(edge) = graph.find_edge(from, to)
            {
                graph.remove_edge(edge);
            }
            let (_, new) = graph.add_child(from, (), ());
            graph.add_edge(new, to, ()).is_ok()
        }
    })
}

/// petgraph's graph, sorted anew after each edit.
pub(super) fn toposort_per_edit(dag: &Dag, edits: &Edits) -> Result<Times, RunError> {
    let mut graph = plain(dag);
    timed("toposort per edit", edits, |from, to| {
        let edge = match edits.kind {
            Kind::Cross | Kind::Cycle | Kind::FarCycle => graph.add_edge(from, to, ()),
            Kind::Append => {
                let new = graph.add_node(());
                graph.add_edge(from, new, ())
            }
            Kind::Insert | Kind::Split => {
                if edits.kind == Kind::Split
                    && let Some(edge) = graph.find_edge(from, to)
                {
                    graph.remove_edge(edge);
                }
                let new = graph.add_node(());
                graph.add_edge(from, new, ());
                graph.add_edge(new, to, ())
            }
        };
        let sorted = toposort(&graph, None).is_ok();
        if !sorted {
            graph.remove_edge(edge);
        }
        sorted
    })
}
