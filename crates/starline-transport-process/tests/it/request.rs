//! Devices, attempts, and what tests want to know about processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use starline_device::{
    Attempt, AttemptId, BoxStream, Device, DeviceError, DeviceId, DeviceProfile, DeviceSignal, ErrorKind,
    Exec, Millis, Payload, Shell, SparseMap, TaskId, TaskReport, TaskSpec, Value,
};
use starline_transport_process::{Limits, ProcessDevice, ProcessOptions, Sandbox};

/// A folder for one test, removed at its end.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("starline-process-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a new folder");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Options that allow scripts and keep everything below this folder.
    pub(crate) fn options(&self) -> ProcessOptions {
        ProcessOptions { allow_sh: true, work_root: self.0.join("attempts"), ..ProcessOptions::default() }
    }

    /// The same with limits that nobody here reaches.
    pub(crate) fn limited(&self) -> ProcessOptions {
        let limits = Limits {
            cpu: Some(Millis::from_secs(600)),
            memory: Some(4 << 30),
            files: Some(100),
            file_size: Some(1 << 30),
            processes: Some(10_000),
        };
        ProcessOptions { limits, ..self.options() }
    }

    /// The same in a sandbox, unless there is none here; then the test misses something outside.
    pub(crate) async fn contained(&self) -> Option<ProcessOptions> {
        let options = ProcessOptions { sandbox: Sandbox::Bwrap, ..self.options() };
        match device(options.clone()).check().await {
            Ok(()) => Some(options),
            Err(error) => {
                skip(&std::error::Error::source(&error).map_or_else(String::new, ToString::to_string));
                None
            }
        }
    }

    pub(crate) fn device(&self) -> Arc<ProcessDevice> {
        device(self.options())
    }

    /// Folders of attempts that are there now.
    pub(crate) fn attempts(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.join("attempts")).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn profile() -> DeviceProfile {
    DeviceProfile::new(DeviceId::new("here").expect("id"), "whatever")
}

pub(crate) fn device(options: ProcessOptions) -> Arc<ProcessDevice> {
    Arc::new(ProcessDevice::new(profile(), options))
}

pub(crate) fn attempt(task: &str, payload: Payload) -> Attempt {
    let task = TaskId::new(task).expect("id");
    Attempt {
        id: AttemptId { run: "r".parse().expect("id"), task: task.clone().into(), number: 1 },
        payload: payload.clone(),
        timeout: None,
        files: SparseMap::default(),
        checkpoint: None,
        spec: Arc::new(TaskSpec::new(task, payload)),
    }
}

pub(crate) fn sh(script: &str) -> Attempt {
    attempt("t", Payload::Sh(Arc::new(Shell { script: script.to_owned(), ..Shell::default() })))
}

pub(crate) fn exec<const N: usize>(argv: [&str; N]) -> Attempt {
    exec_with(Exec { argv: argv.map(str::to_owned).to_vec(), ..Exec::default() })
}

pub(crate) fn exec_with(exec: Exec) -> Attempt {
    attempt("t", Payload::Exec(Arc::new(exec)))
}

pub(crate) fn within(mut attempt: Attempt, limit: Millis) -> Attempt {
    attempt.timeout = Some(limit);
    attempt
}

/// What an attempt will bring.
pub(crate) type Pending = BoxFuture<'static, Result<TaskReport, DeviceError>>;

/// Begins an attempt.
pub(crate) fn begin(device: &Arc<ProcessDevice>, attempt: Attempt) -> Pending {
    Arc::clone(device).run(attempt)
}

/// Runs an attempt to its report; what the device refuses is a failure here.
pub(crate) async fn run(device: &Arc<ProcessDevice>, attempt: Attempt) -> TaskReport {
    begin(device, attempt).await.unwrap_or_else(|error| {
        TaskReport::failed(error.into_refusal().expect("a report, or a refusal that says why"))
    })
}

/// Makes a file that may be executed once its mode says so. Another process writes it: a file that is open for
/// writing here, even in a copy of this process that is about to start something else, cannot be executed.
pub(crate) async fn write_program(device: &Arc<ProcessDevice>, path: &Path, text: &str) {
    let path = path.to_str().expect("text");
    stdout(run(device, exec(["sh", "-c", "printf %s \"$1\" > \"$0\"", path, text])).await);
}

/// Standard output of an attempt that completed.
pub(crate) fn stdout(report: TaskReport) -> String {
    match report {
        TaskReport::Completed { stdout: Some(stdout), result } => {
            assert_eq!((&result["exit_code"], &result["stdout"]), (&Value::from(0), &Value::from(&*stdout)));
            stdout.to_string()
        }
        other => panic!("not completed: {other:?}"),
    }
}

/// Kind, message and result of a failure.
pub(crate) fn failure(report: TaskReport) -> (ErrorKind, String, Value) {
    match report {
        TaskReport::Failed { error, result } => (error.kind, error.message, result),
        other => panic!("not a failure: {other:?}"),
    }
}

/// The next text that an attempt puts out.
pub(crate) async fn heard(signals: &mut BoxStream<'static, DeviceSignal>) -> String {
    match signals.next().await {
        Some(DeviceSignal::Progress { text, .. }) => text.to_string(),
        other => panic!("no output: {other:?}"),
    }
}

/// The process numbers in a text.
pub(crate) fn numbers(text: &str) -> Vec<i32> {
    text.split_whitespace().map(|word| word.parse().expect("a number")).collect()
}

/// Whether a process can still do anything.
pub(crate) fn is_alive(number: i32) -> bool {
    if cfg!(target_os = "linux") {
        let Ok(line) = fs::read(format!("/proc/{number}/stat")) else { return false };
        let line = String::from_utf8_lossy(&line).into_owned();
        let state = line.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().next());
        !matches!(state, None | Some("Z" | "X"))
    } else {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(number), None).is_ok()
    }
}

pub(crate) fn assert_dead(processes: &[i32]) {
    assert!(!processes.is_empty());
    for number in processes {
        assert!(!is_alive(*number), "process {number} of {processes:?} is alive");
    }
}

/// Says that a test misses something outside.
#[expect(clippy::print_stdout, reason = "the test run reads it there")]
pub(crate) fn skip(reason: &str) {
    println!("skipped: {reason}");
}
