//! Where arrows leave and enter their boxes.

use std::collections::BTreeMap;

use super::route::Scene;

/// Largest distance between two ports, in pixels.
const STEP: f64 = 13.0;
/// Part of the side of a box that is kept free at each corner, in pixels.
const CORNER: f64 = 9.0;

/// Distance of every arrow from the middle of the side, at its tail and at its head. O(m log m).
///
/// Arrows of one style share a port, so that a fan has one stem. Parallel arrows, and those that are turned round,
/// have ports of their own. Ports are in the order of what they lead to.
pub(super) fn ports(scene: &Scene<'_>) -> Vec<(f64, f64)> {
    let classes = classes(scene);
    let next = |at: usize| scene.way(at).first().copied().unwrap_or(scene.arrows[at].head);
    let last = |at: usize| scene.way(at).last().copied().unwrap_or(scene.arrows[at].tail);
    let tails = side(scene, &classes, |at| (scene.arrows[at].tail, scene.centres[next(at)]));
    let heads = side(scene, &classes, |at| (scene.arrows[at].head, scene.centres[last(at)]));
    tails.into_iter().zip(heads).collect()
}

/// Arrows of one class may share a port.
fn classes(scene: &Scene<'_>) -> Vec<usize> {
    let mut seen: BTreeMap<(usize, usize, u8), ()> = BTreeMap::new();
    let alone = usize::from(u8::MAX) + 1;
    let class = |(at, arrow): (usize, &super::acyclic::Arrow)| {
        let style = scene.lines[at].style;
        let first = seen.insert((arrow.tail, arrow.head, style), ()).is_none();
        if first && !arrow.reversed { usize::from(style) } else { alone + at }
    };
    scene.arrows.iter().enumerate().map(class).collect()
}

/// Ports on one side of all boxes; `leads` names the box of an arrow, and where it comes from or goes to.
fn side(scene: &Scene<'_>, classes: &[usize], leads: impl Fn(usize) -> (usize, f64)) -> Vec<f64> {
    let mut groups: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
    for (at, class) in classes.iter().enumerate() {
        groups.entry((leads(at).0, *class)).or_default().push(at);
    }
    let mut boxes: Vec<Vec<(f64, Vec<usize>)>> = vec![Vec::new(); scene.proper.real];
    for ((vertex, _), group) in groups {
        let sum: f64 = group.iter().map(|at| leads(*at).1).sum();
        boxes[vertex].push((sum / group.len() as f64, group));
    }
    let mut ports = vec![0.0; classes.len()];
    for (vertex, mut groups) in boxes.into_iter().enumerate() {
        if groups.len() < 2 {
            continue;
        }
        groups.sort_by(|a, b| a.0.total_cmp(&b.0));
        let between = (groups.len() - 1) as f64;
        let step = ((scene.across[vertex] - 2.0 * CORNER) / between).min(STEP);
        for (number, (_, group)) in groups.into_iter().enumerate() {
            group.into_iter().for_each(|at| ports[at] = step * (number as f64 - between / 2.0));
        }
    }
    ports
}
