#![doc = include_str!("../README.md")]

mod round;
mod strategy;
mod view;

pub use round::{Candidate, Candidates, ClassIx, DeviceLoad, PlaceError, Round, RoundInput, Unplaced};
pub use strategy::{AssignmentStrategy, Binding};
pub use view::GraphView;

pub use starline_types::{
    DeviceId, DeviceIx, DeviceProfile, Event, Resources, TaskId, TaskIx, TaskRef, TaskSpec, Timestamp,
};
