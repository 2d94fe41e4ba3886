//! A device whose attempts are processes of this machine.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use starline_device::{
    Attempt, AttemptId, BlobStore, BoxStream, DeliveryFault, Device, DeviceError, DeviceProfile,
    DeviceSignal, ErrorKind, Millis, Payload, Secrets, TaskError, TaskReport,
};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::folder::WorkRoot;
use crate::live::{LiveAttempts, Stop, Ticket};
use crate::progress::Outlet;
use crate::register::Register;
use crate::supervise::{Setting, supervise};
use crate::{Leftovers, LeftoversError, ProcessOptions, leftovers};

/// A device whose attempts are processes of this machine.
///
/// It runs `exec`, as far as there is no [allow-list](ProcessOptions::programs) against it, `sh` where
/// [allowed](ProcessOptions::allow_sh), and `sleep` and `noop` without a process.
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
/// In a [sandbox](ProcessOptions::sandbox) all of this holds as well, with two differences: what the first process
/// leaves behind is killed at once, daemons included, and nothing is left when this process ends in whatever way.
///
/// The result is `{"exit_code": 0, "stdout": "…", "stderr": "…"}`, with `signal` and `signal_name` in place of
/// the code where a signal ended the process, and with `"truncated": true` where an output was longer than
/// [`capture_limit`](ProcessOptions::capture_limit). Files that were collected are in `files`, by their paths, as
/// artefacts. With a [store](Self::with_blobs), streams that have more than 64 KiB together are artefacts as well, in
/// `stdout_artifact` and `stderr_artifact`; of the longer ones the beginning and the end stay in the result.
///
/// What it may not run it [refuses](DeliveryFault::Refused), so that another device may be asked.
///
/// Attempts need a tokio runtime with timer and input/output, except `noop`.
#[derive(Debug)]
pub struct ProcessDevice {
    profile: DeviceProfile,
    setting: Arc<Setting>,
    live: Arc<LiveAttempts>,
}

impl ProcessDevice {
    /// A device for this machine. Its profile is marked as local, fenced and of the kind `process`, and says what the
    /// options [accept](ProcessOptions::accepts).
    #[must_use]
    pub fn new(mut profile: DeviceProfile, options: ProcessOptions) -> Self {
        "process".clone_into(&mut profile.kind);
        profile.local = true;
        profile.fenced = true;
        profile.accepts = options.accepts();
        let root = Arc::new(WorkRoot::new(options.work_root.clone(), options.keep_work_dirs));
        let setting = Setting {
            options,
            secrets: Secrets::default(),
            blobs: None,
            register: None,
            root,
            outlet: Outlet::default(),
            table: Arc::default(),
            bwrap: Arc::default(),
        };
        Self { profile, setting: Arc::new(setting), live: Arc::default() }
    }

    /// The device with secrets that its tasks may name. A task gets those it names, in its environment; all of
    /// them are masked in whatever any task puts out, except in files, which are kept as they are. One that is too short
    /// to be masked is given to none: see [`Secret::width`](starline_device::Secret::width).
    #[must_use]
    pub fn with_secrets(mut self, secrets: Secrets) -> Self {
        Arc::make_mut(&mut self.setting).secrets = secrets;
        self
    }

    /// The device with a store that files of tasks come from and go to.
    #[must_use]
    pub fn with_blobs(mut self, blobs: Arc<dyn BlobStore>) -> Self {
        Arc::make_mut(&mut self.setting).blobs = Some(blobs);
        self
    }

    /// The device with a folder for the register of its process groups, so that [`end_leftovers`](Self::end_leftovers)
    /// finds them should this process be killed by force. Created with mode 0700 if missing; an attempt fails where it
    /// belongs to somebody else, others may write to it, or it is full. Several devices and processes may share it.
    ///
    /// A process gets the variable `STARLINE_HOST` with a random token, which its children inherit; neither its task
    /// nor [`env_pass`](ProcessOptions::env_pass) can set another value. What a process without it does is in the
    /// register by its group, as long as it stays there.
    #[must_use]
    pub fn with_register(mut self, folder: impl Into<PathBuf>) -> Self {
        Arc::make_mut(&mut self.setting).register = Some(Arc::new(Register::new(folder.into())));
        self
    }

