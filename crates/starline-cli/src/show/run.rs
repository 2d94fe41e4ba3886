//! One run: its graph as a list of stages.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use starline::types::{DependencyKind, GraphSpec, RunState, TaskId, TaskResult, TaskSpec};

use super::{course, outputs, tone, word};
use crate::line::{counted, shortened, skip_reason, span};
use crate::moment::utc;
use crate::output::Output;
use crate::paint::{Tone, paint, printable};
use crate::past::{Past, state_word};

/// Widest column of ids, in characters.
const WIDEST: usize = 32;

/// The stage of each task, from 1: as many steps from the beginning. O(n log n + m).
fn stages(graph: &GraphSpec) -> Vec<Vec<usize>> {
    let places: BTreeMap<&TaskId, usize> =
        graph.tasks.iter().enumerate().map(|(at, task)| (&task.id, at)).collect();
    let mut after = vec![Vec::new(); graph.tasks.len()];
    let mut open = vec![0_usize; graph.tasks.len()];
    for edge in &graph.dependencies {
        if let (Some(from), Some(to)) = (places.get(&edge.from), places.get(&edge.to)) {
            after[*from].push(*to);
            open[*to] += 1;
        }
    }
    let mut stages = Vec::new();
    let mut stage: Vec<usize> = (0..open.len()).filter(|task| open[*task] == 0).collect();
    while !stage.is_empty() {
        let mut next = Vec::new();
        for target in stage.iter().flat_map(|task| &after[*task]) {
            open[*target] -= 1;
            if open[*target] == 0 {
                next.push(*target);
            }
        }
        next.sort_unstable();
        stages.push(std::mem::replace(&mut stage, next));
    }
    stages
}

pub(crate) fn run_object(past: &Past) -> Value {
    let outcome = &past.outcome;
    let mut tasks = Vec::new();
    for (stage, members) in stages(&past.graph).iter().enumerate() {
        for task in members.iter().map(|at| &past.graph.tasks[*at]) {
            let Some(result) = outcome.results.get(&task.id) else { continue };
            tasks.push(task_line(past, task, result, stage + 1));
        }
    }
    json!({
        "run_id": outcome.run_id,
        "name": past.graph.name,
        "state": state_word(outcome.status, past.is_interrupted()),
        "reason": outcome.reason,
        "live": past.live,
        "torn": is_torn(past),
        "imported": past.is_imported(),
        "simulated": past.is_simulated(),
        "strategy": past.history.as_ref().and_then(|history| history.strategy()),
        "revision": outcome.revision,
        "started_at": outcome.started_at,
        "finished_at": outcome.finished_at,
        "duration_ms": outcome.duration_ms,
        "total_tasks": outcome.total_tasks,
        "counts": outcome.counts,
        "tasks": tasks,
        "folder": past.folder.display().to_string(),
    })
}

fn task_line(past: &Past, task: &TaskSpec, result: &TaskResult, stage: usize) -> Value {
    json!({
        "task": task.id,
        "name": task.name(),
        "stage": stage,
        "status": result.status,
        "device": result.device,
        "attempts": result.attempts,
        "started_at": result.started_at,
        "finished_at": result.finished_at,
        "duration_ms": result.duration_ms,
        "outputs": result.outputs,
        "error": result.error,
        "skip_reason": result.skip_reason,
        "cause": why_skipped(past, task),
    })
}

