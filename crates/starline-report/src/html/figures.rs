//! Figures: tasks by state, times, devices, plan.

use starline_types::Millis;

use super::page::Page;
use crate::{CriticalStep, History, words};

/// Rows of tables that may grow with the graph.
const ROWS: usize = 50;

/// Tasks by state, as a bar and as words.
pub(super) fn states(page: &mut Page, history: &History) {
    let counts = history.graph().counts();
    if history.graph().is_empty() {
        return;
    }
    page.raw("<div class=\"stack\" aria-hidden=\"true\">");
    for (state, count) in counts.occurring() {
        page.raw("<i")
            .attr("class", format_args!("b-{state}"))
            .attr("style", format_args!("flex:{count}"))
            .raw("></i>");
    }
    page.raw("</div>\n<ul class=\"legend\"><li><b>").text(words::count(history.graph().len(), "task"));
    page.raw("</b></li>");
    for (state, count) in counts.occurring() {
        page.raw("<li><i").attr("class", format_args!("b-{state}")).raw("></i>").text(count).raw(" ");
        page.text(state).raw("</li>");
    }
    page.raw("</ul>\n");
}

/// The numbers that are asked for first.
pub(super) fn cards(page: &mut Page, history: &History) {
    let (summary, figures) = (history.summary(), history.statistics());
    if history.started().is_none() {
        return;
    }
    page.raw("<dl class=\"cards\">\n");
    let mut card = |name: &str, value: String, note: String| {
        page.raw("<div><dt>").text(name).raw("</dt><dd><b>").text(value).raw("</b><span>").text(note);
        page.raw("</span></dd></div>\n");
    };
    let path = history.critical_path();
    let sum = |of: fn(&CriticalStep) -> Millis| {
        Millis(path.iter().map(|step| of(step).0).fold(0, u64::saturating_add))
    };
    let retried = match summary.retries {
        0 => "none repeated".to_owned(),
        1 => "1 retry".to_owned(),
        retries => format!("{retries} retries"),
    };
    let ended = if history.ended().is_some() { "from start to end" } else { "from start to the last record" };
    card("Makespan", words::span(summary.makespan), ended.to_owned());
    let waiting = Millis(sum(|step| step.wait).0 + sum(|step| step.between).0);
    let (running, waiting) = (words::span(sum(|step| step.run)), words::span(waiting));
    card("Critical path", words::count(path.len(), "task"), format!("{running} running, {waiting} waiting"));
    card("Attempts", summary.attempts.to_string(), format!("{retried}, {} failed", summary.failed_attempts));
    let wasted = match summary.wasted.0 {
        0 => "all of it in completed attempts".to_owned(),
        _ => format!("{} of it did not complete", words::span(summary.wasted)),
    };
    card("Work", words::span(summary.work), wasted);
    let peak = format!("{} at most", summary.peak);
    card("Attempts at once", format!("{:.2}", summary.parallelism), format!("on average, {peak}"));
    card(
        "Graph width",
        figures.max_width.to_string(),
        format!("longest path has {}", words::count(figures.longest_path_length, "task")),
    );
    if summary.held.0 > 0 || summary.paused.0 > 0 {
        let (held, paused) = (words::span(summary.held), words::span(summary.paused));
        card("Held back", held, format!("by holds; paused {paused}"));
    }
    page.raw("</dl>\n");
}

