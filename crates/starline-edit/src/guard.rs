//! Guard rails: what an editor may do at all.

use std::sync::Arc;

use starline_types::{
    ApprovalGate, ApprovalTimeout, Edit, Patterns, Payload, Policy, TaskDetails, TaskField, TaskSpec,
    matches_pattern,
};

use crate::{Code, Fault};

fn admits(patterns: Option<&[smol_str::SmolStr]>, text: &str) -> bool {
    patterns.is_none_or(|patterns| patterns.iter().any(|pattern| matches_pattern(pattern, text)))
}

/// The fault of an operation that the policy does not allow.
pub(crate) fn operation(edit: usize, change: &Edit, policy: &Policy) -> Option<Fault> {
    let allowed = policy.allow.as_ref()?;
    // What brings tasks back adds them.
    let op = if matches!(change, Edit::Restore { .. }) { "add_task" } else { change.op() };
    if allowed.iter().any(|known| known == op) {
        return None;
    }
    let message = format!("the policy of the run does not allow {op}");
    Some(
        Fault::new(edit, Code::NotPermitted, op, message).hint(format!("allowed are {}", allowed.join(", "))),
    )
}

/// The faults of a task that names what the policy does not allow.
pub(crate) fn task(edit: usize, task: &TaskSpec, policy: &Policy) -> Vec<Fault> {
    let mut faults = kind(edit, task, &policy.only);
    faults.extend(device(edit, task, &policy.only));
    faults
}

/// The faults of an update: of what it sets, not of what was there.
pub(crate) fn fields(edit: usize, task: &TaskSpec, set: &[TaskField], policy: &Policy) -> Vec<Fault> {
    let mut faults = Vec::new();
    if set.iter().any(|field| matches!(field, TaskField::Run(_) | TaskField::Compensate(_))) {
        faults.extend(kind(edit, task, &policy.only));
    }
    if set.iter().any(|field| matches!(field, TaskField::Device(_))) {
        faults.extend(device(edit, task, &policy.only));
    }
    if set.iter().any(|field| matches!(field, TaskField::Approval(_)))
        && needs_gate(task, policy)
        && !asks_a_person(task)
    {
        let message = format!("the policy of the run asks for an approval of task {}", task.id);
        faults.push(
            Fault::new(edit, Code::NotPermitted, &task.id, message)
                .hint("leave the gate as it is, or let it reject after its time"),
        );
    }
    faults
}

/// The fault of an editor who changes the gate of a task: whoever may not approve may not open the gate either.
pub(crate) fn gate(edit: usize, task: &TaskSpec, set: &[TaskField]) -> Option<Fault> {
    let gate = task.gate()?;
    let changes = |field: &TaskField| matches!(field, TaskField::Approval(to) if to.as_ref() != Some(gate));
    set.iter().any(changes).then(|| {
        let message = format!("an editor may not change the approval of task {}", task.id);
        Fault::new(edit, Code::NotPermitted, &task.id, message)
            .hint("leave the gate as it is; an operator may change it")
    })
}

/// The fault of an editor who removes a task with a gate.
pub(crate) fn gated_removal(edit: usize, task: &TaskSpec) -> Option<Fault> {
    task.gate()?;
    let message = format!("an editor may not remove task {}, which asks for an approval", task.id);
    Some(
        Fault::new(edit, Code::NotPermitted, &task.id, message)
            .hint("leave the task as it is; an operator may remove or reject it"),
    )
}

fn fault(
    edit: usize,
    task: &TaskSpec,
    what: &str,
    named: &str,
    allowed: Option<&[smol_str::SmolStr]>,
) -> Fault {
    let message =
        format!("the policy of the run does not allow {what} {named}, which task {} names", task.id);
    let allowed = allowed.unwrap_or_default().join(", ");
    let hint =
        if allowed.is_empty() { "none is allowed".to_owned() } else { format!("allowed are {allowed}") };
    Fault::new(edit, Code::NotPermitted, named, message).hint(hint)
}

fn kind(edit: usize, task: &TaskSpec, only: &Patterns) -> Vec<Fault> {
    let kinds = only.kinds.as_deref();
    let mut refused: Vec<&str> = kinds_of(task).filter(|kind| !admits(kinds, kind)).collect();
    refused.dedup();
    refused.into_iter().map(|kind| fault(edit, task, "the kind", kind, kinds)).collect()
}

/// The kinds of what a task does, and of what undoes it.
fn kinds_of(task: &TaskSpec) -> impl Iterator<Item = &'static str> {
    task.payloads().map(Payload::kind)
}

fn device(edit: usize, task: &TaskSpec, only: &Patterns) -> Vec<Fault> {
    let (devices, capabilities) = (only.devices.as_deref(), only.capabilities.as_deref());
    let named = task.pin().into_iter().chain(task.preference());
    let mut faults: Vec<Fault> = named
        .filter(|device| !admits(devices, device.as_str()))
        .map(|device| fault(edit, task, "device", device.as_str(), devices))
        .collect();
    let needs = task.device.iter().flat_map(|device| &device.needs);
    faults.extend(
        needs
            .filter(|need| !admits(capabilities, need))
            .map(|need| fault(edit, task, "the capability", need, capabilities)),
    );
    faults
}

/// Whether the policy asks a person before a task of this kind.
fn needs_gate(task: &TaskSpec, policy: &Policy) -> bool {
    let Patterns { devices, capabilities, kinds } = &policy.require_approval;
    let any = |patterns: &Option<Vec<smol_str::SmolStr>>, text: &str| {
        patterns.as_deref().is_some_and(|patterns| admits(Some(patterns), text))
    };
    kinds_of(task).any(|kind| any(kinds, kind))
        || task.pin().into_iter().chain(task.preference()).any(|device| any(devices, device.as_str()))
        || task.device.iter().flat_map(|device| &device.needs).any(|need| any(capabilities, need))
}

/// Whether a task runs only if a person says so: a gate that opens by itself after a time asks nobody.
fn asks_a_person(task: &TaskSpec) -> bool {
    task.gate().is_some_and(|gate| gate.on_timeout == ApprovalTimeout::Reject)
}

/// The task with an approval gate, if the policy asks for one and it has none, or one that opens by itself. The prefix is what its id will get.
pub(crate) fn gated(task: &Arc<TaskSpec>, prefix: &str, policy: &Policy) -> Option<Arc<TaskSpec>> {
    if asks_a_person(task) || !needs_gate(task, policy) {
        return None;
    }
    let gate = match task.gate() {
        Some(gate) => ApprovalGate { on_timeout: ApprovalTimeout::Reject, ..gate.clone() },
        None => {
            let prompt = format!("An editor added or changed task {prefix}{}: may it run?", task.id);
            ApprovalGate { prompt, ..ApprovalGate::default() }
        }
    };
    let mut gated = TaskSpec::clone(task);
    let details = gated.details.as_deref().cloned().unwrap_or_default();
    gated.details = Some(Arc::new(TaskDetails { approval: Some(gate), ..details }));
    Some(Arc::new(gated))
}
