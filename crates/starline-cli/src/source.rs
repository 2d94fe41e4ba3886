//! Reading files that people name.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Largest file that is read, in bytes: 256 MiB.
const LIMIT: u64 = 256 << 20;
/// Stands for standard input.
const STDIN: &str = "-";

/// A text and where it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The file as it was named.
    pub(crate) name: String,
    /// Its text.
    pub(crate) text: String,
    /// The folder that relative paths in it belong to.
    pub(crate) folder: PathBuf,
}

impl Source {
    /// Reads a file, or standard input for `-`.
    ///
    /// # Errors
    /// The file is missing, is a folder, is no text or is too large. The message names it.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let stdin = path.as_os_str() == STDIN;
        let name = if stdin { "<stdin>".to_owned() } else { path.display().to_string() };
        let fault = |what: String| Failure::file(&name, "unreadable_file", format!("{name} {what}"));
        let bytes = if stdin { bounded(io::stdin().lock()) } else { read(path) };
        let bytes = bytes.map_err(|error| {
            fault(match error.kind() {
                io::ErrorKind::NotFound => "does not exist".to_owned(),
                io::ErrorKind::IsADirectory => "is a folder, not a file".to_owned(),
                io::ErrorKind::FileTooLarge => format!("is larger than {} MiB", LIMIT >> 20),
                _ => format!("cannot be read: {error}"),
            })
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            fault(format!("is not UTF-8 text: see byte {} in line {line}", at + 1))
        })?;
        let folder = if stdin { None } else { path.parent().filter(|folder| !folder.as_os_str().is_empty()) };
        Ok(Self { folder: folder.unwrap_or_else(|| Path::new(".")).to_owned(), name, text })
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
