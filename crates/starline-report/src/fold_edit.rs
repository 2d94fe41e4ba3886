//! Adds an edit to a history.

use std::sync::Arc;

use starline_edit::{Limits, Surroundings, check_within};
use starline_graph::TaskGraph;
use starline_types::{Applied, Edit, EditBatch, Revision, Timestamp};

use crate::marks::{Change, Commit};
use crate::task::Moment;
use crate::{History, HistoryFault};

impl History {
    pub(crate) fn commit(&mut self, moment: Moment, applied: &Applied) -> Result<(), HistoryFault> {
        put_in_force(&mut self.graph, applied)?;
        let mut changes = Vec::new();
        for edit in &applied.batch.edits {
            self.note_change(edit, applied.revision, &mut changes);
        }
        self.note_ready_after(&changes, moment.t);
        self.commits.push(Commit {
            revision: applied.revision,
            base: applied.batch.base,
            committed: moment,
            hold: applied.batch.hold,
            reason: applied.batch.reason.clone(),
            changes,
        });
        Ok(())
    }

    /// Notes which of the tasks that an edit touched are ready now.
    pub(crate) fn note_ready_after(&mut self, changes: &[Change], now: Timestamp) {
        for change in changes {
            match change {
                Change::TaskAdded(task) | Change::DependencyAdded { to: task, .. } => {
                    if let Some(at) = self.places.get(task).copied() {
                        self.note_ready(at, now);
                    }
                }
                Change::GraphBuilt { .. } => {
                    for at in 0..self.tasks.len() {
                        self.note_ready(at, now);
                    }
                }
            }
        }
    }

    fn note_change(&mut self, edit: &Edit, revision: Revision, changes: &mut Vec<Change>) {
        match edit {
            Edit::AddTask { task, after } => {
                self.add_task(Arc::clone(task), revision);
                changes.push(Change::TaskAdded(task.id.clone()));
                changes.extend(after.iter().map(|(from, kind)| Change::DependencyAdded {
                    from: from.clone(),
                    to: task.id.clone(),
                    kind: kind.to_string(),
                }));
            }
            Edit::AddDependency(edge) => changes.push(Change::DependencyAdded {
                from: edge.from.clone(),
                to: edge.to.clone(),
                kind: edge.kind.to_string(),
            }),
            Edit::Build { graph, clear_existing } => {
                if *clear_existing {
                    self.tasks.iter_mut().for_each(|task| task.removed = true);
                }
                for task in &graph.tasks {
                    self.add_task(Arc::clone(task), revision);
                }
                let (tasks, dependencies) = (graph.tasks.len(), graph.dependencies.len());
                changes.push(Change::GraphBuilt { tasks, dependencies, replaced: *clear_existing });
            }
        }
    }
}

/// Puts a recorded batch in force.
pub(crate) fn put_in_force(graph: &mut TaskGraph, applied: &Applied) -> Result<(), HistoryFault> {
    let mut limits = Limits::ceiling();
    limits.degree = usize::MAX;
    let around = Surroundings { devices: None, limits };
    // What was committed on an older base fits the graph as it was then, which is the graph as it is here.
    let batch = EditBatch { base: graph.revision(), ..applied.batch.clone() };
    let _ = check_within(graph, &batch, &around).map_err(HistoryFault::Misfit)?.commit();
    graph.set_revision(applied.revision);
    Ok(())
}
