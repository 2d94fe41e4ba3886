#![doc = include_str!("../README.md")]

mod accepts;
mod approval;
mod artifact;
mod attempt;
mod checkpoint;
mod compensation;
mod dependency;
mod device;
mod edit;
mod envelope;
mod error;
mod event;
mod event_parts;
mod explanation;
mod id;
mod outcome;
mod pattern;
mod payload;
mod policy;
mod settings;
mod shared_envelope;
mod snapshot;
mod sparse;
mod state;
mod statistics;
mod summary;
mod task;
mod task_field;
mod time;

pub use accepts::{Accepts, program_name};
pub use approval::{ApprovalGate, ApprovalTimeout, DeviceApproval};
pub use artifact::{Artifact, AttemptFile, BlobHash, FileInput, MAX_INLINE_BYTES, stream_artifact_key};
pub use attempt::{Attempt, AttemptId};
pub use checkpoint::{Checkpoint, MAX_CHECKPOINT_BYTES};
pub use compensation::Compensation;
pub use dependency::{
    Dependency, DependencyKind, DependencyRef, Judgement, MAX_CONDITION_BYTES, SkipReason, Verdict,
};
pub use device::{DeviceProfile, DeviceStatus, Resources};
pub use edit::{Applied, Edit, EditBatch, GraphSpec, Origin, RejectedEdit};
pub use envelope::Envelope;
pub use error::{ErrorKind, TaskError};
pub use event::{Event, EventKind};
pub use event_parts::{
    CancelReason, ConfirmedBy, HoldReason, HoldScope, IgnoreReason, LossReason, PauseCause, Placement,
    ProgressStream, RunEnd,
};
pub use explanation::{Candidate, Cause, Deferral, DeviceGap, EdgeReason, Explanation, Reason};
pub use id::{
    DependencyId, DeviceId, DeviceIx, DeviceRef, HoldId, IdError, IdFault, MAX_DEPENDENCY_ID_BYTES,
    MAX_ID_BYTES, RequestId, Revision, RunId, Seq, TaskId, TaskIx, TaskRef,
};
pub use outcome::{Outcome, OutcomeStatus, Outputs, TaskReport};
pub use pattern::matches_pattern;
pub use payload::{Exec, Payload, PayloadKind, Prompt, Shell};
pub use policy::{
    EditorSettings, HoldSettings, LateEdits, OpenAiSettings, Patterns, Policy, PolicyLimits, ScriptedRule,
};
pub use settings::{FailurePolicy, RunSettings};
pub use shared_envelope::SharedEnvelope;
pub use snapshot::{HoldView, RunOutcome, RunStatus, Snapshot, TaskResult, TaskView};
pub use sparse::SparseMap;
pub use state::{Reading, RunState, StateCounts, TaskState};
pub use statistics::{ParallelismMode, Statistics};
pub use summary::{ChangeSummary, ModificationType};
pub use task::{
    DeviceSelector, Estimate, Jitter, OutputSource, OutputSpec, OutputType, Priority, RetryPolicy,
    TaskDetails, TaskSpec,
};
pub use task_field::TaskField;
pub use time::{DurationError, Millis, Timestamp, UnixMillis};

/// The JSON value that results, inputs and metadata are made of.
pub use serde_json::Value;
