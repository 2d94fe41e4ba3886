//! What readers see of a run.

use std::collections::BTreeMap;
use std::sync::Arc;

use starline_graph::{TaskGraph, statistics};
use starline_synchronizer::Synchronizer;
use starline_types::{
    DeviceId, DeviceIx, HoldId, HoldView, Outcome, Reading, RunOutcome, RunState, RunStatus, Snapshot,
    Statistics, TaskId, TaskIx, TaskResult, TaskState, TaskView, Timestamp,
};

use crate::state::{State, outcome_of};
use crate::{Fleet, Scheduler};
use starline_synchronizer::{Hold, HoldStatistics, Phase};

impl Scheduler {
    /// The graph with its states.
    #[must_use]
    pub fn graph(&self) -> &TaskGraph {
        &self.state.graph
    }

    /// Open holds, and what became of earlier ones.
    #[must_use]
    pub fn synchronizer(&self) -> &Synchronizer {
        &self.state.holds
    }

    /// Whether somebody answers holds.
    #[must_use]
    pub fn has_editor(&self) -> bool {
        self.attached
    }

    /// The run in a few numbers. O(1).
    #[must_use]
    pub fn status(&self) -> RunStatus {
        RunStatus {
            run_id: self.state.run.clone(),
            name: self.state.graph.name().to_owned(),
            state: self.state.run_state,
            paused: self.state.pause.as_ref().map(|pause| pause.cause),
            revision: self.state.graph.revision(),
            seq: self.state.seq,
            counts: self.state.graph.counts(),
        }
    }

    /// How a task reads now. O(in-degree + eligible devices).
    #[must_use]
    pub fn reading(&self, task: TaskIx, now: Timestamp, fleet: &mut Fleet) -> Reading {
        let state = &self.state;
        match state.graph.state(task) {
            TaskState::Running { .. } if state.cancel_of(task).is_some() => Reading::Cancelling,
            TaskState::Running { .. } => Reading::Running,
            TaskState::Completed => Reading::Completed,
            TaskState::Failed => Reading::Failed,
            TaskState::Cancelled => Reading::Cancelled,
            TaskState::Skipped => Reading::Skipped,
            TaskState::Pending => {
                let waits = state.graph.waits(task);
                if waits.impossible > 0 {
                    Reading::Blocked
                } else if waits.open > 0 {
                    Reading::Waiting
                } else if state.is_held(task) {
                    Reading::Held
                } else if state.slot(task).gated {
                    Reading::AwaitingApproval
                } else if state.in_backoff(task, now) {
                    Reading::Backoff
                } else {
                    self.reading_of_ready(task, now, fleet)
                }
            }
        }
    }

    fn reading_of_ready(&self, task: TaskIx, now: Timestamp, fleet: &mut Fleet) -> Reading {
        let class = fleet.class(self.state.graph.spec(task));
        let planned: [DeviceIx; 1];
        let candidates = match self.state.slot(task).planned {
            Some(device) => {
                planned = [device];
                planned.as_slice()
            }
            None if self.strategy.is_none() => &[],
            None => fleet.eligible(class),
        };
        if !candidates.iter().any(|device| fleet.is_available(*device)) {
            return Reading::Unplaced;
        }
        let running = self.state.graph.counts().running;
        // A device that is left out for the task is as good as full.
        let closed = |device: DeviceIx| fleet.free(device) == 0 || self.state.is_refused(task, device, now);
        let lost = |device: DeviceIx| self.state.was_lost_on(task, device);
        let others = candidates.iter().any(|device| fleet.is_available(*device) && !lost(*device));
        let full = candidates.iter().all(|device| closed(*device) || others && lost(*device));
        let at_limit = self.state.settings.max_parallel.is_some_and(|max| running >= max);
        if full || at_limit { Reading::Queued } else { Reading::Ready }
    }

    /// The run at one moment, complete. O(n log n + m).
    #[must_use]
    pub fn snapshot(&self, now: Timestamp, fleet: &mut Fleet) -> Snapshot {
        let tasks = self.state.graph.in_order().into_iter().map(|task| {
            let device = self.state.slot(task).planned.or_else(|| self.state.graph.record(task).device);
            TaskView {
                id: self.state.graph.id(task).clone(),
                reading: self.reading(task, now, fleet),
                device: device.map(|device| fleet.id(device).clone()),
                attempts: self.state.graph.record(task).attempts,
            }
        });
        let tasks = tasks.collect();
        Snapshot {
            status: self.status(),
            graph: Arc::new(self.state.graph.to_spec()),
            holds: self.holds(),
            tasks,
            statistics: self.statistics(now),
        }
    }

