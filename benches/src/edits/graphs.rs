//! P7: edits of a graph of ten thousand and of a hundred thousand tasks.

use std::io::{self, Write};

use starline::graph::TaskGraph;

use super::{Best, Edits, Kind, Times, libraries, product, unwritten};
use crate::{Dag, Effort, Goal, RunError, Unit, Verdict};

/// Graphs that are edited.
const GRAPHS: [&str; 2] = ["layered_10000", "layered_100000"];
/// The system that is judged, and the same edits as batches.
const PRODUCT: [&str; 2] = ["starline graph", "starline batch"];

/// A system that is ready to make its edits.
type System<'s> = (&'static str, &'s dyn Fn() -> Result<Times, RunError>);

pub(super) fn measure(effort: Effort, out: &mut dyn Write) -> Result<Vec<Verdict>, RunError> {
    heading(out).map_err(unwritten)?;
    let (count, rounds) = match effort {
        Effort::Quick => (500, 2),
        Effort::Full => (2_000, 8),
    };
    let mut verdicts = Vec::new();
    for name in GRAPHS {
        let dag = Dag::named(name).map_err(|error| RunError::failed("edits", error))?;
        let graph = product::graph(&dag)?;
        for kind in Kind::ALL {
            let systems = in_turn(&dag, &graph, &Edits::of(kind, &dag, count), rounds)?;
            rows(out, name, kind, &systems).map_err(unwritten)?;
            let Some(limits) = kind.limits() else { continue };
            for (system, best) in systems.iter().filter(|(system, _)| PRODUCT.contains(system)) {
                for (what, found, limit) in [("p50", best.p50, limits[0]), ("p99", best.p99, limits[1])] {
                    let place = system.trim_start_matches("starline ");
                    let row = format!("{name} {} {place} {what}", kind.name());
                    verdicts.push(Verdict::of_goal(Goal::P7, row, found, limit, Unit::Micros));
                }
            }
        }
    }
    writeln!(out).map_err(unwritten)?;
    Ok(verdicts)
}

/// Every system in turn, each round on a fresh graph.
fn in_turn(
    dag: &Dag,
    graph: &TaskGraph,
    edits: &Edits,
    rounds: usize,
) -> Result<Vec<(&'static str, Best)>, RunError> {
    let systems: [System<'_>; 5] = [
        (PRODUCT[0], &|| product::on_the_graph(graph.clone(), edits)),
        (PRODUCT[1], &|| product::as_batches(graph.clone(), edits)),
        ("petgraph Acyclic", &|| libraries::acyclic(dag, edits)),
        ("daggy", &|| libraries::daggy(dag, edits)),
        ("toposort per edit", &|| libraries::toposort_per_edit(dag, edits)),
    ];
    let mut best: Vec<_> = systems.iter().map(|(name, _)| (*name, Best::default())).collect();
    for round in 0..rounds {
        for place in 0..systems.len() {
            let turn = (round + place) % systems.len();
            best[turn].1.take(systems[turn].1()?);
        }
    }
    Ok(best)
}

fn heading(out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{:<15} {:<9}  {:<17} {:>10} {:>10}", "graph", "edit", "system", "p50 us", "p99 us")?;
    writeln!(out, " {:>7} {:>11} {:>11}", "edits", "p50 / graph", "p50 / batch")
}

/// One row for each system, with how much longer its median edit takes than that of the product.
fn rows(out: &mut dyn Write, name: &str, kind: Kind, systems: &[(&str, Best)]) -> io::Result<()> {
    let of = |wanted: &str| {
        systems.iter().find(|(system, _)| *system == wanted).map_or(f64::NAN, |(_, best)| best.p50)
    };
    let [graph, batch] = PRODUCT.map(of);
    for (system, Best { p50, p99, count, .. }) in systems {
        write!(out, "{name:<15} {:<9}  {system:<17} {p50:>10.3} {p99:>10.3} {count:>7}", kind.name())?;
        writeln!(out, " {:>11.2} {:>11.2}", p50 / graph, p50 / batch)?;
    }
    out.flush()
}
