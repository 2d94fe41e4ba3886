//! Why a placement was refused.

use starline_types::{DeviceId, TaskId, TaskIx};

/// Why a placement was refused.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PlaceError {
    /// The task is not one of the round.
    #[error("task {0:?} is not in this round")]
    UnknownTask(TaskIx),
    /// The task was placed in this round already.
    #[error("task {task} is already placed on {device}")]
    AlreadyPlaced {
        /// The task.
        task: TaskId,
        /// Where it is placed.
        device: DeviceId,
    },
    /// The device does not meet the requirements of the task, is not connected, or is draining.
    #[error("task {task} cannot run on device {device}: candidates are {candidates:?}")]
    NotACandidate {
        /// The task.
        task: TaskId,
        /// The device, as far as it is known.
        device: String,
        /// Devices that fit.
        candidates: Vec<DeviceId>,
    },
    /// Late binding: the device has no free slot left.
    #[error("device {device} has no free slot for task {task}")]
    NoFreeSlot {
        /// The task.
        task: TaskId,
        /// The device.
        device: DeviceId,
    },
}
