//! A picture of a graph that is too large to draw task by task: its levels, with counts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use starline_types::Reading;

use super::head::{Head, counted};
use super::markup::{px, rect, text, title};
use super::palette::{spaced, word};
use super::subject::Subject;
use crate::svg::layout::levels;

/// Most boxes; neighbouring levels share one beyond.
const MAX_BOXES: usize = 48;
/// Width, height and distance of the boxes, and of the bar inside, in pixels.
const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 52.0;
const GAP: f64 = 40.0;
const PADDING: f64 = 14.0;
const BAR: f64 = 7.0;

/// What a box counts.
#[derive(Clone, Debug, Default)]
struct Band {
    tasks: usize,
    /// Dependencies from earlier boxes.
    arriving: usize,
    /// Dependencies within the box.
    inside: usize,
    readings: BTreeMap<Reading, usize>,
}

/// Draws the levels of a graph: tasks by the length of the longest path to them. O((n + m) log n).
pub(crate) fn draw_levels(subject: &Subject<'_>) -> String {
    let ends: Vec<(usize, usize)> = subject.edges.iter().map(|edge| (edge.from, edge.to)).collect();
    let level = levels(subject.graph.tasks.len(), &ends);
    let depth = level.iter().max().map_or(0, |last| last + 1);
    let each = depth.div_ceil(MAX_BOXES).max(1);
    let mut bands = vec![Band::default(); depth.div_ceil(each)];
    for (level, reading) in level.iter().zip(&subject.readings) {
        let band = &mut bands[level / each];
        band.tasks += 1;
        if let Some(reading) = reading {
            *band.readings.entry(*reading).or_insert(0) += 1;
        }
    }
    for (from, to) in ends {
        let (from, to) = (level[from] / each, level[to] / each);
        if from == to {
            bands[to].inside += 1;
        } else {
            bands[from.max(to)].arriving += 1;
        }
    }
    let height = bands.len() as f64 * (HEIGHT + GAP) - GAP;
    let remark = "too large to draw task by task: levels of the graph, with counts";
    let head = Head::new(subject, (WIDTH, height), remark, false);
    let mut picture = head.markup;
    let (x, mut y) = head.corner;
    for (at, band) in bands.iter().enumerate() {
        if at > 0 {
            draw_arrow(&mut picture, (x, y), band.arriving);
        }
        let (first, last) = (at * each, ((at + 1) * each).min(depth) - 1);
        let name = if first == last { format!("level {first}") } else { format!("levels {first} to {last}") };
        draw_band(&mut picture, (x, y), &name, band);
        y += HEIGHT + GAP;
    }
    picture.push_str("</svg>\n");
    picture
}

/// An arrow into a box, with the number of dependencies that it stands for.
fn draw_arrow(out: &mut String, (x, y): (f64, f64), dependencies: usize) {
    let middle = px(x + WIDTH / 2.0);
    let (start, end, tip) = (px(y - GAP), px(y - 8.0), px(y));
    let _ = writeln!(
        out,
        "<g class=\"slg-on-success\"><path class=\"slg-line\" d=\"M{middle} {start}V{end}\"/>\
         <path class=\"slg-head\" d=\"M{middle} {tip}l-4 -8h8Z\"/></g>"
    );
    let label = counted(dependencies, "dependency", "dependencies");
    text(out, "slg-faint", x + WIDTH / 2.0 + 10.0, y - GAP / 2.0 + 4.0, &label);
}

fn draw_band(out: &mut String, (x, y): (f64, f64), name: &str, band: &Band) {
    out.push_str("<g class=\"slg-level\">\n");
    rect(out, "slg-box", [x, y, WIDTH, HEIGHT], 7.0);
    text(out, "slg-id", x + PADDING, y + 21.0, name);
    let mut counts = counted(band.tasks, "task", "tasks");
    if band.inside > 0 {
        let _ = write!(counts, ", {} inside", counted(band.inside, "dependency", "dependencies"));
    }
    text(out, "slg-kind", x + WIDTH - PADDING, y + 21.0, &counts);
    let room = WIDTH - 2.0 * PADDING;
    let mut start = x + PADDING;
    for (&reading, &count) in &band.readings {
        let width = room * count as f64 / band.tasks as f64;
        let _ = writeln!(out, "<g class=\"slg-is-{}\">", word(reading));
        title(out, &format!("{} {count}", spaced(reading)));
        rect(out, "slg-mark", [start, y + 33.0, width, BAR], 1.0);
        out.push_str("</g>\n");
        start += width;
    }
    out.push_str("</g>\n");
}
