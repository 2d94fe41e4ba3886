//! The layout of a whole graph.

use super::component::{Component, parts};
use super::direction::direction;
use super::geometry::{Point, Rect, Track};
use super::pack::pack;

/// Most bends of one picture; arrows that are too long for what is left are drawn direct.
pub(crate) const MAX_BENDS: usize = 20_000;

/// What is to be laid out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Demand {
    /// Width and height of every box.
    pub(crate) boxes: Vec<(f64, f64)>,
    /// The arrows.
    pub(crate) lines: Vec<Line>,
}

/// An arrow between two boxes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Line {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// Arrows of one style may leave and enter a box together.
    pub(crate) style: u8,
    /// Width of its text; 0: none.
    pub(crate) label: f64,
}

/// Where everything is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    /// Every box.
    pub(crate) boxes: Vec<Rect>,
    /// Every arrow.
    pub(crate) tracks: Vec<Track>,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Layout {
    /// Moves everything.
    pub(crate) fn shift(&mut self, by: Point) {
        self.boxes.iter_mut().for_each(|rect| rect.shift(by));
        self.tracks.iter_mut().for_each(|track| track.shift(by));
    }
}

/// Lays out a graph. Equal demands give equal layouts.
///
/// O((n + m + bends) log n) for each of a bounded number of rounds; memory is proportional to boxes, arrows and at
/// most 20,000 bends.
pub(crate) fn layout(demand: &Demand) -> Layout {
    let mut left = MAX_BENDS;
    let parts: Vec<Component> =
        parts(demand).into_iter().map(|part| Component::new(part, &mut left)).collect();
    let frame = direction(&parts, demand);
    let mut layout = Layout {
        boxes: vec![Rect::default(); demand.boxes.len()],
        tracks: vec![Track::default(); demand.lines.len()],
        ..Layout::default()
    };
    let mut patches: Vec<_> = parts.iter().map(|part| part.draw(demand, frame)).collect();
    (layout.width, layout.height) = pack(&mut patches);
    for patch in patches {
        patch.boxes.into_iter().for_each(|(at, rect)| layout.boxes[at] = rect);
        patch.tracks.into_iter().for_each(|(at, track)| layout.tracks[at] = track);
    }
    layout
}
