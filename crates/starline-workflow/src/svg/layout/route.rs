//! The ways of arrows between boxes that have their places.
//!
//! Arrows pass a layer in a straight line, where their bends are, and curve only between layers, where no box is:
//! so no arrow runs over a box, but for those that are drawn direct.

use super::acyclic::Arrow;
use super::geometry::{Frame, Point, Rect, Step, Track};
use super::labels::Labels;
use super::ports::ports;
use super::proper::{Bends, Proper};
use super::whole::Line;

/// Length and half the width of the head of an arrow, in pixels.
const HEAD: (f64, f64) = (8.0, 4.0);
/// Space between two layers, in pixels: at least, and at most for the sake of steep curves.
const GAP: (f64, f64) = (46.0, 150.0);
/// How much wider a gap is for each pixel that a curve in it climbs.
const CLIMB: f64 = 0.08;
/// Space beside a label in its gap, along the layers, in pixels.
const BESIDE: f64 = 70.0;
/// How far an arrow that is drawn direct swings out, for each layer, and at most.
const SWING: (f64, f64) = (6.0, 240.0);

/// One part, with everything placed across its layers.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub(super) proper: &'a Proper,
    pub(super) arrows: &'a [Arrow],
    /// What the arrows look like.
    pub(super) lines: &'a [Line],
    /// Size of every box along the layers.
    pub(super) along: Vec<f64>,
    /// Size of every vertex across the layers.
    pub(super) across: Vec<f64>,
    /// Centre of every vertex across the layers.
    pub(super) centres: Vec<f64>,
}

impl Scene<'_> {
    /// Boxes and tracks.
    pub(super) fn draw(&self, frame: Frame) -> (Vec<Rect>, Vec<Track>) {
        let ports = ports(self);
        let columns = self.columns(frame);
        let boxes = (0..self.proper.real).map(|vertex| {
            let (start, end) = columns[self.proper.layer[vertex]];
            let (width, height) = frame.turned(self.along[vertex], self.across[vertex]);
            Rect::around(frame.point((start + end) / 2.0, self.centres[vertex]), width, height)
        });
        let mut labels = Labels::new(frame);
        let tracks = (0..self.arrows.len()).map(|at| self.track(at, ports[at], &columns, &mut labels));
        (boxes.collect(), tracks.collect())
    }

    /// The bends of an arrow.
    pub(super) fn way(&self, at: usize) -> Vec<usize> {
        match &self.proper.bends[at] {
            Bends::At(bends) => bends.clone().collect(),
            Bends::Direct => Vec::new(),
        }
    }

    /// Start and end of every layer, along the layers.
    fn columns(&self, frame: Frame) -> Vec<(f64, f64)> {
        let depth = self.proper.depth;
        let mut thick = vec![0.0_f64; depth];
        for vertex in 0..self.proper.real {
            let layer = self.proper.layer[vertex];
            thick[layer] = thick[layer].max(self.along[vertex]);
        }
        let mut climb = vec![0.0_f64; depth];
        for (vertex, centre) in self.centres.iter().enumerate() {
            for link in self.proper.after.of(vertex) {
                let layer = self.proper.layer[vertex];
                climb[layer] = climb[layer].max((self.centres[link.vertex] - centre).abs());
            }
        }
        let mut gap: Vec<f64> = climb.iter().map(|climb| (GAP.0 + climb * CLIMB).min(GAP.1)).collect();
        for (arrow, line) in self.arrows.iter().zip(self.lines) {
            if line.label > 0.0 {
                let before = &mut gap[self.proper.layer[arrow.head] - 1];
                let (along, _) = frame.turned(line.label, Labels::HEIGHT);
                *before = before.max(along + BESIDE);
            }
        }
        let mut start = 0.0;
        let mut columns = Vec::with_capacity(depth);
        for (thick, gap) in thick.into_iter().zip(gap) {
            columns.push((start, start + thick));
            start += thick + gap;
        }
        columns
    }

    fn track(&self, at: usize, port: (f64, f64), columns: &[(f64, f64)], labels: &mut Labels) -> Track {
        let frame = labels.frame();
        let Arrow { tail, head, reversed } = self.arrows[at];
        let border = |vertex: usize, side: f64| {
            let (start, end) = columns[self.proper.layer[vertex]];
            (start + end + side * self.along[vertex]) / 2.0
        };
        let (from, to) = (border(tail, 1.0), border(head, -1.0));
        let (leaves, enters) = (self.centres[tail] + port.0, self.centres[head] + port.1);
        // The line ends where the head begins.
        let (from_line, to_line) = if reversed { (from + HEAD.0, to) } else { (from, to - HEAD.0) };
        let tip = if reversed { (from, leaves, HEAD.0) } else { (to, enters, -HEAD.0) };
        let mut pen = Pen::new(frame, from_line, leaves);
        if matches!(self.proper.bends[at], Bends::Direct) {
            let layers = (self.proper.layer[head] - self.proper.layer[tail]) as f64;
            pen.swing(to_line, enters, (layers * SWING.0).min(SWING.1));
        } else {
            pen.line(columns[self.proper.layer[tail]].1);
            for bend in self.way(at) {
                let (start, end) = columns[self.proper.layer[bend]];
                pen.curve(start, self.centres[bend]);
                pen.line(end);
            }
            let before = columns[self.proper.layer[head]].0;
            pen.curve(if reversed { before } else { before - HEAD.0 }, enters);
            pen.line(to_line);
        }
        let label = self.lines[at].label;
        Track {
            label: (label > 0.0).then(|| labels.place(label, pen.last)),
            start: pen.start,
            steps: pen.steps,
            head: [(0.0, 0.0), (tip.2, -HEAD.1), (tip.2, HEAD.1)]
                .map(|(along, across)| frame.point(tip.0 + along, tip.1 + across)),
        }
    }
}

