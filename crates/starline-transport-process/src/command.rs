//! From a payload to a command that can be started.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use starline_device::{Attempt, DeliveryFault, DeviceError, ErrorKind, Exec, Shell, TaskError};
use tokio::process::{Child, Command};

use crate::{ProcessOptions, idempotency};

/// Runs scripts. Found here on every Unix system, whatever the variable `PATH` of a task says.
const SHELL: &str = "/bin/sh";
/// Where programs are looked for without a variable `PATH`.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// What a process is made of, whichever payload asks for it.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    /// As the process itself sees it.
    name: &'a str,
    /// A path to be used as it is, in place of a search for `name`.
    program: Option<&'a str>,
    arguments: Vec<&'a str>,
    env: &'a BTreeMap<String, String>,
    pub(crate) cwd: Option<&'a str>,
    pub(crate) stdin: Option<&'a str>,
}

/// Why a process was not started.
#[derive(Debug)]
pub(crate) enum StartFault {
    /// It can never be started.
    Task(TaskError),
    /// It could not be started now.
    Device(DeviceError),
}

impl<'a> Job<'a> {
    pub(crate) fn exec(exec: &'a Exec) -> Result<Self, TaskError> {
        let [name, arguments @ ..] = exec.argv.as_slice() else {
            return Err(TaskError::new(ErrorKind::InvalidRequest, "program is missing: `argv` is empty"));
        };
        Ok(Self {
            name,
            program: None,
            arguments: arguments.iter().map(String::as_str).collect(),
            env: &exec.env,
            cwd: exec.cwd.as_deref(),
            stdin: exec.stdin.as_deref(),
        })
    }

    pub(crate) fn shell(shell: &'a Shell) -> Self {
        Self {
            name: "sh",
            program: Some(SHELL),
            // A script that begins with a dash is no option.
            arguments: vec!["-c", "--", &shell.script],
            env: &shell.env,
            cwd: shell.cwd.as_deref(),
            stdin: shell.stdin.as_deref(),
        }
    }

    /// Starts the process in a folder, as the leader of a group of its own.
    pub(crate) fn start(
        &self,
        attempt: &Attempt,
        folder: &Path,
        options: &ProcessOptions,
    ) -> Result<Child, StartFault> {
        let environment = self.environment(attempt, options)?;
        let program = match self.program {
            Some(path) => PathBuf::from(path),
            None => find(self.name, environment.get(OsStr::new("PATH")), folder)?,
        };
        // The path is complete, so the system starts the program without a copy of this process.
        let mut command = Command::new(program);
        command
            .arg0(self.name)
            .args(&self.arguments)
            .env_clear()
            .envs(environment)
            .current_dir(folder)
            .stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command.spawn().map_err(|error| self.start_fault(error))
    }

    fn environment(
        &self,
        attempt: &Attempt,
        options: &ProcessOptions,
    ) -> Result<BTreeMap<OsString, OsString>, TaskError> {
        if let Some(name) = self.env.keys().find(|name| name.is_empty() || name.contains(['=', '\0'])) {
            let message = format!("{name:?} is no name of an environment variable");
            return Err(TaskError::new(ErrorKind::InvalidRequest, message));
        }
        let id = &attempt.id;
        let passed = options.env_pass.iter().filter_map(|name| Some((name.into(), env::var_os(name)?)));
        let own = [
            ("STARLINE_RUN", id.run.to_string()),
            ("STARLINE_TASK", id.task.to_string()),
            ("STARLINE_ATTEMPT", id.number.to_string()),
            ("STARLINE_IDEMPOTENCY_KEY", idempotency::key(attempt)),
        ];
        let own = own.into_iter().map(|(name, value)| (name.into(), value.into()));
        let given = self.env.iter().map(|(name, value)| (name.into(), value.into()));
        Ok(passed.chain(own).chain(given).collect())
    }

    fn start_fault(&self, error: io::Error) -> StartFault {
        let name = self.name;
        let task =
            |kind, what: &str| StartFault::Task(TaskError::new(kind, format!("program {name:?} {what}")));
        match error.kind() {
            // The program itself was there a moment ago, so what is missing is the interpreter it names.
            io::ErrorKind::NotFound => task(ErrorKind::InvalidRequest, "or its interpreter was not found"),
            io::ErrorKind::PermissionDenied => task(ErrorKind::PermissionDenied, "may not be executed"),
            io::ErrorKind::ArgumentListTooLong => {
                task(ErrorKind::InvalidRequest, "cannot be started: arguments or environment are too long")
            }
            io::ErrorKind::InvalidInput => task(
                ErrorKind::InvalidRequest,
                "cannot be started: an argument or variable contains a NUL byte",
            ),
            _ if error.raw_os_error() == Some(nix::errno::Errno::ENOEXEC as i32) => {
                task(ErrorKind::InvalidRequest, "has no format that this system can execute")
            }
            // Too many processes or files, or too little memory: elsewhere, or later, it may work.
            _ => StartFault::Device(DeviceError::with_source(DeliveryFault::NotAccepted, error)),
        }
    }
}

impl From<TaskError> for StartFault {
    fn from(error: TaskError) -> Self {
        Self::Task(error)
    }
}

/// Finds a program as the system would: a name without a slash in the folders of `PATH`, anything else from
/// the folder in which it will run. An empty entry of `PATH` means nothing here.
fn find(name: &str, path: Option<&OsString>, folder: &Path) -> Result<PathBuf, TaskError> {
    let missing = |place: &str| {
        TaskError::new(ErrorKind::InvalidRequest, format!("program {name:?} was not found{place}"))
    };
    if name.is_empty() {
        return Err(missing(""));
    }
    if name.contains('/') {
        let program = folder.join(name);
        return if program.exists() { Ok(program) } else { Err(missing("")) };
    }
    let mut forbidden = false;
    for place in env::split_paths(path.map_or_else(|| OsStr::new(DEFAULT_PATH), OsString::as_os_str)) {
        if place.as_os_str().is_empty() {
            continue;
        }
        let program = folder.join(place).join(name);
        if let Ok(found) = program.metadata()
            && found.is_file()
        {
            if found.permissions().mode() & 0o111 != 0 {
                return Ok(program);
            }
            forbidden = true;
        }
    }
    if forbidden {
        let message = format!("program {name:?} may not be executed");
        return Err(TaskError::new(ErrorKind::PermissionDenied, message));
    }
    Err(missing(" in PATH"))
}
