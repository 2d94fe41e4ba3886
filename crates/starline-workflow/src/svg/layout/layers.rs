//! Which layer a vertex is in.

use super::acyclic::{Arrow, acyclic};
use super::links::Links;

/// Rounds of moving vertices towards their neighbours.
const ROUNDS: usize = 4;

/// Distance of every vertex from the sources, along the longest path. O(n + m).
pub(crate) fn levels(count: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let (order, arrows) = acyclic(count, edges);
    longest_paths(&order, &arrows)
}

fn longest_paths(order: &[usize], arrows: &[Arrow]) -> Vec<usize> {
    let next = Links::new(order.len(), arrows.iter().map(|arrow| (arrow.tail, arrow.head)));
    let mut level = vec![0; order.len()];
    for &vertex in order {
        for link in next.of(vertex) {
            level[link.vertex] = level[link.vertex].max(level[vertex] + 1);
        }
    }
    level
}

/// Layers with short arrows: the levels, then each vertex as near as it can be to the side where it has more
/// neighbours, in a bounded number of rounds. Every arrow leads to a later layer, and no layer is empty. O(n + m).
pub(super) fn layers(order: &[usize], arrows: &[Arrow]) -> Vec<usize> {
    let count = order.len();
    let next = Links::new(count, arrows.iter().map(|arrow| (arrow.tail, arrow.head)));
    let previous = Links::new(count, arrows.iter().map(|arrow| (arrow.head, arrow.tail)));
    let mut layer = longest_paths(order, arrows);
    for _ in 0..ROUNDS {
        let mut moved = false;
        for &vertex in order.iter().rev() {
            let nearest = next.of(vertex).iter().map(|link| layer[link.vertex]).min();
            if let Some(nearest) = nearest
                && next.of(vertex).len() > previous.of(vertex).len()
                && layer[vertex] + 1 < nearest
            {
                layer[vertex] = nearest - 1;
                moved = true;
            }
        }
        for &vertex in order {
            let nearest = previous.of(vertex).iter().map(|link| layer[link.vertex]).max();
            if let Some(nearest) = nearest
                && previous.of(vertex).len() > next.of(vertex).len()
                && layer[vertex] > nearest + 1
            {
                layer[vertex] = nearest + 1;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    without_gaps(layer)
}

fn without_gaps(mut layer: Vec<usize>) -> Vec<usize> {
    let mut used = vec![0; layer.iter().max().map_or(0, |last| last + 1)];
    for &at in &layer {
        used[at] = 1;
    }
    let mut filled = 0;
    for number in &mut used {
        filled += *number;
        *number = filled;
    }
    for at in &mut layer {
        *at = used[*at] - 1;
    }
    layer
}
