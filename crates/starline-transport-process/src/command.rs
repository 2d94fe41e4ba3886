//! From a payload to a command that can be started.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use starline_device::{Attempt, DeliveryFault, DeviceError, ErrorKind, Exec, Payload, Shell, TaskError};
use tokio::process::{Child, Command};
use tokio::task::spawn_blocking;

use crate::allow::{Permit, permit};
use crate::sandbox::View;
use crate::supervise::Setting;
use crate::veil::Veil;
use crate::{Limits, Sandbox, environment, gate, program, sandbox, starter};

/// Runs scripts. Found here on every Unix system, whatever the variable `PATH` of a task says.
pub(crate) const SHELL: &str = "/bin/sh";

/// What a process is made of, whichever payload asks for it.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    /// As the process itself sees it.
    name: &'a str,
    /// A path to be used as it is, in place of a search for `name`.
    program: Option<&'a str>,
    arguments: Vec<&'a str>,
    pub(crate) env: &'a BTreeMap<String, String>,
    pub(crate) secrets: &'a BTreeMap<String, String>,
    pub(crate) cwd: Option<&'a str>,
    pub(crate) stdin: Option<&'a str>,
    pub(crate) collect: &'a [String],
}

/// A command and what is to be known about it while it runs.
#[derive(Debug)]
pub(crate) struct Prepared {
    command: Command,
    /// The line on standard error that tells when the program starts, where a shell of ours comes first.
    pub(crate) mark: Option<String>,
    pub(crate) is_contained: bool,
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
    pub(crate) fn new(payload: &'a Payload) -> Result<Self, TaskError> {
        match payload {
            Payload::Exec(exec) => Self::exec(exec),
            Payload::Sh(shell) => Ok(Self::shell(shell)),
            other => {
                let message = format!("{} starts no process", other.kind());
                Err(TaskError::new(ErrorKind::Unsupported, message))
            }
        }
    }

    fn exec(exec: &'a Exec) -> Result<Self, TaskError> {
        let [name, arguments @ ..] = exec.argv.as_slice() else {
            return Err(TaskError::new(ErrorKind::InvalidRequest, "program is missing: `argv` is empty"));
        };
        Ok(Self {
            name,
            program: None,
            arguments: arguments.iter().map(String::as_str).collect(),
            env: &exec.env,
            secrets: &exec.secrets,
            cwd: exec.cwd.as_deref(),
            stdin: exec.stdin.as_deref(),
            collect: &exec.collect,
        })
    }

    fn shell(shell: &'a Shell) -> Self {
        Self {
            name: "sh",
            program: Some(SHELL),
            // A script that begins with a dash is no option.
            arguments: vec!["-c", "--", &shell.script],
            env: &shell.env,
            secrets: &shell.secrets,
            cwd: shell.cwd.as_deref(),
            stdin: shell.stdin.as_deref(),
            collect: &shell.collect,
        }
    }

    /// Makes the command that runs in `cwd`, as the leader of a group of its own. The folder is that of the attempt.
    pub(crate) async fn prepare(
        &self,
        attempt: &Attempt,
        veil: &Veil,
        (cwd, folder): (&Path, &Path),
        setting: &Setting,
    ) -> Result<Prepared, TaskError> {
        let options = &setting.options;
        let environment = environment::build(self, attempt, options, veil, folder)?;
        let found = match self.program {
            Some(path) => PathBuf::from(path),
            None => program::find(self.name, environment::path(&environment), cwd)?,
        };
        let permit = self.permit(found, cwd, setting).await?;
        let mut arguments: Vec<OsString> = self.arguments.iter().map(OsString::from).collect();
        if let (Some(first), Some(script)) = (arguments.first_mut(), &permit.script) {
            script.as_os_str().clone_into(first);
        }
        let wrapped = options.is_wrapped();
        let mark = wrapped.then(gate::new_mark);
        let mut command = match options.sandbox {
            // The path is complete, so the system starts the program without a copy of this process.
            Sandbox::None if !wrapped => {
                let mut command = Command::new(&permit.program);
                command.arg0(self.name);
                command
            }
            Sandbox::None => Command::new(SHELL),
            Sandbox::Bwrap => {
                let files = if options.programs.is_some() { permit.files() } else { Vec::new() };
                let view = View { folder, cwd, base: options.base_dir.as_deref(), files: &files };
                let mut command = Command::new(setting.sandbox().await?);
                command.args(sandbox::arguments(view)?).arg(SHELL);
                command
            }
        };
        if let Some(mark) = &mark {
            program::inspect(self.name, &permit.program)?;
            command.arg("-c").arg(wrapper(&options.limits, mark, options.sandbox)).arg(&permit.program);
        }
        command
            .args(arguments)
            .env_clear()
            .envs(environment)
            .current_dir(cwd)
            .stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        Ok(Prepared { command, mark, is_contained: options.sandbox != Sandbox::None })
    }

    /// Asks the allow-list, if there is one.
    async fn permit(&self, found: PathBuf, cwd: &Path, setting: &Setting) -> Result<Permit, TaskError> {
        if setting.options.programs.is_none() {
            return Ok(Permit { program: found, script: None });
        }
        let arguments: Vec<String> = self.arguments.iter().map(|text| (*text).to_owned()).collect();
        let (options, name, cwd) = (setting.options.clone(), self.name.to_owned(), cwd.to_owned());
        let asking = spawn_blocking(move || {
            permit(options.programs.as_deref().unwrap_or_default(), &name, &found, &arguments, &cwd)
        });
        asking.await.unwrap_or_else(|error| {
            Err(TaskError::new(ErrorKind::DeviceError, format!("allow-list could not be asked: {error}")))
        })
    }

    pub(crate) fn start_fault(&self, error: io::Error) -> StartFault {
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

impl Prepared {
    pub(crate) async fn start(mut self) -> io::Result<Child> {
        if self.is_contained { starter::start(self.command).await } else { self.command.spawn() }
    }
}

impl Permit {
    /// What a sandbox has to show.
    fn files(&self) -> Vec<PathBuf> {
        std::iter::once(&self.program).chain(&self.script).cloned().collect()
    }
}

/// The script of the shell that sets limits, says that it has done so, and gives way to the program. It consists of
/// fixed words and numbers; the program and its arguments are arguments of the shell, which does not look into them.
fn wrapper(limits: &Limits, mark: &str, sandbox: Sandbox) -> String {
    let limits = limits.script();
    let run = match sandbox {
        Sandbox::None => "exec \"$0\" \"$@\"",
        // The first process of a sandbox has to stay: it hears no signal that it does not ask for, and when it ends
        // the system ends all others first.
        Sandbox::Bwrap => "\"$0\" \"$@\"\nexit $?",
    };
    format!("{limits}\necho {mark} >&2\n{run}")
}

/// Whether a shell can set these limits here.
pub(crate) async fn try_limits(limits: &Limits) -> Result<(), TaskError> {
    let mut command = Command::new(SHELL);
    command.arg("-c").arg(format!("{}\nexit 0", limits.script()));
    command.env_clear().stdin(Stdio::null()).kill_on_drop(true);
    let why = match command.output().await {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    Err(TaskError::new(ErrorKind::DeviceError, format!("limits could not be set: {why}")))
}

impl From<TaskError> for StartFault {
    fn from(error: TaskError) -> Self {
        Self::Task(error)
    }
}
