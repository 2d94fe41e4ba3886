//! A plan for people.

use starline::types::{DeviceId, Millis, TaskId};

use super::{Expectation, Plan};
use crate::line::{clock, span, tasks};
use crate::output::Output;
use crate::paint::Tone;
use crate::table::{Cell, Table};

/// Tasks of a path that are written at most.
const NAMED: usize = 12;

/// Writes a plan: a line for each task, then the figures.
pub(crate) fn show(plan: &Plan, file: &str, output: &Output) {
    if output.is_quiet() {
        output.result(&headline(plan, file));
        return;
    }
    show_tasks(plan, output);
    output.result("");
    output.result(&headline(plan, file));
    show_figures(plan, output);
    show_notes(plan, output);
}

/// Writes a line for each task of a plan.
pub(crate) fn show_tasks(plan: &Plan, output: &Output) {
    let mut table = Table::with_head(&["start", "end", "stage", "task", "device", "why"]);
    for task in &plan.tasks {
        let time = |time: Option<Millis>| time.map_or_else(|| "-".to_owned(), clock);
        let (word, tone) = match task.status {
            Expectation::Planned => ("", Tone::Plain),
            Expectation::Skipped => ("not expected: ", Tone::Faint),
            Expectation::Failed => ("would fail: ", Tone::Bad),
        };
        table.row([
            Cell::figure(time(task.start_ms)),
            Cell::figure(time(task.end_ms)),
            Cell::figure(task.stage.to_string()),
            Cell::text(task.task.as_str()),
            Cell::text(task.device.as_ref().map_or("-", DeviceId::as_str)),
            Cell::text(format!("{word}{}", task.reason.text)).in_tone(tone),
        ]);
    }
    table.lines(output.result_colour()).for_each(|line| output.result(&line));
}

fn headline(plan: &Plan, file: &str) -> String {
    let time = if plan.figures.work_ms > Millis::ZERO {
        format!("about {}", span(plan.makespan_ms))
    } else {
        "no time is estimated".to_owned()
    };
    format!(
        "{file}: {} in {} on {} by {}: {time}",
        tasks(plan.tasks.len()),
        counted(plan.stages.len(), "stage"),
        counted(plan.devices.len(), "device"),
        plan.strategy
    )
}

fn counted(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

fn show_figures(plan: &Plan, output: &Output) {
    let figures = &plan.figures;
    let mut table = Table::default();
    let mut line = |name: &str, text: String| table.row([Cell::text(name), Cell::text(text)]);
    let path = path(&figures.critical_path);
    line("critical path", format!("{}: {path}", span(figures.critical_path_ms)));
    let factor = figures.parallelism_factor;
    let of = if figures.work_ms > Millis::ZERO {
        format!("{} of work on a critical path of {}", span(figures.work_ms), span(figures.critical_path_ms))
    } else {
        "by the number of tasks, as none has an estimate".to_owned()
    };
    line("parallelism", format!("{factor:.2}: {of}"));
    let width = format!(
        "{} in the largest stage, {} at a time on these devices",
        tasks(figures.max_width),
        plan.peak
    );
    line("width", width);
    for (id, device) in &plan.devices {
        let share = device
            .slots
            .zip(device.utilisation)
            .map(|(slots, share)| format!(", {:.0} % of {}", share * 100.0, counted(slots as usize, "slot")));
        let count = tasks(usize::try_from(device.attempts).unwrap_or(usize::MAX));
        let text = format!("{id}: {count}, busy {}{}", span(device.busy_ms), share.unwrap_or_default());
        line("device", text);
    }
    table.lines(output.result_colour()).for_each(|line| output.result(&line));
}

fn show_notes(plan: &Plan, output: &Output) {
    for note in &plan.notes {
        output.result(&format!("note: {}", note.message));
    }
}

fn path(tasks: &[TaskId]) -> String {
    let named: Vec<&str> = tasks.iter().take(NAMED).map(TaskId::as_str).collect();
    let more = tasks.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" -> and {more} more") } else { String::new() };
    format!("{}{more}", named.join(" -> "))
}

/// Writes what several strategies make of the same run: a line for each.
pub(crate) fn show_comparison(plans: &[Plan], file: &str, output: &Output) {
    let best = plans.iter().map(|plan| plan.makespan_ms).min().unwrap_or_default();
    let mut table = Table::with_head(&["strategy", "makespan", "against best", "utilisation", "devices"]);
    for plan in plans {
        let is_best = plan.makespan_ms == best;
        let against = if is_best {
            "best".to_owned()
        } else {
            format!("+{:.1} %", (plan.makespan_ms.0 as f64 / best.0.max(1) as f64 - 1.0) * 100.0)
        };
        let used: Vec<String> = plan
            .devices
            .iter()
            .map(|(id, device)| format!("{id} {:.0} %", device.utilisation.unwrap_or_default() * 100.0))
            .collect();
        table.row([
            Cell::text(&plan.strategy),
            Cell::figure(span(plan.makespan_ms)),
            Cell::figure(against).in_tone(if is_best { Tone::Good } else { Tone::Plain }),
            Cell::figure(format!("{:.1} %", plan.utilisation * 100.0)),
            Cell::text(used.join(", ")),
        ]);
    }
    table.lines(output.result_colour()).for_each(|line| output.result(&line));
    if let (Some(plan), false) = (plans.first(), output.is_quiet()) {
        output.result("");
        let figures = &plan.figures;
        let (work, path) = (span(figures.work_ms), span(figures.critical_path_ms));
        output.result(&format!("{file}: {}, {work} of work, critical path {path}", tasks(plan.tasks.len())));
        show_notes(plan, output);
    }
}
