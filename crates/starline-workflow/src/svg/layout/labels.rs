//! Places for the texts of arrows.

use std::collections::BTreeMap;

use super::geometry::{Frame, Rect};
use super::route::Bow;

/// Places that are tried on a curve, in parts of its length, the nearest to the target last.
const TRIED: [f64; 9] = [0.5, 0.62, 0.38, 0.74, 0.26, 0.84, 0.16, 0.92, 0.08];
/// Then places beside the middle of the curve, across the layers, in heights of a label.
const BESIDE: [f64; 6] = [1.0, -1.0, 2.0, -2.0, 3.0, -3.0];
/// Height of a cell of the index, and most labels that are looked at in one, which bounds the work.
const CELL: f64 = 64.0;
const CROWD: usize = 40;

/// Labels that have their places, by the cell that their corners are in.
#[derive(Debug)]
pub(super) struct Labels {
    frame: Frame,
    cells: BTreeMap<(i64, i64), Vec<Rect>>,
}

impl Labels {
    /// Height of a label, in pixels.
    pub(super) const HEIGHT: f64 = 15.0;

    pub(super) fn new(frame: Frame) -> Self {
        Self { frame, cells: BTreeMap::new() }
    }

    pub(super) fn frame(&self) -> Frame {
        self.frame
    }

    /// A place on a curve where no other label is, if one is found in a few tries; else the middle. O(log n).
    pub(super) fn place(&mut self, width: f64, bow: Bow) -> Rect {
        let (along, across) = self.frame.turned(width, Self::HEIGHT);
        let ((from, start), (to, end)) = (bow.from, bow.to);
        // The label stays between the layers, where no box is.
        let room = ((to - from - along) / 2.0 - 4.0).max(0.0);
        let middle = (from + to) / 2.0;
        let on_curve = |t: f64| {
            let (early, late) = (1.0 - t, t * t * (3.0 - 2.0 * t));
            let x = from + (to - from) * (1.5 * t * early * early + 1.5 * t * t * early + t * t * t);
            (x.clamp(middle - room, middle + room), start + (end - start) * late)
        };
        let on = TRIED.iter().map(|t| on_curve(*t));
        let beside = BESIDE.iter().map(|times| (middle, f64::midpoint(start, end) + times * across));
        let place = |(x, y)| Rect::around(self.frame.point(x, y), width, Self::HEIGHT);
        let free = on.chain(beside).map(place).find(|rect| self.is_free(rect));
        let rect = free.unwrap_or_else(|| place(on_curve(0.5)));
        for cell in cells(&rect) {
            self.cells.entry(cell).or_default().push(rect);
        }
        rect
    }

    fn is_free(&self, rect: &Rect) -> bool {
        cells(rect).all(|cell| {
            self.cells
                .get(&cell)
                .is_none_or(|others| others.len() < CROWD && others.iter().all(|other| !other.overlaps(rect)))
        })
    }
}

/// The cells that a rectangle touches.
fn cells(rect: &Rect) -> impl Iterator<Item = (i64, i64)> + use<> {
    let cell = |at: f64| (at / CELL).floor() as i64;
    let (left, right) = (cell(rect.x), cell(rect.x + rect.width));
    let (top, bottom) = (cell(rect.y), cell(rect.y + rect.height));
    (left..=right).flat_map(move |x| (top..=bottom).map(move |y| (x, y)))
}
