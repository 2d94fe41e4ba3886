//! How a handle asks the core and waits for the answer.

use tokio::sync::oneshot;
use tokio::task::coop::unconstrained;

use crate::RunError;
use crate::command::Command;
use crate::driver::step_aside;
use crate::inbox::{Inbox, Sent};
use crate::sync::Ordering;

/// Commands of which one lets the tasks that wait for its thread go first. Somebody who asks again as soon as there is an
/// answer is never made to wait otherwise, and keeps a thread for itself for so long: about a millisecond of edits. The
/// budget of the runtime is half of that, and as each of these waits is a long one, it would be felt by one edit in a
/// hundred.
const ROW: u64 = 256;

impl Inbox {
    /// Sends a command and waits for its answer. If the core is free, the sender does the work itself.
    pub(crate) async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, RunError> {
        let (reply, answer) = oneshot::channel();
        let mut steps_aside = (self.asked.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(ROW);
        match self.send(command(reply)).await? {
            // Others that are answered may wait for this thread.
            Sent::YourTurn(core) => steps_aside |= self.work_off(core, None) > 1,
            Sent::AnsweredSoon => Self::look_for(&answer),
            Sent::Accepted => {}
        }
        if steps_aside {
            step_aside().await;
        }
        unconstrained(answer).await.map_err(|_| RunError::ShutDown)
    }
}
