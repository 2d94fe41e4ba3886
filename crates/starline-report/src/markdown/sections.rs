//! The sections that are more than a table.

use std::fmt::Write as _;

use starline_types::{DependencyKind, OutcomeStatus, Reading, TaskIx};

use super::sheet::{Cell, Sheet};
use super::tables::more;
use crate::html::{circumstances, why_cancelled};
use crate::task::AttemptOutcome;
use crate::timeline::timeline as lanes;
use crate::{History, words};

/// Failures whose output is shown.
const OUTPUTS: usize = 50;
/// Rows of lists.
const ROWS: usize = 300;
/// Tasks of a graph that is drawn.
const DRAWN: usize = 60;
/// Characters of the timeline, and rows.
const WIDTH: usize = 80;
const LANES: usize = 40;

/// Every failed task with its error and its last output.
pub(super) fn failures(sheet: &mut Sheet, history: &History) {
    let failed = history.tasks().iter().filter(|task| task.status == Some(OutcomeStatus::Failed));
    for (at, task) in failed.enumerate() {
        sheet.raw(if at > 0 { "\n### " } else { "### " }).code(task.id());
        if task.spec.name() != task.id().as_str() {
            sheet.raw(" ").text(task.spec.name());
        }
        sheet.raw("\n\n");
        if let Some(error) = &task.error {
            sheet.code(&error.kind).raw(": ").text(&error.message).raw("\n\n");
        }
        sheet.text(circumstances(history, task)).raw(".\n");
        let last = task.attempts.last().filter(|last| at < OUTPUTS && !last.output.is_empty());
        if let Some(last) = last {
            let (text, cut) = last.output.read();
            sheet.raw(if cut { "\nLast lines of its output:\n\n" } else { "\n" }).block("text", &text);
        }
    }
}

/// The lanes of the devices, one line each.
pub(super) fn timeline(sheet: &mut Sheet, history: &History) {
    let lanes = lanes(history, WIDTH as f64);
    if lanes.bars.is_empty() {
        return;
    }
    let total = history.until().since(history.origin()).0.max(1);
    let column = |at: starline_types::Timestamp| {
        let share = at.since(history.origin()).0 as f64 / total as f64;
        ((share * WIDTH as f64) as usize).min(WIDTH - 1)
    };
    let mut rows: Vec<Vec<char>> = vec![vec!['·'; WIDTH]; lanes.rows.len().min(LANES)];
    for bar in &lanes.bars {
        let Some(row) = rows.get_mut(bar.row) else { continue };
        let sign = match bar.outcome {
            AttemptOutcome::Completed => '█',
            AttemptOutcome::Running => '▒',
            AttemptOutcome::Cancelled => '-',
            _ => 'x',
        };
        // The last column belongs to what comes next, unless the bar would have none.
        let (from, to) = (column(bar.from), column(bar.to));
        for cell in &mut row[from..to.max(from + 1)] {
            *cell = if *cell == 'x' { 'x' } else { sign };
        }
    }
    let name = |row: usize| format!("{} {}", lanes.rows[row].device, lanes.rows[row].lane + 1);
    let longest = (0..rows.len()).map(|row| name(row).chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:<longest$} {}", name(at), row.iter().collect::<String>());
    }
    let end = words::span(history.until().since(history.origin()));
    let _ = writeln!(text, "{:<longest$} 0{end:>width$}", "", width = WIDTH - 1);
    sheet.block("text", &text);
    sheet.raw("\n`█` completed, `x` failed, timed out or lost, `▒` running, `-` cancelled, `·` idle\n");
    more(sheet, lanes.rows.len() + lanes.rows_left_out, LANES, "lane");
}

