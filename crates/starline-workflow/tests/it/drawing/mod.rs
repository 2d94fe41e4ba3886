//! Drawings of graphs.

mod cases;
pub(crate) mod graphs;
mod languages;
mod laws;
mod picture;

use std::sync::Arc;

use starline_types::{Dependency, DependencyKind, GraphSpec, Millis, Payload, TaskId, TaskSpec};

/// An id.
fn id(text: &str) -> TaskId {
    TaskId::new(text).expect("an id")
}

/// A task that waits.
fn task(text: &str) -> TaskSpec {
    TaskSpec::new(id(text), Payload::Sleep(Millis(5)))
}

/// A graph of tasks `t0`, `t1` and so on, with edges by number.
fn graph(tasks: usize, edges: impl IntoIterator<Item = (usize, usize, DependencyKind)>) -> GraphSpec {
    let edge = |(from, to, kind): (usize, usize, DependencyKind)| {
        Dependency::success(id(&format!("t{from}")), id(&format!("t{to}"))).with_kind(kind)
    };
    GraphSpec {
        name: "drawn".to_owned(),
        tasks: (0..tasks).map(|number| Arc::new(task(&format!("t{number}")))).collect(),
        dependencies: edges.into_iter().map(edge).collect(),
        ..GraphSpec::default()
    }
}

/// Plain edges by number.
fn plain(edges: impl IntoIterator<Item = (usize, usize)>) -> Vec<(usize, usize, DependencyKind)> {
    edges.into_iter().map(|(from, to)| (from, to, DependencyKind::Success)).collect()
}
