//! Whole graphs as snapshots and facts of a run show them.

use serde_json::{Map, Value, json};
use starline_types::TaskSpec;

use crate::problem::Report;
use crate::tree::{Meaning, View};
use crate::write::{Doc, task as written, write_json};

/// Fields of a task that are shown otherwise than they are written.
const RESTATED: [&str; 7] = ["run", "device", "queue_timeout", "run_timeout", "retry", "estimate", "outputs"];

/// The batch with its graph as authors write it, if the graph is as a snapshot shows it.
///
/// Field by field, so that an author may change some of them to what a file would say.
pub(super) fn restated(root: View<'_>) -> Option<String> {
    let tasks = root.field("graph")?.field("tasks")?;
    let is_shown = match (tasks.list(), tasks.map()) {
        (Some(list), _) => list.items().any(is_shown),
        (_, Some(map)) => map.entries().any(|entry| is_shown(entry.value)),
        _ => false,
    };
    if !is_shown {
        return None;
    }
    let mut report = Report::default();
    let mut batch = root.json(&mut report);
    if !report.is_empty() {
        return None; // It is told where it stands.
    }
    match batch.get_mut("graph")?.get_mut("tasks")? {
        Value::Array(tasks) => tasks.iter_mut().for_each(restate),
        Value::Object(tasks) => tasks.values_mut().for_each(restate),
        _ => return None,
    }
    Some(batch.to_string())
}

/// Whether a task is as a snapshot shows it: what it does is written in a way that no file has.
fn is_shown(task: View<'_>) -> bool {
    if task.field("details").is_some_and(|details| details.map().is_some()) {
        return true;
    }
    let Some(run) = task.field("run") else { return false };
    if let Some(scalar) = run.scalar() {
        return scalar.text == "noop";
    }
    let is_map = |kind: &str| run.field(kind).is_some_and(|value| value.map().is_some());
    let sleeps = run.field("sleep").and_then(View::scalar);
    ["sh", "exec", "prompt", "call"].into_iter().any(is_map)
        || sleeps.is_some_and(|scalar| matches!(scalar.meaning(), Meaning::Number(_)))
}

fn restate(task: &mut Value) {
    let Some(task) = task.as_object_mut() else { return };
    let details = match task.remove("details") {
        Some(Value::Object(details)) => details,
        Some(Value::Null) | None => Map::new(),
        Some(other) => {
            task.insert("details".to_owned(), other);
            Map::new()
        }
    };
    for name in RESTATED {
        if let Some(value) = task.get_mut(name)
            && let Some(found) = field(&json!({ "id": "task", (name): value }), name)
        {
            *value = found;
        }
    }
    inputs(task, details.get("files"));
    for (name, value) in details {
        let found = (name == "approval")
            .then(|| field(&json!({ "id": "task", "details": { "approval": value } }), &name));
        if name != "files" {
            task.entry(name).or_insert(found.flatten().unwrap_or(value));
        }
    }
}

/// Values and files stand side by side where they are written.
fn inputs(task: &mut Map<String, Value>, files: Option<&Value>) {
    if files.is_none() && !task.contains_key("inputs") {
        return;
    }
    let (inputs, files) = (task.get("inputs").cloned(), files.cloned());
    let none = || Value::Object(Map::new());
    let whole = json!({
        "id": "task",
        "inputs": inputs.unwrap_or_else(none),
        "details": { "files": files.unwrap_or_else(none) },
    });
    if let Some(found) = field(&whole, "inputs") {
        task.insert("inputs".to_owned(), found);
    }
}

/// A field of a task as it is written, `null` for its default; `None` if this is no task as it is shown.
fn field(shown: &Value, name: &str) -> Option<Value> {
    let spec: TaskSpec = serde_json::from_value(shown.clone()).ok()?;
    let Doc::Map(fields) = written(&spec, &[]) else { return None };
    let Some((_, doc)) = fields.into_iter().find(|(field, _)| field == name) else {
        return Some(Value::Null);
    };
    serde_json::from_str(&write_json(&doc)).ok()
}
