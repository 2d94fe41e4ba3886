//! Targets of each task in one row: what ending a task reads.
//!
//! The lists of edges of the graph container run through all of memory; a run ends every task once, and rows
//! let it read straight on. They are made with a whole graph; a task whose edges change falls back to its
//! list.

use petgraph::stable_graph::StableDiGraph;
use petgraph::visit::{EdgeRef as _, IntoEdgeReferences as _};
use starline_types::TaskIx;

use crate::graph::{Edge, EdgeKind, Node};

/// Bits of a cell that name the target; the two above them name the kind.
const TARGET_BITS: u32 = 30;

/// Begin and length of a row.
#[derive(Clone, Copy, Debug)]
struct Row {
    begin: u32,
    len: u32,
}

/// A task without a row.
const NONE: Row = Row { begin: 0, len: u32::MAX };

/// Targets of each task in one row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    rows: Vec<Row>,
    cells: Vec<u32>,
}

impl Rows {
    /// The targets of a task and what the edges ask; `None`: ask the graph container.
    pub(crate) fn of(&self, task: TaskIx) -> Option<impl Iterator<Item = (TaskIx, EdgeKind)> + use<'_>> {
        let row = self.rows.get(task.at()).filter(|row| row.len != NONE.len)?;
        let cells = self.cells.get(row.begin as usize..(row.begin + row.len) as usize)?;
        Some(cells.iter().map(|cell| {
            let kind = match cell >> TARGET_BITS {
                0 => EdgeKind::Success,
                1 => EdgeKind::Failure,
                _ => EdgeKind::Completion,
            };
            (TaskIx(cell & ((1 << TARGET_BITS) - 1)), kind)
        }))
    }

    /// The edges of a task changed.
    pub(crate) fn forget(&mut self, task: TaskIx) {
        if let Some(row) = self.rows.get_mut(task.at()) {
            *row = NONE;
        }
    }

    /// Makes all rows anew. O(n + m). Tasks with conditional edges get none, as their edges keep verdicts.
    pub(crate) fn rebuild(&mut self, dag: &StableDiGraph<Node, Edge, u32>, bound: usize) {
        self.rows.clear();
        self.cells.clear();
        if bound >> TARGET_BITS > 0 || u32::try_from(dag.edge_count()).is_err() {
            return;
        }
        self.rows.resize(bound, Row { begin: 0, len: 0 });
        for edge in dag.edge_references() {
            self.rows[edge.source().index()].len += 1;
        }
        let mut begin = 0;
        for row in &mut self.rows {
            row.begin = begin;
            begin += row.len;
            row.len = 0;
        }
        self.cells.resize(begin as usize, 0);
        for edge in dag.edge_references() {
            let row = &mut self.rows[edge.source().index()];
            let kind = match edge.weight().kind {
                EdgeKind::Success => 0,
                EdgeKind::Failure => 1,
                EdgeKind::Completion => 2,
                EdgeKind::When => 3,
            };
            let target = u32::try_from(edge.target().index()).unwrap_or(0);
            self.cells[(row.begin + row.len) as usize] = kind << TARGET_BITS | target;
            row.len += 1;
        }
        for row in &mut self.rows {
            let cells = &self.cells[row.begin as usize..(row.begin + row.len) as usize];
            if cells.iter().any(|cell| cell >> TARGET_BITS == 3) {
                *row = NONE;
            }
        }
    }
}
