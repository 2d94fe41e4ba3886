//! What a run is told beside its graph.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{DeviceId, EditorSettings, Millis, Policy, RunId, TaskId, Value};

/// Settings of one run, fixed when it is created and part of its first record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunSettings {
    /// What a final failure does to the rest of the run.
    pub on_failure: FailurePolicy,
    /// Largest number of live attempts; `None`: no limit.
    pub max_parallel: Option<u32>,
    /// Longest time from start to end; reaching it cancels the run.
    pub deadline: Option<Millis>,
    /// How long a paused run waits for an edit under [`FailurePolicy::WaitForEdit`].
    pub edit_wait: Millis,
    /// Time between the polite and the forced end of a cancelled attempt.
    pub cancel_grace: Millis,
    /// How long a run with nothing but unplaced tasks waits before it pauses and says so.
    pub stall_after: Millis,
    /// How long a ready task that no registered device can ever fit waits before it fails.
    pub no_device_grace: Millis,
    /// How long the loss of a fenced device takes to become certain.
    pub lease_wait: Millis,
    /// Seed of every random draw of the run.
    pub seed: u64,
    /// Inputs, visible to templates and conditions.
    pub inputs: BTreeMap<String, Value>,
    /// Devices of single tasks, chosen by hand.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub assignments: BTreeMap<TaskId, DeviceId>,
    /// Whether every approval gate of the run was granted in advance.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub approved_in_advance: bool,
    /// Names of the secrets that tasks may ask for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// Guard rails for every editor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Arc<Policy>>,
    /// When and how an agent is asked for edits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub editor: Option<Arc<EditorSettings>>,
    /// The run whose work this one undoes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undoes: Option<RunId>,
    /// Opaque.
    pub metadata: BTreeMap<String, Value>,
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            on_failure: FailurePolicy::SkipDependents,
            max_parallel: None,
            deadline: None,
            edit_wait: Millis::from_secs(600),
            cancel_grace: Millis::from_secs(10),
            stall_after: Millis::from_secs(60),
            no_device_grace: Millis::from_secs(30),
            // Lease of 20 s, a clock-rate bound of 1 %, and a margin of 500 ms.
            lease_wait: Millis(20_700),
            seed: 0,
            inputs: BTreeMap::new(),
            assignments: BTreeMap::new(),
            approved_in_advance: false,
            secrets: Vec::new(),
            policy: None,
            editor: None,
            undoes: None,
            metadata: BTreeMap::new(),
        }
    }
}

/// What a final failure does to the rest of the run.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailurePolicy {
    /// Dependents that can no longer run are skipped; everything else goes on.
    #[default]
    SkipDependents,
    /// Everything pending is cancelled in the same step, and live attempts are asked to stop.
    FailFast,
    /// Dependents stay blocked; when nothing else is left the run pauses for an edit.
    WaitForEdit,
    /// Dependents are skipped and everything else goes on; when all has ended, what undoes the work that may have been
    /// done is run, in reverse order.
    Rollback,
}
