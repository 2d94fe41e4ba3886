//! How the run went: what decided its time, who was asked, and what was changed.

use starline_types::{Millis, TaskId};

use super::figures::more;
use super::page::Page;
use super::trouble::word;
use crate::{Change, History, words};

/// Rows of each list.
const ROWS: usize = 500;
/// Changes of one edit that are listed.
const CHANGES: usize = 50;

/// The tasks that decided when the run ended.
pub(super) fn critical_path(page: &mut Page, history: &History) -> bool {
    let path = history.critical_path();
    if path.is_empty() {
        return false;
    }
    let sum = |of: fn(&crate::CriticalStep) -> Millis| {
        words::span(Millis(path.iter().map(|step| of(step).0).fold(0, u64::saturating_add)))
    };
    page.raw("<p class=\"soft\">The task that ended last, what it waited for last, and so on back to the start. Only here does saving time make the run shorter.</p>");
    page.raw("<div class=\"scroll\"><table><thead><tr><th>Task</th><th>Device</th><th class=\"n\">Attempts</th><th class=\"n\">Wait</th><th class=\"n\">Run</th><th class=\"n\">Between attempts</th><th class=\"n\">Finished</th></tr></thead><tbody>\n");
    for step in path.iter().take(ROWS) {
        page.raw("<tr><td class=\"id\">").text(&step.task).raw("</td><td class=\"id\">");
        page.text(step.device.as_ref().map_or("", |device| device.as_str())).raw("</td><td class=\"n\">");
        page.text(step.attempts).raw("</td><td class=\"n\">").text(words::span(step.wait));
        page.raw("</td><td class=\"n\">").text(words::span(step.run)).raw("</td><td class=\"n\">");
        page.text(words::span(step.between)).raw("</td><td class=\"n\">");
        page.text(words::span(step.finished_at.since(history.origin()))).raw("</td></tr>\n");
    }
    page.raw("</tbody><tfoot><tr><td>").text(words::count(path.len(), "task"));
    page.raw("</td><td></td><td></td><td class=\"n\">").text(sum(|step| step.wait));
    page.raw("</td><td class=\"n\">").text(sum(|step| step.run)).raw("</td><td class=\"n\">");
    page.text(sum(|step| step.between)).raw("</td><td></td></tr></tfoot></table></div>");
    more(page, path.len(), ROWS, "task");
    true
}

/// Who was asked what.
pub(super) fn approvals(page: &mut Page, history: &History) -> bool {
    let all: Vec<_> = history
        .tasks()
        .iter()
        .flat_map(|task| task.approvals.iter().map(move |question| (task, question)))
        .collect();
    if all.is_empty() {
        return false;
    }
    page.raw("<div class=\"scroll\"><table><thead><tr><th>Task</th><th>Question</th><th>Answer</th><th>By</th><th class=\"n\">Asked</th><th class=\"n\">Waited</th></tr></thead><tbody>\n");
    for (task, question) in all.iter().take(ROWS) {
        let answer = question.answer.as_ref();
        page.raw("<tr><td class=\"id\">")
            .text(task.id())
            .raw("</td><td class=\"say\">")
            .text(&question.prompt);
        page.raw("</td><td>");
        word(page, answer.map_or("open", |answer| answer.verdict.as_str()));
        page.raw("</td><td class=\"say\">")
            .text(answer.and_then(|answer| answer.by.as_deref()).unwrap_or_default());
        page.raw("</td><td class=\"n\">").text(words::span(question.asked.t.since(history.origin())));
        let until = answer.map_or_else(|| history.until(), |answer| answer.given.t);
        page.raw("</td><td class=\"n\">")
            .text(words::span(until.since(question.asked.t)))
            .raw("</td></tr>\n");
    }
    page.raw("</tbody></table></div>");
    more(page, all.len(), ROWS, "question");
    true
}

