//! A device whose attempts are processes of this machine.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use starline_device::{
    Attempt, AttemptId, BoxStream, DeliveryFault, Device, DeviceError, DeviceProfile, DeviceSignal,
    ErrorKind, Millis, Payload, TaskError, TaskReport,
};
use tokio::time::sleep;

use crate::ProcessOptions;
use crate::folder::WorkRoot;
use crate::live::{LiveAttempts, Stop, Ticket};
use crate::progress::Outlet;
use crate::supervise::{Setting, supervise};

/// A device whose attempts are processes of this machine.
///
/// It runs `exec`, `sh` where [allowed](ProcessOptions::allow_sh), and `sleep` and `noop` without a process.
/// Each attempt leads a process group of its own, and is over when no member of the group is left:
///
/// - A polite [`cancel`](Device::cancel) sends `SIGTERM` to the group, by force `SIGKILL`; both wait until
///   the group is gone.
/// - An attempt that runs longer than it may gets `SIGTERM`, and `SIGKILL` after
///   [`kill_grace`](ProcessOptions::kill_grace).
/// - Processes that the first one leaves behind may write for another [`drain`](ProcessOptions::drain), then
///   they are killed.
/// - Dropping the future of [`run`](Device::run) or the runtime kills the group.
///
/// A process that makes a group of its own is ended with the attempt on Linux, as long as its parents live; a
/// daemon, which has none, is not followed.
///
/// The result is `{"exit_code": 0, "stdout": "…", "stderr": "…"}`, with `signal` and `signal_name` in place of
/// the code where a signal ended the process, and with `"truncated": true` where an output was longer than
/// [`capture_limit`](ProcessOptions::capture_limit).
///
/// Attempts need a tokio runtime with timer and input/output, except `noop`.
#[derive(Debug)]
pub struct ProcessDevice {
    profile: DeviceProfile,
    setting: Arc<Setting>,
    live: Arc<LiveAttempts>,
}

impl ProcessDevice {
    /// A device for this machine. Its profile is marked as local, fenced and of the kind `process`.
    #[must_use]
    pub fn new(mut profile: DeviceProfile, options: ProcessOptions) -> Self {
        "process".clone_into(&mut profile.kind);
        profile.local = true;
        profile.fenced = true;
        let root = Arc::new(WorkRoot::new(options.work_root.clone(), options.keep_work_dirs));
        let setting = Arc::new(Setting { options, root, outlet: Outlet::default(), table: Arc::default() });
        Self { profile, setting, live: Arc::default() }
    }

    /// Kills the process groups of all attempts, and returns when they are gone and their folders removed.
    /// Attempts that come later are not accepted, except `noop`.
    ///
    /// # Cancellation safety
    /// Dropping the future stops waiting; the groups are killed all the same.
    pub async fn shut_down(&self) {
        self.live.close();
        self.live.over().await;
    }

    async fn perform(self: Arc<Self>, attempt: Attempt, ticket: Ticket) -> Result<TaskReport, DeviceError> {
        match &attempt.payload {
            Payload::Noop => Ok(TaskReport::done()),
            Payload::Sleep(span) => Ok(pause(*span, attempt.timeout, &ticket).await),
            Payload::Sh(_) if !self.setting.options.allow_sh => {
                let id = &self.profile.id;
                let message = format!("device {id} may not run sh: its options do not say `allow_sh: true`");
                Ok(TaskReport::failed(TaskError::new(ErrorKind::PermissionDenied, message)))
            }
            Payload::Sh(_) | Payload::Exec(_) => self.spawn(attempt, ticket).await,
            Payload::Prompt(_) | Payload::Call { .. } => {
                let choices = if self.setting.options.allow_sh { "exec, sh" } else { "exec" };
                let (id, kind) = (&self.profile.id, attempt.payload.kind());
                let message = format!("device {id} cannot run {kind}: it runs noop, sleep, {choices}");
                Ok(TaskReport::failed(TaskError::new(ErrorKind::Unsupported, message)))
            }
        }
    }

    async fn spawn(&self, attempt: Attempt, ticket: Ticket) -> Result<TaskReport, DeviceError> {
        let _stop = ticket.stop_on_drop();
        let supervisor = supervise(Arc::clone(&self.setting), attempt, ticket);
        #[expect(
            clippy::disallowed_methods,
            reason = "processes outlive whoever waits for them, until they end"
        )]
        let task = tokio::spawn(supervisor);
        // Not joined: the task panicked or the runtime goes away. Either way the group was killed, but nobody
        // has seen its end.
        task.await.unwrap_or_else(|error| Err(DeviceError::with_source(DeliveryFault::OutcomeUnknown, error)))
    }
}

#[async_trait]
impl Device for ProcessDevice {
    fn profile(&self) -> &DeviceProfile {
        &self.profile
    }

    /// Written out, so that an attempt is known, and can be cancelled, from the call on and not only from the
    /// first poll.
    fn run<'f>(
        self: Arc<Self>,
        attempt: Attempt,
    ) -> Pin<Box<dyn Future<Output = Result<TaskReport, DeviceError>> + Send + 'f>>
    where
        Self: 'f,
    {
        if matches!(attempt.payload, Payload::Noop) {
            return Box::pin(Done);
        }
        match self.live.enter(attempt.id.clone()) {
            Some(ticket) => Box::pin(self.perform(attempt, ticket)),
            None => Box::pin(std::future::ready(Err(DeviceError::with_source(
                DeliveryFault::NotAccepted,
                format!("device {} is shut down", self.profile.id),
            )))),
        }
    }

    async fn cancel(&self, attempt: AttemptId, force: bool) -> Result<(), DeviceError> {
        self.live.stop(&attempt, if force { Stop::AtOnce } else { Stop::Politely }).await;
        Ok(())
    }

    /// Output of attempts, in whole lines: each text is one line or several, without the last line break.
    /// What finds 1024 signals waiting is dropped.
    fn signals(&self) -> Option<BoxStream<'static, DeviceSignal>> {
        Some(self.setting.outlet.open())
    }
}

/// The report of an empty task. Without fields, so a box of it allocates nothing.
struct Done;

impl Future for Done {
    type Output = Result<TaskReport, DeviceError>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(TaskReport::done()))
    }
}

async fn pause(span: Millis, limit: Option<Millis>, ticket: &Ticket) -> TaskReport {
    let shortest = limit.map_or(span, |limit| limit.min(span));
    tokio::select! {
        biased;
        () = sleep(shortest.into()) => {
            if shortest == span {
                return TaskReport::done();
            }
            let message = format!("attempt ran longer than {shortest}");
            TaskReport::failed(TaskError::new(ErrorKind::Timeout, message))
        }
        _ = ticket.asked_beyond(Stop::No) => TaskReport::Stopped,
    }
}
