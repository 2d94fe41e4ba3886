//! Why a batch was refused: every fault, with stable codes.

use std::fmt;

use serde::Serialize;
use starline_types::{Revision, TaskId};

/// What is wrong with an edit. The words are stable.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Code {
    /// The id of a new task is taken.
    DuplicateTask,
    /// No task has this id.
    UnknownTask,
    /// A field has a value outside its range.
    InvalidValue,
    /// No device has this id.
    UnknownDevice,
    /// The id of a new dependency is taken, or the same dependency is listed twice.
    DuplicateDependency,
    /// A dependency joins a task to itself.
    SelfDependency,
    /// The dependency would close a cycle (rule I2).
    WouldCycle,
    /// The source has ended in a way that can never satisfy the dependency.
    EdgeNeverSatisfiable,
    /// The condition is not an expression, or reads a name that can never have a value.
    InvalidCondition,
    /// A template is not well formed, or reads a name that can never have a value.
    InvalidTemplate,
    /// A task that had to be unstarted is not (rule I3).
    TaskNotPending,
    /// The target of a dependency is not unstarted (rule I3).
    DependencyTargetNotPending,
    /// A template refers to a task that is not upstream.
    ReferenceNotUpstream,
    /// The edit needs an edit of the same batch that has a fault.
    DependsOnRejected,
    /// A limit would be passed.
    LimitExceeded,
    /// The base is newer than the graph.
    UnknownRevision,
    /// Something the batch touches was changed after its base.
    Conflict,
    /// No dependency has this id or these ends.
    UnknownDependency,
    /// Several dependencies have these ends.
    AmbiguousDependency,
    /// No field has this name.
    UnknownField,
    /// An id is outside its alphabet, empty or too long.
    InvalidId,
    /// An update that sets nothing.
    EmptyUpdate,
    /// The policy of the run does not allow it.
    NotPermitted,
    /// The hold that the batch answers does not exist.
    UnknownHold,
    /// The hold that the batch answers has expired, and late edits are refused.
    HoldExpired,
    /// No registered device fits the task.
    NoEligibleDevice,
    /// The run has ended.
    RunTerminal,
    /// The run is being cancelled.
    RunCancelling,
    /// There is no commit to take back.
    NothingToUndo,
    /// There is no commit to bring back.
    NothingToRedo,
    /// Too many edits in too short a time.
    Busy,
    /// What was sent is no batch.
    InvalidBatch,
}

impl Code {
    /// The stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DuplicateTask => "duplicate_task",
            Self::UnknownTask => "unknown_task",
            Self::InvalidValue => "invalid_value",
            Self::UnknownDevice => "unknown_device",
            Self::DuplicateDependency => "duplicate_dependency",
            Self::SelfDependency => "self_dependency",
            Self::WouldCycle => "would_cycle",
            Self::EdgeNeverSatisfiable => "edge_never_satisfiable",
            Self::InvalidCondition => "invalid_condition",
            Self::InvalidTemplate => "invalid_template",
            Self::TaskNotPending => "task_not_pending",
            Self::DependencyTargetNotPending => "dependency_target_not_pending",
            Self::ReferenceNotUpstream => "reference_not_upstream",
            Self::DependsOnRejected => "depends_on_rejected",
            Self::LimitExceeded => "limit_exceeded",
            Self::UnknownRevision => "unknown_revision",
            Self::Conflict => "conflict",
            Self::UnknownDependency => "unknown_dependency",
            Self::AmbiguousDependency => "ambiguous_dependency",
            Self::UnknownField => "unknown_field",
            Self::InvalidId => "invalid_id",
            Self::EmptyUpdate => "empty_update",
            Self::NotPermitted => "not_permitted",
            Self::UnknownHold => "unknown_hold",
            Self::HoldExpired => "hold_expired",
            Self::NoEligibleDevice => "no_eligible_device",
            Self::RunTerminal => "run_terminal",
            Self::RunCancelling => "run_cancelling",
            Self::NothingToUndo => "nothing_to_undo",
            Self::NothingToRedo => "nothing_to_redo",
            Self::Busy => "busy",
            Self::InvalidBatch => "invalid_batch",
        }
    }

    /// All codes.
    pub const ALL: [Self; 32] = [
        Self::DuplicateTask,
        Self::UnknownTask,
        Self::InvalidValue,
        Self::UnknownDevice,
        Self::DuplicateDependency,
        Self::SelfDependency,
        Self::WouldCycle,
        Self::EdgeNeverSatisfiable,
        Self::InvalidCondition,
        Self::InvalidTemplate,
        Self::TaskNotPending,
        Self::DependencyTargetNotPending,
        Self::ReferenceNotUpstream,
        Self::DependsOnRejected,
        Self::LimitExceeded,
        Self::UnknownRevision,
        Self::Conflict,
        Self::UnknownDependency,
        Self::AmbiguousDependency,
        Self::UnknownField,
        Self::InvalidId,
        Self::EmptyUpdate,
        Self::NotPermitted,
        Self::UnknownHold,
        Self::HoldExpired,
        Self::NoEligibleDevice,
        Self::RunTerminal,
        Self::RunCancelling,
        Self::NothingToUndo,
        Self::NothingToRedo,
        Self::Busy,
        Self::InvalidBatch,
    ];

    /// The code of a stable word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == word)
    }

    /// The invariant that the edit would break, if it is one.
    #[must_use]
    pub fn rule(self) -> Option<&'static str> {
        match self {
            Self::WouldCycle => Some("I2"),
            Self::TaskNotPending | Self::DependencyTargetNotPending => Some("I3"),
            _ => None,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where in a whole graph the fault lies, so that a file can be marked at its line.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Position in `tasks`.
    Task(usize),
    /// Position in `dependencies`.
    Dependency(usize),
}

/// One thing that is wrong with one edit.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Fault {
    /// Position of the edit in its batch.
    pub edit: usize,
    /// What is wrong.
    pub code: Code,
    /// The invariant that would be broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'static str>,
    /// The task, dependency, field or limit.
    pub item: String,
    /// What is wrong, in one line.
    pub message: String,
    /// Valid choices, or what to do instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The tasks of a cycle, each followed by the next and the last by the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<TaskId>,
    /// Where in the graph of a `build` edit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

impl Fault {
    /// A fault without a hint.
    #[must_use]
    pub fn new(edit: usize, code: Code, item: impl fmt::Display, message: impl Into<String>) -> Self {
        Self {
            edit,
            code,
            rule: code.rule(),
            item: item.to_string(),
            message: message.into(),
            hint: None,
            path: Vec::new(),
            place: None,
        }
    }

    /// The same fault with what to do instead.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn at(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "edit {}: {}: {}", self.edit, self.code, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// Why a batch was refused: every fault of every edit. The graph is unchanged.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, thiserror::Error)]
pub struct Rejection {
    /// Revision of the graph that refused.
    pub current: Revision,
    /// The faults, by edit.
    pub faults: Vec<Fault>,
}

impl Rejection {
    /// What was changed after the base of the batch, if that is a reason: the author has to look again.
    #[must_use]
    pub fn changed(&self) -> Vec<&str> {
        let conflicts = self.faults.iter().filter(|fault| fault.code == Code::Conflict);
        let mut changed: Vec<&str> = conflicts.map(|fault| fault.item.as_str()).collect();
        changed.sort_unstable();
        changed.dedup();
        changed
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.faults.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}