/// What was changed while the run went on, and what waited meanwhile.
pub(super) fn edits(page: &mut Page, history: &History) -> bool {
    let (commits, holds, pauses) = (history.commits(), history.holds(), history.pauses());
    if commits.is_empty() && holds.is_empty() && pauses.is_empty() && history.refused().is_empty() {
        return false;
    }
    for commit in commits.iter().take(ROWS) {
        page.raw("<article class=\"case\" style=\"border-left-color:var(--lost)\"><h3>Revision ");
        page.text(commit.revision.0).raw(" <small>at ");
        page.text(words::span(commit.committed.t.since(history.origin())));
        page.text(words::authorship(commit));
        page.raw("</small></h3>");
        if let Some(reason) = &commit.reason {
            page.raw("<p>").text(reason).raw("</p>");
        }
        page.raw("<ul class=\"plain\">");
        for change in commit.changes.iter().take(CHANGES) {
            page.raw("<li>").text(change_text(change)).raw("</li>");
        }
        page.raw("</ul>");
        more(page, commit.changes.len(), CHANGES, "change");
        page.raw("</article>\n");
    }
    more(page, commits.len(), ROWS, "revision");
    for refused in history.refused().iter().take(ROWS) {
        page.raw("<article class=\"case\"><h3>Refused <small>at ");
        page.text(words::span(refused.at.t.since(history.origin())));
        page.raw(", by ").text(&refused.author).raw("</small></h3><ul class=\"plain\">");
        for fault in refused.faults.iter().take(CHANGES) {
            page.raw("<li>").text(fault).raw("</li>");
        }
        page.raw("</ul></article>\n");
    }
    more(page, history.refused().len(), ROWS, "refused batch");
    if !holds.is_empty() {
        page.raw("<div class=\"scroll\"><table><thead><tr><th>Hold</th><th>Scope</th><th>Opened by</th><th class=\"n\">Opened</th><th class=\"n\">Open for</th><th>Closed</th></tr></thead><tbody>\n");
        for hold in holds.iter().take(ROWS) {
            let until = hold.closed.map_or_else(|| history.until(), |(at, _)| at);
            page.raw("<tr><td class=\"id\">").text(hold.id).raw("</td><td>").text(words::scope(hold.scope));
            page.raw("</td><td class=\"say\">").text(names(&hold.triggers)).raw("</td><td class=\"n\">");
            page.text(words::span(hold.opened_at.since(history.origin()))).raw("</td><td class=\"n\">");
            page.text(words::span(until.since(hold.opened_at))).raw("</td><td>");
            page.text(hold.closed.map_or("open", |(_, reason)| words::hold(reason))).raw("</td></tr>\n");
        }
        page.raw("</tbody></table></div>");
        more(page, holds.len(), ROWS, "hold");
    }
    if !pauses.is_empty() {
        page.raw("<div class=\"scroll\"><table><thead><tr><th>Paused</th><th>Why</th><th class=\"n\">For</th><th>Resumed by</th></tr></thead><tbody>\n");
        for pause in pauses.iter().take(ROWS) {
            let until = pause.ended.as_ref().map_or_else(|| history.until(), |(at, _)| *at);
            page.raw("<tr><td>")
                .text(words::span(pause.from.since(history.origin())))
                .raw("</td><td class=\"say\">");
            page.text(words::pause(pause.cause));
            if let Some(reason) = &pause.reason {
                page.raw(": ").text(reason);
            }
            page.raw("</td><td class=\"n\">").text(words::span(until.since(pause.from))).raw("</td><td>");
            page.text(pause.ended.as_ref().map_or("", |(_, by)| by)).raw("</td></tr>\n");
        }
        page.raw("</tbody></table></div>");
        more(page, pauses.len(), ROWS, "pause");
    }
    true
}

/// Names of tasks, at most ten.
pub(crate) fn names(tasks: &[TaskId]) -> String {
    let shown: Vec<&str> = tasks.iter().take(10).map(TaskId::as_str).collect();
    let more = tasks.len() - shown.len();
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

/// A change in words.
pub(crate) fn change_text(change: &Change) -> String {
    match change {
        Change::TaskAdded(task) => format!("+ task {task}"),
        Change::TaskRemoved(task) => format!("- task {task}"),
        Change::TaskChanged { task, fields } => format!("task {task}: {}", fields.join(", ")),
        Change::DependencyAdded(edge) => format!("+ {} waits for {}: {}", edge.to, edge.from, edge.kind),
        Change::DependencyRemoved(id) => format!("- dependency {id}"),
        Change::DependencyChanged(edge) => {
            format!("{} waits for {} otherwise: {}", edge.to, edge.from, edge.kind)
        }
    }
}
