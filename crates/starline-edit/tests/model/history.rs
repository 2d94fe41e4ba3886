//! The reference: a history of whole graphs.

use starline_edit::EditBatch;
use starline_types::TaskId;

use crate::reference::{Decided, Model};

/// A commit as the reference remembers it.
#[derive(Clone, Debug)]
struct Remembered {
    before: Model,
    batch: EditBatch,
}

/// At most a hundred commits, and those that were taken back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Past {
    done: Vec<Remembered>,
    undone: Vec<Remembered>,
}

impl Past {
    pub(crate) fn len(&self) -> (usize, usize) {
        (self.done.len(), self.undone.len())
    }

    /// A commit that changed nothing leaves nothing to take back.
    pub(crate) fn edited(&mut self, before: Model, batch: EditBatch, changed: bool) {
        self.undone.clear();
        if changed {
            self.push(Remembered { before, batch });
        }
    }

    fn push(&mut self, commit: Remembered) {
        if self.done.len() == 100 {
            self.done.remove(0);
        }
        self.done.push(commit);
    }

    /// The graph as it was before the last commit, with the states of now.
    pub(crate) fn before_last(&self, now: &Model) -> Option<Model> {
        let mut before = self.done.last()?.before.clone();
        before.revision = now.revision + 1;
        before.attempts.clone_from(&now.attempts);
        for task in &mut before.tasks {
            if let Some(known) = now.task(&task.spec.id) {
                task.state = known.state;
            }
        }
        Some(before)
    }

    pub(crate) fn undone(&mut self) {
        self.undone.extend(self.done.pop());
    }

    /// The edits of the commit that was taken back last.
    pub(crate) fn next(&self) -> Option<&EditBatch> {
        self.undone.last().map(|commit| &commit.batch)
    }

    pub(crate) fn redone(&mut self) {
        if let Some(commit) = self.undone.pop() {
            self.push(commit);
        }
    }
}

/// Whether something stands against going back from one graph to another: an edge would come that can never be
/// satisfied, or lead to a task that has started; or what goes or changes has started.
pub(crate) fn barred(now: &Model, back: &Model) -> bool {
    let started =
        |id: &TaskId| now.task(id).is_some_and(|task| task.state != starline_types::TaskState::Pending);
    let ran = |id: &TaskId| {
        let attempts = now.attempts.get(id).copied().unwrap_or(0);
        let state = now.task(id).map(|task| task.state.as_str());
        started(id) && (attempts > 0 || !matches!(state, Some("skipped" | "cancelled")))
    };
    let edge = |edge: &crate::reference::Edge| {
        let same = |other: &&crate::reference::Edge| {
            (&other.id, &other.from, &other.to) == (&edge.id, &edge.from, &edge.to)
        };
        let known = now.edges.iter().find(same);
        let impossible = back.decided(&edge.from, &edge.kind) == Decided::Impossible;
        match known {
            None => impossible || ran(&edge.to),
            Some(known) => {
                known.kind != edge.kind && impossible
                    || (known.kind != edge.kind || known.note != edge.note) && started(&edge.to)
            }
        }
    };
    let goes = |edge: &crate::reference::Edge| {
        let with_task = back.task(&edge.from).is_none() || back.task(&edge.to).is_none();
        !with_task && back.edges.iter().all(|other| other.id != edge.id) && started(&edge.to)
    };
    let task = |task: &crate::reference::Task| {
        let other = back.task(&task.spec.id);
        started(&task.spec.id) && other.is_none_or(|other| other.spec != task.spec)
    };
    back.edges.iter().any(edge) || now.edges.iter().any(goes) || now.tasks.iter().any(task)
}
