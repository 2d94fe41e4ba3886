//! Which file a program is.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use starline_device::{ErrorKind, TaskError};

/// Where programs are looked for without a variable `PATH`.
pub(crate) const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// Bytes at the beginning of a program that tell what it is.
const HEAD: u64 = 256;

/// Finds a program as the system would: a name without a slash in the folders of `PATH`, anything else from
/// the folder in which it will run. An empty entry of `PATH` means nothing here.
pub(crate) fn find(name: &str, path: Option<&OsString>, folder: &Path) -> Result<PathBuf, TaskError> {
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
    if forbidden { Err(refused(name)) } else { Err(missing(" in PATH")) }
}

/// Sees what the system would see in a program. A shell that becomes a program would say it in other words, or run
/// a text without an interpreter by itself.
pub(crate) fn inspect(name: &str, program: &Path) -> Result<(), TaskError> {
    let invalid =
        |what: &str| Err(TaskError::new(ErrorKind::InvalidRequest, format!("program {name:?} {what}")));
    let executable =
        program.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
    if !executable {
        return Err(refused(name));
    }
    let mut head = Vec::new();
    // What may be executed and not read is no text.
    if File::open(program).and_then(|file| file.take(HEAD).read_to_end(&mut head)).is_err() {
        return Ok(());
    }
    if let Some(line) = head.strip_prefix(b"#!") {
        let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_start();
        let interpreter = line.split(u8::is_ascii_whitespace).next().unwrap_or_default();
        let interpreter = Path::new(OsStr::from_bytes(interpreter));
        if interpreter.is_absolute() && !interpreter.exists() {
            return invalid("or its interpreter was not found");
        }
        return Ok(());
    }
    if head.contains(&0) { Ok(()) } else { invalid("has no format that this system can execute") }
}

fn refused(name: &str) -> TaskError {
    TaskError::new(ErrorKind::PermissionDenied, format!("program {name:?} may not be executed"))
}
