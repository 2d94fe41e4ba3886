//! The sections that are tables.

use starline_types::Millis;

use super::sheet::{Cell, Sheet};
use crate::html::{change_text, listed, names, repeated, times, told, what_happened};
use crate::{CriticalStep, History, words};

/// Tasks that are listed.
const TASKS: usize = 1000;
/// Rows of other tables.
const ROWS: usize = 300;
/// Repeated attempts whose output is shown.
const OUTPUTS: usize = 20;
/// Changes of one edit that are listed.
const CHANGES: usize = 50;

/// The numbers that are asked for first.
pub(super) fn figures(sheet: &mut Sheet, history: &History) {
    let (summary, statistics) = (history.summary(), history.statistics());
    let path = history.critical_path();
    let running = words::span(Millis(path.iter().map(|step| step.run.0).fold(0, u64::saturating_add)));
    let waiting = words::span(Millis(
        path.iter().map(|step| step.wait.0.saturating_add(step.between.0)).fold(0, u64::saturating_add),
    ));
    let states: Vec<String> =
        summary.counts.occurring().map(|(state, count)| format!("{count} {state}")).collect();
    let rows = [
        ("Tasks", format!("{}: {}", history.graph().len(), states.join(", "))),
        ("Makespan", words::span(summary.makespan)),
        (
            "Critical path",
            format!("{}, {running} running, {waiting} waiting", words::count(path.len(), "task")),
        ),
        (
            "Attempts",
            format!(
                "{}, of which {} failed; retries: {}",
                summary.attempts, summary.failed_attempts, summary.retries
            ),
        ),
        (
            "Work",
            format!(
                "{}, of which {} did not complete",
                words::span(summary.work),
                words::span(summary.wasted)
            ),
        ),
        ("Attempts at once", format!("{:.2} on average, {} at most", summary.parallelism, summary.peak)),
        ("Graph", format!("width {}, longest path {}", statistics.max_width, statistics.longest_path_length)),
    ];
    sheet.head(&["Figure", "Value"]);
    for (name, value) in rows {
        sheet.row(&[Cell::text(name), Cell::text(value)]);
    }
    if summary.held.0 > 0 || summary.paused.0 > 0 {
        let value =
            format!("{} by holds, {} by pauses", words::span(summary.held), words::span(summary.paused));
        sheet.row(&[Cell::text("Held back"), Cell::text(value)]);
    }
}

/// The tasks that decided when the run ended.
pub(super) fn critical_path(sheet: &mut Sheet, history: &History) {
    let path = history.critical_path();
    if path.is_empty() {
        return;
    }
    sheet.head(&["Task", "Device", ">Attempts", ">Wait", ">Run", ">Between attempts", ">Finished"]);
    for step in path.iter().take(ROWS) {
        sheet.row(&[
            Cell::code(&step.task),
            Cell::code(step.device.as_ref().map_or("", |device| device.as_str())),
            Cell::text(step.attempts),
            Cell::text(words::span(step.wait)),
            Cell::text(words::span(step.run)),
            Cell::text(words::span(step.between)),
            Cell::text(words::span(step.finished_at.since(history.origin()))),
        ]);
    }
    let sum = |of: fn(&CriticalStep) -> Millis| {
        Cell::text(words::span(Millis(path.iter().map(|step| of(step).0).fold(0, u64::saturating_add))))
    };
    sheet.row(&[
        Cell::text(words::count(path.len(), "task")),
        Cell::text(""),
        Cell::text(""),
        sum(|step| step.wait),
        sum(|step| step.run),
        sum(|step| step.between),
        Cell::text(""),
    ]);
    more(sheet, path.len(), ROWS, "task");
}

/// Attempts that were followed by another one.
pub(super) fn retries(sheet: &mut Sheet, history: &History) {
    let all: Vec<_> = repeated(history).collect();
    if all.is_empty() {
        return;
    }
    sheet.head(&["Task", ">Attempt", "Device", "Outcome", ">Run", ">Delay", "What happened"]);
    for (task, attempt) in all.iter().take(ROWS) {
        sheet.row(&[
            Cell::code(task.id()),
            Cell::text(format_args!("{} of {}", attempt.number, task.attempts.len())),
            Cell::code(&attempt.device),
            Cell::text(attempt.outcome.as_str()),
            Cell::text(words::span(attempt.duration(history.until()))),
            Cell::text(attempt.retry.map_or_else(String::new, |retry| words::span(retry.delay))),
            Cell::text(what_happened(attempt)),
        ]);
    }
    more(sheet, all.len(), ROWS, "attempt");
    for (task, attempt) in all.iter().filter(|(_, attempt)| !attempt.output.is_empty()).take(OUTPUTS) {
        sheet.raw("\nOutput of ").code(task.id()).raw(", attempt ").text(attempt.number).raw(":\n\n");
        sheet.block("text", &attempt.output.read().0);
    }
}