/// What each device did.
pub(super) fn devices(page: &mut Page, history: &History) -> bool {
    let uses = history.device_use();
    if uses.is_empty() {
        return false;
    }
    page.raw("<div class=\"scroll\"><table><thead><tr><th>Device</th><th class=\"n\">Slots</th><th class=\"n\">Attempts</th><th class=\"n\">Failed</th><th class=\"n\">Busy</th><th>Use</th></tr></thead><tbody>\n");
    for device in &uses {
        page.raw("<tr><td class=\"id\">").text(&device.device).raw("</td><td class=\"n\">");
        page.text(if device.known { device.slots.to_string() } else { format!("{} seen", device.lanes) });
        page.raw("</td><td class=\"n\">")
            .text(device.attempts)
            .raw("</td><td class=\"n\">")
            .text(device.failures);
        page.raw("</td><td class=\"n\">").text(words::span(device.busy)).raw("</td><td>");
        page.text(words::percent(device.utilisation)).raw("<span class=\"meter\"><i");
        let width = (device.utilisation * 100.0).clamp(0.0, 100.0);
        page.attr("style", format_args!("width:{width:.1}%")).raw("></i></span></td></tr>\n");
    }
    page.raw("</tbody></table></div>");
    page.raw(
        "<p class=\"soft\">Use is the time of its attempts divided by its slots times the makespan.</p>",
    );
    let lost: Vec<_> = history.connections().iter().filter(|change| !change.connected).collect();
    if !lost.is_empty() {
        page.raw("<ul class=\"plain\">");
        for change in lost.iter().take(ROWS) {
            page.raw("<li><span class=\"id\">").text(&change.device).raw("</span> was disconnected");
            if let Some(date) = words::date(change.moment.at) {
                page.raw(" at ").text(date);
            }
            if let Some(reason) = &change.reason {
                page.raw(": ").text(reason);
            }
            page.raw("</li>");
        }
        page.raw("</ul>");
    }
    true
}

/// What was planned against what happened.
pub(super) fn plan(page: &mut Page, history: &History) -> bool {
    let plan = history.plan();
    let compared = plan.estimates.tasks > 0;
    if plan.planned == 0 && !compared && plan.added.is_empty() && plan.removed.is_empty() {
        return false;
    }
    page.raw("<ul class=\"plain\">");
    if plan.planned > 0 {
        page.raw("<li>").text(plan.planned - plan.moved.len()).raw(" of ").text(plan.planned);
        page.raw(" attempted tasks ran on the device first planned for them.</li>");
    }
    if !plan.added.is_empty() || !plan.removed.is_empty() {
        page.raw("<li>Edits added ").text(words::count(plan.added.len(), "task")).raw(" and removed ");
        page.text(words::count(plan.removed.len(), "task")).raw("; ");
        page.text(words::count(history.first_graph().tasks.len(), "task")).raw(" were submitted.</li>");
    }
    if compared {
        let estimates = &plan.estimates;
        page.raw("<li>").text(words::count(estimates.tasks, "completed task")).raw(" with an estimate: ");
        page.text(words::span(estimates.estimated)).raw(" expected, ").text(words::span(estimates.actual));
        page.raw(" taken.</li>");
        if let Some(path) = estimates.critical_path {
            page.raw("<li>The estimates allow for no less than ").text(words::span(path));
            page.raw("; the run took ").text(words::span(history.summary().makespan)).raw(".</li>");
        }
    }
    page.raw("</ul>");
    if !plan.moved.is_empty() {
        page.raw("<details><summary>")
            .text(words::count(plan.moved.len(), "task"))
            .raw(" ran elsewhere</summary>");
        page.raw("<div class=\"scroll\"><table><thead><tr><th>Task</th><th>Planned</th><th>Actual</th></tr></thead><tbody>");
        for moved in plan.moved.iter().take(ROWS) {
            page.raw("<tr><td class=\"id\">")
                .text(&moved.task)
                .raw("</td><td class=\"id\">")
                .text(&moved.planned);
            page.raw("</td><td class=\"id\">").text(&moved.actual).raw("</td></tr>");
        }
        page.raw("</tbody></table></div>");
        more(page, plan.moved.len(), ROWS, "task");
        page.raw("</details>");
    }
    if !plan.estimates.farthest.is_empty() {
        page.raw("<details><summary>Estimates that were farthest off</summary><div class=\"scroll\"><table><thead><tr><th>Task</th><th class=\"n\">Estimate</th><th class=\"n\">Actual</th></tr></thead><tbody>");
        for (task, expected, actual) in &plan.estimates.farthest {
            page.raw("<tr><td class=\"id\">")
                .text(task)
                .raw("</td><td class=\"n\">")
                .text(words::span(*expected));
            page.raw("</td><td class=\"n\">").text(words::span(*actual)).raw("</td></tr>");
        }
        page.raw("</tbody></table></div></details>");
    }
    true
}

/// Says how much of a list was left out.
pub(super) fn more(page: &mut Page, all: usize, shown: usize, noun: &str) {
    if all > shown {
        page.raw("<p class=\"soft\">Not listed: ").text(words::count(all - shown, noun)).raw(" more.</p>");
    }
}
