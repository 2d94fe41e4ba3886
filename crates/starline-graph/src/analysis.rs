//! Paths, slack and width.
//!
//! Of several paths of the same length or weight, the one whose tasks were inserted first is taken: the smallest
//! sequence of insertion ranks.

use starline_types::{Millis, ParallelismMode, TaskIx};

use crate::TaskGraph;
use crate::topology::{any_order, levels};

/// Tasks of a longest path by number; empty if the graph is. O(n + m).
#[must_use]
pub fn longest_path(graph: &TaskGraph) -> Vec<TaskIx> {
    heaviest(graph, |_| 1).1
}

/// The weight of a heaviest path for given durations, and its tasks; empty if the graph is.
///
/// Tasks of no duration at its ends are left out, unless they come first in insertion. O(n + m).
#[must_use]
pub fn heaviest_path(graph: &TaskGraph, duration: impl Fn(TaskIx) -> Millis) -> (Millis, Vec<TaskIx>) {
    let (weight, tasks) = heaviest(graph, |task| duration(task).0);
    (Millis(weight), tasks)
}

/// Size of the largest level. Not the largest number of independent tasks, which is
/// [`maximum_antichain`](crate::maximum_antichain). O(n + m).
#[must_use]
pub fn max_width(graph: &TaskGraph) -> usize {
    let levels = levels(graph);
    let mut sizes: Vec<usize> = Vec::new();
    for task in graph.indices() {
        let level = levels[task.at()] as usize;
        if level >= sizes.len() {
            sizes.resize(level + 1, 0);
        }
        sizes[level] += 1;
    }
    sizes.into_iter().max().unwrap_or(0)
}

/// When a task can and must run if devices are without number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Timing {
    /// The task.
    pub task: TaskIx,
    /// Earliest start: when the last predecessor can end.
    pub earliest_start: Millis,
    /// Earliest end.
    pub earliest_finish: Millis,
    /// Latest start that delays nothing.
    pub latest_start: Millis,
    /// Latest end that delays nothing.
    pub latest_finish: Millis,
}

impl Timing {
    /// How much the task can be late without delaying the whole.
    #[must_use]
    pub fn slack(&self) -> Millis {
        Millis(self.latest_start.0 - self.earliest_start.0)
    }

    /// Whether any delay of the task delays the whole.
    #[must_use]
    pub fn is_critical(&self) -> bool {
        self.slack() == Millis::ZERO
    }
}

/// Times of a graph for given durations.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CriticalPath {
    /// Weight of the heaviest path.
    pub length: Millis,
    /// Its tasks.
    pub tasks: Vec<TaskIx>,
    /// Times of every task, in the order of insertion.
    pub timings: Vec<Timing>,
}

/// The critical path and the slack of every task for given durations. O(n log n + m).
///
/// Source: J. E. Kelley, M. R. Walker, *Critical-path planning and scheduling* (1959).
#[must_use]
pub fn critical_path(graph: &TaskGraph, duration: impl Fn(TaskIx) -> Millis) -> CriticalPath {
    let order = any_order(graph);
    let mut start = vec![0u64; graph.bound()];
    let mut length = 0;
    for task in &order {
        let finish = start[task.at()].saturating_add(duration(*task).0);
        length = length.max(finish);
        for next in graph.successors(*task) {
            start[next.at()] = start[next.at()].max(finish);
        }
    }
    let mut finish = vec![length; graph.bound()];
    for task in order.iter().rev() {
        let latest = finish[task.at()].saturating_sub(duration(*task).0);
        for before in graph.predecessors(*task) {
            finish[before.at()] = finish[before.at()].min(latest);
        }
    }
    let timing = |task: TaskIx| {
        let (duration, earliest, latest) = (duration(task).0, start[task.at()], finish[task.at()]);
        Timing {
            task,
            earliest_start: Millis(earliest),
            earliest_finish: Millis(earliest.saturating_add(duration)),
            latest_start: Millis(latest.saturating_sub(duration).max(earliest)),
            latest_finish: Millis(latest),
        }
    };
    let timings = graph.in_order().into_iter().map(timing).collect();
    CriticalPath { length: Millis(length), tasks: heaviest_path(graph, duration).1, timings }
}

/// Work, span and their ratio.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parallelism {
    /// What was counted.
    pub mode: ParallelismMode,
    /// Weight of a heaviest path: tasks, or seconds if all tasks have ended.
    pub length: f64,
    /// Such a path.
    pub tasks: Vec<TaskIx>,
    /// Weight of all tasks, in the same unit.
    pub work: f64,
}

impl Parallelism {
    /// Work divided by length; 0 if that is 0.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        if self.length > 0.0 { self.work / self.length } else { 0.0 }
    }
}

/// Work and span of a graph: in tasks while some have not ended, in the times of their last attempts then. O(n + m).
#[must_use]
pub fn parallelism(graph: &TaskGraph) -> Parallelism {
    if graph.is_empty() {
        return Parallelism::default();
    }
    if graph.counts().open() > 0 {
        let tasks = longest_path(graph);
        let (length, work) = (tasks.len() as f64, graph.len() as f64);
        return Parallelism { mode: ParallelismMode::NodeCount, length, tasks, work };
    }
    let duration = |task| graph.record(task).duration();
    let (length, tasks) = heaviest_path(graph, duration);
    let work = Millis(graph.indices().fold(0, |work: u64, task| work.saturating_add(duration(task).0)));
    Parallelism {
        mode: ParallelismMode::ActualTime,
        length: length.as_secs_f64(),
        tasks,
        work: work.as_secs_f64(),
    }
}

/// Weight and tasks of a heaviest path.
fn heaviest(graph: &TaskGraph, weight: impl Fn(TaskIx) -> u64) -> (u64, Vec<TaskIx>) {
    // Heaviest path that begins with each task.
    let mut tails = vec![0u64; graph.bound()];
    for task in any_order(graph).into_iter().rev() {
        let behind = graph.successors(task).map(|next| tails[next.at()]).max().unwrap_or(0);
        tails[task.at()] = weight(task).saturating_add(behind);
    }
    let Some(length) = graph.indices().map(|task| tails[task.at()]).max() else { return (0, Vec::new()) };
    let first = |tasks: &mut dyn Iterator<Item = TaskIx>, tail: u64| {
        tasks.filter(|task| tails[task.at()] == tail).min_by_key(|task| graph.order(*task))
    };
    let (mut tasks, mut next) = (Vec::new(), first(&mut graph.indices(), length));
    while let Some(task) = next {
        tasks.push(task);
        let behind = tails[task.at()] - weight(task);
        next = if behind == 0 { None } else { first(&mut graph.successors(task), behind) };
    }
    (length, tasks)
}
