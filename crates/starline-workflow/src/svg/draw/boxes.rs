//! Boxes of tasks.

use std::fmt::Write as _;

use starline_types::{DeviceSelector, Reading, TaskSpec};

use super::markup::{escaped, one_line, rect, text, title};
use super::palette::{spaced, word};
use super::width::{Cut, fitted, width};
use crate::svg::layout::Rect;

/// Least and most width of a box, in pixels.
const WIDTH: (f64, f64) = (112.0, 250.0);
/// Space before the texts, and behind them.
const PADDING: (f64, f64) = (16.0, 11.0);
/// Space between two texts of a line.
const BETWEEN: f64 = 12.0;
/// Heights: without a name, and of the name.
const HEIGHT: f64 = 46.0;
const NAME_HEIGHT: f64 = 15.0;
/// The badge of a gate: its word, its width and its height.
pub(super) const GATE: (&str, f64, f64) = ("gate", 32.0, 14.0);
/// Sizes of fonts; bold letters of ids are wider.
const ID_SIZE: f64 = 13.0 * 1.06;
const SIZE: f64 = 11.0;
const BOLD_SIZE: f64 = SIZE * 1.06;
/// Longest name that a title repeats, in characters.
const LONGEST: usize = 500;

/// What is written in a box.
#[derive(Clone, Debug)]
pub(super) struct Card<'a> {
    task: &'a TaskSpec,
    reading: Option<Reading>,
    id: String,
    name: Option<String>,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl<'a> Card<'a> {
    /// Cuts the texts and measures the box.
    pub(super) fn new(task: &'a TaskSpec, reading: Option<Reading>) -> Self {
        let room = WIDTH.1 - PADDING.0 - PADDING.1;
        let id = fitted(task.id.as_str(), ID_SIZE, room, Cut::Middle);
        let name = one_line(task.name().trim(), LONGEST);
        let name =
            (!name.is_empty() && name != task.id.as_str()).then(|| fitted(&name, SIZE, room, Cut::End));
        let mut foot = width(task.run.kind(), SIZE);
        if let Some(reading) = reading {
            foot += BETWEEN + width(&spaced(reading), BOLD_SIZE);
        }
        if task.gate().is_some() {
            foot += BETWEEN + GATE.1;
        }
        let name_width = name.as_ref().map_or(0.0, |name| width(name, SIZE));
        let widest = width(&id, ID_SIZE).max(name_width).max(foot) + PADDING.0 + PADDING.1;
        Self {
            height: HEIGHT + if name.is_some() { NAME_HEIGHT } else { 0.0 },
            width: widest.clamp(WIDTH.0, WIDTH.1).ceil(),
            task,
            reading,
            id,
            name,
        }
    }

    /// Draws the box.
    pub(super) fn draw(&self, out: &mut String, place: Rect) {
        let Rect { x, y, width: across, height } = place;
        let state = self.reading.map(|reading| format!(" slg-is-{}", word(reading))).unwrap_or_default();
        let task = escaped(self.task.id.as_str());
        let _ = writeln!(out, "<g class=\"slg-task{state}\" data-task=\"{task}\">");
        title(out, &self.title());
        rect(out, "slg-box", [x, y, across, height], 7.0);
        rect(out, "slg-mark", [x + 6.0, y + 8.0, 4.0, height - 16.0], 2.0);
        let (left, right, foot) = (x + PADDING.0, x + across - PADDING.1, y + height - 10.0);
        text(out, "slg-id", left, y + 19.0, &self.id);
        if let Some(name) = &self.name {
            text(out, "slg-name", left, y + 34.5, name);
        }
        let kind = self.task.run.kind();
        let mut gate_ends = right;
        if let Some(reading) = self.reading {
            text(out, "slg-word", left, foot, &spaced(reading));
            text(out, "slg-kind", right, foot, kind);
            gate_ends -= width(kind, SIZE) + 6.0;
        } else {
            text(out, "slg-faint", left, foot, kind);
        }
        if self.task.gate().is_some() {
            draw_gate(out, gate_ends - GATE.1, foot);
        }
        out.push_str("</g>\n");
    }

    /// Everything that may have been cut, and what has no room in the box.
    fn title(&self) -> String {
        let mut lines = self.task.id.to_string();
        if self.name.is_some() {
            let _ = write!(lines, "\nname: {}", one_line(self.task.name(), LONGEST));
        }
        if let Some(reading) = self.reading {
            let _ = write!(lines, "\nstate: {}", spaced(reading));
        }
        let _ = write!(lines, "\nkind: {}", self.task.run.kind());
        if let Some(device) = self.task.device.as_deref() {
            let _ = write!(lines, "\ndevice: {}", one_line(&selector(device), LONGEST));
        }
        if let Some(gate) = self.task.gate() {
            let _ = write!(lines, "\ngate: {}", one_line(&gate.prompt, LONGEST));
        }
        lines.trim_end().to_owned()
    }
}

/// The badge of a gate, on the line of a text.
pub(super) fn draw_gate(out: &mut String, x: f64, line: f64) {
    let (word, wide, high) = GATE;
    rect(out, "slg-badge", [x, line - 11.0, wide, high], 7.0);
    text(out, "slg-gate", x + wide / 2.0, line - 0.6, word);
}

/// A selector in words.
fn selector(device: &DeviceSelector) -> String {
    let DeviceSelector { on, os, needs, resources, prefer } = device;
    let mut parts = Vec::new();
    parts.extend(on.iter().map(|id| format!("on {id}")));
    parts.extend(os.iter().map(|os| format!("os {os}")));
    if !needs.is_empty() {
        parts.push(format!("needs {}", needs.join(" ")));
    }
    parts.extend(resources.0.iter().map(|(name, amount)| format!("{name} {amount}")));
    parts.extend(prefer.iter().map(|id| format!("prefer {id}")));
    if parts.is_empty() { "any".to_owned() } else { parts.join(", ") }
}
