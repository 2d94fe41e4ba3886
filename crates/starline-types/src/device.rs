//! Devices as operators describe them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Accepts, DeviceApproval, DeviceId, Value};

/// Amounts by name, such as `cpu_cores` (cores) or `memory` (bytes).
#[derive(Clone, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Resources(pub BTreeMap<String, u64>);

impl Resources {
    /// Whether nothing is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of which `self` has less than `wanted`.
    pub fn missing<'a>(&'a self, wanted: &'a Self) -> impl Iterator<Item = (&'a str, u64)> + 'a {
        wanted
            .0
            .iter()
            .filter(|(name, amount)| self.0.get(*name).is_none_or(|have| have < amount))
            .map(|(name, amount)| (name.as_str(), *amount))
    }
}

/// What a device is and can do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceProfile {
    /// Id, unique in the fleet.
    pub id: DeviceId,
    /// Family of the transport, such as `process` or `local`.
    pub kind: String,
    /// Operating system, if it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// Capabilities, without order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// Total amounts.
    #[serde(default, skip_serializing_if = "Resources::is_empty")]
    pub resources: Resources,
    /// Facts for strategies and editors, such as `speed`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, Value>,
    /// Attempts it runs at the same time; at least 1.
    #[serde(default = "one")]
    pub slots: u32,
    /// Whether it ends attempts by itself when their lease ends.
    #[serde(default = "yes")]
    pub fenced: bool,
    /// Whether it lives in this process, so that assigned means started.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub local: bool,
    /// Whether it takes tasks that nobody approved.
    #[serde(default, skip_serializing_if = "DeviceApproval::is_auto")]
    pub approval: DeviceApproval,
    /// Which payloads it takes.
    #[serde(default, skip_serializing_if = "Accepts::is_everything")]
    pub accepts: Accepts,
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}

impl DeviceProfile {
    /// A fenced device of a kind with one slot and nothing special.
    #[must_use]
    pub fn new(id: DeviceId, kind: impl Into<String>) -> Self {
        Self {
            id,
            kind: kind.into(),
            os: None,
            capabilities: Vec::new(),
            resources: Resources::default(),
            attributes: BTreeMap::new(),
            slots: 1,
            fenced: true,
            local: false,
            approval: DeviceApproval::Auto,
            accepts: Accepts::default(),
        }
    }

    /// The same device with another number of slots; at least one is kept.
    #[must_use]
    pub fn with_slots(mut self, slots: u32) -> Self {
        self.slots = slots.max(1);
        self
    }

    /// The same device with these capabilities.
    #[must_use]
    pub fn with_capabilities<S: Into<String>>(mut self, capabilities: impl IntoIterator<Item = S>) -> Self {
        self.capabilities = capabilities.into_iter().map(Into::into).collect();
        self
    }

    /// The same device, for these payloads alone.
    #[must_use]
    pub fn with_accepts(mut self, accepts: Accepts) -> Self {
        self.accepts = accepts;
        self
    }

    /// The same device with an operating system.
    #[must_use]
    pub fn with_os(mut self, os: impl Into<String>) -> Self {
        self.os = Some(os.into());
        self
    }
}

/// What a device is doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceStatus {
    /// Being connected for the first time or again.
    Connecting,
    /// Connected, without a live attempt.
    Idle,
    /// Connected, with a live attempt.
    Busy,
    /// Connected, but its heartbeat is old.
    Degraded,
    /// Connected; finishes what it has and takes nothing new.
    Draining,
    /// Not connected.
    Disconnected,
    /// Not connected, and no further try will be made.
    Failed,
}

impl fmt::Display for DeviceStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting",
            Self::Idle => "idle",
            Self::Busy => "busy",
            Self::Degraded => "degraded",
            Self::Draining => "draining",
            Self::Disconnected => "disconnected",
            Self::Failed => "failed",
        })
    }
}
