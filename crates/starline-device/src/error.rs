//! Why an attempt brought no report.

use std::error::Error;

/// Why an attempt brought no report, as far as this side can know.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct DeviceError {
    kind: DeliveryFault,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl DeviceError {
    /// An error of a kind, without a cause.
    #[must_use]
    pub fn new(kind: DeliveryFault) -> Self {
        Self { kind, source: None }
    }

    /// An error of a kind with its cause.
    #[must_use]
    pub fn with_source(kind: DeliveryFault, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, source: Some(source.into()) }
    }

    /// What callers decide by.
    #[must_use]
    pub fn kind(&self) -> DeliveryFault {
        self.kind
    }
}

/// What callers decide by, through [`DeviceError::kind`]. Exhaustive on purpose: the scheduler must answer
/// each case.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DeliveryFault {
    /// The attempt never began: safe to place elsewhere at once.
    #[error("attempt was not accepted by the device")]
    NotAccepted,
    /// The device is gone and the attempt with it, for certain.
    #[error("device was lost and the attempt with it")]
    Lost,
    /// The attempt may still be running: it is over when its lease is.
    #[error("connection was lost after the attempt was accepted")]
    OutcomeUnknown,
    /// Trying again cannot help.
    #[error("device speaks another protocol")]
    Protocol,
}
