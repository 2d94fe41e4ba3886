//! The edits that every system makes.

use crate::{Adjacency, Dag};

/// A kind of edit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// A new task behind one of the last.
    Append,
    /// A new task between one of the first and one of the last.
    Insert,
    /// An edge between two tasks that are there, from a lower layer to a higher one.
    Cross,
    /// An edge against one that is there, which is refused.
    Cycle,
    /// An edge from one of the last tasks to a task that it waits for over many others, which is refused.
    FarCycle,
    /// An edge is replaced by a task with two edges.
    Split,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::Append, Self::Insert, Self::Cross, Self::Cycle, Self::FarCycle, Self::Split];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Insert => "insert",
            Self::Cross => "cross",
            Self::Cycle => "cycle",
            Self::FarCycle => "far cycle",
            Self::Split => "split",
        }
    }

    /// Whether the edit is to be refused.
    pub(crate) const fn is_refused(self) -> bool {
        matches!(self, Self::Cycle | Self::FarCycle)
    }

    /// µs that the median and the 99th percentile may be; `None`: no goal names the kind.
    pub(crate) const fn limits(self) -> Option<[f64; 2]> {
        match self {
            Self::Append | Self::Insert | Self::Cross | Self::Cycle => Some([1.0, 5.0]),
            Self::Split => Some([1.0, 5_000.0]),
            Self::FarCycle => None,
        }
    }
}

/// Edits of one kind: the ends of each. The first ones warm up and are not counted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Edits {
    pub(crate) kind: Kind,
    pub(crate) warm_up: usize,
    pub(crate) pairs: Vec<(u32, u32)>,
}

impl Edits {
    /// Draws so many edits of a layered graph, and a tenth more to warm up. Equal graphs give equal edits.
    pub(crate) fn of(kind: Kind, dag: &Dag, count: usize) -> Self {
        let mut chance = Chance(42);
        let before = dag.predecessors();
        let warm_up = count / 10;
        let mut pairs: Vec<(u32, u32)> = Vec::with_capacity(count + warm_up);
        if kind == Kind::Split {
            // Each edge at most once, and all over the graph.
            let step = dag.edges.len() / (count + warm_up).max(1);
            pairs.extend(dag.edges.iter().step_by(step.max(1)).take(count + warm_up));
            chance.shuffle(&mut pairs);
        }
        while pairs.len() < count + warm_up {
            pairs.push(draw(kind, dag, &before, &mut chance));
        }
        Self { kind, warm_up, pairs }
    }
}

fn draw(kind: Kind, dag: &Dag, before: &Adjacency, chance: &mut Chance) -> (u32, u32) {
    let tasks = u32::try_from(dag.tasks).unwrap_or(u32::MAX);
    let near = tasks / 10;
    let early = chance.below(near);
    let late = tasks - 1 - chance.below(near);
    match kind {
        Kind::Append | Kind::Insert => (early, late),
        Kind::Cross => {
            // A smaller number is never behind a larger one, and a layer is far smaller than a tenth.
            let (one, other) = (chance.below(tasks), chance.below(tasks));
            let (from, to) = (one.min(other), one.max(other));
            if to - from > near { (from, to) } else { (early, late) }
        }
        Kind::Cycle | Kind::Split => {
            let edges = u32::try_from(dag.edges.len()).unwrap_or(u32::MAX);
            let (from, to) = dag.edges[chance.below(edges) as usize];
            if kind == Kind::Split { (from, to) } else { (to, from) }
        }
        Kind::FarCycle => {
            let mut at = late;
            while at >= near {
                let sources = before.of(at);
                at = sources[chance.below(u32::try_from(sources.len()).unwrap_or(1)) as usize];
            }
            (late, at)
        }
    }
}

/// A small generator of numbers that look random (S. Vigna's xorshift*, 2014).
#[derive(Debug)]
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number from 0 up to this one, which is left out.
    fn below(&mut self, bound: u32) -> u32 {
        u32::try_from((self.next() >> 32) % u64::from(bound.max(1))).unwrap_or(0)
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            let other = self.below(u32::try_from(at + 1).unwrap_or(u32::MAX)) as usize;
            items.swap(at, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn edits_are_what_their_kind_says() {
        let dag = Dag::named("layered_10000").expect("a listed name");
        let known: BTreeSet<_> = dag.edges.iter().copied().collect();
        for kind in Kind::ALL {
            let edits = Edits::of(kind, &dag, 300);
            assert_eq!(edits, Edits::of(kind, &dag, 300));
            assert_eq!((edits.pairs.len(), edits.warm_up), (330, 30));
            for (from, to) in &edits.pairs {
                match kind {
                    Kind::Append | Kind::Insert | Kind::Cross => assert!(from < to),
                    Kind::Cycle => assert!(known.contains(&(*to, *from))),
                    Kind::FarCycle => assert!(*to < 1_000 && *from >= 9_000),
                    Kind::Split => assert!(known.contains(&(*from, *to))),
                }
            }
            let different: BTreeSet<_> = edits.pairs.iter().collect();
            assert!(kind != Kind::Split || different.len() == edits.pairs.len());
        }
    }
}
