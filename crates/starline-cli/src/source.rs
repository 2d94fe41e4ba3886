//! Reading files that people name.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Largest file that is read, in bytes: 64 MiB. Less is valid, and a reader of files says how much.
const LIMIT: u64 = 64 << 20;
/// Stands for standard input.
const STDIN: &str = "-";

/// A file as it was read, and where it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The file as it was named.
    pub(crate) name: String,
    /// What is in it, text or not.
    pub(crate) bytes: Vec<u8>,
    /// The folder that relative paths in it belong to.
    pub(crate) folder: PathBuf,
}

impl Source {
    /// Reads a file, or standard input for `-`.
    ///
    /// # Errors
    /// The file is missing, is a folder, cannot be read or is too large. The message names it.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let stdin = path.as_os_str() == STDIN;
        let name = if stdin { "<stdin>".to_owned() } else { path.display().to_string() };
        let fault = |code: &str, what: String| Failure::file(&name, code, format!("{name} {what}"));
        let bytes = if stdin { bounded(io::stdin().lock()) } else { read(path) };
        let bytes = bytes.map_err(|error| {
            let what = match error.kind() {
                io::ErrorKind::FileTooLarge => {
                    return fault("limit_exceeded", format!("is larger than {} MiB", LIMIT >> 20));
                }
                io::ErrorKind::NotFound => "does not exist".to_owned(),
                io::ErrorKind::IsADirectory => "is a folder, not a file".to_owned(),
                _ => format!("cannot be read: {error}"),
            };
            fault("unreadable_file", what)
        })?;
        let folder = if stdin { None } else { path.parent().filter(|folder| !folder.as_os_str().is_empty()) };
        Ok(Self { folder: folder.unwrap_or_else(|| Path::new(".")).to_owned(), name, bytes })
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    // Some systems open a folder and only refuse to read it, in words of their own.
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    bounded(file)
}

fn bounded(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LIMIT {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}
