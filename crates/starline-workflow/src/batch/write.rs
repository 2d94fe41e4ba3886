//! Writes a batch as people and agents write it.

use std::collections::{BTreeMap, BTreeSet};

use starline_types::{
    Dependency, DependencyKind, DependencyRef, Edit, EditBatch, GraphSpec, TaskField, TaskId, TaskSpec,
};

use crate::WriteError;
use crate::tree::MAX_DEPTH;
use crate::write::{
    Doc, Entries, after as waits_for, approval, bare, compensation, device, estimate, limit, outputs,
    payload, retry, sent, task, text, value, word, write_json,
};

/// The batch as JSON in the form that [`read_batch`](crate::read_batch) reads, which gives an equal batch. Contents
/// of files that tasks are sent are left out: the paths are written.
///
/// # Errors
/// The batch has what no batch of an author has: an edit that brings back what was removed, values of a task without
/// its files, a field twice, two dependencies of a new task on the same one, or a value that is nested too deeply.
///
/// # Examples
///
/// ```
/// use starline_types::{Edit, EditBatch, TaskId};
/// use starline_workflow::{BatchOptions, read_batch, write_batch};
///
/// let edits = vec![Edit::RemoveTask { id: TaskId::new("settle").expect("an id") }];
/// let batch = EditBatch { edits, ..EditBatch::default() };
/// let written = write_batch(&batch)?;
/// let read = read_batch(written.as_bytes(), &BatchOptions::default()).expect("a batch");
/// assert_eq!(read.batch, batch);
/// # Ok::<(), starline_workflow::WriteError>(())
/// ```
pub fn write_batch(batch: &EditBatch) -> Result<String, WriteError> {
    let mut fields = Entries::default();
    fields.add("base", bare(batch.base.0));
    fields.add("hold", batch.hold.map(word));
    fields.add("keep_open", batch.keep_open.then(|| bare(true)));
    fields.add("request", batch.request.as_ref().map(word));
    fields.add("reason", batch.reason.as_deref().map(text));
    let edits: Result<_, _> = batch.edits.iter().enumerate().map(|(at, edit)| written(at, edit)).collect();
    fields.add("edits", Doc::List(edits?));
    let doc = fields.map();
    if doc.is_deeper_than(MAX_DEPTH) { Err(WriteError::TooDeep) } else { Ok(write_json(&doc)) }
}

fn written(at: usize, edit: &Edit) -> Result<Doc, WriteError> {
    let mut fields = Entries::default();
    fields.add("op", word(edit.op()));
    match edit {
        Edit::AddTask { task, after } => {
            fields.add("task", new_task(task)?);
            fields.add("after", sources(&task.id, after));
        }
        Edit::UpdateTask { id, set } => {
            fields.add("id", word(id));
            fields.add("set", changes(id, set)?);
        }
        Edit::RemoveTask { id } => fields.add("id", word(id)),
        Edit::AddDependency(edge) => dependency(&mut fields, edge),
        Edit::UpdateDependency { edge, kind, note } => {
            reference(&mut fields, edge);
            fields.add("kind", kind.as_ref().map(kind_of));
            fields.add("note", note.as_deref().map(text));
        }
        Edit::RemoveDependency { edge } => reference(&mut fields, edge),
        Edit::Build { graph, clear_existing } => {
            fields.add("graph", whole(graph)?);
            fields.add("clear_existing", (!clear_existing).then(|| bare(false)));
        }
        Edit::Clear => {}
        Edit::Merge { graph, prefix } => {
            fields.add("graph", whole(graph)?);
            fields.add("prefix", text(prefix));
        }
        Edit::Restore { .. } => return Err(WriteError::Restore(at)),
    }
    Ok(fields.map())
}

fn new_task(spec: &TaskSpec) -> Result<Doc, WriteError> {
    distinct(&spec.id, spec.inputs.keys(), spec.files())?;
    let mut fields = vec![("id".to_owned(), word(&spec.id))];
    if let Doc::Map(entries) = task(spec, &[]) {
        fields.extend(entries);
    }
    Ok(Doc::Map(fields))
}

/// Values and files are written side by side: no name stands for both.
fn distinct<'n, T>(
    task: &TaskId,
    mut values: impl Iterator<Item = &'n String>,
    files: &BTreeMap<String, T>,
) -> Result<(), WriteError> {
    match values.find(|name| files.contains_key(*name)) {
        Some(name) => Err(WriteError::SameInput { task: task.clone(), input: name.clone() }),
        None => Ok(()),
    }
}

