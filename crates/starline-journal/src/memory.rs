//! A journal that lives as long as the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use starline_types::{RunId, Seq, SharedEnvelope};

use crate::{Fence, Journal, JournalError, JournalFault, Opened};

/// Keeps every record in memory: for tests, simulations and runs that may be forgotten.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    order: Vec<RunId>,
    streams: BTreeMap<RunId, Stream>,
}

#[derive(Debug, Default)]
struct Stream {
    fence: Fence,
    records: Vec<SharedEnvelope>,
}

impl MemoryJournal {
    /// An empty journal.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        // No call in here panics halfway through a change, so a poisoned lock protects sound data.
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn open(&self, run: &RunId) -> Result<Opened, JournalError> {
        Ok(self.with(|state| {
            if !state.streams.contains_key(run) {
                state.order.push(run.clone());
            }
            let stream = state.streams.entry(run.clone()).or_default();
            stream.fence.0 += 1;
            Opened { fence: stream.fence, tail: stream.records.last().map(|record| record.seq) }
        }))
    }

    async fn append(&self, run: &RunId, fence: Fence, events: &[SharedEnvelope]) -> Result<(), JournalError> {
        self.with(|state| {
            let stream = state.streams.get_mut(run).filter(|stream| stream.fence == fence);
            let stream = stream.ok_or_else(|| JournalError::new(JournalFault::Fenced))?;
            let mut expected = stream.records.last().map_or(Seq(1), |record| record.seq.next());
            for event in events {
                if event.seq != expected || event.run_id != *run {
                    return Err(JournalError::new(JournalFault::OutOfOrder));
                }
                expected = expected.next();
            }
            stream.records.extend(events.iter().cloned());
            Ok(())
        })
    }

    async fn read(&self, run: &RunId, after: Option<Seq>) -> Result<Vec<SharedEnvelope>, JournalError> {
        let first = after.map_or(0, |seq| usize::try_from(seq.0).unwrap_or(usize::MAX));
        Ok(self.with(|state| {
            let records = state.streams.get(run).and_then(|stream| stream.records.get(first..));
            records.map(<[_]>::to_vec).unwrap_or_default()
        }))
    }

    async fn runs(&self) -> Result<Vec<RunId>, JournalError> {
        Ok(self.with(|state| state.order.clone()))
    }
}
