//! Writes a constellation in the map form, every field of it.

use std::collections::BTreeSet;

use starline_types::Value;

use super::STARLINE;
use super::document::{Constellation, Line, Target, Task, Times};
use super::words::{LINE_KINDS, LineKind, STATES, STATUSES, Status, written};
use crate::write::{Doc, bare, text, value as json_doc};

type Members = Vec<(String, Doc)>;

fn null() -> Doc {
    bare("null")
}

/// A number that is written as `30.0` where it is a whole one, as Galaxy does.
fn seconds(seconds: f64) -> Doc {
    json_doc(&Value::from(seconds))
}

fn text_or_null(words: Option<&str>) -> Doc {
    words.map_or_else(null, text)
}

fn texts<'t>(items: impl IntoIterator<Item = &'t str>) -> Doc {
    Doc::List(items.into_iter().map(text).collect())
}

fn object<'v>(members: impl IntoIterator<Item = (&'v String, &'v Value)>) -> Doc {
    Doc::Map(members.into_iter().map(|(name, value)| (name.clone(), json_doc(value))).collect())
}

fn fields<const N: usize>(members: [(&str, Doc); N]) -> Members {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The whole file.
pub(super) fn constellation(plan: &Constellation, section: Option<&Value>) -> Doc {
    let mut neighbours = vec![(Vec::new(), Vec::new()); plan.tasks.len()];
    let mut joined = BTreeSet::new();
    for line in &plan.lines {
        // Parallel dependencies make one neighbour.
        if let (Some(from), Some(to)) = (plan.tasks.get(line.from), plan.tasks.get(line.to))
            && joined.insert((line.from, line.to))
        {
            neighbours[line.to].0.push(from.id.as_str());
            neighbours[line.from].1.push(to.id.as_str());
        }
    }
    let tasks = plan.tasks.iter().zip(neighbours);
    let tasks = tasks.map(|(one, (before, after))| (one.id.clone(), task(one, before, after))).collect();
    let lines = plan.lines.iter().map(|one| (one.id.clone().unwrap_or_default(), line(plan, one))).collect();
    let mut metadata: Members =
        plan.metadata.iter().map(|(name, value)| (name.clone(), json_doc(value))).collect();
    metadata.extend(section.map(|section| (STARLINE.to_owned(), json_doc(section))));
    let state = match written(&STATES, plan.state) {
        // What is paused goes on, as far as Galaxy can say it.
        "" => "executing",
        word => word,
    };
    let mut members = fields([
        ("constellation_id", text(&plan.id)),
        ("name", text_or_null(plan.name.as_deref())),
        ("state", text(state)),
        ("tasks", Doc::Map(tasks)),
        ("dependencies", Doc::Map(lines)),
        ("metadata", Doc::Map(metadata)),
    ]);
    members.extend(made(&plan.times));
    members.extend(ran(&plan.times));
    Doc::Map(members)
}

fn made(times: &Times) -> Members {
    fields([
        ("created_at", text_or_null(times.created.as_deref())),
        ("updated_at", text_or_null(times.updated.as_deref())),
    ])
}

fn ran(times: &Times) -> Members {
    fields([
        ("execution_start_time", text_or_null(times.started.as_deref())),
        ("execution_end_time", text_or_null(times.ended.as_deref())),
        ("execution_duration", times.seconds.map_or_else(null, seconds)),
    ])
}

fn task(task: &Task, before: Vec<&str>, after: Vec<&str>) -> Doc {
    let target = match &task.target {
        Target::None => None,
        Target::Blank => Some(""),
        Target::Device(device) => Some(device.as_str()),
    };
    let mut members = fields([
        ("task_id", text(&task.id)),
        ("name", text_or_null(task.name.as_deref())),
        ("description", text_or_null(task.description.as_deref())),
        ("tips", task.tips.as_ref().map_or_else(null, |tips| texts(tips.iter().map(String::as_str)))),
        ("target_device_id", text_or_null(target)),
        ("device_type", text_or_null(task.device_type)),
        ("priority", bare(task.priority)),
        ("status", text(written(&STATUSES, task.record.status))),
        ("result", json_doc(&task.record.result)),
        ("error", text_or_null(task.record.error.as_deref())),
        ("timeout", task.timeout.map_or_else(null, |timeout| seconds(timeout.as_secs_f64()))),
        ("retry_count", bare(task.retry_count)),
        ("current_retry", bare(task.record.current_retry)),
        ("task_data", object(&task.data)),
        ("expected_output_type", text_or_null(task.expected_output_type.as_deref())),
    ]);
    members.extend(made(&task.times));
    members.extend(ran(&task.times));
    members.extend(fields([("dependencies", texts(before)), ("dependents", texts(after))]));
    Doc::Map(members)
}

fn line(plan: &Constellation, line: &Line) -> Doc {
    let end = |at: usize| plan.tasks.get(at);
    let id = |task: Option<&Task>| text(task.map(|task| task.id.as_str()).unwrap_or_default());
    let (from, to) = (end(line.from), end(line.to));
    let verdict = from.zip(to).and_then(|(from, to)| verdict(line.kind, from, to));
    let evaluated = verdict.and(from).and_then(|from| from.times.ended.as_deref());
    let mut members = fields([
        ("line_id", text(line.id.as_deref().unwrap_or_default())),
        ("from_task_id", id(from)),
        ("to_task_id", id(to)),
        ("dependency_type", text(written(&LINE_KINDS, line.kind))),
        ("condition_description", text_or_null(line.description.as_deref())),
        ("metadata", object(&line.metadata)),
        ("is_satisfied", bare(verdict.unwrap_or(false))),
        ("last_evaluation_result", verdict.map_or_else(null, bare)),
        ("last_evaluation_time", text_or_null(evaluated)),
    ]);
    members.extend(made(&line.times));
    Doc::Map(members)
}

/// Whether a dependency is satisfied, once its source has ended.
fn verdict(kind: LineKind, from: &Task, to: &Task) -> Option<bool> {
    let status = from.record.status;
    if matches!(status, Status::Pending | Status::Running) {
        return None;
    }
    Some(match kind {
        LineKind::Unconditional | LineKind::CompletionOnly => true,
        LineKind::SuccessOnly => status == Status::Completed,
        // What was decided shows in what became of the target.
        LineKind::Conditional => !matches!(to.record.status, Status::Pending | Status::Cancelled),
    })
}