    /// Figures. O(n log n + m).
    #[must_use]
    pub fn statistics(&self, now: Timestamp) -> Statistics {
        let end = self.state.ended.as_ref().map_or(now, |(at, _)| *at);
        let duration = self.state.started.map(|started| end.since(started).as_secs_f64());
        let mut figures = statistics(&self.state.graph);
        figures.execution_duration = duration;
        figures.state = self.state.run_state;
        figures.attempts_total = self.state.attempts;
        figures
    }

    /// The outcome of a task that has ended, as edges and templates see it.
    #[must_use]
    pub fn task_outcome(&self, task: TaskIx, fleet: &Fleet) -> Option<Outcome> {
        self.state.outcome(task, fleet)
    }

    /// How the run ended; `None` while it goes on. Times are run times. O(n log n + m).
    #[must_use]
    pub fn outcome(&self, fleet: &Fleet) -> Option<RunOutcome> {
        let (ended, end) = self.state.ended.as_ref()?;
        let started = self.state.started.unwrap_or(*ended);
        let results: BTreeMap<_, _> = self
            .state
            .graph
            .indices()
            .map(|task| (self.state.graph.id(task).clone(), self.state.result(task, started, fleet)))
            .collect();
        Some(RunOutcome {
            run_id: self.state.run.clone(),
            status: self.state.run_state,
            total_tasks: self.state.graph.len(),
            counts: end.counts,
            results,
            statistics: self.statistics(*ended),
            revision: self.state.graph.revision(),
            started_at: self.state.started.map(|_| 0),
            finished_at: Some(ended.since(started).0),
            duration_ms: end.duration_ms,
            reason: end.reason.as_ref().map(ToString::to_string),
            unconfirmed: end.unconfirmed.iter().map(|task| task.id().clone()).collect(),
        })
    }

    /// Why the run is paused, if it is.
    #[must_use]
    pub fn paused(&self) -> Option<starline_types::PauseCause> {
        self.state.pause.as_ref().map(|pause| pause.cause)
    }

    /// Every task with its device: planned, running, or the last one. Insertion order. O(n log n).
    #[must_use]
    pub fn assignments(&self, fleet: &Fleet) -> Vec<(TaskId, Option<DeviceId>)> {
        let tasks = self.state.graph.in_order().into_iter();
        tasks
            .map(|task| {
                let device = self.device_of(task).map(|device| fleet.id(device).clone());
                (self.state.graph.id(task).clone(), device)
            })
            .collect()
    }

    fn device_of(&self, task: TaskIx) -> Option<DeviceIx> {
        self.state.slot(task).planned.or_else(|| self.state.graph.record(task).device)
    }

    /// One line for each unstarted task without a valid device. O(n log n).
    #[must_use]
    pub fn validate_assignments(&self, fleet: &mut Fleet) -> Vec<String> {
        let mut findings = Vec::new();
        for task in self.state.graph.in_order() {
            if !self.state.graph.state(task).is_unstarted() {
                continue;
            }
            let id = self.state.graph.id(task);
            let Some(device) = self.state.slot(task).planned else {
                findings.push(format!("Task '{id}' has no device assignment"));
                continue;
            };
            let name = fleet.id(device).clone();
            let class = fleet.class(self.state.graph.spec(task));
            if fleet.find(&name).is_none() {
                findings.push(format!("Task '{id}' is assigned to unknown device '{name}'"));
            } else if fleet.eligible(class).binary_search(&device).is_err() {
                findings.push(format!("Task '{id}' does not fit device '{name}'"));
            }
        }
        findings
    }

    /// Takes the plans of a run that is given up out of the ledger.
    pub fn release_plans(&mut self, fleet: &mut Fleet) {
        for slot in &mut self.state.tasks {
            if let Some(device) = slot.planned.take() {
                fleet.unplan(device);
            }
        }
    }

    /// Open holds, oldest first. O(triggers).
    #[must_use]
    pub fn holds(&self) -> Vec<HoldView> {
        let id = |task: TaskIx| self.state.graph.contains(task).then(|| self.state.graph.id(task).clone());
        let view = |(hold, open): (HoldId, &Hold)| HoldView {
            hold,
            scope: open.scope,
            deadline: match open.phase {
                Phase::Active { deadline, .. } => Some(deadline),
                Phase::Collecting => None,
            },
            triggers: open.triggers.iter().copied().filter_map(id).collect(),
            opened: open.opened,
        };
        self.state.holds.holds().map(view).collect()
    }

    /// Number of tasks whose end waits for an answer.
    #[must_use]
    pub fn pending_triggers(&self) -> usize {
        if self.state.holds.is_empty() { 0 } else { self.state.holds.pending().count() }
    }

