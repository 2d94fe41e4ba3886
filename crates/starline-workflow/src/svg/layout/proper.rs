//! A layered graph whose segments join neighbouring layers only.

use super::acyclic::Arrow;
use super::links::Links;

/// Vertices in layers. Those below `real` are boxes; the others are bends of long arrows.
#[derive(Debug)]
pub(super) struct Proper {
    pub(super) real: usize,
    /// Layer of every vertex.
    pub(super) layer: Vec<usize>,
    /// Number of layers.
    pub(super) depth: usize,
    /// Bends of every arrow, from its tail to its head.
    pub(super) bends: Vec<Bends>,
    /// Neighbours in the layer before.
    pub(super) before: Links,
    /// Neighbours in the layer after.
    pub(super) after: Links,
    /// Number of segments.
    pub(super) segments: usize,
}

/// Where a long arrow passes the layers between its ends.
#[derive(Clone, Debug)]
pub(super) enum Bends {
    /// At these vertices, one for each layer between the ends.
    At(std::ops::Range<usize>),
    /// Nowhere in particular: it was too long for the bends that were left, and is drawn direct.
    Direct,
}

impl Proper {
    /// Cuts arrows into segments. Short arrows are served first; `left` is what remains of the bends that one
    /// picture may have. O(m log m + bends).
    pub(super) fn new(real: usize, mut layer: Vec<usize>, arrows: &[Arrow], left: &mut usize) -> Self {
        let depth = layer.iter().max().map_or(0, |last| last + 1);
        let span = |arrow: &Arrow| layer[arrow.head] - layer[arrow.tail];
        let mut shortest_first: Vec<usize> = (0..arrows.len()).collect();
        shortest_first.sort_by_key(|at| span(&arrows[*at]));
        let mut granted = vec![false; arrows.len()];
        for at in shortest_first {
            let needed = span(&arrows[at]) - 1;
            if needed <= *left {
                *left -= needed;
                granted[at] = true;
            }
        }
        let mut bends = Vec::with_capacity(arrows.len());
        let mut pairs = Vec::with_capacity(arrows.len());
        for (arrow, granted) in arrows.iter().zip(granted) {
            if !granted {
                bends.push(Bends::Direct);
                continue;
            }
            let first = layer.len();
            let mut from = arrow.tail;
            for at in layer[arrow.tail] + 1..layer[arrow.head] {
                pairs.push((from, layer.len()));
                from = layer.len();
                layer.push(at);
            }
            pairs.push((from, arrow.head));
            bends.push(Bends::At(first..layer.len()));
        }
        let before = Links::new(layer.len(), pairs.iter().map(|(from, to)| (*to, *from)));
        let after = Links::new(layer.len(), pairs.iter().copied());
        Self { real, depth, bends, before, after, segments: pairs.len(), layer }
    }

    /// Whether a vertex is a bend.
    pub(super) fn is_bend(&self, vertex: usize) -> bool {
        vertex >= self.real
    }
}
