//! A fact with its place in the stream of its run.

use serde::{Deserialize, Serialize};

use crate::{Event, Revision, RunId, Seq, Timestamp, UnixMillis};

/// A fact with its place in the stream of its run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Dense number in the stream, from 1.
    pub seq: Seq,
    /// The run, or `system`.
    pub run_id: RunId,
    /// Revision of the graph after the fact.
    pub revision: Revision,
    /// Run time in milliseconds.
    pub t: Timestamp,
    /// Wall time in epoch milliseconds; display only.
    pub at: UnixMillis,
    /// The record that led to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Seq>,
    /// The fact, written as `kind` and `data`.
    #[serde(flatten)]
    pub event: Event,
}

/// The members of an envelope beside its fact.
#[derive(Deserialize)]
struct Head {
    seq: Seq,
    run_id: RunId,
    revision: Revision,
    t: Timestamp,
    at: UnixMillis,
    #[serde(default)]
    cause: Option<Seq>,
}

impl Envelope {
    /// Reads an envelope from JSON: the same as [`Deserialize`] does, several times as fast. That keeps what it does
    /// not know yet in memory until it has seen everything; this goes over the text twice.
    ///
    /// # Errors
    /// The text is no envelope.
    pub fn from_json(text: &[u8]) -> serde_json::Result<Self> {
        let Head { seq, run_id, revision, t, at, cause } = serde_json::from_slice(text)?;
        let event = serde_json::from_slice(text)?;
        Ok(Self { seq, run_id, revision, t, at, cause, event })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SkipReason, TaskId, TaskIx, TaskRef};

    #[test]
    fn envelopes_read_as_written_and_stay_small() {
        let task = TaskRef::new(TaskId::new("a").expect("id"), TaskIx(0));
        let envelope = Envelope {
            seq: Seq(3),
            run_id: RunId::new("r").expect("id"),
            revision: Revision(1),
            t: Timestamp(5),
            at: UnixMillis(6),
            cause: None,
            event: Event::TaskSkipped {
                task,
                edge: None,
                reason: SkipReason::Operator,
                message: None,
                edges: Box::default(),
            },
        };
        let text = serde_json::to_string(&envelope).expect("json");
        assert_eq!(
            text,
            r#"{"seq":3,"run_id":"r","revision":1,"t":5,"at":6,"kind":"task_skipped","data":{"task":"a","reason":"operator"}}"#
        );
        assert_eq!(serde_json::from_str::<Envelope>(&text).expect("json"), envelope);
        assert_eq!(Envelope::from_json(text.as_bytes()).expect("json"), envelope);
        for cut in 0..text.len() {
            assert!(Envelope::from_json(&text.as_bytes()[..cut]).is_err(), "{}", &text[..cut]);
        }
        // A million of them pass through the bus in a second: their size is part of the design.
        assert!(size_of::<Event>() <= 136, "an event has {} bytes", size_of::<Event>());
    }
}
