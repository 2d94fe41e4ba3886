//! The order of vertices within their layers, with few crossings.
//!
//! Layer by layer sweeps after K. Sugiyama, S. Tagawa and M. Toda, *Methods for visual understanding of
//! hierarchical system structures*, 1981, and E. Gansner et al., *A technique for drawing directed graphs*, 1993:
//! every vertex goes to the mean, in other rounds to the median, of its neighbours in the layer before. Crossings
//! are counted with a tree of sums (W. Barth, M. Jünger, P. Mutzel, *Simple and efficient bilayer cross
//! counting*, 2002).

use super::crossings::{Sums, pair};
use super::links::{Link, Links};
use super::proper::Proper;

/// Vertices and segments that all sweeps together may look at.
const BUDGET: usize = 4_000_000;
/// Most and fewest rounds; a round is a sweep there and one back.
const ROUNDS: (usize, usize) = (2, 24);
/// Rounds without fewer crossings after which the search ends.
const PATIENCE: usize = 4;
/// Passes that exchange neighbours, for one layer in one sweep.
const EXCHANGES: usize = 3;

/// Layers in the best order that was found. O((n + m) log n) for a round, at most 24 rounds for each of two starts.
pub(super) fn order(proper: &Proper) -> Vec<Vec<usize>> {
    let rounds = BUDGET / (2 * (proper.layer.len() + proper.segments + 1));
    let rounds = rounds.clamp(ROUNDS.0, ROUNDS.1);
    let (first, fewest) = improved(proper, Order::start(proper, true), rounds);
    if fewest == 0 || rounds == ROUNDS.0 {
        return first;
    }
    let (second, fewer) = improved(proper, Order::start(proper, false), rounds);
    if fewer < fewest { second } else { first }
}

/// The best order on the way from a start, and its crossings.
fn improved(proper: &Proper, mut order: Order<'_>, rounds: usize) -> (Vec<Vec<usize>>, u64) {
    let mut fewest = order.crossings();
    let mut best = order.layers.clone();
    let mut futile = 0;
    for round in 0..rounds {
        if fewest == 0 || futile == PATIENCE {
            break;
        }
        let rule = Rule { median: round % 2 == 1, turn_ties: round % 4 >= 2 };
        for at in 1..proper.depth {
            order.sort(at, &proper.before, rule);
            order.exchange(at);
        }
        for at in (0..proper.depth.saturating_sub(1)).rev() {
            order.sort(at, &proper.after, rule);
            order.exchange(at);
        }
        let crossings = order.crossings();
        if crossings < fewest {
            fewest = crossings;
            best.clone_from(&order.layers);
            futile = 0;
        } else {
            futile += 1;
        }
    }
    (best, fewest)
}

/// How a sweep sorts.
#[derive(Clone, Copy, Debug)]
struct Rule {
    /// By the median of neighbours, not the mean.
    median: bool,
    /// Equal vertices change their order, which leaves dead ends.
    turn_ties: bool,
}

#[derive(Debug)]
struct Order<'p> {
    proper: &'p Proper,
    layers: Vec<Vec<usize>>,
    /// Place of every vertex in its layer.
    place: Vec<usize>,
}

impl<'p> Order<'p> {
    /// Vertices as a depth-first search meets them, from the sources or from the sinks.
    fn start(proper: &'p Proper, from_sources: bool) -> Self {
        let count = proper.layer.len();
        let (next, back) =
            if from_sources { (&proper.after, &proper.before) } else { (&proper.before, &proper.after) };
        let mut layers = vec![Vec::new(); proper.depth];
        let mut seen = vec![false; count];
        let mut stack: Vec<usize> = (0..count).rev().filter(|vertex| back.of(*vertex).is_empty()).collect();
        while let Some(vertex) = stack.pop() {
            if std::mem::replace(&mut seen[vertex], true) {
                continue;
            }
            layers[proper.layer[vertex]].push(vertex);
            stack.extend(next.of(vertex).iter().rev().map(|link| link.vertex).filter(|v| !seen[*v]));
        }
        let mut order = Self { proper, layers, place: vec![0; count] };
        for at in 0..proper.depth {
            order.number(at);
        }
        order
    }

    fn number(&mut self, at: usize) {
        for (place, vertex) in self.layers[at].iter().enumerate() {
            self.place[*vertex] = place;
        }
    }

    /// Sorts a layer by the places of neighbours. Vertices without neighbours stay where they are.
    fn sort(&mut self, at: usize, neighbours: &Links, rule: Rule) {
        let mut slots = Vec::new();
        let mut keyed = Vec::new();
        for (slot, &vertex) in self.layers[at].iter().enumerate() {
            if let Some(key) = self.key(neighbours.of(vertex), rule.median) {
                slots.push(slot);
                keyed.push((key, vertex));
            }
        }
        if rule.turn_ties {
            keyed.reverse();
        }
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (slot, (_, vertex)) in slots.into_iter().zip(keyed) {
            self.layers[at][slot] = vertex;
        }
        self.number(at);
    }

    fn key(&self, neighbours: &[Link], median: bool) -> Option<f64> {
        if neighbours.is_empty() {
            return None;
        }
        let count = neighbours.len();
        if !median {
            let sum: usize = neighbours.iter().map(|link| self.place[link.vertex]).sum();
            return Some(sum as f64 / count as f64);
        }
        let mut places: Vec<usize> = neighbours.iter().map(|link| self.place[link.vertex]).collect();
        places.sort_unstable();
        Some((places[(count - 1) / 2] + places[count / 2]) as f64 / 2.0)
    }

    /// Exchanges neighbours in a layer as long as that takes crossings away, in a few passes.
    fn exchange(&mut self, at: usize) {
        let mut row: Vec<(usize, Vec<usize>, Vec<usize>)> = self.layers[at]
            .iter()
            .map(|&vertex| {
                (
                    vertex,
                    self.places(self.proper.before.of(vertex)),
                    self.places(self.proper.after.of(vertex)),
                )
            })
            .collect();
        let mut changed = false;
        for _ in 0..EXCHANGES {
            let mut better = false;
            for right in 1..row.len() {
                let (_, before_a, after_a) = &row[right - 1];
                let (_, before_b, after_b) = &row[right];
                let now = pair(before_a, before_b) + pair(after_a, after_b);
                if now > 0 && pair(before_b, before_a) + pair(after_b, after_a) < now {
                    row.swap(right - 1, right);
                    better = true;
                }
            }
            changed |= better;
            if !better {
                break;
            }
        }
        if changed {
            self.layers[at] = row.into_iter().map(|(vertex, ..)| vertex).collect();
            self.number(at);
        }
    }

    /// Places of neighbours, in order.
    fn places(&self, neighbours: &[Link]) -> Vec<usize> {
        let mut places: Vec<usize> = neighbours.iter().map(|link| self.place[link.vertex]).collect();
        places.sort_unstable();
        places
    }

    /// Crossings of all segments. O(m log n).
    fn crossings(&self) -> u64 {
        let mut crossings = 0;
        for at in 1..self.layers.len() {
            let mut sums = Sums::new(self.layers[at].len());
            for &vertex in &self.layers[at - 1] {
                let places = self.places(self.proper.after.of(vertex));
                crossings += places.iter().map(|place| sums.behind(*place)).sum::<u64>();
                places.into_iter().for_each(|place| sums.add(place));
            }
        }
        crossings
    }
}
