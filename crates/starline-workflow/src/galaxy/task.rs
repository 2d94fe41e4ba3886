//! A task of Galaxy as a task of ours, and back.

use std::collections::BTreeMap;
use std::sync::Arc;

use starline_types::{
    DeviceSelector, Payload, Priority, Prompt, RetryPolicy, TaskDetails, TaskId, TaskSpec, Value,
};

use super::document::{Record, Target, Task};
use super::kept::Kept;
use super::words::{DEVICE_TYPES, is_capability};
use crate::literal::{literal, literal_value, plain, plain_value};

/// The four priorities by number.
const PRIORITIES: [Priority; 4] = [Priority::LOW, Priority::MEDIUM, Priority::HIGH, Priority::CRITICAL];

/// The number of the priority that is nearest.
fn level(priority: Priority) -> u8 {
    match priority.value() {
        0..=37 => 1,
        38..=62 => 2,
        63..=87 => 3,
        _ => 4,
    }
}

/// The task that a task of Galaxy means.
pub(super) fn to_spec(task: &Task, id: &TaskId) -> TaskSpec {
    let description = task.description.as_deref().unwrap_or_default();
    let asked = if description.is_empty() { task.name.as_deref().unwrap_or_default() } else { description };
    let prompt = Prompt { text: literal(asked) };
    let mut spec = TaskSpec::new(id.clone(), Payload::Prompt(Arc::new(prompt)));
    let mut device = DeviceSelector::default();
    if let Target::Device(target) = &task.target {
        device.on = Some(target.clone());
    }
    match task.device_type {
        Some(word) if is_capability(word) => device.needs.push(word.to_owned()),
        word => device.os = word.map(str::to_owned),
    }
    spec.device = (device != DeviceSelector::default()).then(|| Arc::new(device));
    spec.priority = PRIORITIES.get(usize::from(task.priority) - 1).copied().unwrap_or_default();
    if let Some(timeout) = task.timeout {
        spec.run_timeout = Some(timeout);
    }
    if task.retry_count > 0 {
        spec.retry = Some(Arc::new(RetryPolicy { max: task.retry_count, ..RetryPolicy::DEFAULT }));
    }
    let inputs = task.data.iter().map(|(name, value)| (name.clone(), literal_value(value)));
    spec.inputs = inputs.collect();
    let mut details = TaskDetails {
        name: task.name.clone(),
        description: literal(description),
        tips: task.tips.clone().unwrap_or_default(),
        ..TaskDetails::default()
    };
    kept(task, id).store(&mut details.metadata);
    spec.details = (details != TaskDetails::default()).then(|| Arc::new(details));
    spec
}

fn kept(task: &Task, id: &TaskId) -> Kept {
    let mut kept = Kept::default();
    if task.id != id.as_str() {
        kept.put("original_id", task.id.as_str());
    }
    kept.put_text("device_type", task.device_type);
    kept.put_text("expected_output_type", task.expected_output_type.as_deref());
    if task.description.is_none() {
        kept.put("description", Value::Null);
    }
    if task.timeout.is_none() {
        kept.put("timeout", Value::Null);
    }
    if task.tips.as_ref().is_some_and(Vec::is_empty) {
        kept.put("tips", Value::Array(Vec::new()));
    }
    if task.target == Target::Blank {
        kept.put("target_device_id", "");
    }
    kept.put_times(&task.times);
    kept
}

/// The task of Galaxy that is nearest to a task of ours, not started.
pub(super) fn from_spec(spec: &TaskSpec, id: String) -> Task {
    let nothing = TaskDetails::default();
    let details = spec.details.as_deref().unwrap_or(&nothing);
    let kept = Kept::of(&details.metadata);
    let device = spec.device.as_deref();
    let untimed = TaskSpec::new(spec.id.clone(), Payload::Noop).run_timeout;
    let target = match device.and_then(|device| device.on.clone()) {
        Some(device) => Target::Device(device),
        None if kept.text("target_device_id") == Some("") => Target::Blank,
        None => Target::None,
    };
    let tips = match details.tips.as_slice() {
        [] => kept.0.contains_key("tips").then(Vec::new),
        tips => Some(tips.to_vec()),
    };
    Task {
        id,
        name: details.name.clone(),
        description: description(spec, details, &kept),
        tips,
        target,
        device_type: device_type(device, &kept),
        priority: level(spec.priority),
        timeout: spec.run_timeout.filter(|_| !(kept.is_null("timeout") && spec.run_timeout == untimed)),
        retry_count: spec.retry_policy().max,
        data: spec.inputs.iter().map(|(name, value)| (name.clone(), plain_value(value))).collect(),
        expected_output_type: kept.text("expected_output_type").map(str::to_owned),
        times: kept.times(),
        record: Record::default(),
    }
}

/// What is to be done in words: Galaxy has nothing else to say what a task does.
fn description(spec: &TaskSpec, details: &TaskDetails, kept: &Kept) -> Option<String> {
    if !details.description.is_empty() {
        return Some(plain(&details.description));
    }
    match &spec.run {
        _ if kept.is_null("description") => None,
        Payload::Prompt(prompt) if prompt.text != literal(details.name.as_deref().unwrap_or_default()) => {
            Some(plain(&prompt.text))
        }
        _ => Some(String::new()),
    }
}

/// The kind of device that was asked for, if the task still asks for it; else that of its operating system.
fn device_type(device: Option<&DeviceSelector>, kept: &Kept) -> Option<&'static str> {
    let device = device?;
    let os = device.os.as_deref();
    let known = |word: &str| DEVICE_TYPES.iter().find(|(known, _)| *known == word).map(|(known, _)| *known);
    let asked = kept.text("device_type").and_then(known).filter(|word| {
        if is_capability(word) { device.needs.iter().any(|need| need == word) } else { os == Some(*word) }
    });
    asked.or_else(|| os.and_then(|os| known(&os.to_ascii_lowercase())).filter(|word| !is_capability(word)))
}

/// Metadata without what is kept in it.
pub(super) fn without(metadata: &BTreeMap<String, Value>, names: &[&str]) -> BTreeMap<String, Value> {
    let others = metadata.iter().filter(|(name, _)| !names.contains(&name.as_str()));
    others.map(|(name, value)| (name.clone(), value.clone())).collect()
}
