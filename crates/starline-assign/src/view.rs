//! What a strategy sees of the graph.

use std::fmt;

use starline_types::{DeviceIx, TaskIx, TaskSpec};

/// The graph around the tasks of a round, read only.
pub trait GraphView: fmt::Debug {
    /// Number of tasks, ended ones included.
    fn len(&self) -> usize;

    /// Whether there is no task.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The task as specified.
    ///
    /// # Panics
    /// The index is not of this graph.
    fn spec(&self, task: TaskIx) -> &TaskSpec;

    /// Every task, in insertion order.
    fn tasks(&self) -> Vec<TaskIx>;

    /// Sources of the edges into a task, one for each edge. O(in-degree).
    fn predecessors(&self, task: TaskIx) -> Vec<TaskIx>;

    /// Targets of the edges out of a task, one for each edge. O(out-degree).
    fn successors(&self, task: TaskIx) -> Vec<TaskIx>;

    /// Where a task is planned to run, runs, or ran last.
    fn device(&self, task: TaskIx) -> Option<DeviceIx>;

    /// Where the predecessor that ended last ran. O(in-degree).
    fn last_device_before(&self, task: TaskIx) -> Option<DeviceIx>;
}
