//! Questions to a person: before a task, or before anything runs on a device.

use serde::{Deserialize, Serialize};

use crate::Millis;

/// A gate before a task: it stays pending until a person decides.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApprovalGate {
    /// What the person is asked.
    pub prompt: String,
    /// How long the question stands, counted from its asking; `None`: for ever. One hour by default.
    pub timeout: Option<Millis>,
    /// What the lack of an answer means.
    pub on_timeout: ApprovalTimeout,
}

impl Default for ApprovalGate {
    fn default() -> Self {
        Self {
            prompt: String::new(),
            timeout: Some(Millis::from_secs(3600)),
            on_timeout: ApprovalTimeout::Reject,
        }
    }
}

/// What the lack of an answer means.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalTimeout {
    /// No: the task is cancelled.
    #[default]
    Reject,
    /// Yes: the task runs.
    Approve,
}

/// Whether a device takes tasks that nobody approved.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceApproval {
    /// It takes any task that fits.
    #[default]
    Auto,
    /// It takes tasks that have an approval gate, and no others.
    Ask,
    /// It takes no tasks.
    Deny,
}

impl DeviceApproval {
    /// Whether it takes any task that fits.
    #[must_use]
    pub fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}
