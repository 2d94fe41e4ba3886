//! What a Galaxy file says, whichever form it has.

use std::collections::BTreeMap;

use starline_types::{DeviceId, Millis, RunState, Value};

use super::words::{LineKind, Status};

/// A whole file.
#[derive(Clone, Debug, Default)]
pub(super) struct Constellation {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) state: RunState,
    /// Without what starline has put there.
    pub(super) metadata: BTreeMap<String, Value>,
    pub(super) times: Times,
    pub(super) tasks: Vec<Task>,
    pub(super) lines: Vec<Line>,
}

/// Moments, as they are written.
#[derive(Clone, Debug, Default)]
pub(super) struct Times {
    pub(super) created: Option<String>,
    pub(super) updated: Option<String>,
    pub(super) started: Option<String>,
    pub(super) ended: Option<String>,
    pub(super) seconds: Option<f64>,
}

/// A task.
#[derive(Clone, Debug)]
pub(super) struct Task {
    /// As written; may be no id of ours.
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) tips: Option<Vec<String>>,
    pub(super) target: Target,
    pub(super) device_type: Option<&'static str>,
    /// From 1 to 4.
    pub(super) priority: u8,
    pub(super) timeout: Option<Millis>,
    pub(super) retry_count: u32,
    pub(super) data: BTreeMap<String, Value>,
    pub(super) expected_output_type: Option<String>,
    pub(super) times: Times,
    pub(super) record: Record,
}

/// The device that a task asks for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) enum Target {
    #[default]
    None,
    /// Written as an empty text, which means none.
    Blank,
    Device(DeviceId),
}

/// How far a task has got.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub(super) status: Status,
    pub(super) result: Value,
    pub(super) error: Option<String>,
    pub(super) current_retry: u32,
}

/// A dependency.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// As written, if it is; may be no id of ours.
    pub(super) id: Option<String>,
    /// Position of the source among the tasks.
    pub(super) from: usize,
    /// Position of the target among the tasks.
    pub(super) to: usize,
    pub(super) kind: LineKind,
    pub(super) description: Option<String>,
    pub(super) metadata: BTreeMap<String, Value>,
    pub(super) times: Times,
}
