#![doc = include_str!("../README.md")]

mod blobs;
mod device;
mod error;
mod mask;
mod secret;
mod transport;

pub use blobs::BlobStore;
pub use device::{Device, DeviceSignal};
pub use error::{DeliveryFault, DeviceError};
pub use mask::Mask;
pub use secret::{REDACTED, SHORTEST_SECRET, Secret, Secrets};
pub use transport::{Endpoint, Transport};

pub use futures_core::stream::BoxStream;
pub use starline_types::{
    Accepts, Artifact, Attempt, AttemptFile, AttemptId, BlobHash, Checkpoint, DeviceId, DeviceProfile,
    ErrorKind, Exec, MAX_CHECKPOINT_BYTES, MAX_INLINE_BYTES, Millis, OutputSource, OutputSpec, OutputType,
    Payload, PayloadKind, ProgressStream, Prompt, RunId, Shell, SparseMap, TaskError, TaskId, TaskRef,
    TaskReport, TaskSpec, Value, matches_pattern, stream_artifact_key,
};
