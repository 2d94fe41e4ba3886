//! Facts to publish.

use starline_event::{Envelope, Event, RunId, Seq, SharedEnvelope};

pub(crate) fn run(name: &str) -> RunId {
    RunId::new(name).expect("id")
}

/// A fact of the kind `run_resumed`.
pub(crate) fn resumed(run_id: &RunId, seq: u64) -> SharedEnvelope {
    envelope(run_id, seq, Event::RunResumed { by: "test".into() })
}

/// A fact of the kind `run_started`.
pub(crate) fn started(run_id: &RunId, seq: u64) -> SharedEnvelope {
    envelope(run_id, seq, Event::RunStarted { total_tasks: 1, strategy: "test".into() })
}

fn envelope(run_id: &RunId, seq: u64, event: Event) -> SharedEnvelope {
    SharedEnvelope::from(Envelope {
        seq: Seq(seq),
        run_id: run_id.clone(),
        revision: Default::default(),
        t: Default::default(),
        at: Default::default(),
        cause: None,
        event,
    })
}
