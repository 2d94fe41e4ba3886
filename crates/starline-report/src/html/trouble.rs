//! What went wrong, and what came of it.

use starline_types::OutcomeStatus;

use super::figures::more;
use super::page::Page;
use crate::task::AttemptHistory;
use crate::{History, TaskHistory, words};

/// Failures that are shown at once; the others have to be unfolded.
const OPEN: usize = 10;
/// Failures whose output is shown.
const OUTPUTS: usize = 200;
/// Rows of other lists.
const ROWS: usize = 500;

/// Every failed task with its error and its last output.
pub(super) fn failures(page: &mut Page, history: &History) -> bool {
    let failed = history.tasks().iter().filter(|task| task.status == Some(OutcomeStatus::Failed));
    let failed: Vec<&TaskHistory> = failed.collect();
    for (at, task) in failed.iter().enumerate() {
        if at == OPEN {
            page.raw("<details><summary>").text(words::count(failed.len() - OPEN, "more failure"));
            page.raw("</summary>\n");
        }
        failure(page, history, task, at < OUTPUTS);
    }
    if failed.len() > OPEN {
        page.raw("</details>");
    }
    !failed.is_empty()
}

fn failure(page: &mut Page, history: &History, task: &TaskHistory, with_output: bool) {
    page.raw("<article class=\"case\"><h3><span class=\"id\">").text(task.id()).raw("</span>");
    if task.spec.name() != task.id().as_str() {
        page.raw(" <small>").text(task.spec.name()).raw("</small>");
    }
    page.raw("</h3><p class=\"err\">");
    if let Some(error) = &task.error {
        page.text(error);
    }
    page.raw("</p><p class=\"soft\">").text(circumstances(history, task)).raw("</p>");
    if with_output && let Some(last) = task.attempts.last() {
        output(page, last);
    }
    page.raw("</article>\n");
}

/// Where, how often and how long a failed task was attempted.
pub(crate) fn circumstances(history: &History, task: &TaskHistory) -> String {
    let Some(last) = task.attempts.last() else { return "never attempted".to_owned() };
    let spent = words::span(last.duration(history.until()));
    let at = words::span(last.assigned_at.since(history.origin()));
    let last_of = if task.attempts.len() == 1 { "attempt" } else { "last attempt" };
    format!(
        "{} on {}; the {last_of} began at {at} and took {spent}",
        words::count(task.attempts.len(), "attempt"),
        last.device
    )
}

fn output(page: &mut Page, attempt: &AttemptHistory) {
    if attempt.output.is_empty() {
        return;
    }
    let (text, cut) = attempt.output.read();
    page.raw(if cut { "<p class=\"soft\">Last lines of its output:</p>" } else { "" });
    page.raw("<pre>").text(text).raw("</pre>");
}

/// Attempts that were followed by another one.
pub(super) fn retries(page: &mut Page, history: &History) -> bool {
    let all: Vec<_> = repeated(history).collect();
    if all.is_empty() {
        return false;
    }
    page.raw("<div class=\"scroll\"><table><thead><tr><th>Task</th><th class=\"n\">Attempt</th><th>Device</th><th>Outcome</th><th class=\"n\">Run</th><th class=\"n\">Delay</th><th>What happened</th></tr></thead><tbody>\n");
    for (at, (task, attempt)) in all.iter().take(ROWS).enumerate() {
        page.raw("<tr><td class=\"id\">").text(task.id()).raw("</td><td class=\"n\">").text(attempt.number);
        page.raw(" of ")
            .text(task.attempts.len())
            .raw("</td><td class=\"id\">")
            .text(&attempt.device)
            .raw("</td><td>");
        word(page, attempt.outcome.as_str());
        page.raw("</td><td class=\"n\">").text(words::span(attempt.duration(history.until())));
        page.raw("</td><td class=\"n\">");
        if let Some(retry) = attempt.retry {
            page.text(words::span(retry.delay));
        }
        page.raw("</td><td class=\"say\">").text(what_happened(attempt));
        if at < OUTPUTS && !attempt.output.is_empty() {
            page.raw("<details><summary>output</summary>");
            output(page, attempt);
            page.raw("</details>");
        }
        page.raw("</td></tr>\n");
    }
    page.raw("</tbody></table></div>");
    more(page, all.len(), ROWS, "attempt");
    true
}

