//! The graphs every system runs.

use std::io::{self, BufWriter, Write};

use crate::python_random::PythonRandom;

/// Names that [`Dag::named`] knows, small shapes first within their kind.
pub const NAMES: [&str; 11] = [
    "chain_1000",
    "chain_10000",
    "fan_998",
    "fan_10000",
    "layered_1000",
    "layered_10000",
    "layered_100000",
    "layered_1000000",
    "tree_65536",
    "stencil_64x1000",
    "fft_64x1000",
];

/// Predecessors of a task in a layered graph.
const LAYER_EDGES: usize = 3;
/// Seed of the layered graphs.
const SEED: u32 = 42;

/// A task graph: tasks `0..tasks`, and edges `(before, after)` with `before < after`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dag {
    /// The name it goes by in tables, one of [`NAMES`].
    pub name: &'static str,
    /// Number of tasks.
    pub tasks: usize,
    /// Edges in the order of generation, without duplicates.
    pub edges: Vec<(u32, u32)>,
}

/// No graph goes by this name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no graph is called `{name}`, choose one of {}", NAMES.join(", "))]
pub struct UnknownDag {
    /// The name that was asked for.
    pub name: String,
}

impl Dag {
    /// Generates the graph of this name; equal names give equal graphs. O(tasks + edges).
    ///
    /// # Errors
    ///
    /// [`UnknownDag`] for a name that is not in [`NAMES`].
    pub fn named(name: &str) -> Result<Self, UnknownDag> {
        let known = NAMES.into_iter().find(|known| *known == name);
        let (name, (tasks, edges)) = match known {
            Some(name @ "chain_1000") => (name, chain(1_000)),
            Some(name @ "chain_10000") => (name, chain(10_000)),
            Some(name @ "fan_998") => (name, fan(998)),
            Some(name @ "fan_10000") => (name, fan(10_000)),
            Some(name @ "layered_1000") => (name, layered(20, 50)),
            Some(name @ "layered_10000") => (name, layered(100, 100)),
            Some(name @ "layered_100000") => (name, layered(200, 500)),
            Some(name @ "layered_1000000") => (name, layered(1_000, 1_000)),
            Some(name @ "tree_65536") => (name, tree(16)),
            Some(name @ "stencil_64x1000") => (name, stencil(64, 1_000)),
            Some(name @ "fft_64x1000") => (name, fft(64, 1_000)),
            _ => return Err(UnknownDag { name: name.to_owned() }),
        };
        Ok(Self { name, tasks: tasks as usize, edges })
    }

    /// The successors of each task. O(tasks + edges).
    pub fn successors(&self) -> Adjacency {
        Adjacency::new(self.tasks, self.edges.iter().copied())
    }

    /// The predecessors of each task. O(tasks + edges).
    pub fn predecessors(&self) -> Adjacency {
        Adjacency::new(self.tasks, self.edges.iter().map(|&(before, after)| (after, before)))
    }

    /// How many predecessors each task has. O(tasks + edges).
    pub fn indegrees(&self) -> Vec<u32> {
        let mut indegrees = vec![0; self.tasks];
        for &(_, after) in &self.edges {
            indegrees[after as usize] += 1;
        }
        indegrees
    }

    /// Writes `tasks edges` on the first line, then one `before after` line for each edge.
    ///
    /// # Errors
    ///
    /// What the writer reports.
    pub fn write(&self, out: impl Write) -> io::Result<()> {
        let mut out = BufWriter::new(out);
        writeln!(out, "{} {}", self.tasks, self.edges.len())?;
        for (before, after) in &self.edges {
            writeln!(out, "{before} {after}")?;
        }
        out.flush()
    }
}

/// The neighbours of each task in one direction, in compressed rows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Adjacency {
    starts: Vec<u32>,
    neighbours: Vec<u32>,
}

