//! The fields of a task that an edit sets.

use std::sync::Arc;

use starline_types::{Payload, TaskDetails, TaskField, TaskId, TaskSpec};

use super::reading::Reading;
use crate::excerpt::quoted;
use crate::fields::{Field, Fields};
use crate::file::read_change;
use crate::problem::{Report, UNKNOWN_FIELD};
use crate::tree::{Entry, Map, Meaning, View};

/// The fields that a mapping has, in its order. `null` stands for the default.
pub(super) fn present<'t>(map: Map<'t>) -> Vec<&'t str> {
    map.entries().map(|entry| entry.key).filter(|key| TaskField::NAMES.contains(key)).collect()
}

/// Whether a field is put back to its default.
pub(super) fn is_reset(entry: &Entry<'_>) -> bool {
    TaskField::NAMES.contains(&entry.key) && is_null(entry.value)
}

pub(super) fn is_null(value: View<'_>) -> bool {
    value.scalar().is_some_and(|scalar| scalar.meaning() == Meaning::Null)
}

/// Reads the fields of `set`.
pub(super) fn read(
    mut fields: Fields<'_>,
    present: &[&str],
    name: &str,
    reading: &mut Reading<'_>,
    report: &mut Report,
) -> Vec<TaskField> {
    let Ok(id) = TaskId::new(name).or_else(|_| TaskId::new("task")) else { return Vec::new() };
    fields.leave_out(is_reset);
    let inputs = fields.peek("inputs");
    let mut spec = read_change(fields, id, (name, false), reading.common(), report);
    resolve(&mut spec, inputs.as_ref(), reading, report);
    present.iter().flat_map(|field| values(field, &spec)).collect()
}

/// Reads the files that a task is sent.
pub(super) fn resolve(
    spec: &mut TaskSpec,
    inputs: Option<&Field<'_>>,
    reading: &mut Reading<'_>,
    report: &mut Report,
) {
    if spec.files().is_empty() || reading.options().files.is_none() {
        return;
    }
    if let Some(details) = &mut spec.details {
        reading.resolve(&mut Arc::make_mut(details).files, inputs, report);
    }
}

/// Refuses what joins a task to others where it is written beside the task.
pub(super) fn refuse_after(fields: &mut Fields<'_>, hint: &str, report: &mut Report) {
    for entry in fields.leave_out(|entry| entry.key == "after") {
        let message = format!("{} has no field {} in an edit", fields.what(), quoted(entry.key));
        report.add(entry.at, UNKNOWN_FIELD, message).hint(hint);
    }
}

/// The values that a task has for a field: what a file calls `inputs` is values and files.
fn values(field: &str, spec: &TaskSpec) -> Vec<TaskField> {
    let none = TaskDetails::default();
    let details = spec.details.as_deref().unwrap_or(&none);
    vec![match field {
        "run" => TaskField::Run(spec.run.clone()),
        "device" => TaskField::Device(spec.device.clone()),
        "priority" => TaskField::Priority(spec.priority),
        "queue_timeout" => TaskField::QueueTimeout(spec.queue_timeout),
        "run_timeout" => TaskField::RunTimeout(spec.run_timeout),
        "retry" => TaskField::Retry(spec.retry.clone()),
        "idempotent" => TaskField::Idempotent(spec.idempotent),
        "estimate" => TaskField::Estimate(spec.estimate.clone()),
        "outputs" => TaskField::Outputs(spec.outputs.clone()),
        "name" => TaskField::Name(details.name.clone()),
        "description" => TaskField::Description(details.description.clone()),
        "tips" => TaskField::Tips(details.tips.clone()),
        "metadata" => TaskField::Metadata(details.metadata.clone()),
        "approval" => TaskField::Approval(details.approval.clone()),
        "compensate" => TaskField::Compensate(details.compensate.clone()),
        "inputs" => {
            return vec![TaskField::Inputs(spec.inputs.clone()), TaskField::Files(details.files.clone())];
        }
        _ => return Vec::new(),
    }]
}

/// The fields of a new task that say what it is.
pub(super) fn is_complete(present: &[&str], set: &[TaskField]) -> bool {
    present.contains(&"run") && set.iter().any(|field| matches!(field, TaskField::Run(_)))
}

/// A new task with these fields.
pub(super) fn fresh(id: TaskId, set: &[TaskField]) -> TaskSpec {
    let mut spec = TaskSpec::new(id, Payload::Noop);
    set.iter().for_each(|field| field.clone().exchange(&mut spec));
    spec
}
