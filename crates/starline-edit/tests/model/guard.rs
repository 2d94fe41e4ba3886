//! The reference: what a policy allows, and what it asks a person.

use starline_edit::Code;
use starline_types::{ApprovalTimeout, Patterns, Policy, TaskSpec, matches_pattern};

fn fits(patterns: Option<&Vec<smol_str::SmolStr>>, text: &str) -> Option<bool> {
    patterns.map(|patterns| patterns.iter().any(|pattern| matches_pattern(pattern, text)))
}

/// Everything a task names that patterns may be over: devices, capabilities, kinds of what it does and what undoes it.
fn named(task: &TaskSpec) -> (Vec<String>, Vec<String>, Vec<&'static str>) {
    let devices = task.pin().into_iter().chain(task.preference()).map(ToString::to_string).collect();
    let needs = task.device.as_ref().map(|device| device.needs.clone()).unwrap_or_default();
    let undo = task.details.as_ref().and_then(|details| details.compensate.as_ref());
    let mut kinds = vec![task.run.kind()];
    kinds.extend(undo.map(|undo| undo.run.kind()).filter(|kind| *kind != task.run.kind()));
    (devices, needs, kinds)
}

pub(crate) fn forbidden(task: &TaskSpec, only: &Patterns) -> Vec<Code> {
    let (devices, needs, of_task) = named(task);
    let outside = |patterns: Option<&Vec<smol_str::SmolStr>>, text: &str| fits(patterns, text) == Some(false);
    let count = devices.iter().filter(|device| outside(only.devices.as_ref(), device)).count()
        + needs.iter().filter(|need| outside(only.capabilities.as_ref(), need)).count()
        + of_task.iter().filter(|kind| outside(only.kinds.as_ref(), kind)).count();
    vec![Code::NotPermitted; count]
}

/// Whether the policy asks for an approval.
pub(crate) fn asks(task: &TaskSpec, policy: &Policy) -> bool {
    let (devices, needs, of_task) = named(task);
    let Patterns { devices: over_devices, capabilities, kinds } = &policy.require_approval;
    devices.iter().any(|device| fits(over_devices.as_ref(), device) == Some(true))
        || needs.iter().any(|need| fits(capabilities.as_ref(), need) == Some(true))
        || of_task.iter().any(|kind| fits(kinds.as_ref(), kind) == Some(true))
}

/// Whether nobody but a person lets a task run.
pub(crate) fn waits_for_a_person(task: &TaskSpec) -> bool {
    task.gate().is_some_and(|gate| gate.on_timeout != ApprovalTimeout::Approve)
}
