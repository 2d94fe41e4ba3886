//! One attempt, from its first process to its last.

use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use starline_device::{
    Attempt, DeviceError, ErrorKind, Millis, Payload, ProgressStream, TaskError, TaskReport,
};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin};
use tokio::time::{Instant, sleep, timeout};

use crate::ProcessOptions;
use crate::capture::Outputs;
use crate::command::{Job, StartFault};
use crate::folder::{WorkFolder, WorkRoot};
use crate::group::Group;
use crate::live::{Stop, Ticket};
use crate::progress::{Lines, Outlet};
use crate::report::{Cause, report};
use crate::table::Table;

/// First and longest time between two looks at a group whose leader has ended. Only the end of a child is an
/// event; the others are children of other processes by now, and the system tells about them on request only.
const FIRST_LOOK: Duration = Duration::from_millis(1);
const LONGEST_LOOK: Duration = Duration::from_millis(50);
/// Who gives an attempt its time counts from a moment earlier than its device. An attempt that is asked to stop
/// when no more than this is left of its time has had its time: its report shows what it wrote.
const EARLY: Duration = Duration::from_millis(100);

/// What all attempts of a device share.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) options: ProcessOptions,
    pub(crate) root: Arc<WorkRoot>,
    pub(crate) outlet: Outlet,
    pub(crate) table: Arc<Table>,
}

/// Runs the process of an attempt and returns when no member of its group is left.
///
/// Runs as a task of its own, so that nobody's patience decides about the end of processes. If the task goes
/// away with its runtime, the group is killed.
pub(crate) async fn supervise(
    setting: Arc<Setting>,
    attempt: Attempt,
    ticket: Ticket,
) -> Result<TaskReport, DeviceError> {
    let job = match &attempt.payload {
        Payload::Exec(exec) => Job::exec(exec),
        Payload::Sh(shell) => Ok(Job::shell(shell)),
        other => Err(TaskError::new(ErrorKind::Unsupported, format!("{} starts no process", other.kind()))),
    };
    let job = match job {
        Ok(job) => job,
        Err(error) => return Ok(TaskReport::failed(error)),
    };
    let (cwd, folder) = match place(&job, &attempt, &setting).await {
        Ok(place) => place,
        Err(error) => return Ok(TaskReport::failed(error)),
    };
    let ended = if ticket.asked() > Stop::No {
        Ok(TaskReport::Stopped) // Cancelled before anything was started.
    } else {
        match job.start(&attempt, &cwd, &setting.options) {
            Ok(child) => Ok(attend(child, &job, &attempt, &ticket, &setting).await),
            Err(StartFault::Task(error)) => Ok(TaskReport::failed(error)),
            Err(StartFault::Device(error)) => Err(error),
        }
    };
    ticket.stopped();
    if let Some(folder) = folder
        && let Err(error) = folder.close().await
    {
        let message = format!("work folder was not removed: {error}");
        setting.outlet.send(&attempt.id, ProgressStream::Message, &message);
    }
    ended
}

/// Where the process runs, and the folder that was made for it, if it is there.
async fn place(
    job: &Job<'_>,
    attempt: &Attempt,
    setting: &Setting,
) -> Result<(PathBuf, Option<WorkFolder>), TaskError> {
    let wanted = PathBuf::from(job.cwd.unwrap_or_default());
    let base = if job.cwd.is_some() { setting.options.base_dir.as_ref() } else { None };
    let (cwd, folder) = match base {
        _ if wanted.is_absolute() => (wanted, None),
        Some(base) => (std::path::absolute(base.join(wanted)).unwrap_or_else(|_| base.clone()), None),
        None => {
            let folder = setting.root.folder(&attempt.id).await.map_err(|error| {
                TaskError::new(ErrorKind::DeviceError, format!("work folder could not be made: {error}"))
            })?;
            (folder.path().join(wanted), Some(folder))
        }
    };
    // Asked here because the system would only say that something was not found.
    if job.cwd.is_some() && !tokio::fs::metadata(&cwd).await.is_ok_and(|found| found.is_dir()) {
        let message = format!("folder {:?} is not there", job.cwd.unwrap_or_default());
        return Err(TaskError::new(ErrorKind::InvalidRequest, message));
    }
    Ok((cwd, folder))
}

