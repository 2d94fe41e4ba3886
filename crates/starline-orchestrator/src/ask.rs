//! How a handle asks the core and waits for the answer.

use tokio::sync::oneshot;

use crate::RunError;
use crate::command::Command;
use crate::driver::step_aside;
use crate::inbox::{Inbox, Sent};

impl Inbox {
    /// Sends a command and waits for its answer. If the core is free, the sender does the work itself.
    pub(crate) async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, RunError> {
        let (reply, answer) = oneshot::channel();
        let mut steps_aside = !tokio::task::coop::has_budget_remaining();
        match self.send(command(reply)).await? {
            // Others that are answered may wait for this thread.
            Sent::YourTurn(core) => steps_aside |= self.work_off(core, None) > 1,
            Sent::AnsweredSoon => Self::look_for(&answer),
            Sent::Accepted => {}
        }
        if steps_aside {
            step_aside().await;
        }
        answer.await.map_err(|_| RunError::ShutDown)
    }
}
