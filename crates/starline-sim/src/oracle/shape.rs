//! The graph of a run as an outside reader understands it, compared with what the run says of itself.

use std::sync::Arc;

use starline_types::{Dependency, DependencyId, GraphSpec, TaskSpec};

use super::book::RunBook;
use super::hear::Verdict;
use super::{Judge, hold};

/// A graph without its course: tasks and edges, each in order of insertion.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shape {
    tasks: Vec<Arc<TaskSpec>>,
    edges: Vec<Dependency>,
}

impl RunBook {
    /// The graph as the reader understands it.
    pub(super) fn shape(&self) -> Shape {
        let mut present: Vec<usize> = self.present().collect();
        present.sort_by_key(|task| self.tasks[*task].rank);
        let mut edges: Vec<(u32, Dependency)> = Vec::new();
        for to in &present {
            for edge in &self.tasks[*to].into {
                let (from, target) = (&self.tasks[edge.from].spec.id, &self.tasks[*to].spec.id);
                let mut dependency = Dependency::success(from.clone(), target.clone());
                dependency.kind = edge.kind.clone();
                dependency.note = edge.note.clone();
                dependency.id = DependencyId::new(&edge.id).ok();
                edges.push((edge.rank, dependency));
            }
        }
        edges.sort_by_key(|(rank, _)| *rank);
        Shape {
            tasks: present.into_iter().map(|task| Arc::clone(&self.tasks[task].spec)).collect(),
            edges: edges.into_iter().map(|(_, edge)| edge).collect(),
        }
    }
}

impl Judge {
    /// The graph of a run after a commit of edits is what the edits made of it.
    pub(crate) fn compare_graph(&self, run: usize, graph: &GraphSpec) -> Verdict {
        let Some(book) = self.books.get(run) else { return Ok(()) };
        let mut found = Shape { tasks: graph.tasks.clone(), edges: graph.dependencies.clone() };
        for edge in &mut found.edges {
            let plain = || DependencyId::new(format!("{}->{}", edge.from, edge.to)).ok();
            edge.id = edge.id.take().or_else(plain);
        }
        let wanted = book.shape();
        hold!(O2, found == wanted, "run {run} has the graph {found:?} instead of {wanted:?}");
        Ok(())
    }
}
