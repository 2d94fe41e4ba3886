#![doc = include_str!("../README.md")]

mod error;
mod fault;
mod planner;
mod proposal;
mod request;

pub use error::{PlannerError, PlannerFault};
pub use fault::{EditFault, UnreadEdits};
pub use planner::{NoPlanner, Planner};
pub use proposal::{Proposal, ProposedBatch};
pub use request::{DeviceView, Finished, PlanRequest, Rejected};

pub use async_trait::async_trait;
pub use starline_types::{
    Dependency, DependencyKind, DependencyRef, DeviceId, DeviceProfile, DeviceStatus, Edit, EditBatch,
    EditorSettings, ErrorKind, Exec, GraphSpec, HoldId, Millis, Outcome, OutcomeStatus, Outputs, Patterns,
    Payload, Policy, PolicyLimits, Priority, Prompt, Reading, Revision, RunId, RunState, RunStatus,
    ScriptedRule, Shell, Snapshot, TaskError, TaskField, TaskId, TaskSpec, TaskView, Timestamp, Value,
    matches_pattern,
};

/// The examples of the guide are tests of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guides/write-a-planner.md")]
mod guide {}
