#![doc = include_str!("../README.md")]

mod blobs;
mod device;
mod error;
mod secret;
mod transport;

pub use blobs::BlobStore;
pub use device::{Device, DeviceSignal};
pub use error::{DeliveryFault, DeviceError};
pub use secret::{Mask, REDACTED, Secret, Secrets};
pub use transport::{Endpoint, Transport};

pub use futures_core::stream::BoxStream;
pub use starline_types::{
    Artifact, Attempt, AttemptFile, AttemptId, BlobHash, DeviceId, DeviceProfile, ErrorKind, Exec, Millis,
    OutputSource, OutputSpec, OutputType, Payload, ProgressStream, Prompt, RunId, Shell, SparseMap,
    TaskError, TaskId, TaskRef, TaskReport, TaskSpec, Value,
};
