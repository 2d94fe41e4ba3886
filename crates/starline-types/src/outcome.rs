//! How attempts and tasks end.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{DeviceId, Millis, TaskError, Value};

/// Typed outputs by name.
pub type Outputs = BTreeMap<String, Value>;

/// What a device reports at the end of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskReport {
    /// The work was done.
    Completed {
        /// Result; null is a result like any other.
        result: Value,
        /// Standard output, where the device has one.
        stdout: Option<Arc<str>>,
    },
    /// The work failed.
    Failed {
        /// Why.
        error: TaskError,
        /// What there is to show all the same.
        result: Value,
    },
    /// The attempt was ended because that was asked for.
    Stopped,
}

impl TaskReport {
    /// Success without a result.
    #[must_use]
    pub fn done() -> Self {
        Self::Completed { result: Value::Null, stdout: None }
    }

    /// Success with a result.
    #[must_use]
    pub fn completed(result: Value) -> Self {
        Self::Completed { result, stdout: None }
    }

    /// Failure without a result.
    #[must_use]
    pub fn failed(error: TaskError) -> Self {
        Self::Failed { error, result: Value::Null }
    }
}

/// How a task ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeStatus {
    /// Its work is done.
    Completed,
    /// Its last attempt failed, or it could not be attempted.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// It can never run.
    Skipped,
}

impl fmt::Display for OutcomeStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        })
    }
}

/// What edges, templates and editors see of an ended task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// How it ended.
    pub status: OutcomeStatus,
    /// Result; may be null in every status.
    pub result: Value,
    /// Typed outputs; empty unless completed.
    pub outputs: Outputs,
    /// Why it failed, if it did.
    pub error: Option<TaskError>,
    /// Attempts made.
    pub attempts: u32,
    /// Time of the last attempt.
    pub duration_ms: Millis,
    /// Device of the last attempt.
    pub device: Option<DeviceId>,
}
