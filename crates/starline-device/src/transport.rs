//! How devices are reached.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use starline_types::{DeviceProfile, Value};

use crate::{Device, DeviceError};

/// Where and what a device is, as the operator describes it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// What the device is; its `kind` chooses the transport.
    pub profile: DeviceProfile,
    /// Address, for transports that need one.
    pub address: Option<String>,
    /// Settings of the transport's own, such as `exec` of a process device.
    pub options: Value,
}

/// Makes devices of one kind.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync {
    /// The kind of devices it makes, as device files name it.
    fn scheme(&self) -> &'static str;

    /// Connects a device.
    ///
    /// # Errors
    /// The endpoint is not understood, or the device cannot be reached.
    ///
    /// # Cancellation safety
    /// Dropping the future abandons the connection.
    async fn connect(&self, endpoint: &Endpoint) -> Result<Arc<dyn Device>, DeviceError>;
}
