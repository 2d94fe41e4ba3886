//! The figures of a graph.

use starline_types::{Statistics, TaskIx};

use crate::analysis::{longest_path, max_width, parallelism};
use crate::{Parallelism, TaskGraph};

/// Figures about a graph and the states of its tasks. O(n + m).
///
/// `execution_duration` and `state` are those of a run that has not been started: the owner of the run knows them and
/// sets them. `attempts_total` is the sum over the tasks of the graph; attempts of tasks that were removed since are
/// not in it.
#[must_use]
pub fn statistics(graph: &TaskGraph) -> Statistics {
    let ids = |tasks: &[TaskIx]| tasks.iter().map(|task| graph.id(*task).clone()).collect();
    let longest = longest_path(graph);
    let parallelism = parallelism(graph);
    let ratio = parallelism.ratio();
    let Parallelism { mode, length, tasks, work } = parallelism;
    Statistics {
        total_tasks: graph.len(),
        total_dependencies: graph.edge_count(),
        longest_path_length: longest.len(),
        longest_path_tasks: ids(&longest),
        max_width: max_width(graph),
        task_status_counts: graph
            .counts()
            .occurring()
            .map(|(state, count)| (state.to_owned(), count))
            .collect(),
        parallelism_calculation_mode: mode,
        critical_path_length: length,
        critical_path_tasks: ids(&tasks),
        total_work: work,
        parallelism_ratio: ratio,
        execution_duration: None,
        attempts_total: graph.indices().map(|task| u64::from(graph.record(task).attempts)).sum(),
        ..Statistics::default()
    }
}
