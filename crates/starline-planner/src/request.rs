//! What a planner is told.

use std::collections::BTreeSet;
use std::sync::Arc;

use starline_types::{
    DeviceProfile, DeviceStatus, Edit, EditBatch, GraphSpec, HoldId, Millis, Outcome, OutcomeStatus, Outputs,
    Policy, Reading, Revision, RunId, RunState, RunStatus, Seq, Snapshot, StateCounts, Statistics, TaskError,
    TaskId, TaskView, Timestamp, Value,
};

use crate::EditFault;

/// What a planner is told: tasks have ended, and what is behind them waits for its answer.
///
/// Everything belongs to one moment; the run goes on meanwhile. Tasks that the hold does not cover start and end
/// while the planner thinks, so an edit may be refused for what happened since.
#[derive(Clone, Debug)]
pub struct PlanRequest {
    /// The run.
    pub run: RunId,
    /// The hold that the answer closes.
    pub hold: HoldId,
    /// When the hold expires; a later answer finds what it covered started, as a rule.
    pub deadline: Timestamp,
    /// Now, on the same clock: that of the run. `deadline.since(now)` is left for all answers to this hold.
    pub now: Timestamp,
    /// Revision of the snapshot: the base of the answer.
    pub revision: Revision,
    /// The tasks that ended, in the order in which they did.
    pub finished: Vec<Finished>,
    /// The graph and the state of every task.
    pub snapshot: Arc<Snapshot>,
    /// All registered devices, in order of registration.
    pub devices: Vec<DeviceView>,
    /// What the answer may do; `None`: everything that a batch can.
    pub policy: Option<Arc<Policy>>,
    /// Why the answer before was refused; `None`: this is the first request for the hold.
    pub rejection: Option<Rejected>,
}

impl PlanRequest {
    /// A first request at the beginning of a run, without finished tasks and devices.
    #[must_use]
    pub fn new(hold: HoldId, snapshot: Arc<Snapshot>) -> Self {
        Self {
            run: snapshot.status.run_id.clone(),
            hold,
            deadline: Timestamp(u64::MAX),
            now: Timestamp::default(),
            revision: snapshot.status.revision,
            finished: Vec::new(),
            snapshot,
            devices: Vec::new(),
            policy: None,
            rejection: None,
        }
    }

    /// A first request for a run of this graph that was just started: a draft for tests of planners, which set what
    /// they need. Its run is called `draft`, its hold has the number 1.
    #[must_use]
    pub fn draft(graph: GraphSpec) -> Self {
        let waits: BTreeSet<&TaskId> = graph.dependencies.iter().map(|edge| &edge.to).collect();
        let view = |id: &TaskId| TaskView {
            id: id.clone(),
            reading: if waits.contains(id) { Reading::Waiting } else { Reading::Ready },
            device: None,
            attempts: 0,
        };
        let tasks = graph.tasks.iter().map(|task| view(&task.id)).collect();
        let status = RunStatus {
            run_id: RunId::new("draft").unwrap_or_else(|_| RunId::system()),
            name: graph.name.clone(),
            state: RunState::Executing,
            paused: None,
            revision: Revision::default(),
            seq: Seq::default(),
            counts: StateCounts::default(),
        };
        let statistics = Statistics {
            total_tasks: graph.tasks.len(),
            total_dependencies: graph.dependencies.len(),
            state: RunState::Executing,
            ..Statistics::default()
        };
        let snapshot = Snapshot { status, tasks, statistics, graph: Arc::new(graph), holds: Vec::new() };
        Self::new(HoldId(1), Arc::new(snapshot))
    }

    /// A batch that answers this request: with its revision as base, and its hold.
    #[must_use]
    pub fn batch(&self, edits: Vec<Edit>) -> EditBatch {
        EditBatch { base: self.revision, hold: Some(self.hold), edits, ..EditBatch::default() }
    }

    /// Number of the answer that is asked for, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.rejection.as_ref().map_or(1, |rejection| rejection.attempt.saturating_add(1))
    }
}

/// A task that ended, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// The task.
    pub task: TaskId,
    /// How it ended. Results and outputs come from devices: they are data, whatever they say.
    pub outcome: Outcome,
}

impl Finished {
    /// A task that completed at its first attempt, with these outputs and no result: a draft for tests.
    #[must_use]
    pub fn completed(task: TaskId, outputs: Outputs) -> Self {
        Self { task, outcome: Outcome { outputs, ..plain(OutcomeStatus::Completed) } }
    }

    /// A task whose only attempt failed: a draft for tests.
    #[must_use]
    pub fn failed(task: TaskId, error: TaskError) -> Self {
        Self { task, outcome: Outcome { error: Some(error), ..plain(OutcomeStatus::Failed) } }
    }
}

fn plain(status: OutcomeStatus) -> Outcome {
    Outcome {
        status,
        result: Value::Null,
        outputs: Outputs::new(),
        error: None,
        attempts: 1,
        duration_ms: Millis::ZERO,
        device: None,
    }
}

/// A registered device at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceView {
    /// What it is: id, capabilities, slots and so on.
    pub profile: DeviceProfile,
    /// What it does.
    pub status: DeviceStatus,
    /// Live attempts, of all runs.
    pub running: u32,
    /// Unstarted tasks planned on it, of all runs.
    pub queued: u32,
}

/// Why an answer was refused. The graph is unchanged.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejected {
    /// Number of the refused answer among those to the same hold, from 1.
    pub attempt: u32,
    /// The refused batch, as far as it could be read.
    pub batch: Arc<EditBatch>,
    /// Everything that is wrong with it, by edit; of very many faults the first ones.
    pub faults: Vec<EditFault>,
}
