//! One subscriber's queue, between publishers and a reader.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use starline_event::{EventFilter, Gap, SharedEnvelope};

use crate::backlog::Backlog;
use crate::sync::{AtomicUsize, Mutex, MutexGuard, Ordering, PoisonError, Rule, is_broken};

/// Shared by a subscription and the bus.
#[derive(Debug)]
pub(crate) struct Queue {
    filter: EventFilter,
    /// Facts the reader took and has not worked off. Only the reader lowers it, so a publisher that reads an
    /// old value is too careful, never too generous.
    in_hand: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    backlog: Backlog,
    /// The reader, while it waits.
    reader: Option<Waker>,
    /// Whether nothing will come any more: the bus or the reader is gone.
    ended: bool,
}

/// What a reader found.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Facts are in the hand.
    Facts,
    /// Facts are missing here.
    Gap(Gap),
    /// Nothing, and the bus is gone.
    End,
}

impl Queue {
    pub(crate) fn new(filter: EventFilter, capacity: usize) -> Self {
        let state = State { backlog: Backlog::new(capacity), reader: None, ended: false };
        Self { filter, in_hand: AtomicUsize::new(0), state: Mutex::new(state) }
    }

    pub(crate) fn filter(&self) -> &EventFilter {
        &self.filter
    }

    /// Facts that wait, those in the reader's hand included.
    pub(crate) fn len(&self) -> usize {
        self.state().backlog.len() + self.in_hand.load(Ordering::Relaxed)
    }

    /// Queues the facts of a batch that the reader wants: one lock, at most one wake-up.
    pub(crate) fn offer(&self, events: &[SharedEnvelope]) {
        let Some(first) = events.iter().position(|event| self.filter.wants(event)) else { return };
        let mut state = self.state();
        if state.ended {
            return;
        }
        let in_hand = self.in_hand.load(Ordering::Relaxed);
        let (wanted, rest) = events[first..].split_at(1);
        for event in wanted.iter().chain(rest.iter().filter(|event| self.filter.wants(event))) {
            state.backlog.push(event, in_hand);
        }
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Fills the empty hand of the reader, which is woken later if there is nothing to take.
    pub(crate) fn poll_take(
        &self,
        hand: &mut VecDeque<SharedEnvelope>,
        cx: Option<&mut Context<'_>>,
    ) -> Poll<Taken> {
        let mut state = self.state();
        if let Some(gap) = state.backlog.take(hand) {
            return Poll::Ready(Taken::Gap(gap));
        }
        if !hand.is_empty() {
            self.in_hand.store(hand.len(), Ordering::Relaxed);
            return Poll::Ready(Taken::Facts);
        }
        if state.ended {
            return Poll::Ready(Taken::End);
        }
        if let Some(cx) = cx {
            if is_broken(Rule::RegisterUnderLock) {
                drop(state);
                state = self.state();
            }
            match &mut state.reader {
                Some(reader) => reader.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
        }
        Poll::Pending
    }

    /// Says how many facts the reader still has in its hand.
    pub(crate) fn keep_in_hand(&self, count: usize) {
        self.in_hand.store(count, Ordering::Relaxed);
    }

    /// Whether nothing is queued and nothing will be.
    pub(crate) fn is_drained(&self) -> bool {
        let state = self.state();
        state.ended && state.backlog.is_empty()
    }

    /// Nothing will be published any more; what is queued can still be read.
    pub(crate) fn end(&self) {
        let reader = {
            let mut state = self.state();
            state.ended = true;
            state.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Nobody will read any more; what is queued is dropped, outside of the lock.
    pub(crate) fn abandon(&self) {
        let mut state = self.state();
        state.ended = true;
        let rest = (std::mem::replace(&mut state.backlog, Backlog::new(1)), state.reader.take());
        drop(state);
        drop(rest);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing of anybody else runs under the lock, so a poisoned state is a sound one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
