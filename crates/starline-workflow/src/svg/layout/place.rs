//! Coordinates across the layers.
//!
//! After U. Brandes and B. Köpf, *Fast and simple horizontal coordinate assignment*, 2001: vertices are aligned
//! with the median of their neighbours into blocks, in four ways; of the four coordinates of a vertex, the mean
//! of the two middle ones is taken. Blocks are put beside each other by longest paths over the blocks, which
//! keeps every distance (compare U. Brandes, J. Walter and J. Zink, *Erratum*, 2020).

use super::links::Links;
use super::proper::Proper;

/// Free space between two boxes, between a box and an arrow, and between two arrows, in pixels.
const BOX_GAP: f64 = 18.0;
const MIXED_GAP: f64 = 14.0;
const BEND_GAP: f64 = 9.0;
/// How much wider than its widest layer a part may be.
const STRETCH: f64 = 2.0;
/// What rounding may take from a distance.
const TOLERANCE: f64 = 1e-6;

/// Centre of every vertex across its layer, from 0; `extent` is the size of a vertex in that direction. Bends of
/// one arrow are in one line as far as possible. O((n + m) log n).
pub(super) fn place(proper: &Proper, layers: &[Vec<usize>], extent: &[f64]) -> Vec<f64> {
    let conflicts = conflicts(proper, layers);
    let mut ways: Vec<Vec<f64>> = Vec::with_capacity(4);
    for mirrored in [false, true] {
        let mut layers = layers.to_vec();
        if mirrored {
            layers.iter_mut().for_each(|layer| layer.reverse());
        }
        for downwards in [true, false] {
            let root = aligned(proper, &layers, &conflicts, downwards);
            let mut centres = beside(proper, &layers, &root, extent);
            if mirrored {
                centres.iter_mut().for_each(|centre| *centre = -*centre);
            }
            ways.push(centres);
        }
    }
    let mut centres = middle(ways, extent);
    gather(proper, layers, extent, &mut centres);
    centres
}

/// Least distance of the centres of two neighbours.
fn distance(proper: &Proper, extent: &[f64], left: usize, right: usize) -> f64 {
    let gap = match (proper.is_bend(left), proper.is_bend(right)) {
        (false, false) => BOX_GAP,
        (true, true) => BEND_GAP,
        _ => MIXED_GAP,
    };
    (extent[left] + extent[right]) / 2.0 + gap
}

/// Segments, by their number among those that lead back, that cross a segment between two bends: they give way.
fn conflicts(proper: &Proper, layers: &[Vec<usize>]) -> Vec<bool> {
    let place = places(proper, layers);
    let mut conflicts = vec![false; proper.segments];
    for at in 1..layers.len() {
        let mut from = 0;
        let mut done = 0;
        for (index, &vertex) in layers[at].iter().enumerate() {
            let inner = inner_end(proper, vertex);
            if inner.is_none() && index + 1 < layers[at].len() {
                continue;
            }
            let until = inner.map_or(layers[at - 1].len(), |end| place[end]);
            for &other in &layers[at][done..=index] {
                for link in proper.before.of(other) {
                    let crosses = place[link.vertex] < from || place[link.vertex] > until;
                    if crosses && inner_end(proper, other).is_none() {
                        conflicts[link.arc] = true;
                    }
                }
            }
            done = index + 1;
            from = if inner.is_some() { until } else { from };
        }
    }
    conflicts
}

/// The bend before a bend.
fn inner_end(proper: &Proper, vertex: usize) -> Option<usize> {
    let end = proper.before.of(vertex).first()?.vertex;
    (proper.is_bend(vertex) && proper.is_bend(end)).then_some(end)
}

fn places(proper: &Proper, layers: &[Vec<usize>]) -> Vec<usize> {
    let mut place = vec![0; proper.layer.len()];
    for layer in layers {
        for (at, vertex) in layer.iter().enumerate() {
            place[*vertex] = at;
        }
    }
    place
}

/// The first vertex of the block of every vertex, if blocks follow medians in one direction.
fn aligned(proper: &Proper, layers: &[Vec<usize>], conflicts: &[bool], downwards: bool) -> Vec<usize> {
    let place = places(proper, layers);
    let count = proper.layer.len();
    let mut root: Vec<usize> = (0..count).collect();
    let mut near = Vec::new();
    for step in 0..layers.len() {
        let at = if downwards { step } else { layers.len() - 1 - step };
        let mut free_from = 0;
        for &vertex in &layers[at] {
            let links = if downwards { proper.before.of(vertex) } else { proper.after.of(vertex) };
            if links.is_empty() {
                continue;
            }
            near.clear();
            // Segments are numbered alike in both directions: as they were listed.
            near.extend(links.iter().map(|link| (place[link.vertex], link.vertex, conflicts[link.arc])));
            near.sort_unstable();
            for median in [(near.len() - 1) / 2, near.len() / 2] {
                let (at, end, conflict) = near[median];
                if !conflict && at >= free_from {
                    root[vertex] = root[end];
                    free_from = at + 1;
                    break;
                }
            }
        }
    }
    root
}

