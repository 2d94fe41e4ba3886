//! The environment of a process.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use starline_device::{Attempt, ErrorKind, TaskError};

use crate::command::Job;
use crate::register::MARKER;
use crate::veil::Veil;
use crate::{ProcessOptions, Sandbox, checkpoint, idempotency, inputs};

/// Variables by which a program loads code before it runs its own, a shell of ours and a sandbox included.
const LOADERS: [&str; 22] = [
    "BASHOPTS",
    "BASH_ENV",
    "BASH_FUNC_*",
    "CDPATH",
    "DYLD_*",
    "ENV",
    "GCONV_PATH",
    "GETCONF_DIR",
    "GLIBC_TUNABLES",
    "HOSTALIASES",
    "IFS",
    "LD_*",
    "LOCALDOMAIN",
    "LOCPATH",
    "MALLOC_*",
    "NIS_PATH",
    "NLSPATH",
    "PS4",
    "RESOLV_HOST_CONF",
    "RES_OPTIONS",
    "SHELLOPTS",
    "ZDOTDIR",
];
/// Variables that decide what runs, beside those that load code.
const CHOICES: [&str; 31] = [
    "BROWSER",
    "CLASSPATH",
    "DOTNET_*",
    "EDITOR",
    "ERL_*",
    "GIT_*",
    "GREP_OPTIONS",
    "HOME",
    "JAVA_*",
    "JDK_JAVA_OPTIONS",
    "LESSCLOSE",
    "LESSOPEN",
    "LUA_*",
    "MAKEFLAGS",
    "MANPAGER",
    "NODE_*",
    "PAGER",
    "PATH",
    "PERL*",
    "PHPRC",
    "PHP_*",
    "PYTHON*",
    "R_*",
    "RSYNC_RSH",
    "RUBY*",
    "SHELL",
    "SSH_ASKPASS",
    "TAR_OPTIONS",
    "VISUAL",
    "XDG_*",
    "_JAVA_OPTIONS",
];

/// Every variable of a process.
pub(crate) fn build(
    job: &Job<'_>,
    attempt: &Attempt,
    options: &ProcessOptions,
    veil: &Veil,
    folder: &Path,
    marker: Option<&str>,
) -> Result<BTreeMap<OsString, OsString>, TaskError> {
    for name in job.env.keys().chain(job.secrets.keys()) {
        check(name, options)?;
    }
    let id = &attempt.id;
    let passed = options.env_pass.iter().filter_map(|name| Some((name.into(), env::var_os(name)?)));
    // The one that is passed on is not there.
    let temporary = (options.sandbox == Sandbox::Bwrap).then_some(("TMPDIR", OsString::from("/tmp")));
    let own = [
        ("STARLINE_RUN", id.run.to_string().into()),
        ("STARLINE_TASK", id.task.to_string().into()),
        ("STARLINE_ATTEMPT", id.number.to_string().into()),
        ("STARLINE_IDEMPOTENCY_KEY", idempotency::key(attempt).into()),
        ("STARLINE_WORK_DIR", folder.into()),
        ("STARLINE_INPUTS", folder.join(inputs::FOLDER).into()),
        ("STARLINE_CHECKPOINT", folder.join(checkpoint::GIVEN).into()),
        ("STARLINE_CHECKPOINT_OUT", folder.join(checkpoint::TAKEN).into()),
    ];
    let own = temporary.into_iter().chain(own).map(|(name, value)| (name.into(), value));
    let given = job.env.iter().map(|(name, value)| (name.into(), value.into()));
    let secrets = veil.secrets().iter().map(|(name, secret)| (name.into(), secret.expose().into()));
    // Last: nobody says something else.
    let marker = marker.map(|marker| (MARKER.into(), marker.into()));
    Ok(passed.chain(own).chain(given).chain(secrets).chain(marker).collect())
}

/// Whether a task may set a variable.
fn check(name: &str, options: &ProcessOptions) -> Result<(), TaskError> {
    if name.is_empty() || name.contains(['=', '\0']) {
        let message = format!("{name:?} is no name of an environment variable");
        return Err(TaskError::new(ErrorKind::InvalidRequest, message));
    }
    let guard = match (&options.programs, options.is_wrapped(), options.sandbox) {
        (Some(_), ..) => "an allow-list `programs`",
        (None, true, Sandbox::None) => "`limits`",
        (None, true, Sandbox::Bwrap) => "a `sandbox`",
        (None, false, _) => return Ok(()),
    };
    // A shell takes other names for something else, or loses them.
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    let is = |pattern: &&str| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *pattern,
    };
    let decides = LOADERS.iter().any(is) || (options.programs.is_some() && CHOICES.iter().any(is));
    if is_plain && !decides {
        return Ok(());
    }
    let why = if is_plain { "it decides what runs" } else { "it is no plain name" };
    let message = format!("a task may not set {name:?} under {guard}: {why}");
    Err(TaskError::new(ErrorKind::PermissionDenied, message))
}

/// The variable `PATH` among others.
pub(crate) fn path(environment: &BTreeMap<OsString, OsString>) -> Option<&OsString> {
    environment.get(OsStr::new("PATH"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AllowedProgram, Limits};

    #[test]
    fn what_decides_about_programs_is_the_operators() {
        let free = ProcessOptions::default();
        let limited = ProcessOptions {
            limits: Limits { files: Some(9), ..Limits::default() },
            ..ProcessOptions::default()
        };
        let boxed = ProcessOptions { sandbox: Sandbox::Bwrap, ..ProcessOptions::default() };
        let listed = ProcessOptions {
            programs: Some(vec![AllowedProgram::new("/bin/ls")]),
            ..ProcessOptions::default()
        };
        for name in
            ["LD_PRELOAD", "LD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES", "GCONV_PATH", "BASH_ENV", "ENV"]
                .into_iter()
                .chain(["IFS", "SHELLOPTS", "PS4", "BASH_FUNC_ulimit%%", "a-b", "1A", "GLIBC_TUNABLES"])
        {
            assert!(check(name, &free).is_ok(), "{name}");
            for options in [&limited, &boxed, &listed] {
                let error = check(name, options).expect_err(name);
                assert_eq!(error.kind, ErrorKind::PermissionDenied);
                assert!(error.message.contains(name), "{error}");
            }
        }
        for name in
            ["PATH", "PYTHONPATH", "PYTHONSTARTUP", "PERL5LIB", "PERL5OPT", "RUBYOPT", "NODE_OPTIONS", "HOME"]
        {
            assert!(
                check(name, &free).is_ok() && check(name, &limited).is_ok() && check(name, &boxed).is_ok()
            );
            assert!(check(name, &listed).is_err(), "{name}");
        }
        for name in ["LC_ALL", "TOKEN", "PATHS", "_x", "my_home"] {
            assert!([&free, &limited, &boxed, &listed].iter().all(|options| check(name, options).is_ok()));
        }
        for name in ["", "A=B", "A\0B"] {
            assert_eq!(check(name, &free).expect_err(name).kind, ErrorKind::InvalidRequest);
        }
    }
}
