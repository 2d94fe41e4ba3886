//! What a picture is about.

use std::collections::BTreeMap;

use starline_types::{Dependency, GraphSpec, Reading, TaskSpec};

use crate::drawing::edges;
use crate::svg::SvgOptions;

/// A graph with its edges by number.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) graph: &'a GraphSpec,
    /// State of every task.
    pub(crate) readings: Vec<Option<Reading>>,
    /// Dependencies between known tasks, with the numbers of both.
    pub(crate) edges: Vec<Edge<'a>>,
    /// Dependencies that name an unknown task.
    pub(crate) unknown: usize,
    pub(crate) standalone: bool,
}

/// A dependency between known tasks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge<'a> {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) dependency: &'a Dependency,
}

impl<'a> Subject<'a> {
    /// O((n + m) log n).
    pub(crate) fn new(graph: &'a GraphSpec, options: &SvgOptions<'_>) -> Self {
        let edges: Vec<Edge<'a>> =
            edges(graph).map(|(from, to, dependency)| Edge { from, to, dependency }).collect();
        let reading = |task: &TaskSpec| options.states.and_then(|states| states.get(&task.id)).copied();
        Self {
            readings: graph.tasks.iter().map(|task| reading(task)).collect(),
            unknown: graph.dependencies.len() - edges.len(),
            standalone: options.standalone,
            edges,
            graph,
        }
    }

    /// How many tasks are in each state that occurs.
    pub(crate) fn counts(&self) -> BTreeMap<Reading, usize> {
        let mut counts = BTreeMap::new();
        for reading in self.readings.iter().flatten() {
            *counts.entry(*reading).or_insert(0) += 1;
        }
        counts
    }
}
