//! What was planned against what happened.

use starline_graph::heaviest_path;
use starline_types::{DeviceId, Millis, TaskId};

use crate::{AttemptOutcome, History};

/// What was planned against what happened.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// Tasks that were planned on a device and were attempted.
    pub planned: usize,
    /// Those whose last attempt was on another device than the one first planned.
    pub moved: Vec<Moved>,
    /// Estimates against the times of completed attempts.
    pub estimates: Estimates,
    /// Tasks that came after the start, in order.
    pub added: Vec<TaskId>,
    /// Tasks that went again.
    pub removed: Vec<TaskId>,
}

/// A task that did not run where it was planned.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Moved {
    /// The task.
    pub task: TaskId,
    /// The device first planned.
    pub planned: DeviceId,
    /// The device of its last attempt.
    pub actual: DeviceId,
}

/// Estimates against actual times, over completed tasks that have an estimate.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Estimates {
    /// Tasks that are compared.
    pub tasks: usize,
    /// Their estimates, added up.
    pub estimated: Millis,
    /// Their last attempts, added up.
    pub actual: Millis,
    /// Length of the critical path if every task took its estimate, and devices were without number; `None`
    /// unless every task has one.
    pub critical_path: Option<Millis>,
    /// The tasks that were farthest off: task, estimate, actual. At most ten, farthest first.
    pub farthest: Vec<(TaskId, Millis, Millis)>,
}

/// Tasks listed as farthest off.
const FARTHEST: usize = 10;

impl History {
    /// What was planned against what happened. O(n log n + m).
    #[must_use]
    pub fn plan(&self) -> Plan {
        let mut plan = Plan::default();
        for task in &self.tasks {
            if task.removed {
                plan.removed.push(task.id().clone());
            } else if task.added.0 > 0 {
                plan.added.push(task.id().clone());
            }
            if let (Some(planned), Some(actual)) = (&task.planned, task.device()) {
                plan.planned += 1;
                if planned != actual {
                    let (task, planned, actual) = (task.id().clone(), planned.clone(), actual.clone());
                    plan.moved.push(Moved { task, planned, actual });
                }
            }
        }
        plan.estimates = self.estimates();
        plan
    }

    fn estimates(&self) -> Estimates {
        let estimate = |task: &crate::TaskHistory| task.spec.estimate.as_ref()?.duration;
        let mut estimates = Estimates::default();
        for task in &self.tasks {
            let last = task.attempts.last().filter(|last| last.outcome == AttemptOutcome::Completed);
            if let (Some(expected), Some(last)) = (estimate(task), last) {
                let actual = last.duration(self.until());
                estimates.tasks += 1;
                estimates.estimated.0 = estimates.estimated.0.saturating_add(expected.0);
                estimates.actual.0 = estimates.actual.0.saturating_add(actual.0);
                estimates.farthest.push((task.id().clone(), expected, actual));
            }
        }
        estimates.farthest.retain(|(_, expected, actual)| expected != actual);
        estimates
            .farthest
            .sort_by_key(|(_, expected, actual)| std::cmp::Reverse(expected.0.abs_diff(actual.0)));
        estimates.farthest.truncate(FARTHEST);
        let tasks = || self.graph.indices().filter_map(|task| self.task(self.graph.id(task)));
        if !self.graph.is_empty() && tasks().all(|task| estimate(task).is_some()) {
            let expected = |task| self.task(self.graph.id(task)).and_then(estimate).unwrap_or(Millis::ZERO);
            estimates.critical_path = Some(heaviest_path(&self.graph, expected).0);
        }
        estimates
    }
}
