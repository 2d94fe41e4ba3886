//! The graph around the tasks of a test round.

use starline_types::{DeviceIx, TaskIx, TaskSpec};

use crate::GraphView;

/// A graph with states as the description of a round says.
#[derive(Clone, Debug)]
pub struct TestGraph {
    pub(crate) nodes: Vec<Node>,
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) spec: TaskSpec,
    pub(crate) predecessors: Vec<TaskIx>,
    pub(crate) successors: Vec<TaskIx>,
    pub(crate) device: Option<DeviceIx>,
    /// Rank among the ended tasks, none if it has not ended.
    pub(crate) ended: Option<u64>,
}

impl GraphView for TestGraph {
    fn len(&self) -> usize {
        self.nodes.len()
    }

    fn spec(&self, task: TaskIx) -> &TaskSpec {
        &self.nodes[task.at()].spec
    }

    fn tasks(&self) -> Vec<TaskIx> {
        (0..self.nodes.len()).map(task_ix).collect()
    }

    fn predecessors(&self, task: TaskIx) -> Vec<TaskIx> {
        self.nodes[task.at()].predecessors.clone()
    }

    fn successors(&self, task: TaskIx) -> Vec<TaskIx> {
        self.nodes[task.at()].successors.clone()
    }

    fn device(&self, task: TaskIx) -> Option<DeviceIx> {
        self.nodes[task.at()].device
    }

    fn last_device_before(&self, task: TaskIx) -> Option<DeviceIx> {
        let before = self.nodes[task.at()].predecessors.iter().map(|before| &self.nodes[before.at()]);
        let last = before.filter(|node| node.ended.is_some()).max_by_key(|node| node.ended)?;
        last.device
    }
}

/// The index of the task at a place.
pub(crate) fn task_ix(place: usize) -> TaskIx {
    TaskIx(u32::try_from(place).expect("a test has fewer tasks than indices"))
}
