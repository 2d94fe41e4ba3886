//! Draws the timeline.

use std::fmt::Write as _;

use starline_types::{Millis, Timestamp};

use super::page::Page;
use crate::task::AttemptOutcome;
use crate::text::{line, short};
use crate::timeline::{Bar, Timeline, tick, timeline};
use crate::{History, words};

/// Width of the drawing in units of its own.
const WIDTH: f64 = 1160.0;
/// Where time ends.
const RIGHT: f64 = WIDTH - 14.0;
/// Height of the axis.
const AXIS: f64 = 26.0;
/// Width of a character of a label, at the most.
const CHARACTER: f64 = 6.4;
/// Marks of one kind that are drawn.
const MARKS: usize = 200;

/// Steps of a critical path that are joined by lines; more would hide what they join.
const STEPS: usize = 60;

/// Measures of one drawing.
struct Scale {
    origin: Timestamp,
    total: f64,
    left: f64,
    row: f64,
    top: f64,
    bottom: f64,
}

impl Scale {
    fn x(&self, at: Timestamp) -> f64 {
        let share = at.since(self.origin).0 as f64 / self.total;
        self.left + share.min(1.0) * (RIGHT - self.left)
    }

    fn y(&self, row: usize) -> f64 {
        self.top + row as f64 * self.row
    }
}

/// Draws the timeline; false if there is nothing to draw.
pub(super) fn draw(page: &mut Page, history: &History) -> bool {
    let longest = history.devices().iter().map(|device| device.id.as_str().chars().count()).max();
    let left = (longest.unwrap_or(0).min(20) as f64 * 6.6 + 34.0).max(90.0);
    let lanes = timeline(history, RIGHT - left);
    if lanes.bars.is_empty() && lanes.attempts_left_out == 0 {
        return false;
    }
    let asked: Vec<_> = history
        .tasks()
        .iter()
        .flat_map(|task| task.approvals.iter().map(move |question| (task, question)))
        .take(MARKS)
        .collect();
    let row = match lanes.rows.len() {
        0..=40 => 22.0,
        41..=80 => 14.0,
        _ => 9.0,
    };
    let top = AXIS + if asked.is_empty() { 0.0 } else { 20.0 };
    let scale = Scale {
        origin: history.origin(),
        total: history.until().since(history.origin()).0.max(1) as f64,
        left,
        row,
        top,
        bottom: top + lanes.rows.len() as f64 * row,
    };
    let height = scale.bottom + 8.0;
    page.raw(
        "<div class=\"scroll draw\"><svg class=\"line\" xmlns=\"http://www.w3.org/2000/svg\" role=\"img\"",
    );
    page.attr("viewBox", format_args!("0 0 {WIDTH} {height}"));
    let summary = history.summary();
    page.attr(
        "aria-label",
        format_args!(
            "Timeline of {} on {} in {}",
            words::count(summary.attempts as usize, "attempt"),
            words::count(history.devices().len(), "device"),
            words::span(summary.makespan)
        ),
    );
    page.raw("><defs><pattern id=\"line-hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><path class=\"hatch\" d=\"M0 0V6\"/></pattern></defs>");
    axis(page, history, &scale);
    rows(page, &lanes, &scale);
    bands(page, history, &scale);
    for bar in &lanes.bars {
        draw_bar(page, history, bar, &scale);
    }
    critical(page, history, &lanes, &scale);
    for (task, question) in asked {
        let until = question.answer.as_ref().map_or_else(|| history.until(), |answer| answer.given.t);
        let verdict = question.answer.as_ref().map_or("open", |answer| answer.verdict.as_str());
        page.raw("<rect class=\"ask\" rx=\"2\" height=\"12\"");
        page.attr("x", number(scale.x(question.asked.t))).attr("y", number(AXIS + 4.0));
        page.attr("width", number((scale.x(until) - scale.x(question.asked.t)).max(2.0)));
        page.raw("><title>").text(format_args!(
            "approval of {}: {verdict} after {}",
            task.id(),
            words::span(until.since(question.asked.t))
        ));
        page.raw("</title></rect>");
    }
    edits(page, history, &scale);
    page.raw("</svg></div>");
    legend(page, history, &lanes);
    true
}

/// Coordinates have one decimal: that is a tenth of a pixel.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

fn axis(page: &mut Page, history: &History, scale: &Scale) {
    let total = history.until().since(scale.origin).0;
    let step = tick(total, 8);
    let mut next = Some(0);
    while let Some(at) = next.filter(|at| *at <= total) {
        let x = number(scale.x(scale.origin + Millis(at)));
        page.raw("<path class=\"grid\"").attr("d", format_args!("M{x} {}V{}", AXIS - 6.0, scale.bottom));
        page.raw("/><text text-anchor=\"middle\"").attr("x", &x).attr("y", 14).raw(">");
        page.text(if at == 0 { "0".to_owned() } else { mark(at, step) }).raw("</text>");
        next = at.checked_add(step);
    }
    if history.ended().is_none() && history.started().is_some() {
        let x = number(scale.x(history.until()));
        page.raw("<path class=\"now\"").attr("d", format_args!("M{x} {}V{}", AXIS - 6.0, scale.bottom));
        page.raw("><title>the records end here</title></path>");
    }
}

