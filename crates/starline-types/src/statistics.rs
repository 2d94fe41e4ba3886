//! Figures about a graph and its run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{RunState, TaskId};

/// How parallelism was computed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParallelismMode {
    /// There is no task.
    #[default]
    Empty,
    /// Some task has not ended: every task counts one.
    NodeCount,
    /// All tasks have ended: a task counts the seconds of its last attempt.
    ActualTime,
}

/// Figures about a graph and its run.
///
/// `critical_path_length` and `total_work` are tasks in mode `node_count` and seconds in mode `actual_time`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Tasks of the graph.
    pub total_tasks: usize,
    /// Edges of all kinds.
    pub total_dependencies: usize,
    /// Tasks on a longest path; 0 if empty.
    pub longest_path_length: usize,
    /// Such a path; of several the one with the smallest insertion indices.
    pub longest_path_tasks: Vec<TaskId>,
    /// Size of the largest level.
    pub max_width: usize,
    /// Tasks by state, those above zero only.
    pub task_status_counts: BTreeMap<String, u32>,
    /// How the next four were computed.
    pub parallelism_calculation_mode: ParallelismMode,
    /// Weight of the heaviest path.
    pub critical_path_length: f64,
    /// A path of that weight.
    pub critical_path_tasks: Vec<TaskId>,
    /// Weight of all tasks.
    pub total_work: f64,
    /// Work divided by critical path; 0 if that is 0.
    pub parallelism_ratio: f64,
    /// Seconds from the start of the run to its end or to now; `None` before the start.
    pub execution_duration: Option<f64>,
    /// Attempts made, retries included.
    pub attempts_total: u64,
    /// State of the run.
    pub state: RunState,
}
