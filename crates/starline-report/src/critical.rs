//! The chain of tasks that decided when the run ended.

use std::cmp::Reverse;

use starline_types::{DeviceId, Millis, TaskId, TaskIx, Timestamp};

use crate::{History, TaskHistory};

/// A task of the actual critical path.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CriticalStep {
    /// The task.
    pub task: TaskId,
    /// Device of its last attempt.
    pub device: Option<DeviceId>,
    /// Attempts it took.
    pub attempts: usize,
    /// From the end of the step before, or the start of the run, to its first attempt: queues, holds, approvals.
    pub wait: Millis,
    /// Its attempts together.
    pub run: Millis,
    /// Between its attempts: retry delays and new queues.
    pub between: Millis,
    /// When it ended, or the last record.
    pub finished_at: Timestamp,
}

impl History {
    /// The actual critical path: from the task that ended last, back over the predecessor that ended last, and so
    /// on. Its waits, runs and delays add up to the time from the start of the run to that end.
    ///
    /// It holds what really decided: retries and waits count, which the critical path of
    /// [`statistics`](Self::statistics) leaves out. Empty before the first task has begun or ended. O(n + m).
    #[must_use]
    pub fn critical_path(&self) -> Vec<CriticalStep> {
        let now = self.until();
        let mut steps = Vec::new();
        let mut next =
            self.graph.indices().filter(|task| self.end_of(*task).is_some()).max_by_key(|task| {
                (self.end_of(*task), self.has_run(*task), Reverse(self.graph.order(*task)))
            });
        while let Some(ix) = next {
            let Some(task) = self.task(self.graph.id(ix)) else { break };
            // A task that was skipped or cancelled did not wait for all of them.
            let begun = task.begun_at().or(task.finished_at);
            let before = self.graph.predecessors(ix).filter(|before| {
                self.end_of(*before).is_some_and(|end| begun.is_none_or(|begun| end <= begun))
            });
            let before = before.max_by_key(|before| {
                (self.end_of(*before), self.has_run(*before), Reverse(self.graph.order(*before)))
            });
            let released = before.and_then(|before| self.end_of(before)).unwrap_or_else(|| self.origin());
            steps.push(self.step(task, released, now));
            next = before;
        }
        steps.reverse();
        steps
    }

    fn step(&self, task: &TaskHistory, released: Timestamp, now: Timestamp) -> CriticalStep {
        let finished = task.finished_at.unwrap_or(now);
        let begun = task.begun_at().unwrap_or(finished);
        let run = task.run_time(now);
        CriticalStep {
            task: task.id().clone(),
            device: task.device().cloned(),
            attempts: task.attempts.len(),
            wait: begun.since(released),
            run,
            between: Millis(finished.since(begun).0.saturating_sub(run.0)),
            finished_at: finished,
        }
    }

    /// When a task ended; of one that has begun and not ended, the last record.
    fn end_of(&self, task: TaskIx) -> Option<Timestamp> {
        let task = self.task(self.graph.id(task))?;
        task.finished_at.or_else(|| task.begun_at().map(|_| self.until()))
    }

    fn has_run(&self, task: TaskIx) -> bool {
        self.task(self.graph.id(task)).is_some_and(|task| !task.attempts.is_empty())
    }
}