/// Attempts that were followed by another one, or will be.
pub(crate) fn repeated(history: &History) -> impl Iterator<Item = (&TaskHistory, &AttemptHistory)> {
    let is_last = |task: &TaskHistory, attempt: &AttemptHistory| {
        task.attempts.last().is_some_and(|last| last.number == attempt.number)
    };
    history.attempts().filter(move |(task, attempt)| {
        !is_last(task, attempt) || task.status.is_none() && attempt.outcome.is_failure()
    })
}

/// The error of an attempt, or how it was lost.
pub(crate) fn what_happened(attempt: &AttemptHistory) -> String {
    match (&attempt.error, attempt.lost) {
        (Some(error), _) => error.to_string(),
        (None, Some(loss)) => words::loss(loss).to_owned(),
        (None, None) => attempt.cancel.map_or_else(String::new, |reason| words::cancel(reason).to_owned()),
    }
}

/// Tasks that were skipped, with the causes back to the first, and tasks that were cancelled.
pub(super) fn skipped(page: &mut Page, history: &History) -> bool {
    let with = |status| history.tasks().iter().filter(move |task| task.status == Some(status));
    let skipped: Vec<_> = with(OutcomeStatus::Skipped).collect();
    let cancelled: Vec<_> = with(OutcomeStatus::Cancelled).collect();
    if skipped.is_empty() && cancelled.is_empty() {
        return false;
    }
    page.raw("<div class=\"scroll\"><table><thead><tr><th>Task</th><th>Status</th><th>Because</th></tr></thead><tbody>\n");
    for task in skipped.iter().take(ROWS) {
        page.raw("<tr><td class=\"id\">").text(task.id()).raw("</td><td>");
        word(page, "skipped");
        page.raw("</td><td class=\"say\">");
        page.raw("<ol class=\"chain\">");
        // From the task itself, if it has a reason of its own, back to the first cause.
        for (at, cause) in history.causes(task.id()).iter().enumerate() {
            if at > 0 {
                page.raw("<li><span class=\"id\">")
                    .text(&cause.task)
                    .raw("</span> ")
                    .text(cause)
                    .raw("</li>");
            } else if !cause.text.is_empty() {
                page.raw("<li>").text(&cause.text).raw("</li>");
            }
        }
        page.raw("</ol>");
        page.raw("</td></tr>\n");
    }
    for task in cancelled.iter().take(ROWS) {
        page.raw("<tr><td class=\"id\">").text(task.id()).raw("</td><td>");
        word(page, "cancelled");
        page.raw("</td><td class=\"say\">").text(why_cancelled(task)).raw("</td></tr>\n");
    }
    page.raw("</tbody></table></div>");
    more(page, skipped.len().max(cancelled.len()), ROWS, "task");
    true
}

/// Why a task was cancelled, and whether that is certain.
pub(crate) fn why_cancelled(task: &TaskHistory) -> String {
    let Some(cancellation) = task.cancellation else { return String::new() };
    let why = words::cancel(cancellation.reason);
    if cancellation.confirmed || task.attempts.is_empty() {
        why.to_owned()
    } else {
        format!(
            "{why}; its attempt on {} may still be running",
            task.device().map_or("", |device| device.as_str())
        )
    }
}

/// A status word in its colour.
pub(super) fn word(page: &mut Page, word: &str) {
    page.raw("<span").attr("class", format_args!("word s-{word}")).raw(">").text(word).raw("</span>");
}
