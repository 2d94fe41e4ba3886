//! What the colours and lines of a picture mean.

use std::fmt::Write as _;

use super::boxes::{GATE, draw_gate};
use super::edges::style_of;
use super::markup::{px, rect, text};
use super::palette::{spaced, word};
use super::style::KINDS;
use super::subject::Subject;
use super::width::width;

/// Height of a row and space between two entries, in pixels.
const ROW: f64 = 20.0;
const BETWEEN: f64 = 18.0;
const SIZE: f64 = 11.66;

/// Entries in rows.
#[derive(Debug)]
pub(super) struct Legend {
    pub(super) markup: String,
    /// Height of all rows.
    pub(super) height: f64,
    /// Width of the widest row.
    pub(super) width: f64,
}

/// A legend of the states, kinds of dependencies and badges that occur, from a point on and within a width.
pub(super) fn legend(subject: &Subject<'_>, (left, top): (f64, f64), limit: f64, arrows: bool) -> Legend {
    let mut rows = Rows { markup: String::new(), left, limit, x: left, y: top, widest: 0.0 };
    for (reading, count) in subject.counts() {
        let entry = format!("{} {count}", spaced(reading));
        let (x, line) = rows.entry(10.0 + width(&entry, SIZE));
        let _ = write!(rows.markup, "<g class=\"slg-is-{}\">", word(reading));
        rect(&mut rows.markup, "slg-mark", [x, line - 9.5, 4.0, 11.0], 2.0);
        text(&mut rows.markup, "slg-word", x + 10.0, line, &entry);
        rows.markup.push_str("</g>\n");
    }
    let mut kinds = [false; 4];
    for edge in &subject.edges {
        kinds[usize::from(style_of(&edge.dependency.kind))] = true;
    }
    // A picture of plain arrows needs no words for them.
    if arrows && kinds[1..].contains(&true) {
        for (kind, _) in KINDS.iter().zip(kinds).filter(|(_, occurs)| *occurs) {
            let (x, line) = rows.entry(40.0 + width(kind, SIZE));
            let (end, y) = (px(x + 26.0), px(line - 4.0));
            let _ = write!(
                rows.markup,
                "<g class=\"slg-on-{kind}\"><path class=\"slg-line\" d=\"M{} {y}H{end}\"/>\
                 <path class=\"slg-head\" d=\"M{} {y}l-8 -4v8Z\"/>",
                px(x),
                px(x + 34.0)
            );
            text(&mut rows.markup, "slg-faint", x + 40.0, line, kind);
            rows.markup.push_str("</g>\n");
        }
    }
    if arrows && subject.graph.tasks.iter().any(|task| task.gate().is_some()) {
        const MEANING: &str = "asks a person first";
        let (x, line) = rows.entry(GATE.1 + 6.0 + width(MEANING, SIZE));
        draw_gate(&mut rows.markup, x, line);
        text(&mut rows.markup, "slg-faint", x + GATE.1 + 6.0, line, MEANING);
    }
    let height = if rows.markup.is_empty() { 0.0 } else { rows.y + ROW - top };
    let markup = format!("<g class=\"slg-legend\">\n{}</g>\n", rows.markup);
    Legend { markup: if height > 0.0 { markup } else { String::new() }, height, width: rows.widest }
}

/// Where the next entry goes.
#[derive(Debug)]
struct Rows {
    markup: String,
    left: f64,
    limit: f64,
    x: f64,
    y: f64,
    widest: f64,
}

impl Rows {
    /// Left end and base line of an entry.
    fn entry(&mut self, width: f64) -> (f64, f64) {
        if self.x > self.left && self.x + width - self.left > self.limit {
            (self.x, self.y) = (self.left, self.y + ROW);
        }
        let x = self.x;
        self.x += width + BETWEEN;
        self.widest = self.widest.max(x + width - self.left);
        (x, self.y + 14.0)
    }
}
