//! Why a task failed.

use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// What kind of failure an attempt met.
#[derive(Clone, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
#[serde(from = "SmolStr", into = "SmolStr")]
pub enum ErrorKind {
    /// The device reported an error of its own.
    DeviceError,
    /// A program ended with a status other than zero, or by a signal.
    ExitStatus,
    /// The attempt ran longer than it may.
    Timeout,
    /// The device went away and the attempt with it.
    DeviceLost,
    /// A declared output is missing or of another type.
    BadOutput,
    /// A template could not be rendered.
    RenderError,
    /// The device does not understand the request.
    InvalidRequest,
    /// The device may not do this.
    PermissionDenied,
    /// The device cannot do this kind of task.
    Unsupported,
    /// The task waited longer than it may.
    QueueTimeout,
    /// No registered device can ever fit the task.
    NoEligibleDevice,
    /// A kind of the device's own; retryable unless the task says otherwise.
    Other(SmolStr),
}

impl ErrorKind {
    /// Whether a retry may help, before task and device have their say.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::DeviceError | Self::ExitStatus | Self::Timeout | Self::DeviceLost | Self::Other(_) => true,
            Self::BadOutput
            | Self::RenderError
            | Self::InvalidRequest
            | Self::PermissionDenied
            | Self::Unsupported
            | Self::QueueTimeout
            | Self::NoEligibleDevice => false,
        }
    }

    /// The stable word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::DeviceError => "device_error",
            Self::ExitStatus => "exit_status",
            Self::Timeout => "timeout",
            Self::DeviceLost => "device_lost",
            Self::BadOutput => "bad_output",
            Self::RenderError => "render_error",
            Self::InvalidRequest => "invalid_request",
            Self::PermissionDenied => "permission_denied",
            Self::Unsupported => "unsupported",
            Self::QueueTimeout => "queue_timeout",
            Self::NoEligibleDevice => "no_eligible_device",
            Self::Other(word) => word,
        }
    }
}

impl From<SmolStr> for ErrorKind {
    fn from(word: SmolStr) -> Self {
        match word.as_str() {
            "device_error" => Self::DeviceError,
            "exit_status" => Self::ExitStatus,
            "timeout" => Self::Timeout,
            "device_lost" => Self::DeviceLost,
            "bad_output" => Self::BadOutput,
            "render_error" => Self::RenderError,
            "invalid_request" => Self::InvalidRequest,
            "permission_denied" => Self::PermissionDenied,
            "unsupported" => Self::Unsupported,
            "queue_timeout" => Self::QueueTimeout,
            "no_eligible_device" => Self::NoEligibleDevice,
            _ => Self::Other(word),
        }
    }
}

impl From<ErrorKind> for SmolStr {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Other(word) => word,
            known => Self::new(known.as_str()),
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failure as edges, templates and people see it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct TaskError {
    /// The kind.
    pub kind: ErrorKind,
    /// What happened, in one line.
    pub message: String,
    /// `Some(false)`: the device says that a retry cannot help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
}

impl TaskError {
    /// A failure of a kind.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retryable: None }
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl std::error::Error for TaskError {}
