//! What edits changed and when, and which templates refer to tasks that no edge joins them with.

use rustc_hash::FxHashMap;
use starline_types::{Revision, TaskIx};

use crate::{EdgeIx, TaskGraph};

/// What edits changed, by index. Only what was changed after the submission is in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    tasks: FxHashMap<TaskIx, Revision>,
    edges: FxHashMap<EdgeIx, Revision>,
    /// Tasks that templates of a task refer to although no edge joins them: what a removal elsewhere may break.
    distant: FxHashMap<TaskIx, Box<[TaskIx]>>,
}

impl TaskGraph {
    /// The revision that last changed a task; 0 if none did.
    #[must_use]
    pub fn task_changed(&self, task: TaskIx) -> Revision {
        self.changes.tasks.get(&task).copied().unwrap_or_default()
    }

    /// The revision that last changed an edge; 0 if none did.
    #[must_use]
    pub fn edge_changed(&self, edge: EdgeIx) -> Revision {
        self.changes.edges.get(&edge).copied().unwrap_or_default()
    }

    /// Notes that a commit changed a task, or made it.
    pub fn note_task(&mut self, task: TaskIx, revision: Revision) {
        self.changes.tasks.insert(task, revision);
    }

    /// Notes that a commit changed an edge, or made it.
    pub fn note_edge(&mut self, edge: EdgeIx, revision: Revision) {
        self.changes.edges.insert(edge, revision);
    }

    /// Forgets a task that is gone: its index may be given to another one.
    pub fn forget_task(&mut self, task: TaskIx) {
        self.changes.tasks.remove(&task);
    }

    /// Forgets an edge that is gone.
    pub fn forget_edge(&mut self, edge: EdgeIx) {
        self.changes.edges.remove(&edge);
    }

    /// Tasks that the templates of a task refer to although no edge joins them. Returns what was known before.
    pub fn set_distant(&mut self, task: TaskIx, sources: Box<[TaskIx]>) -> Box<[TaskIx]> {
        let before = if sources.is_empty() {
            self.changes.distant.remove(&task)
        } else {
            self.changes.distant.insert(task, sources)
        };
        before.unwrap_or_default()
    }

    /// All pairs of a task and one that its templates refer to although no edge joins them, by index.
    #[must_use]
    pub fn distant(&self) -> Vec<(TaskIx, TaskIx)> {
        let pairs =
            self.changes.distant.iter().flat_map(|(task, sources)| sources.iter().map(|from| (*from, *task)));
        let mut pairs: Vec<(TaskIx, TaskIx)> = pairs.collect();
        pairs.sort_unstable();
        pairs
    }

    /// Whether any template refers to a task that no edge joins it with. O(1).
    #[must_use]
    pub fn has_distant(&self) -> bool {
        !self.changes.distant.is_empty()
    }
}
