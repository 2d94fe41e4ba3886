//! The text as a whole: header, then sections in order.

use super::sheet::Sheet;
use super::{sections, tables};
use crate::html::notes;
use crate::{History, words};

/// One section: its heading, and what writes it. One that writes nothing is left out.
type Section = (&'static str, fn(&mut Sheet, &History));

const SECTIONS: [Section; 12] = [
    ("Failures", sections::failures),
    ("Timeline", sections::timeline),
    ("Graph", sections::graph),
    ("Critical path", tables::critical_path),
    ("Repeated attempts", tables::retries),
    ("Skipped and cancelled", sections::skipped),
    ("Approvals", tables::approvals),
    ("Edits, holds and pauses", tables::edits),
    ("Devices", tables::devices),
    ("Plan and reality", sections::plan),
    ("Tasks", tables::tasks),
    ("Inputs and settings", tables::settings),
];

/// The report of a run as GitHub-flavoured Markdown, with the content of [`to_html`](crate::to_html).
///
/// Graphs of up to 60 tasks are drawn by Mermaid. Texts from outside are escaped or stand in blocks of code, and
/// no HTML of theirs gets in. Long lists are cut, and say so: tasks after 1000, the output of failures after 50;
/// every failed task is named. Costs as [`to_html`](crate::to_html).
#[must_use]
pub fn to_markdown(history: &History) -> String {
    let mut sheet = Sheet::default();
    header(&mut sheet, history);
    for (heading, write) in SECTIONS {
        let mut section = Sheet::default();
        write(&mut section, history);
        if !section.is_empty() {
            sheet.raw("\n## ").raw(heading).raw("\n\n").append(&section);
        }
    }
    sheet.finish()
}

fn header(sheet: &mut Sheet, history: &History) {
    sheet.raw("# ");
    if history.name().trim().is_empty() {
        sheet.text(history.run());
    } else {
        sheet.text(history.name());
    }
    sheet.raw(": ").text(words::run_state(history.state())).raw("\n\n");
    sheet.raw("Run ").code(history.run());
    if let Some(started) = history.started().and_then(|moment| words::date(moment.at)) {
        sheet.raw(", started ").words(&started);
    }
    if let Some(ended) = history.ended().and_then(|moment| words::date(moment.at)) {
        sheet.raw(", finished ").words(&ended);
    }
    if let Some(strategy) = history.strategy() {
        sheet.raw(", placed by ").code(strategy);
    }
    sheet.raw(".\n");
    for note in notes(history) {
        sheet.raw("\n**").text(note).raw("**\n");
    }
    if history.started().is_some() {
        sheet.raw("\n");
        tables::figures(sheet, history);
    }
}
