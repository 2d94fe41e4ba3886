//! Programs that kinds of devices need.

use std::env;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use starline::transport_process::{ProcessDevice, ProcessOptions};
use starline::types::{DeviceId, DeviceProfile};
use tokio::process::Command;

use super::Check;
use crate::probe::{self, Trial};

/// Longest time that a program may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether processes can be devices here: a program and a script are run by one.
pub(super) fn process() -> Check {
    const NAME: &str = "process";
    let Some(sh) = find("sh", &[]) else {
        return Check::missing(NAME, "there is no sh on the PATH", "install a POSIX shell, such as dash");
    };
    for trial in [Trial::Program, Trial::Script] {
        let tried = device().and_then(|device| probe::try_out(device, trial));
        if let Err(message) = tried {
            let found = format!("processes cannot be run: {message}");
            return Check::missing(NAME, found, "see what the message says about the folder or the program");
        }
    }
    Check::ok(NAME, format!("programs and scripts run; sh is {}", sh.display()))
}

fn device() -> Result<Arc<ProcessDevice>, String> {
    let id = DeviceId::new("doctor").map_err(|error| error.to_string())?;
    let options = ProcessOptions { allow_sh: true, ..ProcessOptions::default() };
    Ok(Arc::new(ProcessDevice::new(DeviceProfile::new(id, "process"), options)))
}

/// Whether programs can be locked in: bubblewrap is there, and the system lets it work.
pub(super) async fn sandbox() -> Check {
    const NAME: &str = "sandbox";
    let Some(path) = find("bwrap", &[]) else {
        return Check::missing(NAME, "there is no bwrap on the PATH", "install the package bubblewrap");
    };
    let mut command = Command::new(&path);
    command.args(["--ro-bind", "/", "/", "--dev", "/dev", "--unshare-pid", "--unshare-net", "true"]);
    match said(command).await {
        Ok(output) if output.status.success() => {
            Check::ok(NAME, format!("bwrap works; it is {}", path.display()))
        }
        Ok(output) => {
            let found = format!("bwrap is there and fails: {}", first_line(&output.stderr));
            Check::limited(NAME, found, "allow user namespaces: sysctl kernel.unprivileged_userns_clone=1")
        }
        Err(message) => {
            Check::limited(NAME, format!("bwrap is there and fails: {message}"), "install it again")
        }
    }
}

/// The client for machines elsewhere.
pub(super) async fn ssh_client() -> Check {
    const NAME: &str = "ssh client";
    let Some(path) = find("ssh", &[]) else {
        return Check::missing(NAME, "there is no ssh on the PATH", "install the package openssh-client");
    };
    let mut command = Command::new(&path);
    command.arg("-V");
    match said(command).await {
        // It says so on standard error.
        Ok(output) if output.status.success() => {
            let version = first_line(if output.stderr.is_empty() { &output.stdout } else { &output.stderr });
            Check::ok(NAME, format!("{version}; it is {}", path.display()))
        }
        Ok(output) => Check::limited(NAME, first_line(&output.stderr), "install it again"),
        Err(message) => Check::limited(NAME, message, "install it again"),
    }
}

/// The server through which this machine is reached from elsewhere.
pub(super) fn ssh_server() -> Check {
    const NAME: &str = "sshd";
    match find("sshd", &["/usr/sbin", "/usr/local/sbin", "/sbin"]) {
        Some(path) => Check::ok(NAME, format!("it is {}", path.display())),
        None => Check::missing(NAME, "there is no sshd", "install the package openssh-server"),
    }
}

/// A program on the PATH, or in one of the folders that follow it.
fn find(name: &str, more: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(more.iter().map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|file| is_program(file))
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// What a program says until its end.
///
/// # Errors
/// It does not start, or takes too long; it is killed then.
pub(super) async fn said(mut command: Command) -> Result<Output, String> {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    match tokio::time::timeout(PATIENCE, output).await {
        Ok(output) => output.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

/// The first line of what was said.
pub(super) fn first_line(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).lines().next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_files_that_may_be_run() {
        assert!(find("sh", &[]).is_some_and(|path| path.is_absolute()));
        assert!(find("no-such-program", &["/"]).is_none());
        assert!(!is_program(Path::new("/")), "a folder is none");
    }
}
