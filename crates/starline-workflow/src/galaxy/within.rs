//! Constellations and tasks of Galaxy within other documents.

use starline_types::{GraphSpec, Payload, TaskId, TaskSpec};

use super::notes::Notes;
use super::read_task::{self, Member};
use super::task::{from_spec, to_spec};
use super::words::LineKind;
use super::{GalaxyOptions, import_root};
use crate::Limits;
use crate::problem::Report;
use crate::tree::View;

/// A constellation within another document.
#[derive(Debug)]
pub(crate) struct Within<'t> {
    pub(crate) graph: GraphSpec,
    /// What is written of each task.
    pub(crate) tasks: Vec<View<'t>>,
    /// Whether each dependency is conditional, and nothing says on what.
    pub(crate) is_conditional: Vec<bool>,
    /// Code, item and message of each warning.
    pub(crate) warnings: Vec<(&'static str, String, String)>,
}

/// Imports a constellation that a value is; `None`: what is wrong is in the report.
pub(crate) fn import_within<'t>(root: View<'t>, limits: &Limits, report: &mut Report) -> Option<Within<'t>> {
    let options = GalaxyOptions { limits: limits.clone(), ..GalaxyOptions::default() };
    let mut notes = Notes::each();
    let (imported, read) = import_root(root, &options, &mut notes, report).ok()?;
    let graph = GraphSpec::clone(&imported.workflow.graph);
    let kinds = read.plan.lines.iter().zip(&graph.dependencies);
    let is_conditional = kinds
        .map(|(line, edge)| {
            line.kind == LineKind::Conditional && edge.kind == starline_types::DependencyKind::Success
        })
        .collect();
    Some(Within {
        graph,
        tasks: read.tasks.iter().map(|entry| entry.value).collect(),
        is_conditional,
        warnings: notes.told().collect(),
    })
}

/// A task as Galaxy would have it, written and read again.
pub(crate) fn restated_task(spec: &TaskSpec) -> TaskSpec {
    to_spec(&from_spec(spec, spec.id.to_string()), &spec.id)
}

/// Reads the fields of a task of Galaxy; those it does not have are left alone.
pub(crate) fn task_within(value: View<'_>, id: &TaskId, report: &mut Report) -> TaskSpec {
    let mut notes = Notes::default();
    let member = Member { key: None, value, id: Some(id.as_str()) };
    let task = read_task::task(&member, id.as_str(), &GalaxyOptions::default(), &mut notes, report);
    notes.refuse_only("priority_unknown", ": medium is taken", report);
    task.map_or_else(|| TaskSpec::new(id.clone(), Payload::Noop), |task| to_spec(&task, id))
}
