//! A clock that the test moves on.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use starline_types::Timestamp;

/// Stands still unless the test moves it on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    // Not scheduled by the test: nothing happens while it is held.
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    now: u64,
    waiting: Vec<(u64, Waker)>,
}

impl Clock {
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(self.state.lock().unwrap_or_else(PoisonError::into_inner).now)
    }

    /// A moment as timers know it.
    pub(crate) fn instant(&self, at: Timestamp) -> Timestamp {
        at
    }

    /// Moves on, and wakes whoever waited for that.
    pub(crate) fn advance(&self, to: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.now = state.now.max(to);
        let now = state.now;
        let due: Vec<_> = state.waiting.extract_if(.., |(at, _)| *at <= now).collect();
        drop(state);
        for (_, waker) in due {
            waker.wake();
        }
    }

    pub(crate) fn poll(&self, at: Timestamp, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.now >= at.0 {
            return Poll::Ready(());
        }
        state.waiting.push((at.0, cx.waker().clone()));
        Poll::Pending
    }
}
