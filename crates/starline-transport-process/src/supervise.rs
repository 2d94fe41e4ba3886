//! One attempt, from its first process to its last.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use starline_device::{
    Attempt, BlobStore, DeviceError, ErrorKind, ProgressStream, Secrets, TaskError, TaskReport,
};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin};
use tokio::sync::OnceCell;

use crate::capture::Outputs;
use crate::checkpoint::Taker;
use crate::command::{Job, Places, StartFault};
use crate::folder::{WorkFolder, WorkRoot};
use crate::group::Group;
use crate::live::{Stop, Ticket};
use crate::progress::{Lines, Outlet};
use crate::register::{Line, Register};
use crate::report::report;
use crate::table::Table;
use crate::veil::Veil;
use crate::watch::Watch;
use crate::{ProcessOptions, Sandbox, checkpoint, collect, command, inline, inputs, sandbox};

/// What all attempts of a device share.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) options: ProcessOptions,
    pub(crate) secrets: Secrets,
    pub(crate) blobs: Option<Arc<dyn BlobStore>>,
    /// Where groups are written down before they begin, if anywhere.
    pub(crate) register: Option<Arc<Register>>,
    pub(crate) root: Arc<WorkRoot>,
    pub(crate) outlet: Outlet,
    pub(crate) table: Arc<Table>,
    /// Bubblewrap, or why there is none. Looked for once.
    pub(crate) bwrap: Arc<OnceCell<Result<PathBuf, String>>>,
}

impl Setting {
    /// The program that makes sandboxes.
    pub(crate) async fn sandbox(&self) -> Result<&Path, TaskError> {
        match self.bwrap.get_or_init(sandbox::probe).await {
            Ok(program) => Ok(program),
            Err(why) => {
                let message = format!("nothing runs without the sandbox: {why}");
                Err(TaskError::new(ErrorKind::DeviceError, message))
            }
        }
    }

