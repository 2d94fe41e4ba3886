//! The devices of an orchestrator.

use std::sync::Arc;

use serde::Serialize;
use starline_device::Device;
use starline_types::{DeviceId, DeviceProfile, DeviceStatus};

use crate::RunError;
use crate::command::Command;
use crate::orchestrator::Inner;

/// A device and what it is doing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeviceRecord {
    /// What it is.
    #[serde(flatten)]
    pub profile: DeviceProfile,
    /// What it does.
    pub status: DeviceStatus,
    /// Live attempts, of all runs.
    pub running: u32,
    /// Unstarted tasks planned on it, of all runs.
    pub queued: u32,
}

/// The devices of an orchestrator; see [`Orchestrator::fleet`](crate::Orchestrator::fleet).
#[derive(Clone, Debug)]
pub struct FleetHandle {
    pub(crate) inner: Arc<Inner>,
}

impl FleetHandle {
    /// Adds a connected device, or replaces the one with the same id.
    ///
    /// # Errors
    /// The orchestrator has shut down.
    pub async fn connect(&self, device: Arc<dyn Device>) -> Result<DeviceId, RunError> {
        self.inner.ask(|reply| Command::Connect { device, reply }).await
    }

    /// Lets a device finish what it has and gives it nothing new, or ends that. False for an unknown device.
    ///
    /// # Errors
    /// The orchestrator has shut down.
    pub async fn drain(&self, device: DeviceId, draining: bool) -> Result<bool, RunError> {
        self.inner.ask(|reply| Command::Drain { device, draining, reply }).await
    }

    /// Takes a device out of the fleet. Its live attempts count as lost once their lease is over. False for an
    /// unknown device.
    ///
    /// # Errors
    /// The orchestrator has shut down.
    pub async fn forget(&self, device: DeviceId) -> Result<bool, RunError> {
        self.inner.ask(|reply| Command::ForgetDevice { device, reply }).await
    }

    /// All registered devices, in order of registration.
    ///
    /// # Errors
    /// The orchestrator has shut down.
    pub async fn devices(&self) -> Result<Vec<DeviceRecord>, RunError> {
        self.inner.ask(|reply| Command::Devices { reply }).await
    }

    /// The connected devices, in order of registration.
    ///
    /// # Errors
    /// The orchestrator has shut down.
    pub async fn available(&self) -> Result<Vec<DeviceRecord>, RunError> {
        let connected = |record: &DeviceRecord| {
            !matches!(
                record.status,
                DeviceStatus::Disconnected | DeviceStatus::Failed | DeviceStatus::Connecting
            )
        };
        Ok(self.devices().await?.into_iter().filter(connected).collect())
    }
}