fn sources(to: &TaskId, after: &[(TaskId, DependencyKind)]) -> Option<Doc> {
    let edge = |(from, kind): &(TaskId, DependencyKind)| Dependency {
        id: None,
        from: from.clone(),
        to: to.clone(),
        kind: kind.clone(),
        note: None,
    };
    let edges: Vec<Dependency> = after.iter().map(edge).collect();
    waits_for(&edges.iter().collect::<Vec<_>>())
}

fn kind_of(kind: &DependencyKind) -> Doc {
    match kind {
        DependencyKind::When(condition) => Doc::Map(vec![("when".to_owned(), text(condition))]),
        kind => word(kind),
    }
}

fn dependency(fields: &mut Entries, edge: &Dependency) {
    fields.add("from", word(&edge.from));
    fields.add("to", word(&edge.to));
    if edge.kind != DependencyKind::Success {
        fields.add("kind", kind_of(&edge.kind));
    }
    fields.add("id", edge.id.as_ref().map(word));
    fields.add("note", edge.note.as_deref().map(text));
}

fn reference(fields: &mut Entries, edge: &DependencyRef) {
    match edge {
        DependencyRef::Id { id } => fields.add("id", word(id)),
        DependencyRef::Ends { from, to } => {
            fields.add("from", word(from));
            fields.add("to", word(to));
        }
    }
}

/// Tasks and dependencies as lists, so that they keep their order whoever reads them.
fn whole(graph: &GraphSpec) -> Result<Doc, WriteError> {
    let mut fields = Entries::default();
    fields.add("name", (!graph.name.is_empty()).then(|| text(&graph.name)));
    let metadata: Vec<_> = graph.metadata.iter().map(|(name, json)| (name.clone(), value(json))).collect();
    fields.add("metadata", (!metadata.is_empty()).then_some(Doc::Map(metadata)));
    let tasks: Result<_, _> = graph.tasks.iter().map(|task| new_task(task)).collect();
    fields.add("tasks", Doc::List(tasks?));
    let edges = graph.dependencies.iter().map(|edge| {
        let mut fields = Entries::default();
        dependency(&mut fields, edge);
        fields.map()
    });
    fields.add("dependencies", (!graph.dependencies.is_empty()).then(|| Doc::List(edges.collect())));
    Ok(fields.map())
}

/// The fields that an update sets.
fn changes(task: &TaskId, set: &[TaskField]) -> Result<Doc, WriteError> {
    let values =
        set.iter().find_map(|field| if let TaskField::Inputs(values) = field { Some(values) } else { None });
    let files =
        set.iter().find_map(|field| if let TaskField::Files(files) = field { Some(files) } else { None });
    let mut seen = BTreeSet::new();
    let mut fields = Entries::default();
    for field in set {
        let is_files = matches!(field, TaskField::Files(_));
        if !seen.insert((field.name(), is_files)) {
            return Err(WriteError::RepeatedField { task: task.clone(), field: field.name() });
        }
        let doc = match field {
            TaskField::Inputs(_) | TaskField::Files(_) => {
                let (Some(values), Some(files)) = (values, files) else {
                    return Err(WriteError::HalfOfInputs(task.clone()));
                };
                distinct(task, values.keys(), files)?;
                if seen.contains(&("inputs", !is_files)) {
                    continue;
                }
                sent(values, files)
            }
            other => changed(other),
        };
        fields.add(field.name(), doc.unwrap_or_else(|| bare("null")));
    }
    Ok(fields.map())
}

/// A value of a field; `None` for the default.
fn changed(field: &TaskField) -> Option<Doc> {
    let list = |items: &[String]| Doc::List(items.iter().map(|item| text(item)).collect());
    match field {
        TaskField::Run(run) => Some(payload(run)),
        TaskField::Device(selector) => selector.as_deref().map(device),
        TaskField::Priority(priority) => Some(bare(priority.value())),
        TaskField::QueueTimeout(span) => span.map(word),
        TaskField::RunTimeout(span) => Some(limit(*span)),
        TaskField::Retry(policy) => policy.as_deref().map(retry),
        TaskField::Idempotent(idempotent) => Some(bare(idempotent)),
        TaskField::Estimate(expected) => expected.as_deref().map(estimate),
        TaskField::Outputs(declared) => outputs(declared),
        TaskField::Name(name) => name.as_deref().map(text),
        TaskField::Description(words) => Some(text(words)),
        TaskField::Tips(tips) => Some(list(tips)),
        TaskField::Metadata(metadata) => {
            Some(Doc::Map(metadata.iter().map(|(name, json)| (name.clone(), value(json))).collect()))
        }
        TaskField::Approval(gate) => gate.as_ref().map(approval),
        TaskField::Compensate(undo) => undo.as_ref().map(compensation),
        TaskField::Inputs(_) | TaskField::Files(_) => None,
    }
}
