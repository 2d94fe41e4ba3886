//! Where facts go, and where readers get them.

use std::fmt;

use futures_core::stream::BoxStream;
use starline_types::{RunId, Seq, SharedEnvelope};

use crate::EventFilter;

/// Where an orchestrator sends facts.
pub trait EventSink: fmt::Debug + Send + Sync {
    /// Whether anybody wants facts of a run. If not, no envelope is built.
    fn wants(&self, run: &RunId) -> bool {
        let _ = run;
        true
    }

    /// Publishes facts in order. Never fails, never waits for a reader.
    fn publish(&self, events: &[SharedEnvelope]);
}

/// Where readers subscribe.
pub trait EventSource: fmt::Debug + Send + Sync {
    /// A stream of the facts published from now on. A reader that falls behind finds a [`Gap`] in place of
    /// what it missed. Dropping the stream ends the subscription.
    fn subscribe(&self, filter: EventFilter) -> BoxStream<'static, Result<SharedEnvelope, Gap>>;
}

/// Facts that a slow reader missed: all of `run_id` between two numbers, inclusive, that its filter wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Gap {
    /// The run.
    pub run_id: RunId,
    /// First number missed.
    pub from: Seq,
    /// Last number missed.
    pub to: Seq,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "missed facts {} to {} of run {}", self.from.0, self.to.0, self.run_id)
    }
}

impl std::error::Error for Gap {}

/// A sink and source without readers, for embedding without a bus.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEvents;

impl EventSink for NoEvents {
    fn wants(&self, _: &RunId) -> bool {
        false
    }

    fn publish(&self, _: &[SharedEnvelope]) {}
}