    /// What became of triggers.
    #[must_use]
    pub fn hold_statistics(&self) -> HoldStatistics {
        self.state.holds.statistics()
    }

    /// Commits that can be taken back, and that can be brought back.
    #[must_use]
    pub fn history(&self) -> (usize, usize) {
        self.state.history.len()
    }

    /// When execution began.
    #[must_use]
    pub fn started(&self) -> Option<Timestamp> {
        self.state.started
    }

    /// Everything that facts have made the state, in a form to compare: equal after a replay.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        use std::fmt::Write as _;
        use std::hash::BuildHasher as _;

        use rustc_hash::FxBuildHasher;
        let state = &self.state;
        let mut text = format!(
            "{} {:?} pause={:?} paused={:?} ending={:?} rollback={:?} over={} seq={} draws={} started={:?} attempts={} holds={:?} history={:?} usage={:?} answers={:?}",
            state.run,
            state.run_state,
            state.pause,
            state.paused,
            state.ending,
            state.rollback,
            state.edit_wait_over,
            state.seq.0,
            state.draws,
            state.started,
            state.attempts,
            state
                .holds
                .holds()
                .map(|(id, hold)| (id, hold.scope, hold.phase, &hold.triggers, hold.marks(), hold.extended()))
                .collect::<Vec<_>>(),
            state.history.len(),
            state.usage,
            state.answers.requests(),
        );
        let _ = write!(
            text,
            "\nrevision={:?} statistics={:?} pinned={:?} blocked={:?} questions={} {:?}",
            state.graph.revision(),
            state.holds.statistics(),
            state.holds.settings(),
            state.blocked.iter().map(|(_, task)| state.graph.id(*task)).collect::<Vec<_>>(),
            state.questions,
            state.condition_errors,
        );
        for edge in &state.graph.to_spec().dependencies {
            let _ = write!(text, "\n{edge:?}");
        }
        for task in state.graph.in_order() {
            let (record, slot) = (state.graph.record(task), state.slot(task));
            // Writing to a string cannot fail.
            let _ = write!(
                text,
                "\n{} {:?} {:?} ready={:?} open={} impossible={} attempts={} device={:?} {:?}..{:?} planned={:?} gated={} left={:?} rare={:?}",
                state.graph.id(task),
                state.graph.spec(task),
                // The end of a retry delay is no fact: a replay has not seen it yet.
                (slot.ready && slot.rare.as_ref().is_none_or(|rare| rare.backoff.is_none()))
                    .then_some(slot.ready_since),
                record.state,
                state.graph.waits(task).open,
                state.graph.waits(task).impossible,
                record.attempts,
                record.device,
                record.started,
                record.finished,
                slot.planned,
                slot.gated,
                record.remains,
                slot.rare.as_ref().map(|rare| (
                    rare.retries,
                    rare.losses,
                    rare.refusals,
                    rare.backoff,
                    &rare.avoid,
                    rare.cancel,
                    rare.lease_end,
                    &rare.question,
                    rare.held,
                    rare.checkpoint.as_ref().map(|content| FxBuildHasher.hash_one(content.as_bytes()))
                )),
            );
        }
        text
    }

    /// State of the run in one word, for messages.
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self.state.run_state, RunState::Executing | RunState::Paused)
    }
}

impl State {
    pub(crate) fn outcome(&self, task: TaskIx, fleet: &Fleet) -> Option<Outcome> {
        outcome_of(&self.graph, task, fleet)
    }

    fn result(&self, task: TaskIx, begin: Timestamp, fleet: &Fleet) -> TaskResult {
        let record = self.graph.record(task);
        let left = record.remains.as_deref();
        let status = match record.state {
            TaskState::Pending => Reading::Waiting,
            TaskState::Running { .. } => Reading::Running,
            TaskState::Completed => Reading::Completed,
            TaskState::Failed => Reading::Failed,
            TaskState::Cancelled => Reading::Cancelled,
            TaskState::Skipped => Reading::Skipped,
        };
        let attempted = record.attempts > 0;
        TaskResult {
            status,
            result: left.and_then(|left| left.result.as_deref()).cloned().unwrap_or_default(),
            outputs: left.and_then(|left| left.outputs.as_deref()).cloned().unwrap_or_default(),
            error: left.and_then(|left| left.error.as_deref()).cloned(),
            device: record.device.map(|device| fleet.id(device).clone()),
            attempts: record.attempts,
            started_at: attempted.then(|| record.started.since(begin).0),
            finished_at: record.state.is_terminal().then(|| record.finished.since(begin).0),
            duration_ms: attempted.then(|| record.duration()),
            skip_reason: left.and_then(|left| left.skip),
        }
    }
}
