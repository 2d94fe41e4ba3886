#![doc = include_str!("../README.md")]

mod device;
mod error;
mod transport;

pub use device::{Device, DeviceSignal};
pub use error::{DeliveryFault, DeviceError};
pub use transport::{Endpoint, Transport};

pub use futures_core::stream::BoxStream;
pub use starline_types::{
    Attempt, AttemptId, DeviceId, DeviceProfile, ErrorKind, Exec, Millis, OutputSource, OutputSpec,
    OutputType, Payload, ProgressStream, Prompt, RunId, Shell, TaskError, TaskId, TaskRef, TaskReport,
    TaskSpec, Value,
};