/// The track of an arrow from a box to itself.
pub(super) fn draw_loop(rect: Rect) -> Track {
    let (x, y) = (rect.x + rect.width, rect.y);
    let tip = Point { x: x - 14.0, y };
    let above = Point { x: tip.x, y: y - HEAD.0 };
    let handles = (Point { x: x + 22.0, y: y + 12.0 }, Point { x: tip.x, y: y - 26.0 });
    Track {
        start: Point { x, y: y + 12.0 },
        steps: vec![Step::Curve(handles.0, handles.1, above)],
        head: [tip, Point { x: tip.x - HEAD.1, ..above }, Point { x: tip.x + HEAD.1, ..above }],
        label: None,
    }
}

/// A curve between two layers: from and to, each along and across.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bow {
    pub(super) from: (f64, f64),
    pub(super) to: (f64, f64),
}

/// Draws a track step by step.
#[derive(Debug)]
struct Pen {
    frame: Frame,
    start: Point,
    steps: Vec<Step>,
    /// Where it is.
    at: (f64, f64),
    /// The last curve, beside which the label goes.
    last: Bow,
}

impl Pen {
    fn new(frame: Frame, along: f64, across: f64) -> Self {
        let at = (along, across);
        Self {
            frame,
            start: frame.point(along, across),
            steps: Vec::new(),
            at,
            last: Bow { from: at, to: at },
        }
    }

    /// Straight along the layers.
    fn line(&mut self, along: f64) {
        if along <= self.at.0 {
            return;
        }
        let end = self.frame.point(along, self.at.1);
        if let Some(Step::Line(previous)) = self.steps.last_mut() {
            *previous = end;
        } else {
            self.steps.push(Step::Line(end));
        }
        self.at.0 = along;
    }

    /// To another place across the layers.
    fn curve(&mut self, along: f64, across: f64) {
        self.last = Bow { from: self.at, to: (along, across) };
        if (across - self.at.1).abs() < 0.05 {
            return self.line(along);
        }
        let half = (self.at.0 + along) / 2.0;
        self.bend((half, self.at.1), (half, across), (along, across));
    }

    /// Over everything that is between.
    fn swing(&mut self, along: f64, across: f64, out: f64) {
        let ((from, start), third) = (self.at, (along - self.at.0) / 3.0);
        let out = start.min(across) - out;
        let middle = (along + from) / 2.0;
        // The label is where the arrow is furthest out: a quarter of the way back to the ends.
        let crest = out + (start + across - 2.0 * out) / 8.0;
        self.last = Bow { from: (middle, crest), to: (middle, crest) };
        self.bend((from + third, out), (along - third, out), (along, across));
    }

    fn bend(&mut self, one: (f64, f64), two: (f64, f64), end: (f64, f64)) {
        let [one, two, to] = [one, two, end].map(|(along, across)| self.frame.point(along, across));
        self.steps.push(Step::Curve(one, two, to));
        self.at = end;
    }
}