/// Reads what the process writes and waits for its end.
async fn attend(
    mut child: Child,
    job: &Job<'_>,
    attempt: &Attempt,
    ticket: &Ticket,
    setting: &Setting,
) -> TaskReport {
    let limit = attempt.timeout;
    let mut outputs = Outputs::new(setting.options.capture_limit, |stream| {
        Lines::new(setting.outlet.clone(), attempt.id.clone(), stream)
    });
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let Some(group) = child.id().and_then(|leader| Group::led_by(leader, &setting.table)) else {
        let error = TaskError::new(ErrorKind::DeviceError, "process has no number");
        return TaskReport::failed(error);
    };
    let (status, cause) = {
        // Dropped at the end of the block, with the pipes: then nobody reads what a process might still write
        // that left its group.
        let reading = outputs.read(stdout, stderr);
        let feeding = feed(stdin, job.stdin.unwrap_or_default());
        let watch = Watch { child: &mut child, group, ticket, options: &setting.options };
        watch.see_through(limit, reading, feeding).await
    };
    report(status, cause, attempt, &outputs)
}

async fn feed(stdin: Option<ChildStdin>, text: &str) {
    if let Some(mut stdin) = stdin {
        // A process need not read what it is given.
        let _ = stdin.write_all(text.as_bytes()).await;
    }
}

/// What the timer is set for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Alarm {
    Off,
    /// The attempt has run as long as it may.
    Limit,
    /// The group had time enough to end by itself.
    Kill,
}

struct Watch<'a> {
    child: &'a mut Child,
    group: Group,
    ticket: &'a Ticket,
    options: &'a ProcessOptions,
}

impl Watch<'_> {
    /// Waits until the leader has ended and no member of the group is left, and sees to it where needed.
    async fn see_through(
        self,
        limit: Option<Millis>,
        reading: impl Future<Output = ()>,
        feeding: impl Future<Output = ()>,
    ) -> (io::Result<ExitStatus>, Option<Cause>) {
        let Self { child, mut group, ticket, options } = self;
        let (grace, drain): (Duration, Duration) = (options.kill_grace.into(), options.drain.into());
        let (mut reading, mut feeding) = (pin!(reading), pin!(feeding));
        let mut timer = pin!(sleep(limit.map_or(Duration::MAX, Duration::from)));
        let mut alarm = if limit.is_some() { Alarm::Limit } else { Alarm::Off };
        let (mut read, mut fed, mut killing) = (false, false, false);
        let (mut heard, mut next_look) = (Stop::No, FIRST_LOOK);
        let (mut status, mut cause) = (None, None);
        let status = loop {
            if let Some(ended) = status.take() {
                if group.is_gone() {
                    break ended;
                }
                // Nobody in the group can be heard any more: what runs on was left behind.
                killing |= cause.is_none() && read;
                status = Some(ended);
            }
            if killing {
                group.kill(); // Again with each look, for those that joined the group in the meantime.
            }
            tokio::select! {
                // Streams come last: a process that never stops writing must not keep the others waiting.
                biased;
                ended = child.wait(), if status.is_none() => {
                    group.leader_ended();
                    status = Some(ended);
                    if cause.is_none() {
                        alarm = Alarm::Kill;
                        timer.as_mut().reset(Instant::now() + drain);
                    }
                }
                how = ticket.asked_beyond(heard) => {
                    heard = how;
                    if status.is_none() {
                        let left = timer.deadline().saturating_duration_since(Instant::now());
                        let is_late = alarm == Alarm::Limit && left <= EARLY && how == Stop::Politely;
                        cause.get_or_insert(if is_late { Cause::TimedOut } else { Cause::Cancelled });
                    }
                    if how == Stop::AtOnce {
                        killing = true;
                    } else {
                        group.terminate();
                    }
                }
                () = &mut timer, if alarm != Alarm::Off => {
                    if alarm == Alarm::Limit {
                        cause.get_or_insert(Cause::TimedOut);
                        group.terminate();
                        alarm = Alarm::Kill;
                        timer.as_mut().reset(Instant::now() + grace);
                    } else {
                        killing = true;
                        alarm = Alarm::Off;
                    }
                }
                () = sleep(next_look), if status.is_some() => next_look = (next_look * 2).min(LONGEST_LOOK),
                () = &mut reading, if !read => read = true,
                () = &mut feeding, if !fed && status.is_none() => fed = true,
            }
        };
        if !read {
            // What is in the pipes is read now; only a process that left the group can still hold them open.
            let _ = timeout(drain, reading).await;
        }
        (status, cause)
    }
}
