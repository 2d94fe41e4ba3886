//! Parts of a picture beside each other.

use super::geometry::{Patch, Point};

/// Free space between two parts, in pixels.
const GAP: f64 = 26.0;
/// Wished width of a picture by its height.
const ASPECT: f64 = 1.6;

/// Puts patches into rows, the highest first, and returns width and height of all. O(n log n).
pub(super) fn pack(patches: &mut [Patch]) -> (f64, f64) {
    patches.iter_mut().for_each(Patch::trim);
    let area: f64 = patches.iter().map(|patch| (patch.width + GAP) * (patch.height + GAP)).sum();
    let widest = patches.iter().map(|patch| patch.width).fold(0.0, f64::max);
    let limit = (area * ASPECT).sqrt().max(widest);
    let mut highest_first: Vec<usize> = (0..patches.len()).collect();
    highest_first.sort_by(|a, b| patches[*b].height.total_cmp(&patches[*a].height));
    let (mut corner, mut row) = (Point::default(), 0.0_f64);
    let (mut width, mut height) = (0.0_f64, 0.0_f64);
    for at in highest_first {
        let patch = &mut patches[at];
        if corner.x > 0.0 && corner.x + patch.width > limit {
            corner = Point { x: 0.0, y: corner.y + row + GAP };
            row = 0.0;
        }
        patch.shift(corner);
        width = width.max(corner.x + patch.width);
        height = height.max(corner.y + patch.height);
        row = row.max(patch.height);
        corner.x += patch.width + GAP;
    }
    (width, height)
}