/// The first cause of a skip, and the edge that it came by.
fn why_skipped(past: &Past, task: &TaskSpec) -> Option<String> {
    let causes = past.history.as_ref()?.causes(&task.id);
    let edge = causes.first()?.edge.as_ref().map(|edge| format!("by {edge}"));
    let first = causes.last().filter(|_| causes.len() > 1);
    let first = first.map(|cause| {
        let text = if cause.text.is_empty() { String::new() } else { format!(": {}", cause.text) };
        format!("since {} {}{text}", cause.task, cause.status)
    });
    let parts: Vec<String> = edge.into_iter().chain(first).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Whether the records end in the middle of a line, and nobody is about to write the rest.
fn is_torn(past: &Past) -> bool {
    !past.live && past.history.as_ref().is_some_and(|history| history.is_torn())
}

pub(crate) fn show_run(past: &Past, output: &Output) {
    let coloured = output.result_colour();
    output.result(&headline(past, coloured));
    if output.is_quiet() {
        return;
    }
    for line in circumstances(past) {
        output.result(&line);
    }
    let outcome = &past.outcome;
    let widest = outcome.results.values().map(|result| word(result.status).len()).max().unwrap_or(0);
    let longest = outcome.results.keys().map(|id| id.as_str().len()).max().unwrap_or(0).min(WIDEST);
    for (stage, members) in stages(&past.graph).iter().enumerate() {
        output.result(&format!("\nstage {}", stage + 1));
        for task in members.iter().map(|at| &past.graph.tasks[*at]) {
            let Some(result) = outcome.results.get(&task.id) else { continue };
            let state = paint(&format!("{:<widest$}", word(result.status)), tone(result.status), coloured);
            let line = format!("  {state}  {:<longest$}  {}", task.id, said(past, task, result));
            output.result(line.trim_end());
        }
    }
    show_devices(past, output);
    output.result(&format!("files   {}", printable(&past.folder.display().to_string())));
}

fn headline(past: &Past, coloured: bool) -> String {
    let outcome = &past.outcome;
    let tone = match outcome.status {
        RunState::Completed => Tone::Good,
        RunState::Failed | RunState::PartiallyFailed => Tone::Bad,
        _ => Tone::Attention,
    };
    let state = state_word(outcome.status, past.is_interrupted());
    let name =
        if past.graph.name.is_empty() { String::new() } else { format!(" {}", shortened(&past.graph.name)) };
    let clock = if past.is_simulated() { "virtual time" } else { "makespan" };
    let reason = outcome.reason.as_deref().filter(|reason| *reason != outcome.status.as_str());
    let reason = reason.map(|reason| format!(" ({})", shortened(reason))).unwrap_or_default();
    format!(
        "run {}{name} {}{reason}: {clock} {}, {}",
        outcome.run_id,
        paint(state, tone, coloured),
        span(outcome.duration_ms),
        counted(outcome.total_tasks, &outcome.counts)
    )
}

fn circumstances(past: &Past) -> Vec<String> {
    let mut lines = Vec::new();
    if past.is_imported() {
        lines.push("imported to be looked at: it can be exported, and not be started".to_owned());
    }
    if let Some(history) = &past.history {
        let started = past.outcome.started_at.filter(|_| !past.is_simulated()).map(utc);
        let started = started.map_or_else(String::new, |at| format!("started {at}, "));
        let edits = history.commits().len();
        let edits = if edits > 0 { format!(", {edits} edits") } else { String::new() };
        lines.push(format!("{started}strategy {}{edits}", history.strategy().unwrap_or("-")));
    }
    if past.live {
        lines.push("goes on in another process: this is how far it is".to_owned());
    } else if past.is_interrupted() {
        lines.push("its process is gone: this is how far it got".to_owned());
    }
    if is_torn(past) {
        lines.push(
            "its journal ends in the middle of a line: the last fact was not written as a whole".to_owned(),
        );
    }
    lines
}

/// What there is to say about a task.
fn said(past: &Past, task: &TaskSpec, result: &TaskResult) -> String {
    let mut text = course(result);
    let mut add = |separator: &str, more: String| {
        if !more.is_empty() {
            if !text.is_empty() {
                text.push_str(separator);
            }
            text.push_str(&more);
        }
    };
    add(": ", outputs(&result.outputs));
    if let Some(error) = &result.error {
        add(": ", format!("{}: {}", error.kind, shortened(&error.message)));
    }
    if let Some(reason) = result.skip_reason {
        add(": ", skip_reason(reason).to_owned());
        add(" ", why_skipped(past, task).map(|why| shortened(&why)).unwrap_or_default());
    }
    let answers =
        past.history.as_ref().and_then(|history| history.task(&task.id)).map(|task| &task.approvals);
    for approval in answers.into_iter().flatten() {
        match &approval.answer {
            Some(answer) => {
                let by = answer.by.as_ref().map(|by| format!(" by {}", shortened(by))).unwrap_or_default();
                add("; ", format!("approval {}{by}", answer.verdict.as_str()));
            }
            None => add("; ", format!("asks: {}", shortened(&approval.prompt))),
        }
    }
    text
}

fn show_devices(past: &Past, output: &Output) {
    let Some(history) = &past.history else { return };
    output.result("");
    let used = history.device_use();
    let widest = used.iter().map(|device| device.device.as_str().len()).max().unwrap_or(0);
    for device in used {
        let attempts = if device.attempts == 1 { "attempt" } else { "attempts" };
        let slots = if device.slots == 1 { "slot" } else { "slots" };
        let share = if device.known {
            format!(", {:.0} % of {} {slots}", device.utilisation * 100.0, device.slots)
        } else {
            String::new()
        };
        output.result(&format!(
            "device  {:<widest$}  {} {attempts}, busy {}{share}",
            device.device,
            device.attempts,
            span(device.busy)
        ));
    }
}

/// What an edge asks of its source, in one word or with its condition.
pub(super) fn edge_word(kind: &DependencyKind) -> String {
    match kind {
        DependencyKind::When(condition) => format!("when {}", shortened(condition)),
        other => other.to_string(),
    }
}
