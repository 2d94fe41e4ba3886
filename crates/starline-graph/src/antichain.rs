//! The largest set of tasks of which none waits for another.
//!
//! By Dilworth's theorem its size is that of a smallest cover by chains, which is what a maximum matching between
//! each task and those behind it leaves unmatched; the set itself follows from a smallest vertex cover.
//!
//! Sources: R. P. Dilworth, *A decomposition theorem for partially ordered sets* (1950); D. R. Fulkerson, *Note on
//! Dilworth's decomposition theorem* (1956); J. E. Hopcroft, R. M. Karp, *An n^(5/2) algorithm for maximum matchings
//! in bipartite graphs* (1973).

use starline_types::TaskIx;

use crate::TaskGraph;
use crate::topology::topological_order;

/// Most tasks for which [`maximum_antichain`] is computed: the closure then takes 3 MiB.
pub const MAX_ANTICHAIN_TASKS: usize = 5_000;

/// A graph is too large for an exact analysis.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("graph has {got} tasks, an exact antichain is computed up to {max}")]
pub struct TooManyTasks {
    /// The limit.
    pub max: usize,
    /// Tasks of the graph.
    pub got: usize,
}

/// A largest set of tasks of which none is upstream of another, in the order of insertion.
///
/// O(n·m / 64) for the closure and O(e·√n) for its e pairs: fractions of a second at the limit.
///
/// # Errors
/// The graph has more than [`MAX_ANTICHAIN_TASKS`] tasks.
pub fn maximum_antichain(graph: &TaskGraph) -> Result<Vec<TaskIx>, TooManyTasks> {
    if graph.len() > MAX_ANTICHAIN_TASKS {
        return Err(TooManyTasks { max: MAX_ANTICHAIN_TASKS, got: graph.len() });
    }
    let order = topological_order(graph);
    let mut matching = Matching::new(closure(graph, &order), order.len());
    while matching.layer() {
        matching.augment();
    }
    let mut antichain: Vec<TaskIx> = matching.uncovered().map(|at| order[at]).collect();
    antichain.sort_unstable_by_key(|task| graph.order(*task));
    Ok(antichain)
}

/// Rows of bits.
struct Bits {
    words: Vec<u64>,
    width: usize,
}

impl Bits {
    fn row(&self, at: usize) -> &[u64] {
        &self.words[at * self.width..(at + 1) * self.width]
    }

    /// The first bit of a row that is set, from a position on.
    fn next(&self, row: usize, from: usize) -> Option<usize> {
        let row = self.row(row);
        let mut word = from / 64;
        let mut bits = row.get(word)? & (u64::MAX << (from % 64));
        while bits == 0 {
            word += 1;
            bits = *row.get(word)?;
        }
        Some(word * 64 + bits.trailing_zeros() as usize)
    }
}

/// What is behind each task, by position in a topological order.
fn closure(graph: &TaskGraph, order: &[TaskIx]) -> Bits {
    let mut position = vec![0; graph.bound()];
    for (at, task) in order.iter().enumerate() {
        position[task.at()] = at;
    }
    let width = order.len().div_ceil(64);
    let mut bits = Bits { words: vec![0; width * order.len()], width };
    for (at, task) in order.iter().enumerate().rev() {
        for next in graph.successors(*task).map(|next| position[next.at()]) {
            // The rows of successors lie behind and are complete.
            let (before, behind) = bits.words.split_at_mut((at + 1) * width);
            let row = &mut before[at * width..];
            let from = (next - at - 1) * width;
            for (word, more) in row.iter_mut().zip(&behind[from..from + width]) {
                *word |= more;
            }
            row[next / 64] |= 1 << (next % 64);
        }
    }
    bits
}

const FREE: usize = usize::MAX;

/// A matching of tasks with tasks behind them, each used once on either side.
struct Matching {
    behind: Bits,
    /// Partner of each task on the left.
    right_of: Vec<usize>,
    /// Partner of each task on the right.
    left_of: Vec<usize>,
    /// Layer of each task on the left in the search for shortest augmenting paths.
    layer: Vec<usize>,
}

impl Matching {
    fn new(behind: Bits, count: usize) -> Self {
        Self { behind, right_of: vec![FREE; count], left_of: vec![FREE; count], layer: vec![FREE; count] }
    }

    /// Layers the left side from its free tasks on. Whether a free task on the right was reached.
    fn layer(&mut self) -> bool {
        let mut queue: Vec<usize> = Vec::new();
        for (at, right) in self.right_of.iter().enumerate() {
            self.layer[at] = if *right == FREE { 0 } else { FREE };
            if *right == FREE {
                queue.push(at);
            }
        }
        let (mut found, mut head) = (false, 0);
        while let Some(left) = queue.get(head).copied() {
            head += 1;
            let mut from = 0;
            while let Some(right) = self.behind.next(left, from) {
                from = right + 1;
                match self.left_of[right] {
                    FREE => found = true,
                    partner if self.layer[partner] == FREE => {
                        self.layer[partner] = self.layer[left] + 1;
                        queue.push(partner);
                    }
                    _ => {}
                }
            }
        }
        found
    }

    /// Augments along disjoint paths through the layers. Depth first, with a stack of its own.
    fn augment(&mut self) {
        let count = self.right_of.len();
        let mut tried = vec![0; count];
        for start in 0..count {
            if self.right_of[start] != FREE {
                continue;
            }
            let mut path = vec![start];
            while let Some(left) = path.last().copied() {
                let Some(right) = self.behind.next(left, tried[left]) else {
                    self.layer[left] = FREE;
                    path.pop();
                    continue;
                };
                tried[left] = right + 1;
                match self.left_of[right] {
                    FREE => {
                        // Every task on the path takes the partner it tried last.
                        for left in path.drain(..) {
                            let right = tried[left] - 1;
                            self.right_of[left] = right;
                            self.left_of[right] = left;
                        }
                    }
                    partner if self.layer[partner] == self.layer[left] + 1 => path.push(partner),
                    _ => {}
                }
            }
        }
    }

    /// Tasks that a smallest vertex cover touches on neither side, once no augmenting path is left.
    fn uncovered(&self) -> impl Iterator<Item = usize> + '_ {
        let count = self.right_of.len();
        let mut reached = vec![false; count];
        for left in (0..count).filter(|left| self.layer[*left] != FREE) {
            let mut from = 0;
            while let Some(right) = self.behind.next(left, from) {
                reached[right] = true;
                from = right + 1;
            }
        }
        (0..count).filter(move |at| self.layer[*at] != FREE && !reached[*at])
    }
}
