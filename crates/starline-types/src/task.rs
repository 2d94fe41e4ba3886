//! Tasks as people and agents specify them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{
    ApprovalGate, Compensation, DeviceId, ErrorKind, FileInput, Millis, Payload, Resources, SparseMap,
    TaskId, Value,
};

/// Everything a task is before it runs. Execution state is never part of it.
///
/// Rare parts are behind shared pointers, so a plain task costs little and a clone is cheap. The order of the
/// fields is kept in memory: what every dispatch reads comes first, beside the counter of the shared pointer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[repr(C)]
pub struct TaskSpec {
    /// What the task does.
    #[serde(default)]
    pub run: Payload,
    /// Longest run of one attempt; `None`: no limit.
    #[serde(default = "default_run_timeout", skip_serializing_if = "is_default_run_timeout")]
    pub run_timeout: Option<Millis>,
    /// Id, unique in its graph.
    pub id: TaskId,
    /// What it asks of a device; `None`: any device will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Arc<DeviceSelector>>,
    /// Urgency among ready tasks.
    #[serde(default)]
    pub priority: Priority,
    /// Whether a second execution does no harm: permits retries on devices that cannot be fenced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idempotent: bool,
    /// Longest wait from ready to assigned; `None`: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_timeout: Option<Millis>,
    /// What happens after a failed attempt; `None`: the default policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Arc<RetryPolicy>>,
    /// Values for templates of this task.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub inputs: SparseMap<Value>,
    /// What is taken out of the result.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub outputs: SparseMap<OutputSpec>,
    /// Expected cost, for strategies, plans and simulation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Arc<Estimate>>,
    /// What only some tasks have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Arc<TaskDetails>>,
}

/// Time limit of an attempt unless the task says otherwise: 1000 s.
const DEFAULT_RUN_TIMEOUT: Millis = Millis::from_secs(1000);

#[expect(clippy::unnecessary_wraps, reason = "serde asks for the type of the field")]
fn default_run_timeout() -> Option<Millis> {
    Some(DEFAULT_RUN_TIMEOUT)
}

fn is_empty<T>(map: &SparseMap<T>) -> bool {
    map.is_empty()
}

#[expect(clippy::ref_option, reason = "serde passes the field by reference")]
fn is_default_run_timeout(limit: &Option<Millis>) -> bool {
    *limit == default_run_timeout()
}

impl TaskSpec {
    /// A task with default fields.
    #[must_use]
    pub fn new(id: TaskId, run: Payload) -> Self {
        Self {
            id,
            run,
            device: None,
            priority: Priority::default(),
            queue_timeout: None,
            run_timeout: Some(DEFAULT_RUN_TIMEOUT),
            retry: None,
            inputs: SparseMap::new(),
            outputs: SparseMap::new(),
            idempotent: false,
            estimate: None,
            details: None,
        }
    }

    /// The retry policy in force.
    #[must_use]
    pub fn retry_policy(&self) -> &RetryPolicy {
        self.retry.as_deref().unwrap_or(&DEFAULT_RETRY)
    }

    /// The device this task is pinned to, if any.
    #[must_use]
    pub fn pin(&self) -> Option<&DeviceId> {
        self.device.as_ref().and_then(|device| device.on.as_ref())
    }

    /// The device this task would rather have, if any.
    #[must_use]
    pub fn preference(&self) -> Option<&DeviceId> {
        self.device.as_ref().and_then(|device| device.prefer.as_ref())
    }

    /// The gate before the task, if there is one.
    #[must_use]
    pub fn gate(&self) -> Option<&ApprovalGate> {
        self.details.as_ref().and_then(|details| details.approval.as_ref())
    }

    /// What undoes the work of the task, if anything does.
    #[must_use]
    pub fn compensation(&self) -> Option<&Compensation> {
        self.details.as_ref().and_then(|details| details.compensate.as_ref())
    }

    /// What the task does, and what undoes it.
    pub fn payloads(&self) -> impl Iterator<Item = &Payload> {
        std::iter::once(&self.run).chain(self.compensation().map(|undo| &undo.run))
    }

    /// The task that this one undoes, if it was made to undo one.
    #[must_use]
    pub fn compensates(&self) -> Option<&str> {
        self.details.as_ref()?.metadata.get(Compensation::METADATA)?.as_str()
    }

    /// Files sent along, by the name of the input.
    #[must_use]
    pub fn files(&self) -> &BTreeMap<String, FileInput> {
        const NONE: &BTreeMap<String, FileInput> = &BTreeMap::new();
        self.details.as_ref().map_or(NONE, |details| &details.files)
    }

    /// The display name: `details.name`, else the id.
    #[must_use]
    pub fn name(&self) -> &str {
        self.details.as_ref().and_then(|details| details.name.as_deref()).unwrap_or(self.id.as_str())
    }
}

/// What only some tasks have: texts for agents and people, a gate, what undoes them, files, and opaque metadata.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TaskDetails {
    /// Display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the task is about.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Hints for devices that take text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tips: Vec<String>,
    /// Opaque; at most 64 KiB.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, Value>,
    /// Asks a person before each first attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalGate>,
    /// Undoes the work when the run is rolled back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compensate: Option<Compensation>,
    /// Files sent along, by the name of the input. The names are apart from those of the values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, FileInput>,
}

