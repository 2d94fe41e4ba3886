#![doc = include_str!("../README.md")]

mod filter;
mod observer;
mod sink;

pub use filter::EventFilter;
pub use observer::Observer;
pub use sink::{EventSink, EventSource, Gap, NoEvents};

pub use futures_core::stream::BoxStream;
pub use starline_types::{Envelope, Event, EventKind, RunId, Seq, SharedEnvelope};
