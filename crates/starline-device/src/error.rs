//! Why an attempt brought no report.

use std::error::Error;

use starline_types::{ErrorKind, TaskError};

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

    /// A device will not run an attempt, and says why.
    #[must_use]
    pub fn refused(why: TaskError) -> Self {
        Self::with_source(DeliveryFault::Refused, why)
    }

    /// Why the device [will not run](DeliveryFault::Refused) an attempt; `None` for other faults.
    #[must_use]
    pub fn into_refusal(self) -> Option<TaskError> {
        if self.kind != DeliveryFault::Refused {
            return None;
        }
        Some(match self.source.map(|source| source.downcast::<TaskError>()) {
            Some(Ok(why)) => *why,
            Some(Err(source)) => TaskError::new(ErrorKind::Unsupported, source.to_string()),
            None => TaskError::new(ErrorKind::Unsupported, self.kind.to_string()),
        })
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
    /// The attempt never began, and this device will not run it later either: it does not know the kind, or may not
    /// do this. Another device may.
    #[error("attempt is refused by the device")]
    Refused,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_why() {
        let why = TaskError::new(ErrorKind::PermissionDenied, "may not run sh");
        assert_eq!(DeviceError::refused(why.clone()).into_refusal(), Some(why));
        let plain = DeviceError::with_source(DeliveryFault::Refused, "no such kind").into_refusal();
        assert_eq!(plain.map(|error| error.message), Some("no such kind".to_owned()));
        assert_eq!(DeviceError::new(DeliveryFault::Lost).into_refusal(), None);
    }
}