/// What a task asks of a device. All but `prefer` is hard.
#[derive(Clone, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeviceSelector {
    /// Pin: this device and no other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<DeviceId>,
    /// Operating system, compared without regard to case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// Capabilities, all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// Amounts the device must have in total.
    #[serde(skip_serializing_if = "Resources::is_empty")]
    pub resources: Resources,
    /// Soft wish: this device if it fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefer: Option<DeviceId>,
}

/// Urgency from 0 to 100; larger is more urgent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Priority(u8);

impl Priority {
    /// 25.
    pub const LOW: Self = Self(25);
    /// 50, the default.
    pub const MEDIUM: Self = Self(50);
    /// 75.
    pub const HIGH: Self = Self(75);
    /// 100.
    pub const CRITICAL: Self = Self(100);

    /// A priority from 0 to 100; `None` beyond.
    #[must_use]
    pub fn new(value: u64) -> Option<Self> {
        u8::try_from(value).ok().filter(|value| *value <= 100).map(Self)
    }

    /// Reads `low`, `medium`, `high` or `critical`, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [("low", Self::LOW), ("medium", Self::MEDIUM), ("high", Self::HIGH), ("critical", Self::CRITICAL)]
            .into_iter()
            .find_map(|(known, priority)| known.eq_ignore_ascii_case(name).then_some(priority))
    }

    /// The number, 0 to 100.
    #[must_use]
    pub fn value(self) -> u8 {
        self.0
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self::MEDIUM
    }
}

impl TryFrom<u8> for Priority {
    type Error = String;
    fn try_from(value: u8) -> Result<Self, String> {
        Self::new(value.into()).ok_or_else(|| format!("priority {value} is not between 0 and 100"))
    }
}

impl From<Priority> for u8 {
    fn from(priority: Priority) -> Self {
        priority.0
    }
}

/// What happens after an attempt that did not complete.
///
/// The delay before retry k is drawn from `[0, min(cap, base * factor^(k-1))]` ("full jitter", M. Brooker,
/// *Exponential backoff and jitter*, 2015).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// Retries after the first attempt.
    pub max: u32,
    /// Bound of the first delay.
    pub base: Millis,
    /// Growth of the bound from retry to retry; at least 1.
    pub factor: f64,
    /// Largest bound.
    pub cap: Millis,
    /// How the delay is drawn.
    pub jitter: Jitter,
    /// Kinds of errors that are not retried, beside those that never are.
    pub non_retryable: Vec<ErrorKind>,
    /// Further attempts after lost devices.
    pub lost_max: u32,
}

static DEFAULT_RETRY: RetryPolicy = RetryPolicy::DEFAULT;

impl RetryPolicy {
    /// No retries; up to four further attempts after lost devices.
    pub const DEFAULT: Self = Self {
        max: 0,
        base: Millis::from_secs(1),
        factor: 2.0,
        cap: Millis::from_secs(100),
        jitter: Jitter::Full,
        non_retryable: Vec::new(),
        lost_max: 4,
    };

    /// Largest delay before retry `k`, counted from 1.
    #[must_use]
    pub fn bound(&self, k: u32) -> Millis {
        let grown = self.base.0 as f64
            * self.factor.max(1.0).powi(i32::try_from(k.saturating_sub(1)).unwrap_or(i32::MAX));
        Millis(if grown >= self.cap.0 as f64 { self.cap.0 } else { grown as u64 })
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How a retry delay is drawn below its bound.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Jitter {
    /// Uniform between zero and the bound.
    #[default]
    Full,
    /// Always the bound.
    None,
}

/// Where an output is taken from and what it must be.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputSpec {
    /// Where to look.
    pub from: OutputSource,
    /// What the value must be.
    #[serde(rename = "type", default)]
    pub kind: OutputType,
}

/// Where an output is taken from.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SmolStr", into = "SmolStr")]
pub enum OutputSource {
    /// Standard output, without the final line break.
    Stdout,
    /// The whole result.
    Result,
    /// A JSON pointer (RFC 6901) into the result.
    Pointer(SmolStr),
}

impl TryFrom<SmolStr> for OutputSource {
    type Error = String;
    fn try_from(text: SmolStr) -> Result<Self, String> {
        match text.as_str() {
            "stdout" => Ok(Self::Stdout),
            "result" => Ok(Self::Result),
            pointer if pointer.starts_with('/') => Ok(Self::Pointer(text)),
            other => Err(format!("output source {other:?} is none of stdout, result, \"/json/pointer\"")),
        }
    }
}

impl From<OutputSource> for SmolStr {
    fn from(source: OutputSource) -> Self {
        match source {
            OutputSource::Stdout => Self::new_static("stdout"),
            OutputSource::Result => Self::new_static("result"),
            OutputSource::Pointer(pointer) => pointer,
        }
    }
}

impl fmt::Display for OutputSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&SmolStr::from(self.clone()))
    }
}

/// What an output must be.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputType {
    /// Text.
    #[default]
    String,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// Any JSON value.
    Json,
    /// Contents that are kept by their hash: an [`Artifact`](crate::Artifact).
    Artifact,
}

/// Expected cost of a task.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Estimate {
    /// Time of one attempt on a device of speed 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<Millis>,
    /// Size of what the task hands on, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<u64>,
}
