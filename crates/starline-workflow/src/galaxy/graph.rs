//! A constellation as a graph, and back.

use std::sync::Arc;

use serde_json::Map;
use starline_types::{Dependency, DependencyKind, GraphSpec, RunId, TaskId, Value};

use super::document::{Constellation, Line, Task};
use super::kept::{GALAXY, Kept};
use super::task::{from_spec, to_spec, without};
use super::words::{LINE_KINDS, LineKind, read, written};
use super::{STARLINE, ids};
use crate::WriteError;

/// The graph that a constellation means, as far as Galaxy can say it.
pub(super) fn to_graph(plan: &Constellation) -> GraphSpec {
    let task_ids = ids::tasks(plan.tasks.iter().map(|task| task.id.as_str()));
    let tasks = plan.tasks.iter().zip(&task_ids).map(|(task, id)| Arc::new(to_spec(task, id))).collect();
    let line_ids = ids::lines(plan.lines.iter().map(|line| line.id.as_deref()));
    let edge = |(line, id): (&Line, Option<_>)| {
        let (from, to) = (task_ids.get(line.from)?.clone(), task_ids.get(line.to)?.clone());
        let note = line.description.as_deref().filter(|text| !text.is_empty()).map(Arc::from);
        let kind = match line.kind {
            LineKind::Unconditional | LineKind::CompletionOnly => DependencyKind::Completion,
            LineKind::SuccessOnly | LineKind::Conditional => DependencyKind::Success,
        };
        Some(Dependency { id, from, to, kind, note })
    };
    let mut dependencies: Vec<Dependency> = plan.lines.iter().zip(line_ids).filter_map(edge).collect();
    ids::drop_defaults(&mut dependencies);
    let mut metadata = without(&plan.metadata, &[GALAXY]);
    kept(plan, &dependencies).store(&mut metadata);
    let name = plan.name.clone().unwrap_or_else(|| plan.id.clone());
    GraphSpec { name, tasks, dependencies, metadata }
}

fn kept(plan: &Constellation, dependencies: &[Dependency]) -> Kept {
    let mut kept = Kept::default();
    // A workflow has no id of its own: without this one every export would be another constellation.
    kept.put("original_id", plan.id.as_str());
    if plan.name.is_none() {
        kept.put("name", Value::Null);
    }
    if let Some(own) = plan.metadata.get(GALAXY) {
        kept.put("metadata", Value::Object(Map::from_iter([(GALAXY.to_owned(), own.clone())])));
    }
    kept.put_times(&plan.times);
    let mut lines = Map::new();
    for (line, name) in plan.lines.iter().zip(ids::names(dependencies)) {
        let of_line = kept_line(line, &name);
        if !of_line.0.is_empty() {
            lines.insert(name, Value::Object(of_line.0));
        }
    }
    if !lines.is_empty() {
        kept.put("dependencies", Value::Object(lines));
    }
    kept
}

fn kept_line(line: &Line, name: &str) -> Kept {
    let mut kept = Kept::default();
    if let Some(id) = line.id.as_deref().filter(|id| *id != name) {
        kept.put("original_id", id);
    }
    if matches!(line.kind, LineKind::Unconditional | LineKind::Conditional) {
        kept.put("dependency_type", written(&LINE_KINDS, line.kind));
    }
    if line.description.is_none() {
        kept.put("condition_description", Value::Null);
    }
    if !line.metadata.is_empty() {
        kept.put("metadata", Value::Object(line.metadata.clone().into_iter().collect()));
    }
    kept.put_times(&line.times);
    kept
}

