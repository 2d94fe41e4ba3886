//! Questions that a device file brings: a task that fits nothing but devices that ask waits for a person.

use std::sync::Arc;

use starline::scheduler::Fleet;
use starline::types::{ApprovalGate, DeviceApproval, DeviceId, DeviceProfile, GraphSpec, TaskSpec};

/// Devices that a question names at most.
const NAMED: usize = 5;

/// Puts a gate before every task that has none and fits only devices that take no other tasks.
pub(crate) fn imply_gates(graph: &mut Arc<GraphSpec>, devices: &[DeviceProfile]) {
    if devices.iter().all(|device| device.approval != DeviceApproval::Ask) {
        return;
    }
    let mut fleet = Fleet::new();
    devices.iter().for_each(|device| {
        fleet.register(device.clone());
    });
    let mut gated = Vec::new();
    for (at, task) in graph.tasks.iter().enumerate() {
        let class = fleet.class(task);
        if task.gate().is_some() || !fleet.eligible(class).is_empty() {
            continue;
        }
        let asking = with_gate(task, String::new());
        let class = fleet.class(&asking);
        let devices: Vec<&DeviceId> = fleet.eligible(class).iter().map(|device| fleet.id(*device)).collect();
        if !devices.is_empty() {
            gated.push((at, with_gate(task, format!("Run on {}?", named(&devices)))));
        }
    }
    if !gated.is_empty() {
        let graph = Arc::make_mut(graph);
        for (at, task) in gated {
            graph.tasks[at] = Arc::new(task);
        }
    }
}

fn with_gate(task: &TaskSpec, prompt: String) -> TaskSpec {
    let mut details = task.details.as_deref().cloned().unwrap_or_default();
    details.approval = Some(ApprovalGate { prompt, ..ApprovalGate::default() });
    TaskSpec { details: Some(Arc::new(details)), ..task.clone() }
}

fn named(devices: &[&DeviceId]) -> String {
    let names: Vec<&str> = devices.iter().take(NAMED).map(|device| device.as_str()).collect();
    let more = devices.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" or {more} more") } else { String::new() };
    format!("{}{more}", names.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use starline::types::{Payload, TaskId};

    #[test]
    fn only_tasks_that_fit_nothing_else_are_asked_about() {
        let device = |id: &str, capability: &str, approval| {
            let mut profile = DeviceProfile::new(DeviceId::new(id).expect("id"), "process");
            profile.capabilities = vec![capability.to_owned()];
            profile.approval = approval;
            profile
        };
        let task = |id: &str, capability: &str| {
            let mut task = TaskSpec::new(TaskId::new(id).expect("id"), Payload::Noop);
            let needs = vec![capability.to_owned()];
            task.device = Some(Arc::new(starline::types::DeviceSelector { needs, ..Default::default() }));
            Arc::new(task)
        };
        let tasks = vec![task("a", "x"), task("b", "y"), task("c", "z")];
        let mut graph = Arc::new(GraphSpec { tasks, ..GraphSpec::default() });
        let devices = [
            device("free", "x", DeviceApproval::Auto),
            device("careful", "y", DeviceApproval::Ask),
            device("closed", "z", DeviceApproval::Deny),
        ];
        imply_gates(&mut graph, &devices);
        let prompts: Vec<_> =
            graph.tasks.iter().map(|task| task.gate().map(|gate| gate.prompt.as_str())).collect();
        assert_eq!(prompts, [None, Some("Run on careful?"), None]);
    }
}