/// A time of the axis, no finer than its steps.
fn mark(at: u64, step: u64) -> String {
    match (at, step) {
        (1000..60_000, step) if step % 1000 != 0 => {
            let text = format!("{:.3}", at as f64 / 1000.0);
            format!("{} s", text.trim_end_matches('0').trim_end_matches('.'))
        }
        (1000..60_000, _) => format!("{} s", at / 1000),
        _ => words::span(Millis(at)),
    }
}

fn rows(page: &mut Page, lanes: &Timeline<'_>, scale: &Scale) {
    if scale.top > AXIS {
        page.raw("<text text-anchor=\"end\"").attr("x", scale.left - 8.0).attr("y", AXIS + 14.0);
        page.raw(">approvals</text>");
    }
    for (at, row) in lanes.rows.iter().enumerate() {
        let y = scale.y(at);
        page.raw("<rect class=\"lane\"").attr("x", scale.left).attr("y", y + 1.0);
        page.attr("width", number(RIGHT - scale.left)).attr("height", scale.row - 2.0).raw("/>");
        if row.lane == 0 {
            if at > 0 {
                page.raw("<path class=\"grid\"").attr("d", format_args!("M0 {y}H{RIGHT}")).raw("/>");
            }
            page.raw("<text class=\"dev\" text-anchor=\"end\"").attr("x", scale.left - 24.0);
            page.attr("y", number(y + scale.row / 2.0 + 4.0)).raw(">");
            page.text(short(row.device.as_str(), 20)).raw("<title>").text(row.device).raw("</title></text>");
        }
        if scale.row > 12.0 {
            page.raw("<text text-anchor=\"end\"").attr("x", scale.left - 8.0);
            page.attr("y", number(y + scale.row / 2.0 + 4.0)).raw(">").text(row.lane + 1).raw("</text>");
        }
    }
}

/// Pauses and holds, behind the bars.
fn bands(page: &mut Page, history: &History, scale: &Scale) {
    let mut band = |class: &'static str, from: Timestamp, to: Timestamp, title: String| {
        page.raw("<rect").attr("class", class).attr("x", number(scale.x(from))).attr("y", AXIS);
        page.attr("width", number((scale.x(to) - scale.x(from)).max(1.0)));
        page.attr("height", number(scale.bottom - AXIS)).raw("><title>").text(title).raw("</title></rect>");
    };
    for pause in history.pauses().iter().take(MARKS) {
        let to = pause.ended.as_ref().map_or_else(|| history.until(), |(at, _)| *at);
        let spent = words::span(to.since(pause.from));
        band("pause", pause.from, to, format!("paused ({}) for {spent}", words::pause(pause.cause)));
    }
    for hold in history.holds().iter().take(MARKS) {
        let to = hold.closed.map_or_else(|| history.until(), |(at, _)| at);
        let how = hold.closed.map_or("open", |(_, reason)| words::hold(reason));
        let spent = words::span(to.since(hold.opened_at));
        band("hold", hold.opened_at, to, format!("hold {}: {how} after {spent}", hold.id));
    }
}

fn edits(page: &mut Page, history: &History, scale: &Scale) {
    for commit in history.commits().iter().take(MARKS) {
        let x = number(scale.x(commit.committed.t));
        page.raw("<path class=\"edit\"").attr("d", format_args!("M{x} {}V{}", AXIS - 2.0, scale.bottom));
        page.raw("/><text class=\"tag\"").attr("x", &x).attr("y", AXIS - 3.0).raw(">r");
        page.text(commit.revision.0).raw("<title>revision ").text(commit.revision.0);
        if let Some(reason) = &commit.reason {
            page.raw(": ").text(line(reason, 200));
        }
        page.raw("</title></text>");
    }
}