/// The constellation that is nearest to a graph, not started.
///
/// # Errors
/// An edge without a task, or an id that is there twice.
pub(super) fn from_graph(graph: &GraphSpec, run: &RunId) -> Result<Constellation, WriteError> {
    let kept = Kept::of(&graph.metadata);
    let mut positions = std::collections::BTreeMap::new();
    for (at, task) in graph.tasks.iter().enumerate() {
        if positions.insert(&task.id, at).is_some() {
            return Err(WriteError::RepeatedId(task.id.to_string()));
        }
    }
    let find = |id: &TaskId| positions.get(id).copied().ok_or_else(|| WriteError::UnknownTask(id.clone()));
    let names = ids::names(&graph.dependencies);
    let mut seen = std::collections::BTreeSet::new();
    if let Some(twice) = names.iter().find(|name| !seen.insert(name.as_str())) {
        return Err(WriteError::RepeatedId(twice.clone()));
    }
    let of_lines = kept.0.get("dependencies").and_then(Value::as_object);
    let mut lines = Vec::with_capacity(names.len());
    for (edge, name) in graph.dependencies.iter().zip(&names) {
        let of_line = of_lines.and_then(|lines| lines.get(name)).and_then(Value::as_object);
        let kept = Kept(of_line.cloned().unwrap_or_default());
        lines.push(line(edge, name, &kept, find(&edge.from)?, find(&edge.to)?));
    }
    restore_line_ids(&mut lines, &names);
    let original = kept.text("original_id").filter(|text| ids::run(text).as_ref() == Some(run));
    let id = original.unwrap_or(run.as_str()).to_owned();
    let mut metadata = without(&graph.metadata, &[GALAXY, STARLINE]);
    if let Some(own) = kept.0.get("metadata").and_then(|own| own.get(GALAXY)) {
        metadata.insert(GALAXY.to_owned(), own.clone());
    }
    Ok(Constellation {
        name: (!(kept.is_null("name") && graph.name == id)).then(|| graph.name.clone()),
        id,
        metadata,
        times: kept.times(),
        tasks: tasks(graph),
        lines,
        ..Constellation::default()
    })
}

/// The tasks, with the ids they had in Galaxy where an import would give them their ids again.
fn tasks(graph: &GraphSpec) -> Vec<Task> {
    let original = |at: usize| {
        let details = graph.tasks.get(at)?.details.as_deref()?;
        Kept::of(&details.metadata).text("original_id").map(str::to_owned)
    };
    let own = |at: usize| graph.tasks.get(at).map(|task| task.id.to_string()).unwrap_or_default();
    let mut texts: Vec<String> =
        (0..graph.tasks.len()).map(|at| original(at).unwrap_or_else(|| own(at))).collect();
    let rewritten = ids::tasks(texts.iter().map(String::as_str));
    if graph.tasks.iter().zip(&rewritten).any(|(task, id)| task.id != *id) || has_twins(&texts) {
        texts = (0..graph.tasks.len()).map(own).collect();
    }
    graph.tasks.iter().zip(texts).map(|(task, text)| from_spec(task, text)).collect()
}

fn has_twins(texts: &[String]) -> bool {
    let mut seen = std::collections::BTreeSet::new();
    !texts.iter().all(|text| seen.insert(text))
}

fn line(edge: &Dependency, name: &str, kept: &Kept, from: usize, to: usize) -> Line {
    let was = kept.text("dependency_type").and_then(|word| read(&LINE_KINDS, word));
    let kind = match (&edge.kind, was) {
        (DependencyKind::Success, Some(LineKind::Conditional)) => LineKind::Conditional,
        (DependencyKind::Success, _) => LineKind::SuccessOnly,
        (DependencyKind::Completion, Some(LineKind::Unconditional)) => LineKind::Unconditional,
        (DependencyKind::Completion, _) => LineKind::CompletionOnly,
        (DependencyKind::Failure | DependencyKind::When(_), _) => LineKind::Conditional,
    };
    let description = match (&edge.note, &edge.kind) {
        (Some(note), _) => Some(note.to_string()),
        (None, DependencyKind::When(condition)) => Some(condition.to_string()),
        (None, DependencyKind::Failure) => Some("status == \"failed\"".to_owned()),
        (None, _) => (!kept.is_null("condition_description")).then(String::new),
    };
    let metadata = kept.0.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
    Line {
        id: Some(kept.text("original_id").unwrap_or(name).to_owned()),
        from,
        to,
        kind,
        description,
        metadata: metadata.into_iter().collect(),
        times: kept.times(),
    }
}

/// Takes the ids from the graph where an import would not give them again.
fn restore_line_ids(lines: &mut [Line], names: &[String]) {
    let texts: Vec<String> = lines.iter().filter_map(|line| line.id.clone()).collect();
    let rewritten = ids::lines(lines.iter().map(|line| line.id.as_deref()));
    let same =
        rewritten.iter().zip(names).all(|(id, name)| id.as_ref().is_some_and(|id| id.as_str() == name));
    if !same || has_twins(&texts) {
        for (line, name) in lines.iter_mut().zip(names) {
            line.id = Some(name.clone());
        }
    }
}