    /// Kills what is left of earlier processes that had [their registers](Self::with_register) in this folder, and returns
    /// when it is gone. Call it before attempts of the same tasks begin again. A folder that is missing has no leftovers.
    ///
    /// Killed by `SIGKILL`, after all of them were stopped so that none gets away, are:
    ///
    /// - processes with the variable `STARLINE_HOST` of such an earlier process, in whatever group and session, also
    ///   those of attempts that were over;
    /// - processes in a group of the register, if its leader has the start time that is there as well, so that a number
    ///   which is somebody else's by now is left alone;
    /// - children of these.
    ///
    /// A process of another user is left alone with a warning, as are this process and those that it descends from. What
    /// has cleared its environment and left its group, and whose parents have ended, is not found. After a restart of the
    /// system nothing is left, and nothing is looked for.
    ///
    /// Any number of processes may call it at the same time, and as often as they like. It takes some milliseconds, and
    /// 10 s at most, unless the system itself hangs. On systems other than Linux nothing is killed, and the numbers of
    /// groups that may be left are warnings.
    ///
    /// # Errors
    /// A process whose register is in the folder is alive, and nothing was killed; or processes do not end; or the folder
    /// or the table of processes cannot be read. Then some processes may be left.
    ///
    /// # Cancellation safety
    /// Dropping the future stops waiting; what it does goes on.
    pub async fn end_leftovers(folder: impl AsRef<Path>) -> Result<Leftovers, LeftoversError> {
        let folder = folder.as_ref().to_owned();
        let place = folder.clone();
        let ending = spawn_blocking(move || leftovers::end(&place)).await;
        ending.unwrap_or_else(|error| Err(LeftoversError::System { folder, source: io::Error::other(error) }))
    }

    /// Looks whether the protections that the options ask for work on this machine: the sandbox and the limits.
    /// Without it, the first attempt finds out. What is found out about the sandbox holds for the life of the
    /// device.
    ///
    /// # Errors
    /// A protection does not work ([`DeliveryFault::Protocol`]); the source says why, and what to install.
    ///
    /// # Cancellation safety
    /// Dropping the future ends the look.
    pub async fn check(&self) -> Result<(), DeviceError> {
        let checked = self.setting.check().await;
        checked.map_err(|error| DeviceError::with_source(DeliveryFault::Protocol, error))
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
            Payload::Sh(_) if self.setting.options.programs.is_some() => {
                let id = &self.profile.id;
                let message = format!(
                    "device {id} may not run sh: it has an allow-list `programs`, and a script could run anything"
                );
                Err(DeviceError::refused(TaskError::new(ErrorKind::PermissionDenied, message)))
            }
            Payload::Sh(_) if !self.setting.options.allow_sh => {
                let id = &self.profile.id;
                let message = format!("device {id} may not run sh: its options do not say `allow_sh: true`");
                Err(DeviceError::refused(TaskError::new(ErrorKind::PermissionDenied, message)))
            }
            Payload::Sh(_) | Payload::Exec(_) => self.spawn(attempt, ticket).await,
            Payload::Prompt(_) | Payload::Call { .. } => {
                let options = &self.setting.options;
                let choices =
                    if options.allow_sh && options.programs.is_none() { "exec, sh" } else { "exec" };
                let (id, kind) = (&self.profile.id, attempt.payload.kind());
                let message = format!("device {id} cannot run {kind}: it runs noop, sleep, {choices}");
                Err(DeviceError::refused(TaskError::new(ErrorKind::Unsupported, message)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sandbox;
    use starline_device::{DeviceId, Exec, SparseMap, TaskId, TaskSpec};

    #[tokio::test]
    async fn without_its_sandbox_nothing_runs() {
        let root = std::env::temp_dir().join(format!("starline-closed-{}", std::process::id()));
        let options = ProcessOptions {
            sandbox: Sandbox::Bwrap,
            work_root: root.join("attempts"),
            base_dir: Some(root.clone()),
            ..ProcessOptions::default()
        };
        let profile = DeviceProfile::new(DeviceId::new("here").expect("id"), "process");
        let device = Arc::new(ProcessDevice::new(profile, options));
        device.setting.bwrap.set(Err("it is not there".to_owned())).expect("nobody has looked");
        let error = device.check().await.expect_err("told");
        assert_eq!(error.kind(), DeliveryFault::Protocol);

        let argv = ["touch", "started"].map(str::to_owned).to_vec();
        let payload = Payload::Exec(Arc::new(Exec { argv, cwd: Some(".".to_owned()), ..Exec::default() }));
        let task = TaskId::new("t").expect("id");
        let attempt = Attempt {
            id: AttemptId { run: "r".parse().expect("id"), task: task.clone().into(), number: 1 },
            payload: payload.clone(),
            timeout: None,
            files: SparseMap::default(),
            checkpoint: None,
            spec: Arc::new(TaskSpec::new(task, payload)),
        };
        let report = Arc::clone(&device).run(attempt).await.expect("a report");
        let expected = "nothing runs without the sandbox: it is not there";
        assert_eq!(report, TaskReport::failed(TaskError::new(ErrorKind::DeviceError, expected)));
        assert!(!root.join("started").exists());
        std::fs::remove_dir_all(root).expect("removed");
    }
}
