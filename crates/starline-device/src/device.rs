//! A machine that runs attempts.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use starline_types::{Attempt, AttemptId, Checkpoint, DeviceProfile, ProgressStream, TaskReport};

use crate::{DeliveryFault, DeviceError};

/// A machine that runs attempts.
///
/// The orchestrator calls [`run`](Self::run) once for each attempt, never more often at the same time than
/// the profile has slots, and [`cancel`](Self::cancel) when the attempt should end early.
///
/// # Examples
///
/// A device that answers every task with its own name:
///
/// ```
/// use std::sync::Arc;
///
/// use starline_device::{Attempt, AttemptId, Device, DeviceError, DeviceProfile, TaskReport, Value};
///
/// #[derive(Debug)]
/// struct Echo(DeviceProfile);
///
/// #[async_trait::async_trait]
/// impl Device for Echo {
///     fn profile(&self) -> &DeviceProfile {
///         &self.0
///     }
///
///     async fn run(self: Arc<Self>, attempt: Attempt) -> Result<TaskReport, DeviceError> {
///         Ok(TaskReport::completed(Value::from(attempt.spec.name())))
///     }
///
///     async fn cancel(&self, _attempt: AttemptId, _force: bool) -> Result<(), DeviceError> {
///         Ok(()) // `run` never waits: there is nothing to stop.
///     }
/// }
/// ```
#[async_trait]
pub trait Device: fmt::Debug + Send + Sync {
    /// What the device is and can do. Fixed for the life of the connection.
    fn profile(&self) -> &DeviceProfile;

    /// Runs one attempt to its end. `Ok` carries the task's own outcome, failed or not.
    ///
    /// Takes the device by [`Arc`], so that the future of an `Arc<dyn Device>` is `'static`: it keeps the device,
    /// may outlive the call, and can become a task of its own as it is. A future that borrowed the device would
    /// have to be boxed a second time for that, once for each attempt.
    ///
    /// # Errors
    /// The attempt brought no report: see [`DeviceError::kind`] for what that means.
    ///
    /// # Cancellation safety
    /// Dropping the future stops waiting, not the device: call [`cancel`](Self::cancel).
    async fn run(self: Arc<Self>, attempt: Attempt) -> Result<TaskReport, DeviceError>;

    /// Ends an attempt: politely, or at once with `force`. `Ok` means that it has stopped for certain, or
    /// was not there; the pending [`run`](Self::run) then ends with [`TaskReport::Stopped`] or with what
    /// the attempt achieved before. A polite request may wait for the attempt; the caller bounds the wait.
    ///
    /// # Errors
    /// The device cannot say whether the attempt has stopped.
    ///
    /// # Cancellation safety
    /// Dropping the future forgets the answer; the request stands.
    async fn cancel(&self, attempt: AttemptId, force: bool) -> Result<(), DeviceError>;

    /// Waits for the end of an attempt that an earlier connection began, perhaps in an earlier life of the
    /// orchestrator: the device runs it still, or has kept its report. Never begins it.
    ///
    /// By default what began in a process ends with it: of a [local](DeviceProfile::local) device the attempt is
    /// gone for certain, and of another one nobody knows.
    ///
    /// # Errors
    /// [`DeliveryFault::Lost`](crate::DeliveryFault::Lost) says that the attempt is over for certain and brought no
    /// report, [`DeliveryFault::OutcomeUnknown`](crate::DeliveryFault::OutcomeUnknown) that it may be running.
    ///
    /// # Cancellation safety
    /// As for [`run`](Self::run).
    async fn rejoin(self: Arc<Self>, attempt: AttemptId) -> Result<TaskReport, DeviceError> {
        let _ = attempt;
        Err(DeviceError::new(match self.profile().local {
            true => DeliveryFault::Lost,
            false => DeliveryFault::OutcomeUnknown,
        }))
    }

    /// Says that the report of an attempt is durable and may be forgotten. Nothing is kept by default.
    async fn acknowledge(&self, attempt: AttemptId) {
        let _ = attempt;
    }

    /// What the device says on its own. Asked once for each connection; nothing by default.
    ///
    /// The end of the stream says nothing: a device that goes away sends [`DeviceSignal::Lost`].
    fn signals(&self) -> Option<BoxStream<'static, DeviceSignal>> {
        None
    }
}

/// What a device says on its own.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum DeviceSignal {
    /// Output of a live attempt.
    Progress {
        /// The attempt.
        attempt: AttemptId,
        /// Which output.
        stream: ProgressStream,
        /// The text.
        text: Arc<str>,
    },
    /// A live attempt has put down how far it has come. The next attempt of the task gets the last one, as
    /// [`Attempt::checkpoint`]. Each replaces the one before; the last one is sent before the report of its attempt, and
    /// should be noted before it.
    Checkpoint {
        /// The attempt.
        attempt: AttemptId,
        /// What it has put down.
        content: Checkpoint,
    },
    /// The device is gone, and its attempts with it if `certain`.
    Lost {
        /// Why, if known.
        reason: Option<String>,
        /// Whether no attempt can be running on it any more.
        certain: bool,
    },
}
