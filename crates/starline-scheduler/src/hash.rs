//! The hash of a state: what facts have made of a run, in 128 bits.
//!
//! It covers what later decisions depend on: the shape of the graph, where each task stands, what waits for a time, open
//! holds, and how much was edited. What tasks are and what they gave stands in the facts alone, whose bytes a journal
//! checks by itself. Indices differ between processes, so tasks are told by their order and devices by their ids.

use std::fmt::Write as _;

use smol_str::SmolStr;
use starline_types::{DeviceIx, Event, TaskIx, TaskState, Timestamp};

use crate::state::State;
use crate::{Fleet, Scheduler, Step};

/// Who makes the hash: another version may write a state down in another way, so its hashes are not compared.
const FORM: &str = concat!(env!("CARGO_PKG_VERSION"), ":");

/// Facts after which the state is hashed again, at the least.
const FACTS: u64 = 10_000;

/// Bytes on their way into a hash: many small pieces cost more than few large ones.
struct Digest {
    hasher: blake3::Hasher,
    bytes: Vec<u8>,
}

impl Digest {
    const LARGE: usize = 16 * 1024;

    fn new() -> Self {
        Self { hasher: blake3::Hasher::new(), bytes: Vec::with_capacity(Self::LARGE + 1024) }
    }

    fn number(&mut self, number: u64) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
        if self.bytes.len() >= Self::LARGE {
            self.hasher.update(&self.bytes);
            self.bytes.clear();
        }
    }

    fn text(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        // No text has this byte, so two of them are not taken for one.
        self.bytes.push(0xff);
    }

    fn finish(mut self) -> SmolStr {
        self.hasher.update(&self.bytes);
        SmolStr::new(format!("{FORM}{}", &self.hasher.finalize().to_hex()[..32]))
    }
}

impl std::fmt::Write for Digest {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.bytes.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

impl State {
    /// The hash of the state. O(tasks + dependencies).
    pub(crate) fn hash(&self, fleet: &Fleet) -> SmolStr {
        let tasks = self.graph.in_order();
        // Numbers by which tasks are ordered have gaps where a batch was refused, which leaves no trace but that.
        let mut places = vec![0; self.graph.bound()];
        for (task, place) in tasks.iter().zip(1..) {
            places[task.at()] = place;
        }
        let mut digest = Digest::new();
        self.hash_run(&mut digest);
        self.hash_holds(&mut digest, &places);
        for task in tasks {
            self.hash_task(&mut digest, task, &places, fleet);
        }
        digest.finish()
    }

    /// Whether a hash is of another state. One of another version says nothing.
    pub(crate) fn contradicts(&self, hash: &str, fleet: &Fleet) -> bool {
        hash.starts_with(FORM) && self.hash(fleet) != hash
    }

    fn hash_run(&self, digest: &mut Digest) {
        // Writing to a digest cannot fail.
        let _ = write!(
            digest,
            "{} {:?} {:?} {:?} {:?} {:?} {} {} {:?} {} {} {:?} {:?} {} {:?} {}",
            self.run,
            self.run_state,
            self.pause,
            self.paused,
            self.ending,
            self.rollback,
            self.edit_wait_over,
            self.draws,
            self.started,
            self.attempts,
            self.prepared,
            self.history.len(),
            self.usage,
            self.questions,
            self.graph.revision(),
            self.seq.0,
        );
        for request in self.answers.requests() {
            digest.text(request.as_str());
        }
        for (edge, why) in &self.condition_errors {
            digest.text(edge.as_str());
            digest.text(why);
        }
    }

    fn hash_holds(&self, digest: &mut Digest, places: &[u64]) {
        for (id, hold) in self.holds.holds() {
            let _ = write!(digest, "{id} {:?} {:?}", hold.scope, hold.phase);
            for tasks in [&hold.triggers[..], &hold.marks(), hold.extended()] {
                let mut found: Vec<u64> = tasks.iter().map(|task| places[task.at()]).collect();
                found.sort_unstable();
                digest.number(found.len() as u64);
                found.into_iter().for_each(|place| digest.number(place));
            }
        }
    }

    fn hash_task(&self, digest: &mut Digest, task: TaskIx, places: &[u64], fleet: &Fleet) {
        let (record, slot, waits) = (self.graph.record(task), self.slot(task), self.graph.waits(task));
        digest.text(self.graph.id(task).as_str());
        let state = match record.state {
            TaskState::Pending => 0,
            TaskState::Running { .. } => 1,
            TaskState::Completed => 2,
            TaskState::Failed => 3,
            TaskState::Cancelled => 4,
            TaskState::Skipped => 5,
        };
        // The end of a retry delay is no fact: a replay has not seen it yet.
        let is_ready = slot.ready && slot.rare.as_ref().is_none_or(|rare| rare.backoff.is_none());
        let ready = if is_ready { slot.ready_since } else { Timestamp(u64::MAX) };
        for number in [
            self.graph.task_changed(task).0,
            state,
            u64::from(waits.open),
            u64::from(waits.impossible),
            u64::from(record.attempts),
            record.started.0,
            record.finished.0,
            ready.0,
            u64::from(slot.gated),
        ] {
            digest.number(number);
        }
        let device = |digest: &mut Digest, device: Option<DeviceIx>| {
            digest.text(device.map_or("", |device| fleet.id(device).as_str()));
        };
        device(digest, record.device);
        device(digest, slot.planned);
        // A refused batch leaves them in another order.
        let edges = self.graph.outgoing(task);
        let mut edges: Vec<_> =
            edges.map(|edge| (places[edge.to.at()], self.graph.edge_changed(edge.ix).0)).collect();
        edges.sort_unstable();
        for (to, changed) in edges {
            digest.number(to);
            digest.number(changed);
        }
        let Some(rare) = slot.rare.as_deref() else { return };
        let _ = write!(
            digest,
            "{} {} {} {:?} {:?} {:?} {:?} {:?}",
            rare.retries,
            rare.losses,
            rare.refusals,
            rare.backoff,
            rare.cancel,
            rare.lease_end,
            rare.question,
            rare.held
        );
        for (at, why) in &rare.avoid {
            device(digest, Some(*at));
            let _ = write!(digest, "{why:?}");
        }
        if let Some(checkpoint) = &rare.checkpoint {
            digest.number(checkpoint.as_bytes().len() as u64);
        }
    }
}

impl Scheduler {
    /// The hash of the state, the version of this crate and 32 hexadecimal digits: equal after a replay, in whatever process. O(tasks +
    /// dependencies).
    #[must_use]
    pub fn state_hash(&self, fleet: &Fleet) -> SmolStr {
        self.state.hash(fleet)
    }

    /// Whether so much has happened since the state was hashed that it may be hashed again: as many facts as there are
    /// tasks, so that this costs each fact the same however large the graph is.
    #[must_use]
    pub fn wants_hash(&self) -> bool {
        let since = self.state.seq.0 - self.state.hashed.0;
        since >= FACTS && since >= self.state.graph.len() as u64
    }

    pub(crate) fn decide_hash(&mut self, now: Timestamp, fleet: &mut Fleet, step: &mut Step) {
        if !self.is_closed() {
            let hash = self.state.hash(fleet);
            self.record(now, Event::StateHashed { hash }, fleet, step);
        }
    }
}
