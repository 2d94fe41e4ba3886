//! A journal that lives as long as the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use starline_types::{RunId, Seq, SharedEnvelope};

use crate::{Checkpoint, Fence, Journal, JournalError, JournalFault, Opened};

/// Checkpoints of a run that are kept: the newest, and the one before it.
const CHECKPOINTS: usize = 2;

/// Keeps every record in memory: for tests, simulations and runs that may be forgotten.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// One counter for all runs, so that a run that was forgotten and came back has a fence of its own.
    fence: Fence,
    order: Vec<RunId>,
    streams: BTreeMap<RunId, Stream>,
}

#[derive(Debug, Default)]
struct Stream {
    fence: Fence,
    records: Vec<SharedEnvelope>,
    checkpoints: Vec<Checkpoint>,
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

    /// Acts for the present owner of a run.
    fn owned<T>(
        &self,
        run: &RunId,
        fence: Fence,
        act: impl FnOnce(&mut Stream) -> Result<T, JournalFault>,
    ) -> Result<T, JournalError> {
        self.with(|state| {
            let stream = state.streams.get_mut(run).filter(|stream| stream.fence == fence);
            stream.ok_or(JournalFault::Fenced).and_then(act)
        })
        .map_err(|fault| JournalError::new(fault).of_run(run))
    }
}

impl Stream {
    fn tail(&self) -> Option<Seq> {
        self.records.last().map(|record| record.seq)
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn open(&self, run: &RunId) -> Result<Opened, JournalError> {
        Ok(self.with(|state| {
            if !state.streams.contains_key(run) {
                state.order.push(run.clone());
            }
            state.fence.0 += 1;
            let stream = state.streams.entry(run.clone()).or_default();
            stream.fence = state.fence;
            let checkpoint = stream.checkpoints.iter().rev().find(|checkpoint| checkpoint.is_sound());
            Opened { fence: stream.fence, tail: stream.tail(), checkpoint: checkpoint.cloned() }
        }))
    }

    async fn append(&self, run: &RunId, fence: Fence, events: &[SharedEnvelope]) -> Result<(), JournalError> {
        self.owned(run, fence, |stream| {
            let mut expected = stream.tail().map_or(Seq(1), Seq::next);
            for event in events {
                if event.seq != expected || event.run_id != *run {
                    return Err(JournalFault::OutOfOrder);
                }
                expected = expected.next();
            }
            stream.records.extend(events.iter().cloned());
            Ok(())
        })
    }

    async fn checkpoint(
        &self,
        run: &RunId,
        fence: Fence,
        checkpoint: Checkpoint,
    ) -> Result<(), JournalError> {
        self.owned(run, fence, |stream| {
            if !checkpoint.is_sound() {
                return Err(JournalFault::Corrupt { at: Some(checkpoint.seq) });
            }
            let newest = stream.checkpoints.last().map(|newest| newest.seq);
            if Some(checkpoint.seq) <= newest || Some(checkpoint.seq) > stream.tail() {
                return Err(JournalFault::OutOfOrder);
            }
            stream.checkpoints.push(checkpoint);
            let surplus = stream.checkpoints.len().saturating_sub(CHECKPOINTS);
            stream.checkpoints.drain(..surplus);
            Ok(())
        })
    }

    async fn read(
        &self,
        run: &RunId,
        after: Option<Seq>,
        most: usize,
    ) -> Result<Vec<SharedEnvelope>, JournalError> {
        let first = after.map_or(0, |seq| usize::try_from(seq.0).unwrap_or(usize::MAX));
        Ok(self.with(|state| {
            let records = state.streams.get(run).and_then(|stream| stream.records.get(first..));
            records.map(|records| records[..most.min(records.len())].to_vec()).unwrap_or_default()
        }))
    }

    async fn runs(&self) -> Result<Vec<RunId>, JournalError> {
        Ok(self.with(|state| state.order.clone()))
    }

    async fn forget(&self, run: &RunId) -> Result<(), JournalError> {
        self.with(|state| {
            state.streams.remove(run);
            state.order.retain(|known| known != run);
        });
        Ok(())
    }
}
