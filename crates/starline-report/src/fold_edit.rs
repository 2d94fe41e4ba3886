//! Adds an edit to a history.

use std::sync::Arc;

use starline_edit::{Limits, Surroundings, check_within};
use starline_graph::TaskGraph;
use starline_types::{Applied, ChangeSummary, DependencyId, EditBatch, RejectedEdit, TaskId, Timestamp};

use crate::marks::{Change, Commit, Refused};
use crate::task::Moment;
use crate::{History, HistoryFault};

/// Refused batches that are kept.
const REFUSED: usize = 1_000;

impl History {
    pub(crate) fn commit(&mut self, moment: Moment, applied: &Applied) -> Result<(), HistoryFault> {
        let summary = put_in_force(&mut self.graph, applied)?;
        for id in &summary.removed_tasks {
            if let Some(at) = self.places.get(id) {
                self.tasks[*at].removed = true;
            }
        }
        for id in summary.added_tasks.iter().chain(summary.modified_tasks.keys()) {
            if let Some(task) = self.graph.find(id.as_str()) {
                let spec = Arc::clone(self.graph.spec(task));
                self.add_task(spec, applied.revision);
            }
        }
        self.note_ready_after(&summary, moment.t);
        self.commits.push(Commit {
            revision: applied.revision,
            base: applied.batch.base,
            committed: moment,
            author: applied.author.clone(),
            origin: applied.origin,
            late: applied.late,
            hold: applied.batch.hold,
            reason: applied.batch.reason.clone(),
            changes: changes(&summary, &self.graph),
        });
        Ok(())
    }

    pub(crate) fn refuse(&mut self, moment: Moment, rejected: &RejectedEdit) {
        if self.refused.len() < REFUSED {
            let text = |fault: &starline_types::Value, field: &str| {
                fault.get(field).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
            };
            self.refused.push(Refused {
                at: moment,
                author: rejected.author.clone(),
                base: rejected.base,
                hold: rejected.hold,
                faults: rejected
                    .rejections
                    .iter()
                    .map(|fault| format!("{}: {}", text(fault, "code"), text(fault, "message")))
                    .collect(),
            });
        }
    }

    /// Notes which of the tasks that an edit touched are ready now.
    fn note_ready_after(&mut self, summary: &ChangeSummary, now: Timestamp) {
        let ends = summary
            .added_dependencies
            .iter()
            .chain(&summary.removed_dependencies)
            .chain(&summary.modified_dependencies)
            .filter_map(|id| self.graph.find_edge(id.as_str()).map(|edge| self.graph.id(edge.to).clone()));
        let freed = summary.removed_dependencies.iter().filter_map(|id| {
            let to = id.as_str().split_once("->")?.1;
            TaskId::new(to.split('#').next().unwrap_or(to)).ok()
        });
        let touched: Vec<TaskId> = ends.chain(freed).chain(summary.added_tasks.iter().cloned()).collect();
        for id in touched {
            if let Some(at) = self.places.get(&id).copied() {
                self.note_ready(at, now);
            }
        }
    }
}

fn changes(summary: &ChangeSummary, graph: &TaskGraph) -> Vec<Change> {
    let edge = |id: &DependencyId| Some(graph.dependency(&graph.find_edge(id.as_str())?));
    let tasks = summary.added_tasks.iter().cloned().map(Change::TaskAdded);
    let removed = summary.removed_tasks.iter().cloned().map(Change::TaskRemoved);
    let fields = summary.modified_tasks.iter();
    let fields =
        fields.map(|(task, fields)| Change::TaskChanged { task: task.clone(), fields: fields.clone() });
    let edges = summary.added_dependencies.iter().filter_map(edge).map(Change::DependencyAdded);
    let cut = summary.removed_dependencies.iter().cloned().map(Change::DependencyRemoved);
    let terms = summary.modified_dependencies.iter().filter_map(edge).map(Change::DependencyChanged);
    tasks.chain(removed).chain(fields).chain(edges).chain(cut).chain(terms).collect()
}

/// Puts a recorded batch in force, and tells what changed.
pub(crate) fn put_in_force(graph: &mut TaskGraph, applied: &Applied) -> Result<ChangeSummary, HistoryFault> {
    let mut limits = Limits::ceiling();
    limits.degree = usize::MAX;
    let around = Surroundings { limits, ..Surroundings::default() };
    // What was committed on an older base fits the graph as it was then, which is the graph as it is here.
    let batch = EditBatch { base: graph.revision(), ..applied.batch.clone() };
    let committed = check_within(graph, &batch, &around).map_err(HistoryFault::Misfit)?.commit();
    graph.set_revision(applied.revision);
    for judgement in &applied.edges {
        if let Some(edge) = graph.find_edge(judgement.id.as_str()).map(|edge| edge.ix) {
            graph.settle_edge(edge, judgement.verdict);
        }
    }
    Ok(committed.summary)
}
