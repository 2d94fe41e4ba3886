//! Neighbours of every vertex in one direction.

/// Lists of neighbours in two allocations, in the order of the arcs.
#[derive(Debug)]
pub(super) struct Links {
    starts: Vec<usize>,
    ends: Vec<Link>,
}

/// One neighbour, and the arc that leads to it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Link {
    pub(super) vertex: usize,
    pub(super) arc: usize,
}

impl Links {
    /// Lists for `count` vertices; every arc leads from the first of the pair to the second. O(n + m).
    pub(super) fn new(count: usize, arcs: impl Iterator<Item = (usize, usize)> + Clone) -> Self {
        let mut starts = vec![0; count + 1];
        for (from, _) in arcs.clone() {
            starts[from + 1] += 1;
        }
        for at in 0..count {
            starts[at + 1] += starts[at];
        }
        let mut free = starts.clone();
        let mut ends = vec![Link::default(); starts[count]];
        for (arc, (from, vertex)) in arcs.enumerate() {
            ends[free[from]] = Link { vertex, arc };
            free[from] += 1;
        }
        Self { starts, ends }
    }

    /// Neighbours of a vertex.
    pub(super) fn of(&self, vertex: usize) -> &[Link] {
        &self.ends[self.starts[vertex]..self.starts[vertex + 1]]
    }
}