impl Adjacency {
    fn new(tasks: usize, edges: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        let mut starts = vec![0; tasks + 1];
        for (task, _) in edges.clone() {
            starts[task as usize + 1] += 1;
        }
        for task in 0..tasks {
            starts[task + 1] += starts[task];
        }
        let mut next = starts.clone();
        let mut neighbours = vec![0; starts[tasks] as usize];
        for (task, neighbour) in edges {
            let slot = &mut next[task as usize];
            neighbours[*slot as usize] = neighbour;
            *slot += 1;
        }
        Self { starts, neighbours }
    }

    /// The neighbours of a task, in the order of the edges.
    ///
    /// # Panics
    ///
    /// When there is no such task.
    #[inline]
    pub fn of(&self, task: u32) -> &[u32] {
        let task = task as usize;
        &self.neighbours[self.starts[task] as usize..self.starts[task + 1] as usize]
    }
}

type Parts = (u32, Vec<(u32, u32)>);

fn chain(tasks: u32) -> Parts {
    (tasks, (1..tasks).map(|task| (task - 1, task)).collect())
}

fn fan(width: u32) -> Parts {
    let join = width + 1;
    let fork = (1..join).map(|task| (0, task));
    (width + 2, fork.chain((1..join).map(|task| (task, join))).collect())
}

fn layered(layers: u32, width: u32) -> Parts {
    let mut random = PythonRandom::new(SEED);
    let mut edges = Vec::with_capacity(((layers - 1) * width) as usize * LAYER_EDGES);
    for layer in 1..layers {
        for task in 0..width {
            for before in random.sample(width, LAYER_EDGES) {
                edges.push(((layer - 1) * width + before, layer * width + task));
            }
        }
    }
    (layers * width, edges)
}

/// A reduction: pairs of neighbours in a level join in one task of the next.
fn tree(levels: u32) -> Parts {
    let tasks = (2 << levels) - 1;
    let leaves = 1 << levels;
    (tasks, (0..tasks - 1).map(|task| (task, leaves + task / 2)).collect())
}

fn stencil(width: u32, steps: u32) -> Parts {
    in_steps(width, steps, |_| 1)
}

fn fft(width: u32, steps: u32) -> Parts {
    let stages = width.ilog2();
    in_steps(width, steps, |step| 1 << ((step - 1) % stages))
}

/// Each task of a step follows the task in its place and those `reach(step)` to its left and right.
fn in_steps(width: u32, steps: u32, reach: impl Fn(u32) -> u32) -> Parts {
    let mut edges = Vec::with_capacity((width * steps) as usize * 3);
    for step in 1..steps {
        let (before, now, reach) = ((step - 1) * width, step * width, reach(step));
        for place in 0..width {
            let left = place.checked_sub(reach);
            let right = Some(place + reach).filter(|right| *right < width);
            for source in [left, Some(place), right].into_iter().flatten() {
                edges.push((before + source, now + place));
            }
        }
    }
    (width * steps, edges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let message = Dag::named("chain_7").expect_err("there is no such graph").to_string();
        assert!(message.starts_with("no graph is called `chain_7`, choose one of chain_1000, "), "{message}");
    }

    #[test]
    fn edges_point_forwards_and_differ() {
        for name in NAMES.into_iter().filter(|name| *name != "layered_1000000") {
            let dag = Dag::named(name).expect("a listed name");
            assert!(dag.edges.iter().all(|(before, after)| before < after), "{name}");
            let mut sorted = dag.edges.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), dag.edges.len(), "{name}");
        }
    }

    #[test]
    fn neighbours_follow_the_edges() {
        let dag = Dag { name: "small", tasks: 4, edges: vec![(0, 2), (0, 1), (1, 3), (2, 3)] };
        let (successors, predecessors) = (dag.successors(), dag.predecessors());
        assert_eq!(
            (0..4).map(|task| successors.of(task)).collect::<Vec<_>>(),
            [&[2, 1][..], &[3], &[3], &[]]
        );
        assert_eq!(
            (0..4).map(|task| predecessors.of(task)).collect::<Vec<_>>(),
            [&[][..], &[0], &[0], &[1, 2]]
        );
        assert_eq!(dag.indegrees(), [0, 1, 1, 2]);
    }
}
