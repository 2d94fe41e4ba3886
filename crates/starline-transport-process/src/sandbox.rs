//! Bubblewrap: what a process in a sandbox sees of the system.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use starline_device::{ErrorKind, TaskError};
use tokio::process::Command;
use tokio::time::timeout;

use crate::command::SHELL;
use crate::program::DEFAULT_PATH;

/// Longest time in which an empty sandbox comes and goes.
const PATIENCE: Duration = Duration::from_secs(10);
/// Nothing is shared, and nothing is left when whoever started it ends. The program has no way to the terminal and
/// to no right that its user lacks, even if that is the superuser.
const RULES: [&str; 6] =
    ["--unshare-all", "--die-with-parent", "--new-session", "--as-pid-1", "--cap-drop", "ALL"];
/// Folders of the system: programs and libraries. Some are links into others.
const SYSTEM: [&str; 7] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
/// What programs want to know of `/etc`; nothing in it is secret.
const SETTINGS: [&str; 16] = [
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/group",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/locale.alias",
    "/etc/localtime",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/pki/tls/certs",
    "/etc/ssl/certs",
    "/etc/timezone",
];

/// What one process sees beside the system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    /// The folder of its attempt, to read and write.
    pub(crate) folder: &'a Path,
    /// The folder it runs in.
    pub(crate) cwd: &'a Path,
    /// What its folder may be in as well, to read.
    pub(crate) base: Option<&'a Path>,
    /// Further files, to read.
    pub(crate) files: &'a [PathBuf],
}

/// Finds the program and sees whether it works here. Says how to get it where it does not.
pub(crate) async fn probe() -> Result<PathBuf, String> {
    probe_in(&env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into())).await
}

async fn probe_in(path: &OsStr) -> Result<PathBuf, String> {
    let mut places =
        env::split_paths(path).filter(|place| place.is_absolute()).map(|place| place.join("bwrap"));
    let Some(program) = places.find(|place| place.is_file()) else {
        return Err(
            "bwrap was not found: install bubblewrap, on Debian with `apt-get install bubblewrap`".to_owned()
        );
    };
    let mut command = Command::new(&program);
    command.args(common()).args(["--", SHELL, "-c", "exit 0"]);
    command.env_clear().stdin(Stdio::null()).kill_on_drop(true);
    let why = match timeout(PATIENCE, command.output()).await {
        Ok(Ok(output)) if output.status.success() => return Ok(program),
        Ok(Ok(output)) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let line = said.lines().rev().find(|line| !line.trim().is_empty()).map(str::trim);
            line.map_or_else(|| output.status.to_string(), str::to_owned)
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it does not end".to_owned(),
    };
    let shown = program.display();
    Err(format!("{shown} does not work here: {why} (it needs user namespaces, or to be installed setuid)"))
}

/// The arguments before a program and its own arguments.
pub(crate) fn arguments(view: View<'_>) -> Result<Vec<OsString>, TaskError> {
    let refuse = |why: String| Err(TaskError::new(ErrorKind::PermissionDenied, why));
    let resolve = |path: &Path| {
        fs::canonicalize(path).map_err(|error| {
            TaskError::new(ErrorKind::DeviceError, format!("folder {}: {error}", path.display()))
        })
    };
    let mut arguments = common();
    let mut bind = |how: &str, path: &Path| {
        arguments.extend([OsStr::new(how), path.as_os_str(), path.as_os_str()].map(OsStr::to_owned));
    };
    let (cwd, folder) = (resolve(view.cwd)?, resolve(view.folder)?);
    let cwd = if let Ok(rest) = cwd.strip_prefix(&folder) {
        // Under the name that it has outside, as the variables of the process say.
        view.folder.join(rest)
    } else {
        let base = view.base.map(resolve).transpose()?;
        match base.filter(|base| cwd.starts_with(base)) {
            Some(base) if base.parent().is_none() => {
                return refuse("a sandbox does not show the whole system: `base_dir` is /".to_owned());
            }
            Some(base) => bind("--ro-bind", &base),
            None => {
                let shown = view.cwd.display();
                return refuse(format!("folder {shown} is not in `base_dir`, so a sandbox does not show it"));
            }
        }
        cwd
    };
    for file in view.files {
        bind("--ro-bind", file);
    }
    bind("--bind", view.folder);
    arguments.extend(["--remount-ro", "/", "--chdir"].map(OsString::from));
    arguments.extend([cwd.into_os_string(), "--".into()]);
    Ok(arguments)
}

