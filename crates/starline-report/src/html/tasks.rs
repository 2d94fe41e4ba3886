//! Every task, and what the run was told.

use starline_types::{FailurePolicy, OutcomeStatus};

use super::figures::more;
use super::page::Page;
use super::trouble::word;
use crate::text::line;
use crate::{History, TaskHistory, words};

/// Tasks that are listed.
const ROWS: usize = 2000;
/// Characters of a value that are shown.
const VALUE: usize = 300;

/// All tasks of the final graph.
pub(super) fn tasks(page: &mut Page, history: &History) -> bool {
    let readings = history.readings();
    let all = listed(history, ROWS);
    if all.is_empty() {
        return false;
    }
    page.raw("<div class=\"scroll\"><table><thead><tr><th>Task</th><th>Status</th><th class=\"hide\">Device</th><th class=\"n\">Attempts</th><th class=\"n\">Wait</th><th class=\"n\">Run</th><th class=\"n\">Finished</th></tr></thead><tbody>\n");
    for task in all {
        page.raw("<tr><td class=\"id\">").text(task.id());
        if task.spec.name() != task.id().as_str() {
            page.raw(" <span class=\"soft\">").text(task.spec.name()).raw("</span>");
        }
        page.raw("</td><td>");
        word(page, readings.get(task.id()).map_or("", |reading| words::reading(*reading)));
        page.raw("</td><td class=\"id hide\">").text(task.device().map_or("", |device| device.as_str()));
        page.raw("</td><td class=\"n\">").text(task.attempts.len()).raw("</td><td class=\"n\">");
        let [wait, run, finished] = times(history, task);
        page.text(wait).raw("</td><td class=\"n\">").text(run).raw("</td><td class=\"n\">").text(finished);
        page.raw("</td></tr>\n");
    }
    page.raw("</tbody></table></div>");
    more(page, history.graph().len(), ROWS, "task");
    true
}

/// The tasks of a list that has room for so many: all in order, or those that did not complete first.
pub(crate) fn listed(history: &History, room: usize) -> Vec<&TaskHistory> {
    let mut tasks: Vec<&TaskHistory> = history.tasks().iter().filter(|task| !task.removed).collect();
    if tasks.len() > room {
        tasks.sort_by_key(|task| task.status == Some(OutcomeStatus::Completed));
        tasks.truncate(room);
    }
    tasks
}

/// How long a task waited and ran, and when it ended; empty where there is nothing to say.
pub(crate) fn times(history: &History, task: &TaskHistory) -> [String; 3] {
    let now = history.until();
    let wait = task.wait_time(now).map(words::span).unwrap_or_default();
    let run = if task.attempts.is_empty() { String::new() } else { words::span(task.run_time(now)) };
    let finished = task.finished_at.map(|at| words::span(at.since(history.origin()))).unwrap_or_default();
    [wait, run, finished]
}

/// Inputs, names of secrets, and settings that differ from the usual ones.
pub(super) fn settings(page: &mut Page, history: &History) -> bool {
    page.raw("<div class=\"scroll\"><table><tbody>\n");
    for (name, value) in told(history) {
        page.raw("<tr><td>")
            .text(name)
            .raw("</td><td class=\"say\"><code>")
            .text(value)
            .raw("</code></td></tr>\n");
    }
    page.raw("</tbody></table></div>");
    true
}

/// What the run was told: names and values. Of secrets there are names alone.
pub(crate) fn told(history: &History) -> Vec<(String, String)> {
    let settings = history.settings();
    let mut told = Vec::new();
    for (name, value) in &settings.inputs {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        told.push((format!("input {}", line(name, 80)), line(&text, VALUE)));
    }
    if !settings.secrets.is_empty() {
        told.push(("secrets (names)".to_owned(), line(&settings.secrets.join(", "), VALUE)));
    }
    let policy = match settings.on_failure {
        FailurePolicy::SkipDependents => "skip_dependents",
        FailurePolicy::FailFast => "fail_fast",
        FailurePolicy::WaitForEdit => "wait_for_edit",
        FailurePolicy::Rollback => "rollback",
    };
    told.push(("on_failure".to_owned(), policy.to_owned()));
    if let Some(limit) = settings.max_parallel {
        told.push(("max_parallel".to_owned(), limit.to_string()));
    }
    if let Some(deadline) = settings.deadline {
        told.push(("deadline".to_owned(), deadline.to_string()));
    }
    if let Some(run) = &settings.undoes {
        told.push(("undoes".to_owned(), run.to_string()));
    }
    if settings.approved_in_advance {
        told.push(("approved_in_advance".to_owned(), "true".to_owned()));
    }
    told.push(("seed".to_owned(), settings.seed.to_string()));
    told.push(("revision".to_owned(), history.revision().0.to_string()));
    told
}
