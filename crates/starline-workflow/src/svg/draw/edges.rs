//! Arrows of dependencies.

use std::fmt::Write as _;

use starline_types::{Dependency, DependencyKind};

use super::markup::{escaped, one_line, px, rect, text, title};
use super::style::KINDS;
use super::width::{Cut, fitted, width};
use crate::svg::layout::{Point, Step, Track};

/// Most room for the text of an arrow, and the size of its font, in pixels.
const ROOM: f64 = 200.0;
const SIZE: f64 = 11.0;
/// Longest condition that a title repeats, in characters: the longest that a valid graph has.
const LONGEST: usize = starline_types::MAX_CONDITION_BYTES;

/// The number of a kind, as in [`KINDS`].
pub(super) fn style_of(kind: &DependencyKind) -> u8 {
    match kind {
        DependencyKind::Success => 0,
        DependencyKind::Failure => 1,
        DependencyKind::Completion => 2,
        DependencyKind::When(_) => 3,
    }
}

/// The text beside an arrow, and its width with some space around it; empty for the plain kind.
pub(super) fn label(kind: &DependencyKind) -> (String, f64) {
    let label = match kind {
        DependencyKind::Success => return (String::new(), 0.0),
        DependencyKind::Failure | DependencyKind::Completion => kind.to_string(),
        DependencyKind::When(condition) => fitted(one_line(condition, LONGEST).trim(), SIZE, ROOM, Cut::End),
    };
    let width = width(&label, SIZE) + 6.0;
    (label, width)
}

/// Draws an arrow, without its label.
pub(super) fn draw_edge(out: &mut String, dependency: &Dependency, track: &Track) {
    let kind = KINDS[usize::from(style_of(&dependency.kind))];
    let (from, to) = (escaped(dependency.from.as_str()), escaped(dependency.to.as_str()));
    let _ = writeln!(out, "<g class=\"slg-on-{kind}\" data-from=\"{from}\" data-to=\"{to}\">");
    title(out, &title_of(dependency));
    let _ = writeln!(out, "<path class=\"slg-line\" d=\"{}\"/>", line(track));
    let [tip, left, right] = track.head.map(|at| format!("{} {}", px(at.x), px(at.y)));
    let _ = writeln!(out, "<path class=\"slg-head\" d=\"M{tip}L{left}L{right}Z\"/>");
    out.push_str("</g>\n");
}

/// Draws the label of an arrow, if it has one: after all arrows, since they would run through the text.
pub(super) fn draw_label(out: &mut String, dependency: &Dependency, label: &str, track: &Track) {
    let Some(place) = track.label else { return };
    let _ = writeln!(out, "<g class=\"slg-on-{}\">", KINDS[usize::from(style_of(&dependency.kind))]);
    title(out, &title_of(dependency));
    rect(out, "slg-page", [place.x, place.y, place.width, place.height], 3.0);
    let Point { x, y } = place.centre();
    text(out, "slg-label", x, y + 3.8, label);
    out.push_str("</g>\n");
}

fn title_of(dependency: &Dependency) -> String {
    let Dependency { from, to, kind, note, .. } = dependency;
    let mut title = format!("{from} -> {to}\n");
    match kind {
        DependencyKind::When(condition) => {
            let _ = write!(title, "when: {}", one_line(condition, LONGEST));
        }
        DependencyKind::Success | DependencyKind::Failure | DependencyKind::Completion => {
            let _ = write!(title, "{kind}");
        }
    }
    if let Some(note) = note {
        let _ = write!(title, "\nnote: {}", one_line(note, LONGEST));
    }
    title
}

fn line(track: &Track) -> String {
    let at = |point: Point| format!("{} {}", px(point.x), px(point.y));
    let mut path = format!("M{}", at(track.start));
    for step in &track.steps {
        match *step {
            Step::Line(end) => path.push_str(&format!("L{}", at(end))),
            Step::Curve(one, two, end) => path.push_str(&format!("C{} {} {}", at(one), at(two), at(end))),
        }
    }
    path
}
