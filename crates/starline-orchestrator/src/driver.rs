//! The task that does what runners and senders cannot: large commands, deadlines, journals.

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use starline_types::Timestamp;

use crate::clock::Clock;
use crate::core::Core;
use crate::inbox::{Found, Inbox};
use crate::sync::{JoinSet, Sleep};

/// Waits for mail and deadlines, and works with the core then.
pub(crate) struct Driver {
    pub(crate) clock: Clock,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) runners: JoinSet<()>,
    pub(crate) timer: Pin<Box<Sleep>>,
    pub(crate) timer_at: Option<Timestamp>,
}

impl Driver {
    pub(crate) async fn run(mut self) {
        loop {
            let mut core = poll_fn(|cx| self.poll_core(cx)).await;
            if core.work_through().await {
                self.inbox.rest(core);
                step_aside().await;
                continue;
            }
            self.inbox.close();
            core.close();
            core.dispatcher.close(self.runners).await;
            if let Some(closing) = core.closing.take() {
                // Who asked may have gone.
                let _ = closing.reply.send(());
            }
            return;
        }
    }

    fn poll_core(&mut self, cx: &mut Context<'_>) -> Poll<Box<Core>> {
        loop {
            let deadline = match self.inbox.look(self.clock.now(), cx.waker()) {
                Found::Core(core) => return Poll::Ready(core),
                Found::Nothing(deadline) => deadline,
            };
            let Some(at) = deadline else { return Poll::Pending };
            if self.timer_at != Some(at) {
                self.timer.as_mut().reset(self.clock.instant(at));
                self.timer_at = Some(at);
            }
            if self.timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.timer_at = None;
        }
    }
}

/// Lets the tasks that wait for this thread go first, and no more than these: what yields to the runtime waits until
/// the thread has nothing else to do, or has looked after timers and sockets.
pub(crate) async fn step_aside() {
    let mut has_stepped = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut has_stepped, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
