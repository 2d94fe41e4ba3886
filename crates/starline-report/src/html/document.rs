//! The page as a whole: head, header, sections in order.

use starline_types::RunState;

use super::page::Page;
use super::{course, figures, line, tasks, trouble};
use crate::{History, drawing, words};

/// One section: its anchor, its heading, and what writes it; false if there was nothing to write.
type Section = (&'static str, &'static str, fn(&mut Page, &History) -> bool);

/// The order is that of the questions of a reader: what went wrong, when, where, and what else.
const SECTIONS: [Section; 12] = [
    ("failures", "Failures", trouble::failures),
    ("timeline", "Timeline", line::draw),
    ("graph", "Graph", graph),
    ("critical-path", "Critical path", course::critical_path),
    ("retries", "Repeated attempts", trouble::retries),
    ("skipped", "Skipped and cancelled", trouble::skipped),
    ("approvals", "Approvals", course::approvals),
    ("edits", "Edits, holds and pauses", course::edits),
    ("devices", "Devices", figures::devices),
    ("plan", "Plan and reality", figures::plan),
    ("tasks", "Tasks", tasks::tasks),
    ("settings", "Inputs and settings", tasks::settings),
];

/// The report of a run as one page that needs nothing else: no scripts, no network, no other files.
///
/// Well-formed as XML as well. Text from outside is escaped, without control characters. A policy in the page
/// forbids browsers to load or run anything. Long lists are cut, and say so: tasks after 2000, the output of
/// failures after 200; every failed task is named. O(n log n + m + k log k) for k attempts.
#[must_use]
pub fn to_html(history: &History) -> String {
    let mut page = Page::default();
    head(&mut page, history);
    let mut written = Vec::new();
    for (anchor, heading, write) in SECTIONS {
        let mut section = Page::default();
        if write(&mut section, history) {
            written.push((anchor, heading, section.finish()));
        }
    }
    header(&mut page, history);
    page.raw("<nav>");
    for (anchor, heading, _) in &written {
        page.raw("<a").attr("href", format_args!("#{anchor}")).raw(">").text(heading).raw("</a>\n");
    }
    page.raw("</nav></header>\n<main>\n");
    for (anchor, heading, section) in &written {
        page.raw("<section").attr("id", anchor).raw("><h2>").text(heading).raw("</h2>\n");
        page.drawing(section).raw("\n</section>\n");
    }
    page.raw("</main>\n<footer>Written by starline from ")
        .text(words::count(history.seq().0 as usize, "record"));
    page.raw(". Times count from the start of the run.</footer>\n</body>\n</html>\n");
    page.finish()
}

fn head(page: &mut Page, history: &History) {
    page.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n");
    page.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\"/>\n");
    page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n");
    page.raw("<meta name=\"color-scheme\" content=\"light dark\"/>\n<meta name=\"referrer\" content=\"no-referrer\"/>\n");
    page.raw("<title>").text(history.name()).raw(": ").text(words::run_state(history.state()));
    page.raw("</title>\n<style>\n").raw(include_str!("page.css")).raw("</style>\n</head>\n<body>\n");
}

fn header(page: &mut Page, history: &History) {
    let state = history.state();
    page.raw("<header>\n<h1><span>");
    page.text(if history.name().trim().is_empty() { history.run().as_str() } else { history.name() });
    page.raw("</span> <span").attr("class", format_args!("badge s-{}", state.as_str())).raw(">");
    page.text(words::run_state(state)).raw("</span></h1>\n<p class=\"lead\">Run <span class=\"id\">");
    page.text(history.run()).raw("</span>");
    let started = history.started().and_then(|moment| words::date(moment.at));
    let ended = history.ended().and_then(|moment| words::date(moment.at));
    if let Some(started) = started {
        page.raw(" · <span class=\"keep\">started ").text(started).raw("</span>");
    }
    if let Some(ended) = ended {
        page.raw(" · <span class=\"keep\">finished ").text(ended).raw("</span>");
    }
    if history.started().is_some() {
        let (open, close) = if state.is_terminal() { (" · took ", "") } else { (" · ", " so far") };
        page.raw(open).text(words::span(history.summary().makespan)).raw(close);
    }
    if let Some(strategy) = history.strategy() {
        page.raw(" · placed by ").text(strategy);
    }
    page.raw("</p>\n");
    for note in notes(history) {
        page.raw("<p class=\"lead\"><b>").text(note).raw("</b></p>\n");
    }
    figures::states(page, history);
    figures::cards(page, history);
}

/// What a reader has to know before reading on.
pub(crate) fn notes(history: &History) -> Vec<String> {
    let mut notes = Vec::new();
    if !history.state().is_terminal() {
        let state = match history.state() {
            RunState::Created | RunState::Ready => "The run had not started",
            RunState::Paused => "The run was paused",
            _ => "The run had not ended",
        };
        let torn = if history.is_torn() { ", in the middle of a line" } else { "" };
        notes.push(format!("{state} when its records end{torn}. What follows is how it stood then."));
    }
    if let Some(end) = history.end() {
        notes.extend(end.reason.as_ref().map(|reason| format!("Reason: {reason}")));
        if !end.unconfirmed.is_empty() {
            let tasks: Vec<&str> = end.unconfirmed.iter().take(20).map(|task| task.id().as_str()).collect();
            let more = end.unconfirmed.len().saturating_sub(tasks.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            notes.push(format!("May still be running on their devices: {}{more}", tasks.join(", ")));
        }
    }
    if let Some(fault) = history.strategy_faults().first() {
        let count = words::count(history.strategy_faults().len(), "time");
        notes.push(format!("The strategy {} erred {count}, first with: {}", fault.strategy, fault.message));
    }
    notes
}

fn graph(page: &mut Page, history: &History) -> bool {
    let Some(svg) = drawing::graph(history) else { return false };
    // A drawing that is a little too wide is made to fit; beyond that it scrolls.
    let width =
        svg.split_once(" width=\"").and_then(|(_, rest)| rest.split_once('"')).map(|(width, _)| width);
    let width: f64 = width.and_then(|width| width.parse().ok()).unwrap_or(800.0);
    page.raw("<div class=\"scroll draw graph\"").attr("style", format_args!("--w:{width}px")).raw(">");
    page.drawing(&svg).raw("</div>");
    true
}