/// Centres of vertices when blocks are pushed together from the left, and then gaps to the right are closed.
fn beside(proper: &Proper, layers: &[Vec<usize>], root: &[usize], extent: &[f64]) -> Vec<f64> {
    let count = root.len();
    let neighbours = || layers.iter().flat_map(|layer| layer.windows(2).map(|two| (two[0], two[1])));
    let apart: Vec<f64> = neighbours().map(|(left, right)| distance(proper, extent, left, right)).collect();
    let right = Links::new(count, neighbours().map(|(a, b)| (root[a], root[b])));
    let mut waits = vec![0_usize; count];
    neighbours().for_each(|(_, b)| waits[root[b]] += 1);
    let mut order: Vec<usize> = (0..count).filter(|v| root[*v] == *v && waits[*v] == 0).collect();
    let mut centre = vec![0.0_f64; count];
    let mut next = 0;
    while next < order.len() {
        let block = order[next];
        next += 1;
        for link in right.of(block) {
            centre[link.vertex] = centre[link.vertex].max(centre[block] + apart[link.arc]);
            waits[link.vertex] -= 1;
            if waits[link.vertex] == 0 {
                order.push(link.vertex);
            }
        }
    }
    for &block in order.iter().rev() {
        let limit = right.of(block).iter().map(|link| centre[link.vertex] - apart[link.arc]);
        if let Some(limit) = limit.reduce(f64::min) {
            centre[block] = centre[block].max(limit);
        }
    }
    root.iter().map(|block| centre[*block]).collect()
}

/// The mean of the two middle coordinates, with all ways aligned to the narrowest. The first half of the ways
/// was pushed to the left.
fn middle(mut ways: Vec<Vec<f64>>, extent: &[f64]) -> Vec<f64> {
    let edges: Vec<(f64, f64)> = ways.iter().map(|centres| bounds(centres, extent)).collect();
    let narrowest = edges.iter().copied().min_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0)));
    let Some((low, high)) = narrowest else { return Vec::new() };
    let half = ways.len() / 2;
    for (way, (centres, (start, end))) in ways.iter_mut().zip(edges).enumerate() {
        let shift = if way < half { low - start } else { high - end };
        centres.iter_mut().for_each(|centre| *centre += shift);
    }
    (0..extent.len())
        .map(|vertex| {
            let mut four: Vec<f64> = ways.iter().map(|centres| centres[vertex]).collect();
            four.sort_by(f64::total_cmp);
            (four[half - 1] + four[half]) / 2.0
        })
        .collect()
}

/// Brings a drawing together that is much wider than its widest layer, as happens where many long arrows hold each
/// other apart, and moves it to start from 0. O(n).
fn gather(proper: &Proper, layers: &[Vec<usize>], extent: &[f64], centres: &mut [f64]) {
    let tight = |layer: &Vec<usize>| {
        let between: f64 = layer.windows(2).map(|two| distance(proper, extent, two[0], two[1])).sum();
        let border = |vertex: Option<&usize>| vertex.map_or(0.0, |vertex| extent[*vertex] / 2.0);
        border(layer.first()) + between + border(layer.last())
    };
    let widest = layers.iter().map(tight).fold(0.0, f64::max);
    let (low, high) = bounds(centres, extent);
    if high - low > widest * STRETCH {
        let factor = widest * STRETCH / (high - low);
        centres.iter_mut().for_each(|centre| *centre *= factor);
    }
    layers.iter().for_each(|layer| settle(proper, layer, extent, centres));
    let (low, _) = bounds(centres, extent);
    centres.iter_mut().for_each(|centre| *centre -= low);
}

/// Moves the vertices of a layer apart where they are too near, and as little as possible: an isotonic regression
/// of the centres without the distances that must be between them, by pooling neighbours that are out of order
/// (M. Ayer et al., *An empirical distribution function for sampling with incomplete information*, 1955). O(n).
fn settle(proper: &Proper, layer: &[usize], extent: &[f64], centres: &mut [f64]) {
    let apart = |two: &[usize]| distance(proper, extent, two[0], two[1]);
    if layer.windows(2).all(|two| centres[two[1]] - centres[two[0]] >= apart(two) - TOLERANCE) {
        return;
    }
    let mut offsets = vec![0.0];
    for two in layer.windows(2) {
        offsets.push(offsets[offsets.len() - 1] + apart(two));
    }
    // Sums of what vertices in a row would like, and how many they are.
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (vertex, offset) in layer.iter().zip(&offsets) {
        let mut pool = (centres[*vertex] - offset, 1);
        while let Some((sum, count)) =
            pools.pop_if(|(sum, count)| *sum / *count as f64 > pool.0 / pool.1 as f64)
        {
            pool = (sum + pool.0, count + pool.1);
        }
        pools.push(pool);
    }
    let shifts = pools.into_iter().flat_map(|(sum, count)| std::iter::repeat_n(sum / count as f64, count));
    for ((vertex, offset), shift) in layer.iter().zip(offsets).zip(shifts) {
        centres[*vertex] = shift + offset;
    }
}

/// Where vertices begin and end.
fn bounds(centres: &[f64], extent: &[f64]) -> (f64, f64) {
    centres.iter().zip(extent).fold((f64::MAX, f64::MIN), |(low, high), (centre, extent)| {
        (low.min(centre - extent / 2.0), high.max(centre + extent / 2.0))
    })
}
