//! Whole graphs in Galaxy's form within batches.

use std::sync::Arc;

use starline_types::{DeviceSelector, GraphSpec, Payload, RetryPolicy, TaskField, TaskSpec};

use super::dependency::Given;
use super::graph::{Change, ProposedGraph, ProposedTask};
use super::reading::{Reading, STATE_IGNORED};
use super::set::is_null;
use crate::galaxy::{Within, import_within, is_capability, restated_task};
use crate::problem::Report;
use crate::tree::View;

/// Fields that only Galaxy's graphs have.
const OF_GRAPH: [&str; 2] = ["constellation_id", "execution_start_time"];
/// Fields that only Galaxy's tasks have.
const OF_TASK: [&str; 7] = [
    "task_id",
    "task_description",
    "target_device_id",
    "device_type",
    "task_data",
    "retry_count",
    "expected_output_type",
];
/// Fields that only Galaxy's dependencies have.
const OF_LINE: [&str; 3] = ["from_task_id", "line_id", "dependency_type"];

/// Fields that only our tasks have.
const OURS: [&str; 4] = ["id", "run", "after", "outputs"];

/// A task as a constellation has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Restated {
    spec: Arc<TaskSpec>,
    /// Fields that are written, in Galaxy's names.
    present: Vec<&'static str>,
}

/// Whether a graph has Galaxy's form, by its keys.
pub(super) fn is_one(graph: View<'_>) -> bool {
    let has = |view: View<'_>, names: &[&str]| {
        view.map().is_some_and(|map| map.entries().any(|entry| names.contains(&entry.key)))
    };
    let any = |section: Option<View<'_>>, names: &[&str]| match section.map(View::shape) {
        Some(crate::tree::Shape::List(list)) => list.items().any(|item| has(item, names)),
        Some(crate::tree::Shape::Map(map)) => map.entries().any(|entry| has(entry.value, names)),
        _ => false,
    };
    let (tasks, lines) = (graph.field("tasks"), graph.field("dependencies"));
    if has(graph, &OF_GRAPH) || any(tasks, &OURS) {
        return has(graph, &OF_GRAPH);
    }
    any(tasks, &OF_TASK) || lines.is_some_and(|lines| lines.map().is_some()) || any(lines, &OF_LINE)
}

fn import<'t>(graph: View<'t>, reading: &mut Reading<'_>, report: &mut Report) -> Option<Within<'t>> {
    let imported = import_within(graph, &reading.options().limits, report)?;
    for (code, item, message) in &imported.warnings {
        if *code == STATE_IGNORED {
            reading.ignore_state_of(item, message);
        } else {
            reading.warn(code, String::new(), item, message);
        }
    }
    Some(imported)
}

/// Reads a constellation that is built as it is.
pub(super) fn whole(graph: View<'_>, reading: &mut Reading<'_>, report: &mut Report) -> GraphSpec {
    import(graph, reading, report).map(|imported| imported.graph).unwrap_or_default()
}

/// Reads a constellation as a proposal.
pub(super) fn proposal(
    graph: View<'_>,
    reading: &mut Reading<'_>,
    report: &mut Report,
) -> Option<ProposedGraph> {
    let imported = import(graph, reading, report)?;
    let task = |(spec, view): (&Arc<TaskSpec>, &View<'_>)| ProposedTask {
        id: spec.id.clone(),
        change: Change::Restated(Restated { spec: Arc::clone(spec), present: present(*view) }),
        lists_after: false,
    };
    let edges = imported.graph.dependencies.iter().zip(&imported.is_conditional);
    let given = edges.map(|(edge, is_conditional)| Given {
        id: edge.id.clone(),
        from: edge.from.clone(),
        to: edge.to.clone(),
        kind: (!is_conditional).then(|| edge.kind.clone()),
        note: edge.note.clone(),
    });
    Some(ProposedGraph {
        tasks: imported.graph.tasks.iter().zip(&imported.tasks).map(task).collect(),
        is_complete: graph.field("dependencies").is_some_and(|section| !is_null(section)),
        dependencies: given.collect(),
    })
}

fn present(task: View<'_>) -> Vec<&'static str> {
    const NAMES: [&str; 10] = [
        "name",
        "description",
        "task_description",
        "tips",
        "target_device_id",
        "device_type",
        "priority",
        "timeout",
        "retry_count",
        "task_data",
    ];
    NAMES.into_iter().filter(|name| task.field(name).is_some()).collect()
}

impl Restated {
    /// The task with what differs from how Galaxy would have it; a new one as it is.
    pub(super) fn changed(&self, known: Option<&Arc<TaskSpec>>) -> Arc<TaskSpec> {
        let Some(known) = known else { return Arc::clone(&self.spec) };
        let mut spec = TaskSpec::clone(known);
        for mut field in TaskField::differences(&restated_task(known), &self.spec) {
            match &mut field {
                // What Galaxy keeps there is about Galaxy.
                TaskField::Metadata(_) => continue,
                // Words do not take the place of a program.
                TaskField::Run(Payload::Prompt(_)) if !matches!(known.run, Payload::Prompt(_)) => continue,
                TaskField::Run(_) if !self.has(&["description", "task_description", "name"]) => continue,
                TaskField::Description(_) if !self.has(&["description", "task_description"]) => continue,
                TaskField::Name(_) if !self.has(&["name"]) => continue,
                TaskField::Tips(_) if !self.has(&["tips"]) => continue,
                TaskField::Priority(_) if !self.has(&["priority"]) => continue,
                TaskField::RunTimeout(_) if !self.has(&["timeout"]) => continue,
                TaskField::Inputs(_) if !self.has(&["task_data"]) => continue,
                TaskField::Device(device) => *device = self.device(known),
                TaskField::Retry(retry) => {
                    if !self.has(&["retry_count"]) {
                        continue;
                    }
                    let max = self.spec.retry_policy().max;
                    *retry = Some(Arc::new(RetryPolicy { max, ..known.retry_policy().clone() }));
                }
                _ => {}
            }
            field.exchange(&mut spec);
        }
        Arc::new(spec)
    }

    fn has(&self, names: &[&str]) -> bool {
        self.present.iter().any(|present| names.contains(present))
    }

    /// What the task asks of a device, with what the constellation says about it.
    fn device(&self, known: &TaskSpec) -> Option<Arc<DeviceSelector>> {
        let mut device = known.device.as_deref().cloned().unwrap_or_default();
        let none = DeviceSelector::default();
        let asked = self.spec.device.as_deref().unwrap_or(&none);
        if self.has(&["target_device_id"]) {
            device.on.clone_from(&asked.on);
        }
        if self.has(&["device_type"]) {
            device.os.clone_from(&asked.os);
            device.needs.retain(|need| !is_capability(need));
            device.needs.extend(asked.needs.iter().filter(|need| is_capability(need)).cloned());
        }
        (device != none).then(|| Arc::new(device))
    }
}
