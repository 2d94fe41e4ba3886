//! Process devices, made from a description.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use starline_device::{BlobStore, DeliveryFault, Device, DeviceError, Endpoint, Secrets, Transport};

use crate::{ProcessDevice, ProcessOptions};

/// Makes devices of the kind `process` for this machine.
///
/// The options of an endpoint are the section `exec` of its device file: see [`ProcessOptions::overlaid`].
#[derive(Clone, Debug, Default)]
pub struct ProcessTransport {
    defaults: ProcessOptions,
    secrets: Secrets,
    blobs: Option<Arc<dyn BlobStore>>,
    register: Option<PathBuf>,
}

impl ProcessTransport {
    /// A transport whose devices have these options, as far as their endpoints do not say otherwise.
    #[must_use]
    pub fn new(defaults: ProcessOptions) -> Self {
        Self { defaults, ..Self::default() }
    }

    /// The transport with secrets for its devices: see [`ProcessDevice::with_secrets`].
    #[must_use]
    pub fn with_secrets(mut self, secrets: Secrets) -> Self {
        self.secrets = secrets;
        self
    }

    /// The transport with a store of files for its devices: see [`ProcessDevice::with_blobs`].
    #[must_use]
    pub fn with_blobs(mut self, blobs: Arc<dyn BlobStore>) -> Self {
        self.blobs = Some(blobs);
        self
    }

    /// The transport with a folder for the registers of its devices: see [`ProcessDevice::with_register`].
    #[must_use]
    pub fn with_register(mut self, folder: impl Into<PathBuf>) -> Self {
        self.register = Some(folder.into());
        self
    }
}

#[async_trait]
impl Transport for ProcessTransport {
    fn scheme(&self) -> &'static str {
        "process"
    }

    /// Makes a device; there is nothing to reach, so an address is refused. So is a device whose sandbox or limits
    /// do not work on this machine.
    async fn connect(&self, endpoint: &Endpoint) -> Result<Arc<dyn Device>, DeviceError> {
        if endpoint.address.is_some() {
            let message = format!("process device {} takes no address", endpoint.profile.id);
            return Err(DeviceError::with_source(DeliveryFault::Protocol, message));
        }
        let options = self
            .defaults
            .overlaid(&endpoint.options)
            .map_err(|error| DeviceError::with_source(DeliveryFault::Protocol, error))?;
        let mut device =
            ProcessDevice::new(endpoint.profile.clone(), options).with_secrets(self.secrets.clone());
        if let Some(blobs) = &self.blobs {
            device = device.with_blobs(Arc::clone(blobs));
        }
        if let Some(folder) = &self.register {
            device = device.with_register(folder);
        }
        device.check().await?;
        Ok(Arc::new(device))
    }
}