fn draw_bar(page: &mut Page, history: &History, bar: &Bar<'_>, scale: &Scale) {
    let (x, end) = (scale.x(bar.from), scale.x(bar.to));
    let width = (end - x).max(if bar.failures > 0 { 3.0 } else { 1.5 });
    let (y, height) = (scale.y(bar.row) + 2.0, scale.row - 4.0);
    page.raw("<g><rect").attr("class", format_args!("bar f-{}", bar.outcome.as_str()));
    page.attr("data-attempts", bar.attempts).attr("x", number(x)).attr("y", y);
    page.attr("width", number(width)).attr("height", height).raw(" rx=\"2\"/>");
    if !matches!(bar.outcome, AttemptOutcome::Completed | AttemptOutcome::Running) && width >= 3.0 {
        // Outcomes can be told apart without colours.
        page.raw("<rect fill=\"url(#line-hatch)\" rx=\"2\" pointer-events=\"none\"")
            .attr("x", number(x))
            .attr("y", y);
        page.attr("width", number(width)).attr("height", height).raw("/>");
    }
    if bar.critical {
        page.raw("<rect class=\"under\" height=\"2.4\"")
            .attr("x", number(x))
            .attr("y", number(y + height - 1.6));
        page.attr("width", number(width)).raw("/>");
    }
    if scale.row > 12.0
        && let Some(label) = label(bar, ((width - 8.0) / CHARACTER).max(0.0) as usize)
    {
        page.raw("<text class=\"in\"").attr("x", number(x + 4.0));
        page.attr("y", number(y + height / 2.0 + 4.0)).raw(">").text(label).raw("</text>");
    }
    page.raw("<title>").text(title(history, bar)).raw("</title></g>");
}

/// What is written into a bar with room for so many characters.
fn label(bar: &Bar<'_>, room: usize) -> Option<String> {
    let Some((task, attempt)) = bar.single else {
        let text = format!("{}×", bar.attempts);
        return (text.chars().count() <= room).then_some(text);
    };
    let id = task.id().as_str();
    let outcome = match attempt.outcome {
        AttemptOutcome::Completed => String::new(),
        other => format!(" · {}", other.as_str()),
    };
    let full = format!("{id}{outcome}");
    if full.chars().count() <= room {
        return Some(full);
    }
    (room >= 4).then(|| short(id, room))
}

fn title(history: &History, bar: &Bar<'_>) -> String {
    let mut text = String::new();
    let (from, to) = (bar.from.since(history.origin()), bar.to.since(history.origin()));
    let (from, to, spent) = (words::span(from), words::span(to), words::span(bar.to.since(bar.from)));
    // Writing to a string cannot fail.
    let _ = match bar.single {
        Some((task, attempt)) => write!(
            text,
            "{}, attempt {}: {}, {spent} ({from} to {to})",
            task.id(),
            attempt.number,
            attempt.outcome.as_str()
        ),
        None => write!(text, "{} attempts, {} of them failed ({from} to {to})", bar.attempts, bar.failures),
    };
    if let Some((_, attempt)) = bar.single
        && let Some(error) = &attempt.error
    {
        let _ = write!(text, "\n{}", line(&error.to_string(), 200));
    }
    text
}

/// Joins the attempts of the critical path that have a bar.
fn critical(page: &mut Page, history: &History, lanes: &Timeline<'_>, scale: &Scale) {
    let place = |device: &starline_types::DeviceId, lane: u32| {
        let row = lanes.rows.iter().position(|row| row.device == device && row.lane == lane)?;
        // Along the lower edge, so that labels stay readable.
        Some(scale.y(row) + scale.row - 3.0)
    };
    let mut path = String::new();
    let mut before: Option<(f64, f64)> = None;
    let steps = history.critical_path();
    if steps.len() > STEPS {
        return;
    }
    for step in steps {
        let Some(task) = history.task(&step.task) else { continue };
        let (Some(first), Some(last)) = (task.attempts.first(), task.attempts.last()) else { continue };
        let (Some(begin), Some(end)) = (place(&first.device, first.lane), place(&last.device, last.lane))
        else {
            continue;
        };
        let (x, to) = (scale.x(first.assigned_at), scale.x(last.ended_at.unwrap_or_else(|| history.until())));
        if let Some((from, height)) = before {
            let _ = write!(path, "M{} {height}V{begin}H{}", number(from), number(x));
        }
        before = Some((to, end));
    }
    if !path.is_empty() {
        page.raw("<path class=\"crit\"").attr("d", path).raw("/>");
    }
}

fn legend(page: &mut Page, history: &History, lanes: &Timeline<'_>) {
    page.raw("<ul class=\"legend\">");
    for outcome in AttemptOutcome::ALL {
        let count = history.attempts().filter(|(_, attempt)| attempt.outcome == outcome).count();
        if count > 0 {
            page.raw("<li><i").attr("class", format_args!("b-{}", outcome.as_str())).raw("></i>");
            page.text(count).raw(" ").text(outcome.as_str()).raw("</li>");
        }
    }
    page.raw("<li>underlined: critical path</li>");
    if !history.commits().is_empty() {
        page.raw("<li>r1, r2 …: revisions of the graph</li>");
    }
    if !history.holds().is_empty() || !history.pauses().is_empty() {
        page.raw("<li>shaded: holds and pauses</li>");
    }
    page.raw("</ul>");
    if lanes.attempts_left_out > 0 {
        page.raw("<p class=\"soft\">").text(words::count(lanes.rows_left_out, "lane")).raw(" with ");
        page.text(words::count(lanes.attempts_left_out, "attempt")).raw(" found no room in the drawing.</p>");
    }
}
