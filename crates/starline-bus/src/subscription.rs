//! The reader's end of a queue.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use futures_core::Stream;
use starline_event::{Gap, SharedEnvelope};

use crate::bus::Registry;
use crate::queue::{Queue, Taken};

/// A bounded stream of facts.
///
/// Facts come in the order of publication. Where some found no room, a [`Gap`] for each run stands in their
/// place. The stream ends after the bus is dropped and everything queued is read; dropping the subscription
/// ends it at once.
///
/// The reader takes everything queued in one go and then works it off without a lock, so reading one by one
/// costs as little as reading in batches.
#[derive(Debug)]
pub struct Subscription {
    queue: Arc<Queue>,
    /// Taken from the queue, not yet handed out.
    hand: VecDeque<SharedEnvelope>,
    registry: Weak<Registry>,
    id: u64,
}

impl Subscription {
    pub(crate) fn new(queue: Arc<Queue>, registry: Weak<Registry>, id: u64) -> Self {
        Self { queue, hand: VecDeque::new(), registry, id }
    }

    /// Waits for the next fact or gap; `None` after the end.
    ///
    /// # Cancellation safety
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Result<SharedEnvelope, Gap>> {
        poll_fn(|cx| self.poll_item(Some(cx))).await
    }

    /// The next fact or gap, if there is one now. `None` also after the end: see [`is_ended`](Self::is_ended).
    pub fn try_next(&mut self) -> Option<Result<SharedEnvelope, Gap>> {
        match self.poll_item(None) {
            Poll::Ready(item) => item,
            Poll::Pending => None,
        }
    }

    /// Waits for at least one fact or gap, then appends what there is, at most `limit`. Returns how many
    /// were appended: 0 after the end, or if `limit` is 0.
    ///
    /// # Cancellation safety
    /// Nothing is lost when the future is dropped, and nothing is appended.
    pub async fn recv_many(&mut self, buffer: &mut Vec<Result<SharedEnvelope, Gap>>, limit: usize) -> usize {
        if limit == 0 {
            return 0;
        }
        let Some(first) = self.next().await else { return 0 };
        buffer.push(first);
        let mut count = 1;
        while count < limit {
            let ready = self.hand.len().min(limit - count);
            if ready > 0 {
                buffer.extend(self.hand.drain(..ready).map(Ok));
                self.queue.keep_in_hand(self.hand.len());
                count += ready;
            } else if let Some(item) = self.try_next() {
                buffer.push(item);
                count += 1;
            } else {
                break;
            }
        }
        count
    }

    /// Facts that wait to be read; gaps are not counted.
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.queue.len()
    }

    /// Whether the bus is gone and everything was read.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.hand.is_empty() && self.queue.is_drained()
    }

    fn poll_item(&mut self, cx: Option<&mut Context<'_>>) -> Poll<Option<Result<SharedEnvelope, Gap>>> {
        if let Some(event) = self.pop() {
            return Poll::Ready(Some(Ok(event)));
        }
        match self.queue.poll_take(&mut self.hand, cx) {
            Poll::Ready(Taken::Facts) => Poll::Ready(self.pop().map(Ok)),
            Poll::Ready(Taken::Gap(gap)) => Poll::Ready(Some(Err(gap))),
            Poll::Ready(Taken::End) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }

    fn pop(&mut self) -> Option<SharedEnvelope> {
        let event = self.hand.pop_front()?;
        self.queue.keep_in_hand(self.hand.len());
        Some(event)
    }
}

impl Stream for Subscription {
    type Item = Result<SharedEnvelope, Gap>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_item(Some(cx))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(registry) = self.registry.upgrade() {
            registry.remove_queue(self.id);
        }
        self.queue.abandon(); // A publisher may still hold the queue in the list it is working on.
    }
}
