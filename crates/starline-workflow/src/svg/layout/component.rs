//! One connected part of a graph, from its boxes to its drawing.

use super::acyclic::{Arrow, acyclic};
use super::geometry::{Frame, Patch};
use super::layers::layers;
use super::order::order;
use super::place::place;
use super::proper::Proper;
use super::route::{Scene, draw_loop};
use super::whole::{Demand, Line};

/// Boxes and arrows that hang together.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// Numbers of the boxes in the picture; their places here are the numbers within the part.
    boxes: Vec<usize>,
    /// Numbers of the arrows in the picture.
    lines: Vec<usize>,
    /// Ends of the arrows, by the numbers within the part.
    ends: Vec<(usize, usize)>,
    /// Arrows from a box to itself, which no valid graph has.
    loops: Vec<usize>,
}

/// The connected parts, in the order of their first boxes. Nearly O(n + m).
pub(super) fn parts(demand: &Demand) -> Vec<Part> {
    let count = demand.boxes.len();
    let mut parent: Vec<usize> = (0..count).collect();
    for line in &demand.lines {
        let (a, b) = (root(&mut parent, line.from), root(&mut parent, line.to));
        parent[a.max(b)] = a.min(b);
    }
    // A root is the first box of its part.
    let mut part_of = vec![0; count];
    let mut local = vec![0; count];
    let mut parts: Vec<Part> = Vec::new();
    for at in 0..count {
        let root = root(&mut parent, at);
        if root == at {
            part_of[at] = parts.len();
            parts.push(Part::default());
        }
        part_of[at] = part_of[root];
        let boxes = &mut parts[part_of[at]].boxes;
        local[at] = boxes.len();
        boxes.push(at);
    }
    for (at, line) in demand.lines.iter().enumerate() {
        let part = &mut parts[part_of[line.from]];
        if line.from == line.to {
            part.loops.push(at);
        } else {
            part.lines.push(at);
            part.ends.push((local[line.from], local[line.to]));
        }
    }
    parts
}

/// The root of a tree, with the way to it halved.
fn root(parent: &mut [usize], mut at: usize) -> usize {
    while parent[at] != at {
        parent[at] = parent[parent[at]];
        at = parent[at];
    }
    at
}

/// A part with its boxes in layers.
#[derive(Debug)]
pub(super) struct Component {
    part: Part,
    arrows: Vec<Arrow>,
    proper: Proper,
    rows: Vec<Vec<usize>>,
}

impl Component {
    /// Finds layers, and the order within them; `bends` is how many more the picture may have.
    pub(super) fn new(part: Part, bends: &mut usize) -> Self {
        let (sequence, arrows) = acyclic(part.boxes.len(), &part.ends);
        let proper = Proper::new(part.boxes.len(), layers(&sequence, &arrows), &arrows, bends);
        let rows = order(&proper);
        Self { part, arrows, proper, rows }
    }

    /// Number of layers.
    pub(super) fn depth(&self) -> usize {
        self.proper.depth
    }

    /// Boxes of the fullest layer.
    pub(super) fn breadth(&self) -> usize {
        let boxes = |row: &Vec<usize>| row.iter().filter(|vertex| !self.proper.is_bend(**vertex)).count();
        self.rows.iter().map(boxes).max().unwrap_or(0)
    }

    /// Gives everything its coordinates.
    pub(super) fn draw(&self, demand: &Demand, frame: Frame) -> Patch {
        let (mut along, mut across) = self.extents(demand, frame);
        if frame == Frame::LeftToRight {
            self.stretch(&mut along);
        }
        across.resize(self.proper.layer.len(), 0.0);
        let lines: Vec<Line> = self.part.lines.iter().map(|at| demand.lines[*at]).collect();
        let centres = place(&self.proper, &self.rows, &across);
        let scene =
            Scene { proper: &self.proper, arrows: &self.arrows, lines: &lines, along, across, centres };
        let (boxes, tracks) = scene.draw(frame);
        let mut patch = Patch::default();
        for at in &self.part.loops {
            // A loop hangs together with nothing else, or its box is found by its number.
            if let Some(local) = self.part.boxes.iter().position(|number| *number == demand.lines[*at].from) {
                patch.tracks.push((*at, draw_loop(boxes[local])));
            }
        }
        patch.boxes = self.part.boxes.iter().copied().zip(boxes).collect();
        patch.tracks.extend(self.part.lines.iter().copied().zip(tracks));
        patch
    }

    fn extents(&self, demand: &Demand, frame: Frame) -> (Vec<f64>, Vec<f64>) {
        let turned = |at: &usize| frame.turned(demand.boxes[*at].0, demand.boxes[*at].1);
        self.part.boxes.iter().map(turned).unzip()
    }

    /// Makes all boxes of a column as wide as the widest.
    fn stretch(&self, along: &mut [f64]) {
        for row in &self.rows {
            let boxes = row.iter().filter(|vertex| !self.proper.is_bend(**vertex));
            let widest = boxes.clone().map(|vertex| along[*vertex]).fold(0.0, f64::max);
            boxes.for_each(|vertex| along[*vertex] = widest);
        }
    }
}