/// Who was asked what.
pub(super) fn approvals(sheet: &mut Sheet, history: &History) {
    let of_tasks = history.tasks().iter();
    let all: Vec<_> =
        of_tasks.flat_map(|task| task.approvals.iter().map(move |question| (task, question))).collect();
    if all.is_empty() {
        return;
    }
    sheet.head(&["Task", "Question", "Answer", "By", ">Asked", ">Waited"]);
    for (task, question) in all.iter().take(ROWS) {
        let answer = question.answer.as_ref();
        let until = answer.map_or_else(|| history.until(), |answer| answer.given.t);
        sheet.row(&[
            Cell::code(task.id()),
            Cell::text(&question.prompt),
            Cell::text(answer.map_or("open", |answer| answer.verdict.as_str())),
            Cell::text(answer.and_then(|answer| answer.by.as_deref()).unwrap_or_default()),
            Cell::text(words::span(question.asked.t.since(history.origin()))),
            Cell::text(words::span(until.since(question.asked.t))),
        ]);
    }
    more(sheet, all.len(), ROWS, "question");
}

/// What was changed while the run went on, and what waited meanwhile.
pub(super) fn edits(sheet: &mut Sheet, history: &History) {
    let commits = history.commits();
    for commit in commits.iter().take(ROWS) {
        sheet.raw("- Revision ").text(commit.revision.0).raw(" at ");
        sheet.text(words::span(commit.committed.t.since(history.origin())));
        sheet.text(words::authorship(commit));
        if let Some(reason) = &commit.reason {
            sheet.raw(": ").text(reason);
        }
        sheet.raw("\n");
        for change in commit.changes.iter().take(CHANGES) {
            sheet.raw("  - ").text(change_text(change)).raw("\n");
        }
        if commit.changes.len() > CHANGES {
            sheet.raw("  - and ").text(commit.changes.len() - CHANGES).raw(" more\n");
        }
    }
    more(sheet, commits.len(), ROWS, "revision");
    for refused in history.refused().iter().take(ROWS) {
        sheet.raw("- Refused at ").text(words::span(refused.at.t.since(history.origin())));
        sheet.raw(", by ").text(&refused.author).raw("\n");
        for fault in refused.faults.iter().take(CHANGES) {
            sheet.raw("  - ").text(fault).raw("\n");
        }
    }
    more(sheet, history.refused().len(), ROWS, "refused batch");
    if !history.holds().is_empty() {
        sheet.raw("\n").head(&["Hold", "Scope", "Opened by", ">Opened", ">Open for", "Closed"]);
        for hold in history.holds().iter().take(ROWS) {
            let until = hold.closed.map_or_else(|| history.until(), |(at, _)| at);
            sheet.row(&[
                Cell::code(hold.id),
                Cell::text(words::scope(hold.scope)),
                Cell::text(names(&hold.triggers)),
                Cell::text(words::span(hold.opened_at.since(history.origin()))),
                Cell::text(words::span(until.since(hold.opened_at))),
                Cell::text(hold.closed.map_or("open", |(_, reason)| words::hold(reason))),
            ]);
        }
        more(sheet, history.holds().len(), ROWS, "hold");
    }
    if !history.pauses().is_empty() {
        sheet.raw("\n").head(&[">Paused", "Why", ">For", "Resumed by"]);
        for pause in history.pauses().iter().take(ROWS) {
            let until = pause.ended.as_ref().map_or_else(|| history.until(), |(at, _)| *at);
            let why = pause.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
            sheet.row(&[
                Cell::text(words::span(pause.from.since(history.origin()))),
                Cell::text(format_args!("{}{why}", words::pause(pause.cause))),
                Cell::text(words::span(until.since(pause.from))),
                Cell::text(pause.ended.as_ref().map_or("", |(_, by)| by)),
            ]);
        }
        more(sheet, history.pauses().len(), ROWS, "pause");
    }
}

/// What each device did.
pub(super) fn devices(sheet: &mut Sheet, history: &History) {
    let uses = history.device_use();
    if uses.is_empty() {
        return;
    }
    sheet.head(&["Device", ">Slots", ">Attempts", ">Failed", ">Busy", ">Use"]);
    for device in &uses {
        let slots = if device.known { device.slots.to_string() } else { format!("{} seen", device.lanes) };
        sheet.row(&[
            Cell::code(&device.device),
            Cell::text(slots),
            Cell::text(device.attempts),
            Cell::text(device.failures),
            Cell::text(words::span(device.busy)),
            Cell::text(words::percent(device.utilisation)),
        ]);
    }
}

/// All tasks of the final graph.
pub(super) fn tasks(sheet: &mut Sheet, history: &History) {
    let (readings, all) = (history.readings(), listed(history, TASKS));
    if all.is_empty() {
        return;
    }
    sheet.head(&["Task", "Status", "Device", ">Attempts", ">Wait", ">Run", ">Finished"]);
    for task in all {
        let [wait, run, finished] = times(history, task);
        sheet.row(&[
            Cell::code(task.id()),
            Cell::text(readings.get(task.id()).map_or("", |reading| words::reading(*reading))),
            Cell::code(task.device().map_or("", |device| device.as_str())),
            Cell::text(task.attempts.len()),
            Cell::text(wait),
            Cell::text(run),
            Cell::text(finished),
        ]);
    }
    more(sheet, history.graph().len(), TASKS, "task");
}

/// Inputs, names of secrets, and settings.
pub(super) fn settings(sheet: &mut Sheet, history: &History) {
    sheet.head(&["Name", "Value"]);
    for (name, value) in told(history) {
        sheet.row(&[Cell::text(name), Cell::code(value)]);
    }
}

/// Says how much of a list was left out.
pub(super) fn more(sheet: &mut Sheet, all: usize, shown: usize, noun: &str) {
    if all > shown {
        sheet.raw("\nNot listed: ").text(words::count(all - shown, noun)).raw(" more.\n");
    }
}
