//! The allow-list of programs.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::libc::O_NONBLOCK;
use starline_device::{BlobHash, ErrorKind, TaskError, matches_pattern};

use crate::interpreters::is_interpreter;
use crate::{AllowedProgram, AllowedScript};

/// Entries of the list that a refusal names.
const SHOWN: usize = 16;
/// Bytes of a script read at a time.
const CHUNK: usize = 64 * 1024;

/// What an allow-list allows, with every link resolved.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Permit {
    pub(crate) program: PathBuf,
    /// In place of the first argument.
    pub(crate) script: Option<PathBuf>,
}

/// Names under which an entry lets something run; none if it lets nothing run.
pub(crate) fn names(entry: &AllowedProgram) -> Vec<String> {
    let resolved = fs::canonicalize(&entry.path).ok();
    let paths = [Some(entry.path.as_path()), resolved.as_deref()].into_iter().flatten();
    let names: Vec<String> =
        paths.filter_map(Path::file_name).map(|name| name.to_string_lossy().into_owned()).collect();
    // One that runs whatever it is given needs a script: see `check`.
    if entry.script.is_none() && names.iter().any(|name| is_interpreter(name)) { Vec::new() } else { names }
}

/// Asks a list for a program that was found, and for its arguments. Relative paths are relative to a folder.
/// Reads files: O(entries + arguments × patterns + bytes of the script).
pub(crate) fn permit(
    list: &[AllowedProgram],
    name: &str,
    found: &Path,
    arguments: &[String],
    folder: &Path,
) -> Result<Permit, TaskError> {
    let Ok(program) = fs::canonicalize(found) else {
        return Err(denied(format!("program {name:?} cannot be resolved")));
    };
    let mut reason = None;
    for entry in list {
        // The name counts as well: some programs do many things, each under a name of its own.
        let is_called = [entry.path.file_name(), program.file_name()].contains(&found.file_name());
        if !is_called || fs::canonicalize(&entry.path).ok().as_ref() != Some(&program) {
            continue;
        }
        match check(entry, &program, arguments, folder) {
            Ok(script) => return Ok(Permit { program, script }),
            Err(why) => reason = Some(why),
        }
    }
    Err(denied(reason.unwrap_or_else(|| {
        let allowed: Vec<_> = list.iter().take(SHOWN).map(|entry| entry.path.display().to_string()).collect();
        let more =
            if list.len() > SHOWN { format!(" and {} more", list.len() - SHOWN) } else { String::new() };
        let allowed = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
        format!("program {name:?} is not on the allow-list `programs`, which allows {allowed}{more}")
    })))
}

/// Whether an entry for this program allows these arguments; its script, if it has one.
fn check(
    entry: &AllowedProgram,
    program: &Path,
    arguments: &[String],
    folder: &Path,
) -> Result<Option<PathBuf>, String> {
    let shown = entry.path.display();
    let (script, rest) = match &entry.script {
        Some(script) => {
            let [first, rest @ ..] = arguments else {
                return Err(format!("{shown} may run {} only", script.path.display()));
            };
            (Some(check_script(entry, script, &folder.join(first))?), rest)
        }
        None => {
            let names = [entry.path.file_name(), program.file_name()].into_iter().flatten();
            if let Some(name) = names.filter_map(OsStr::to_str).find(|name| is_interpreter(name)) {
                return Err(format!(
                    "{shown} is on the allow-list `programs`, but {name} runs whatever it is given: the list has to \
                     name a `script` with its digest"
                ));
            }
            (None, arguments)
        }
    };
    if let Some(patterns) = &entry.args
        && let Some(other) =
            rest.iter().find(|argument| !patterns.iter().any(|one| matches_pattern(one, argument)))
    {
        let patterns: Vec<_> = patterns.iter().map(|pattern| format!("{pattern:?}")).collect();
        let choice = if patterns.is_empty() { "no arguments".to_owned() } else { patterns.join(", ") };
        return Err(format!("argument {other:?} of {shown} matches no rule of `args`, which allow {choice}"));
    }
    Ok(script)
}

fn check_script(entry: &AllowedProgram, script: &AllowedScript, given: &Path) -> Result<PathBuf, String> {
    let (program, declared) = (entry.path.display(), script.path.display());
    let path = fs::canonicalize(&script.path).map_err(|error| format!("script {declared}: {error}"))?;
    if fs::canonicalize(given).ok().as_ref() != Some(&path) {
        return Err(format!("{program} may run {declared} only, as its first argument"));
    }
    let digest = digest(&path).map_err(|error| format!("script {declared}: {error}"))?;
    if digest != script.blake3 {
        return Err(format!(
            "script {declared} was changed: its digest is {digest}, and `programs` allows {}",
            script.blake3
        ));
    }
    Ok(path)
}

fn digest(path: &Path) -> io::Result<BlobHash> {
    // Not held up by what is no file.
    let mut file = OpenOptions::new().read(true).custom_flags(O_NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("is no file"));
    }
    let (mut hasher, mut chunk) = (blake3::Hasher::new(), vec![0; CHUNK]);
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            length => hasher.update(&chunk[..length]),
        };
    }
    BlobHash::from_hex(&hasher.finalize().to_hex()).map_err(io::Error::other)
}

fn denied(message: String) -> TaskError {
    TaskError::new(ErrorKind::PermissionDenied, message)
}
