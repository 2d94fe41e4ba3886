//! Fields of a task, each with a value: what an update sets.

use std::collections::BTreeMap;
use std::mem::swap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    ApprovalGate, Compensation, DeviceSelector, Estimate, FileInput, Millis, OutputSpec, Payload, Priority,
    RetryPolicy, SparseMap, TaskDetails, TaskSpec, Value,
};

/// A field of a task with a value.
///
/// Exhaustive on purpose: a new field that some crate ignores must not compile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the field of `TaskSpec` or `TaskDetails` of the same name")]
pub enum TaskField {
    Run(Payload),
    Device(Option<Arc<DeviceSelector>>),
    Priority(Priority),
    QueueTimeout(Option<Millis>),
    RunTimeout(Option<Millis>),
    Retry(Option<Arc<RetryPolicy>>),
    Idempotent(bool),
    Estimate(Option<Arc<Estimate>>),
    Inputs(SparseMap<Value>),
    Files(BTreeMap<String, FileInput>),
    Outputs(SparseMap<OutputSpec>),
    Name(Option<String>),
    Description(String),
    Tips(Vec<String>),
    Metadata(BTreeMap<String, Value>),
    Approval(Option<ApprovalGate>),
    Compensate(Option<Compensation>),
}

impl TaskField {
    /// Names of the fields as files write them, in the order of the documentation.
    pub const NAMES: [&'static str; 16] = [
        "name",
        "description",
        "tips",
        "metadata",
        "run",
        "device",
        "priority",
        "queue_timeout",
        "run_timeout",
        "retry",
        "idempotent",
        "estimate",
        "inputs",
        "outputs",
        "approval",
        "compensate",
    ];

    /// The name as files write it. Values and files are both `inputs`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Run(_) => "run",
            Self::Device(_) => "device",
            Self::Priority(_) => "priority",
            Self::QueueTimeout(_) => "queue_timeout",
            Self::RunTimeout(_) => "run_timeout",
            Self::Retry(_) => "retry",
            Self::Idempotent(_) => "idempotent",
            Self::Estimate(_) => "estimate",
            Self::Inputs(_) | Self::Files(_) => "inputs",
            Self::Outputs(_) => "outputs",
            Self::Name(_) => "name",
            Self::Description(_) => "description",
            Self::Tips(_) => "tips",
            Self::Metadata(_) => "metadata",
            Self::Approval(_) => "approval",
            Self::Compensate(_) => "compensate",
        }
    }

    /// Puts the value into the task, and takes the value that was there.
    pub fn exchange(&mut self, task: &mut TaskSpec) {
        match self {
            Self::Run(value) => swap(value, &mut task.run),
            Self::Device(value) => swap(value, &mut task.device),
            Self::Priority(value) => swap(value, &mut task.priority),
            Self::QueueTimeout(value) => swap(value, &mut task.queue_timeout),
            Self::RunTimeout(value) => swap(value, &mut task.run_timeout),
            Self::Retry(value) => swap(value, &mut task.retry),
            Self::Idempotent(value) => swap(value, &mut task.idempotent),
            Self::Estimate(value) => swap(value, &mut task.estimate),
            Self::Inputs(value) => swap(value, &mut task.inputs),
            Self::Outputs(value) => swap(value, &mut task.outputs),
            Self::Files(value) => detail(task, |details| swap(value, &mut details.files)),
            Self::Name(value) => detail(task, |details| swap(value, &mut details.name)),
            Self::Description(value) => detail(task, |details| swap(value, &mut details.description)),
            Self::Tips(value) => detail(task, |details| swap(value, &mut details.tips)),
            Self::Metadata(value) => detail(task, |details| swap(value, &mut details.metadata)),
            Self::Approval(value) => detail(task, |details| swap(value, &mut details.approval)),
            Self::Compensate(value) => detail(task, |details| swap(value, &mut details.compensate)),
        }
    }

    /// The fields in which one task differs from another, with the values of the other.
    #[must_use]
    pub fn differences(from: &TaskSpec, to: &TaskSpec) -> Vec<Self> {
        let mut set = Vec::new();
        let mut differ = |differs: bool, field: &dyn Fn() -> Self| set.extend(differs.then(field));
        differ(from.run != to.run, &|| Self::Run(to.run.clone()));
        differ(from.device != to.device, &|| Self::Device(to.device.clone()));
        differ(from.priority != to.priority, &|| Self::Priority(to.priority));
        differ(from.queue_timeout != to.queue_timeout, &|| Self::QueueTimeout(to.queue_timeout));
        differ(from.run_timeout != to.run_timeout, &|| Self::RunTimeout(to.run_timeout));
        differ(from.retry != to.retry, &|| Self::Retry(to.retry.clone()));
        differ(from.idempotent != to.idempotent, &|| Self::Idempotent(to.idempotent));
        differ(from.estimate != to.estimate, &|| Self::Estimate(to.estimate.clone()));
        differ(from.inputs != to.inputs, &|| Self::Inputs(to.inputs.clone()));
        differ(from.outputs != to.outputs, &|| Self::Outputs(to.outputs.clone()));
        let none = TaskDetails::default();
        let one = from.details.as_deref().unwrap_or(&none);
        let other = to.details.as_deref().unwrap_or(&none);
        differ(one.name != other.name, &|| Self::Name(other.name.clone()));
        differ(one.description != other.description, &|| Self::Description(other.description.clone()));
        differ(one.tips != other.tips, &|| Self::Tips(other.tips.clone()));
        differ(one.metadata != other.metadata, &|| Self::Metadata(other.metadata.clone()));
        differ(one.approval != other.approval, &|| Self::Approval(other.approval.clone()));
        differ(one.compensate != other.compensate, &|| Self::Compensate(other.compensate.clone()));
        differ(one.files != other.files, &|| Self::Files(other.files.clone()));
        set
    }
}

fn detail(task: &mut TaskSpec, change: impl FnOnce(&mut TaskDetails)) {
    let mut details = task.details.take().unwrap_or_default();
    change(Arc::make_mut(&mut details));
    // A task without any is equal to one that never had any.
    task.details = (*details != TaskDetails::default()).then_some(details);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TaskId;

    #[test]
    fn what_differs_makes_one_task_the_other_and_back() {
        let plain = TaskSpec::new(TaskId::new("a").expect("id"), Payload::Noop);
        let mut other = plain.clone();
        other.idempotent = true;
        other.run = Payload::Sleep(Millis(3));
        let details = TaskDetails { tips: vec!["look".to_owned()], ..TaskDetails::default() };
        other.details = Some(Arc::new(details));
        let mut set = TaskField::differences(&plain, &other);
        let names: Vec<&str> = set.iter().map(TaskField::name).collect();
        assert_eq!(names, ["run", "idempotent", "tips"]);
        let mut task = plain.clone();
        set.iter_mut().for_each(|field| field.exchange(&mut task));
        assert_eq!(task, other);
        set.iter_mut().for_each(|field| field.exchange(&mut task));
        assert_eq!(task, plain);
    }
}