/// What is the same for all.
fn common() -> Vec<OsString> {
    let mut arguments: Vec<OsString> = RULES.map(OsString::from).to_vec();
    for place in SYSTEM {
        match fs::read_link(place) {
            Ok(target) => arguments.extend(["--symlink".into(), target.into_os_string(), place.into()]),
            Err(_) => arguments.extend(["--ro-bind-try", place, place].map(OsString::from)),
        }
    }
    for file in SETTINGS {
        arguments.extend(["--ro-bind-try", file, file].map(OsString::from));
    }
    arguments.extend(["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"].map(OsString::from));
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(view: View<'_>) -> Result<String, TaskError> {
        let texts = arguments(view)?.into_iter().map(|text| text.to_string_lossy().into_owned());
        Ok(texts.collect::<Vec<_>>().join(" "))
    }

    #[tokio::test]
    async fn a_sandbox_that_is_missing_or_broken_is_told() {
        let root = env::temp_dir().join(format!("starline-probe-{}", std::process::id()));
        fs::create_dir_all(&root).expect("a folder");
        let why = probe_in(root.as_os_str()).await.expect_err("missing");
        assert!(why.contains("apt-get install bubblewrap"), "{why}");
        // Found, and without user namespaces for example.
        std::os::unix::fs::symlink("/bin/false", root.join("bwrap")).expect("a link");
        let why = probe_in(root.as_os_str()).await.expect_err("broken");
        assert!(why.contains("bwrap does not work here: exit status: 1"), "{why}");
        fs::remove_dir_all(root).expect("removed");
    }

    #[test]
    fn a_process_sees_its_folder_and_what_is_around_where_it_runs() {
        let root = env::temp_dir().join(format!("starline-view-{}", std::process::id()));
        let (folder, base) = (root.join("folder"), root.join("base"));
        for place in [folder.join("sub"), base.join("sub")] {
            fs::create_dir_all(place).expect("a folder");
        }
        let base = fs::canonicalize(base).expect("a path");
        let (sub, inner) = (folder.join("sub"), base.join("sub"));
        let view = View { folder: &folder, cwd: &sub, base: Some(&base), files: &[] };
        let (own, seen) =
            (format!("--bind {0} {0}", folder.display()), format!("--ro-bind {0} {0}", base.display()));
        let text = shown(view).expect("arguments");
        assert!(text.contains(&own) && !text.contains(&seen), "{text}");
        assert!(text.ends_with(&format!("--remount-ro / --chdir {} --", sub.display())), "{text}");
        let text = shown(View { cwd: &inner, ..view }).expect("arguments");
        assert!(text.contains(&format!("{seen} {own}")), "{text}");
        assert!(!text.contains("shadow") && !text.contains(" /etc /etc"), "{text}");

        std::os::unix::fs::symlink("/usr", base.join("out")).expect("a link");
        let out = base.join("out");
        for (view, why) in [
            (View { cwd: &out, ..view }, "is not in `base_dir`"),
            (View { cwd: Path::new("/"), ..view }, "is not in `base_dir`"),
            (View { cwd: &inner, base: None, ..view }, "is not in `base_dir`"),
            (View { cwd: &inner, base: Some(Path::new("/")), ..view }, "`base_dir` is /"),
        ] {
            let error = shown(view).expect_err("refused");
            assert_eq!(error.kind, ErrorKind::PermissionDenied);
            assert!(error.message.contains(why), "{error}");
        }
        fs::remove_dir_all(root).expect("removed");
    }
}
