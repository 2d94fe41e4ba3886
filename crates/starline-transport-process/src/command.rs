//! From a payload to a command that can be started.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
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

/// Bytes of a script that is an argument of its shell; a longer one is a file. Far enough below what the system allows.
const LONGEST_SCRIPT: usize = 100 << 10;
/// Bytes that Linux takes in one argument, or in one variable with its name, where pages have 4 KiB.
const LONGEST_ARGUMENT: usize = (128 << 10) - 1;

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

/// Where a process finds things.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places<'a> {
    /// The folder it runs in.
    pub(crate) cwd: &'a Path,
    /// The folder of its attempt.
    pub(crate) folder: &'a Path,
    /// The file with its script, if that is too long for an argument.
    pub(crate) script: Option<&'a Path>,
    /// What makes it a process of this life, where there is a register.
    pub(crate) marker: Option<&'a str>,
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
    /// It may not be started on this device.
    Refused(TaskError),
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

    /// The script, if it is too long for an argument of its shell.
    pub(crate) fn long_script(&self) -> Option<&'a str> {
        match (self.program, self.arguments.as_slice()) {
            (Some(_), ["-c", "--", script]) if script.len() > LONGEST_SCRIPT => Some(script),
            _ => None,
        }
    }

    /// Makes the command, which runs as the leader of a group of its own.
    pub(crate) async fn prepare(
        &self,
        attempt: &Attempt,
        veil: &Veil,
        places: Places<'_>,
        setting: &Setting,
    ) -> Result<Prepared, StartFault> {
        let (options, Places { cwd, folder, script, marker }) = (&setting.options, places);
        let environment = environment::build(self, attempt, options, veil, folder, marker)?;
        let found = match self.program {
            Some(path) => PathBuf::from(path),
            None => program::find(self.name, environment::path(&environment), cwd)?,
        };
        let permit = self.permit(found, cwd, setting).await?;
        let mut arguments: Vec<OsString> = self.arguments.iter().map(OsString::from).collect();
        if let (Some(first), Some(script)) = (arguments.first_mut(), &permit.script) {
            script.as_os_str().clone_into(first);
        }
        if let (Some(last), Some(file)) = (arguments.last_mut(), script) {
            *last = read(file);
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
                let mut files = if options.programs.is_some() { permit.files() } else { Vec::new() };
                files.extend(script.map(Path::to_owned));
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
    async fn permit(&self, found: PathBuf, cwd: &Path, setting: &Setting) -> Result<Permit, StartFault> {
        if setting.options.programs.is_none() {
            return Ok(Permit { program: found, script: None });
        }
        let arguments: Vec<String> = self.arguments.iter().map(|text| (*text).to_owned()).collect();
        let (options, name, cwd) = (setting.options.clone(), self.name.to_owned(), cwd.to_owned());
        let asking = spawn_blocking(move || {
            permit(options.programs.as_deref().unwrap_or_default(), &name, &found, &arguments, &cwd)
        });
        match asking.await {
            Ok(permit) => permit.map_err(StartFault::Refused),
            Err(error) => {
                let message = format!("allow-list could not be asked: {error}");
                Err(TaskError::new(ErrorKind::DeviceError, message).into())
            }
        }
    }

    /// Why the system refuses the size of what a program is started with.
    fn what_is_too_long(&self) -> String {
        let too_long = |what: String, bytes: usize| {
            format!(
                "cannot be started: {what} has {bytes} bytes, and the system takes at most {LONGEST_ARGUMENT} in one: \
                 hand it over by standard input or as a file"
            )
        };
        let argv = std::iter::once(&self.name).chain(&self.arguments).enumerate();
        for (at, argument) in argv {
            if argument.len() > LONGEST_ARGUMENT {
                return too_long(format!("argument {at} (exec[{at}])"), argument.len());
            }
        }
        for (name, value) in self.env {
            let bytes = name.len() + 1 + value.len();
            if bytes > LONGEST_ARGUMENT {
                return too_long(format!("variable {name}, with its name,"), bytes);
            }
        }
        let arguments: usize = self.arguments.iter().map(|argument| argument.len() + 1).sum();
        let variables: usize = self.env.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        format!(
            "cannot be started: arguments or environment are too long for the system, with {arguments} bytes of \
             arguments and {variables} bytes of variables"
        )
    }

    pub(crate) fn start_fault(&self, error: io::Error) -> StartFault {
        let name = self.name;
        let task =
            |kind, what: &str| StartFault::Task(TaskError::new(kind, format!("program {name:?} {what}")));
        match error.kind() {
            // The program itself was there a moment ago, so what is missing is the interpreter it names.
            io::ErrorKind::NotFound => task(ErrorKind::InvalidRequest, "or its interpreter was not found"),
            io::ErrorKind::PermissionDenied => task(ErrorKind::PermissionDenied, "may not be executed"),
            io::ErrorKind::ArgumentListTooLong => task(ErrorKind::InvalidRequest, &self.what_is_too_long()),
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

/// A script that reads another one, which then sees everything as if it stood in its place.
fn read(file: &Path) -> OsString {
    let mut script = b". '".to_vec();
    for byte in file.as_os_str().as_bytes() {
        match byte {
            b'\'' => script.extend_from_slice(b"'\\''"),
            byte => script.push(*byte),
        }
    }
    script.push(b'\'');
    OsString::from_vec(script)
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