    /// Whether what the options ask for works here.
    pub(crate) async fn check(&self) -> Result<(), TaskError> {
        if self.options.sandbox == Sandbox::Bwrap {
            self.sandbox().await?;
        }
        if self.options.limits.is_empty() { Ok(()) } else { command::try_limits(&self.options.limits).await }
    }
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
    let job = match Job::new(&attempt.payload) {
        Ok(job) => job,
        Err(error) => return Ok(TaskReport::failed(error)),
    };
    let veil = match Veil::new(job.secrets, &setting.secrets) {
        Ok(veil) => Arc::new(veil),
        Err(error) => return Ok(TaskReport::failed(error)),
    };
    let mut folder = None;
    let ended = match perform(&job, &attempt, &ticket, &veil, &setting, &mut folder).await {
        Ok(report) => Ok(veil.report(report)),
        Err(StartFault::Task(error)) => Ok(veil.report(TaskReport::failed(error))),
        Err(StartFault::Refused(error)) => match veil.report(TaskReport::failed(error)) {
            TaskReport::Failed { error, .. } => Err(DeviceError::refused(error)),
            report => Ok(report),
        },
        Err(StartFault::Device(error)) => Err(error),
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

/// From the folder of an attempt to the files that it leaves behind.
async fn perform(
    job: &Job<'_>,
    attempt: &Attempt,
    ticket: &Ticket,
    veil: &Arc<Veil>,
    setting: &Setting,
    folder: &mut Option<WorkFolder>,
) -> Result<TaskReport, StartFault> {
    let blobs = setting.blobs.as_ref();
    collect::check(job.collect, blobs)?;
    let made = setting.root.folder(&attempt.id).await.map_err(|error| {
        TaskError::new(ErrorKind::DeviceError, format!("work folder could not be made: {error}"))
    })?;
    let made = folder.insert(made);
    let script = match job.long_script() {
        Some(text) => Some(made.write_script(text).await.map(Path::to_owned).map_err(|error| {
            TaskError::new(ErrorKind::DeviceError, format!("script could not be written: {error}"))
        })?),
        None => None,
    };
    let folder = made.path();
    let cwd = place(job, folder, &setting.options).await?;
    inputs::give(&attempt.files, blobs, folder).await?;
    checkpoint::give(attempt.checkpoint.as_ref(), folder).await?;
    let unwritten = |error| {
        let message = format!("register of process groups could not be written: {error}");
        TaskError::new(ErrorKind::DeviceError, message)
    };
    let life = match &setting.register {
        Some(register) => Some(register.life().await.map_err(unwritten)?),
        None => None,
    };
    let places =
        Places { cwd: &cwd, folder, script: script.as_deref(), marker: life.map(|life| life.marker()) };
    let prepared = job.prepare(attempt, veil, places, setting).await?;
    if ticket.asked() > Stop::No {
        return Ok(TaskReport::Stopped); // Cancelled before anything was started.
    }
    let (mark, is_contained) = (prepared.mark.clone(), prepared.is_contained);
    let line = life.map(|life| life.enter(&attempt.id)).transpose().map_err(unwritten)?;
    let mut child = match prepared.start().await {
        Ok(child) => child,
        Err(error) => {
            line.into_iter().for_each(Line::over);
            return Err(job.start_fault(error));
        }
    };
    let table = &setting.table;
    let Some(group) = child.id().and_then(|leader| Group::led_by(leader, table, is_contained)) else {
        return Err(TaskError::new(ErrorKind::DeviceError, "process has no number").into());
    };
    if let Some(line) = &line {
        line.led_by(group.number()).map_err(unwritten)?;
    }
    let mut outputs = Outputs::new(setting.options.capture_limit, mark.as_deref(), |stream| {
        Lines::new(setting.outlet.clone(), attempt.id.clone(), stream, Arc::clone(veil))
    });
    let given = attempt.checkpoint.as_ref();
    let mut taker = Taker::new(folder, &attempt.id, given, &setting.outlet, veil);
    let report = tokio::select! {
        biased;
        report = attend(&mut child, group, job, attempt, ticket, setting, &mut outputs) => report,
        never = taker.follow() => match never {},
    };
    line.into_iter().for_each(Line::over);
    taker.finish().await;
    ticket.stopped();
    let report = collect::keep(report, job.collect, blobs, &cwd, setting.options.blob_limit).await;
    Ok(inline::shorten(report, &attempt.spec, blobs).await)
}

/// Where the process runs.
async fn place(job: &Job<'_>, folder: &Path, options: &ProcessOptions) -> Result<PathBuf, TaskError> {
    let Some(name) = job.cwd else { return Ok(folder.to_owned()) };
    let cwd = match &options.base_dir {
        // An absolute path stays what it is.
        Some(base) => std::path::absolute(base.join(name)).unwrap_or_else(|_| base.join(name)),
        None => folder.join(name),
    };
    // Asked here because the system would only say that something was not found.
    if !tokio::fs::metadata(&cwd).await.is_ok_and(|found| found.is_dir()) {
        let message = format!("folder {name:?} is not there");
        return Err(TaskError::new(ErrorKind::InvalidRequest, message));
    }
    Ok(cwd)
}

/// Reads what the process writes and waits for its end.
async fn attend(
    child: &mut Child,
    group: Group,
    job: &Job<'_>,
    attempt: &Attempt,
    ticket: &Ticket,
    setting: &Setting,
    outputs: &mut Outputs,
) -> TaskReport {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (status, cause) = {
        // Dropped at the end of the block, with the pipes: then nobody reads what a process might still write
        // that left its group.
        let reading = outputs.read(stdout, stderr);
        let feeding = feed(stdin, job.stdin.unwrap_or_default());
        let watch = Watch { child, group, ticket, options: &setting.options };
        watch.see_through(attempt.timeout, reading, feeding).await
    };
    report(status, cause, attempt, outputs, &setting.options)
}

async fn feed(stdin: Option<ChildStdin>, text: &str) {
    if let Some(mut stdin) = stdin {
        // A process need not read what it is given.
        let _ = stdin.write_all(text.as_bytes()).await;
    }
}
