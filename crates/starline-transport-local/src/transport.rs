//! Devices in this process, made from a description.

use std::sync::Arc;

use async_trait::async_trait;
use starline_device::{DeliveryFault, Device, DeviceError, Endpoint, Transport, Value};

use crate::{Functions, LocalDevice};

/// Makes devices of the kind `local` that share functions.
#[derive(Clone, Debug, Default)]
pub struct LocalTransport {
    functions: Functions,
}

impl LocalTransport {
    /// A transport whose devices have these functions.
    #[must_use]
    pub fn new(functions: Functions) -> Self {
        Self { functions }
    }
}

#[async_trait]
impl Transport for LocalTransport {
    fn scheme(&self) -> &'static str {
        "local"
    }

    /// Makes a device; there is nothing to reach, so an address or options are refused.
    async fn connect(&self, endpoint: &Endpoint) -> Result<Arc<dyn Device>, DeviceError> {
        let refuse = |what: &str| {
            let message = format!("local device {} takes no {what}", endpoint.profile.id);
            DeviceError::with_source(DeliveryFault::Protocol, message)
        };
        if endpoint.address.is_some() {
            return Err(refuse("address"));
        }
        match &endpoint.options {
            Value::Null => {}
            Value::Object(options) if options.is_empty() => {}
            _ => return Err(refuse("options")),
        }
        Ok(Arc::new(LocalDevice::with_functions(endpoint.profile.clone(), self.functions.clone())))
    }
}
