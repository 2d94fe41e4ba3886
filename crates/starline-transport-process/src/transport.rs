//! Process devices, made from a description.

use std::sync::Arc;

use async_trait::async_trait;
use starline_device::{DeliveryFault, Device, DeviceError, Endpoint, Transport};

use crate::{ProcessDevice, ProcessOptions};

/// Makes devices of the kind `process` for this machine.
///
/// The options of an endpoint are the section `exec` of its device file: see [`ProcessOptions::overlaid`].
#[derive(Clone, Debug, Default)]
pub struct ProcessTransport {
    defaults: ProcessOptions,
}

impl ProcessTransport {
    /// A transport whose devices have these options, as far as their endpoints do not say otherwise.
    #[must_use]
    pub fn new(defaults: ProcessOptions) -> Self {
        Self { defaults }
    }
}

#[async_trait]
impl Transport for ProcessTransport {
    fn scheme(&self) -> &'static str {
        "process"
    }

    /// Makes a device; there is nothing to reach, so an address is refused.
    async fn connect(&self, endpoint: &Endpoint) -> Result<Arc<dyn Device>, DeviceError> {
        if endpoint.address.is_some() {
            let message = format!("process device {} takes no address", endpoint.profile.id);
            return Err(DeviceError::with_source(DeliveryFault::Protocol, message));
        }
        let options = self
            .defaults
            .overlaid(&endpoint.options)
            .map_err(|error| DeviceError::with_source(DeliveryFault::Protocol, error))?;
        Ok(Arc::new(ProcessDevice::new(endpoint.profile.clone(), options)))
    }
}
