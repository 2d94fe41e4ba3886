//! The frame of a picture: its element, its style, its heading and its legend.

use std::fmt::Write as _;

use starline_types::Reading;

use super::legend::legend;
use super::markup::{escaped, one_line, px, rect, text, title};
use super::style::style;
use super::subject::Subject;
use super::width::{Cut, fitted, width};

/// Space around a picture, in pixels.
pub(super) const MARGIN: f64 = 20.0;
/// Least width of heading and legend.
const LEAST_WIDTH: f64 = 360.0;
/// Sizes of the fonts of heading and remarks.
const HEADING_SIZE: f64 = 16.0 * 1.06;
const REMARK_SIZE: f64 = 11.0;
/// Longest name of a graph that is read out, in characters.
const LONGEST: usize = 200;

/// A number with a noun.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Everything but the content: what comes before it, and where it begins.
#[derive(Debug)]
pub(super) struct Head {
    /// The picture so far.
    pub(super) markup: String,
    /// Left and top of the content.
    pub(super) corner: (f64, f64),
}

impl Head {
    /// Begins a picture for content of a size; `remark` says what is out of the ordinary. `arrows` is whether
    /// dependencies are drawn one by one.
    pub(super) fn new(subject: &Subject<'_>, size: (f64, f64), remark: &str, arrows: bool) -> Self {
        let inner = size.0.max(LEAST_WIDTH);
        let mut remarks = vec![format!(
            "{}, {}",
            counted(subject.graph.tasks.len(), "task", "tasks"),
            counted(subject.graph.dependencies.len(), "dependency", "dependencies")
        )];
        let name = one_line(subject.graph.name.trim(), LONGEST);
        let label = format!("Task graph{}{name}: {}", if name.is_empty() { "" } else { " " }, remarks[0]);
        remarks.extend((!remark.is_empty()).then(|| remark.to_owned()));
        if subject.unknown > 0 {
            let dependencies = counted(subject.unknown, "dependency", "dependencies");
            remarks.push(format!("{dependencies} of unknown tasks not drawn"));
        }
        let mut body = String::new();
        let mut y = MARGIN;
        let mut widest = inner;
        if !name.is_empty() {
            text(&mut body, "slg-heading", MARGIN, y + 13.0, &fitted(&name, HEADING_SIZE, inner, Cut::End));
            y += 24.0;
        }
        for remark in &remarks {
            widest = widest.max(width(remark, REMARK_SIZE));
            text(&mut body, "slg-faint", MARGIN, y + 9.0, remark);
            y += 17.0;
        }
        let legend = legend(subject, (MARGIN, y), inner, arrows);
        y += legend.height + 14.0;
        let width = widest.max(legend.width) + 2.0 * MARGIN;
        let height = if size.1 > 0.0 { y + size.1 + MARGIN } else { y };
        let readings: Vec<Reading> = subject.counts().into_keys().collect();
        let (w, h) = (px(width.ceil()), px(height.ceil()));
        let mut markup = String::new();
        if subject.standalone {
            markup.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        }
        let _ = writeln!(
            markup,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"slg-root\" role=\"img\" aria-label=\"{}\" \
             width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\">",
            escaped(&label)
        );
        if subject.standalone {
            title(&mut markup, &label);
        }
        markup.push_str(&style(&readings));
        rect(&mut markup, "slg-page", [0.0, 0.0, width.ceil(), height.ceil()], 0.0);
        markup.push_str(&body);
        markup.push_str(&legend.markup);
        Self { markup, corner: (MARGIN + (widest - size.0).max(0.0) / 2.0, y) }
    }
}