/// The graph, if it is small.
pub(super) fn graph(sheet: &mut Sheet, history: &History) {
    let graph = history.graph();
    if graph.is_empty() || graph.len() > DRAWN {
        return;
    }
    let readings = history.readings();
    let mut text = String::from("flowchart LR\n");
    let number = |task: TaskIx| format!("n{}", task.0);
    for task in graph.in_order() {
        let (id, reading) = (graph.id(task), readings.get(graph.id(task)).copied().unwrap_or(Reading::Ready));
        let word = words::reading(reading);
        // A number sign begins an entity in Mermaid; an id has no other character with a meaning.
        let label = id.as_str().replace('#', "#35;");
        let _ = writeln!(text, "  {}[\"{label}<br/>{word}\"]:::{word}", number(task));
    }
    for edge in graph.all_edges() {
        let arrow = match edge.kind() {
            DependencyKind::Success => "-->",
            DependencyKind::Failure => "-. failure .->",
            DependencyKind::Completion => "-. completion .->",
            DependencyKind::When(_) => "-- when -->",
        };
        let _ = writeln!(text, "  {} {arrow} {}", number(edge.from), number(edge.to));
    }
    for (word, colour) in [("completed", "#1f7a3d"), ("failed", "#c62b33"), ("running", "#0f66c2")] {
        let _ = writeln!(text, "  classDef {word} stroke:{colour},stroke-width:2px");
    }
    text.push_str("  classDef skipped stroke-dasharray:4 3\n  classDef cancelled stroke-dasharray:4 3\n");
    sheet.block("mermaid", &text);
}

/// Tasks that were skipped, with the causes back to the first, and tasks that were cancelled.
pub(super) fn skipped(sheet: &mut Sheet, history: &History) {
    let with = |status| history.tasks().iter().filter(move |task| task.status == Some(status));
    let skipped: Vec<_> = with(OutcomeStatus::Skipped).collect();
    let cancelled: Vec<_> = with(OutcomeStatus::Cancelled).collect();
    for task in skipped.iter().take(ROWS) {
        sheet.raw("- ").code(task.id()).raw(" skipped: ");
        let mut arrow = "";
        for (at, cause) in history.causes(task.id()).iter().enumerate() {
            if at > 0 {
                sheet.raw(arrow).code(&cause.task).raw(" ").text(cause);
            } else if cause.text.is_empty() {
                continue;
            } else {
                sheet.text(&cause.text);
            }
            arrow = " ← ";
        }
        sheet.raw("\n");
    }
    for task in cancelled.iter().take(ROWS) {
        sheet.raw("- ").code(task.id()).raw(" cancelled: ").text(why_cancelled(task)).raw("\n");
    }
    more(sheet, skipped.len().max(cancelled.len()), ROWS, "task");
}

/// What was planned against what happened.
pub(super) fn plan(sheet: &mut Sheet, history: &History) {
    let plan = history.plan();
    if plan.planned > 0 {
        sheet.raw("- ").text(plan.planned - plan.moved.len()).raw(" of ").text(plan.planned);
        sheet.raw(" attempted tasks ran on the device first planned for them.\n");
    }
    if !plan.added.is_empty() || !plan.removed.is_empty() {
        sheet.raw("- Edits added ").text(words::count(plan.added.len(), "task")).raw(" and removed ");
        sheet.text(words::count(plan.removed.len(), "task")).raw("; ");
        sheet.text(words::count(history.first_graph().tasks.len(), "task")).raw(" were submitted.\n");
    }
    let estimates = &plan.estimates;
    if estimates.tasks > 0 {
        sheet.raw("- ").text(words::count(estimates.tasks, "completed task")).raw(" with an estimate: ");
        sheet.text(words::span(estimates.estimated)).raw(" expected, ");
        sheet.text(words::span(estimates.actual)).raw(" taken.\n");
    }
    if let Some(path) = estimates.critical_path {
        sheet.raw("- The estimates allow for no less than ").text(words::span(path)).raw("; the run took ");
        sheet.text(words::span(history.summary().makespan)).raw(".\n");
    }
    if !plan.moved.is_empty() {
        sheet.raw("\n").head(&["Task", "Planned", "Actual"]);
        for moved in plan.moved.iter().take(ROWS) {
            sheet.row(&[Cell::code(&moved.task), Cell::code(&moved.planned), Cell::code(&moved.actual)]);
        }
        more(sheet, plan.moved.len(), ROWS, "task");
    }
    if !estimates.farthest.is_empty() {
        sheet.raw("\n").head(&["Farthest off", ">Estimate", ">Actual"]);
        for (task, expected, actual) in &estimates.farthest {
            let (expected, actual) = (words::span(*expected), words::span(*actual));
            sheet.row(&[Cell::code(task), Cell::text(expected), Cell::text(actual)]);
        }
    }
}
