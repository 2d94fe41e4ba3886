#![doc = include_str!("../README.md")]

mod candidate;
mod error;
mod input;
mod round;
mod strategy;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod view;

pub use candidate::{Candidate, Candidates};
pub use error::PlaceError;
pub use input::{ClassIx, DeviceLoad, RoundInput, Unplaced};
pub use round::Round;
pub use strategy::{AssignmentStrategy, Binding};
pub use view::GraphView;

pub use starline_types::{
    Applied, DeviceId, DeviceIx, DeviceProfile, DeviceRef, DeviceSelector, Edit, EditBatch, Estimate, Event,
    GraphSpec, Millis, Payload, Placement, Priority, Resources, TaskField, TaskId, TaskIx, TaskRef, TaskSpec,
    Timestamp, Value,
};
