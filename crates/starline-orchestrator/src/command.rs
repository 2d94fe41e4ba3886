//! What handles ask of the driver.

use std::sync::Arc;

use starline_device::Device;
use starline_graph::TaskGraph;
use starline_scheduler::{Answer, Input};
use starline_types::{
    DeviceId, Edit, Explanation, GraphSpec, Outcome, Policy, RunId, RunOutcome, Snapshot, TaskId,
};
use tokio::sync::oneshot;

use crate::registry::RunShared;
use crate::{DeviceRecord, RecoverError, RecoverOptions, RunError, RunOptions, SubmitError};

/// The answer to a command.
pub(crate) type Reply<T> = oneshot::Sender<T>;

/// What handles ask of the driver.
pub(crate) enum Command {
    Submit {
        graph: Arc<GraphSpec>,
        options: Box<RunOptions>,
        reply: Reply<Result<Arc<RunShared>, SubmitError>>,
    },
    /// A run comes back from the journal.
    Recover {
        run: RunId,
        options: Box<RecoverOptions>,
        reply: Reply<Result<Arc<RunShared>, RecoverError>>,
    },
    /// An input for a run, answered once it is durable.
    Run {
        run: u32,
        input: Input,
        reply: Reply<Result<Answer, RunError>>,
    },
    /// An input for a run, made of its graph in the same step.
    Make {
        run: u32,
        make: Box<dyn FnOnce(&TaskGraph) -> Input + Send>,
        reply: Reply<Result<Answer, RunError>>,
    },
    /// A look at a run.
    Look {
        run: u32,
        look: Look,
    },
    Forget {
        run: RunId,
        reply: Reply<Result<bool, RunError>>,
    },
    Connect {
        device: Arc<dyn Device>,
        reply: Reply<DeviceId>,
    },
    Drain {
        device: DeviceId,
        draining: bool,
        reply: Reply<bool>,
    },
    ForgetDevice {
        device: DeviceId,
        reply: Reply<bool>,
    },
    Devices {
        reply: Reply<Vec<DeviceRecord>>,
    },
    ShutDown {
        grace: std::time::Duration,
        reply: Reply<()>,
    },
}

/// Edits up to which a batch takes no longer than what a burst does anyway.
const FEW: usize = 16;

impl Command {
    /// Whether obeying never waits, and takes no longer than what a burst does anyway: then whoever holds the core
    /// may do it.
    pub(crate) fn is_prompt(&self) -> bool {
        match self {
            Self::Run { input: Input::Submit { batch, .. }, .. } => {
                batch.edits.len() <= FEW && batch.edits.iter().all(is_small)
            }
            Self::Run { input: Input::ReleaseHold { .. }, .. } => true,
            _ => false,
        }
    }
}

fn is_small(edit: &Edit) -> bool {
    match edit {
        Edit::AddTask { .. }
        | Edit::UpdateTask { .. }
        | Edit::RemoveTask { .. }
        | Edit::AddDependency(_)
        | Edit::UpdateDependency { .. }
        | Edit::RemoveDependency { .. } => true,
        Edit::Build { .. } | Edit::Clear | Edit::Merge { .. } | Edit::Restore { .. } => false,
    }
}

/// What a reader wants to see of a run.
pub(crate) enum Look {
    Snapshot(Reply<Arc<Snapshot>>),
    Outcome(Reply<Option<RunOutcome>>),
    TaskOutcome(TaskId, Reply<Option<Outcome>>),
    Assignments(Reply<Vec<(TaskId, Option<DeviceId>)>>),
    Findings(Reply<Vec<String>>),
    Policy(Reply<Option<Arc<Policy>>>),
    /// Why a task is where it is.
    Explanation(TaskId, Reply<Option<Explanation>>),
    /// Whatever somebody wants to know of the graph.
    Graph(Box<dyn FnOnce(&TaskGraph) + Send>),
}
