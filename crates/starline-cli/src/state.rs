//! The state folder: what runs leave behind, for their owner alone.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use starline::types::RunId;

use crate::failure::Failure;

/// What nobody but the owner may do.
pub(crate) const OTHERS: u32 = 0o077;

/// A state folder that is ours alone.
#[derive(Clone, Debug)]
pub(crate) struct State {
    root: PathBuf,
}

impl State {
    /// The state folder; it is made if it is not there.
    ///
    /// # Errors
    /// It cannot be made or used, or others may look into it: then the command is told that mends it.
    pub(crate) fn make(root: &Path) -> Result<Self, Failure> {
        let runs = root.join("runs");
        make(root).map_err(|error| unusable(root, &error))?;
        refuse_if_open(root, root)?;
        make(&runs).map_err(|error| unusable(root, &error))?;
        refuse_if_open(root, &runs)?;
        Ok(Self { root: root.to_owned() })
    }

    /// The state folder, if there is one.
    ///
    /// # Errors
    /// It cannot be used, or others may look into it.
    pub(crate) fn open(root: &Path) -> Result<Option<Self>, Failure> {
        let runs = root.join("runs");
        for folder in [root, &runs] {
            match fs::metadata(folder) {
                Ok(found) if found.is_dir() => refuse_if_open(root, folder)?,
                Ok(_) => return Err(unusable(root, &io::ErrorKind::NotADirectory.into())),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(unusable(root, &error)),
            }
        }
        Ok(Some(Self { root: root.to_owned() }))
    }

    /// Where contents are kept by their hash.
    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    /// Where processes that can be asked are found.
    pub(crate) fn servers(&self) -> PathBuf {
        self.root.join("servers")
    }

    /// Where attempts of runs get their folders that have been handed over.
    pub(crate) fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    /// Where it is written down what runs of `starline serve` have running.
    pub(crate) fn register(&self) -> PathBuf {
        self.root.join("groups")
    }

    /// What was refused by processes that can be asked, one line each.
    pub(crate) fn audit(&self) -> PathBuf {
        self.root.join("audit.jsonl")
    }

    /// Locked by the process that serves the folder.
    pub(crate) fn sole(&self) -> PathBuf {
        self.root.join("serve.lock")
    }

    /// The folders of runs.
    pub(crate) fn runs(&self) -> PathBuf {
        self.root.join("runs")
    }

    /// The folder of a run. The alphabet of ids has no path separator.
    pub(crate) fn run(&self, run: &RunId) -> PathBuf {
        self.runs().join(run.as_str())
    }

    /// Makes the folder of a run that is not there yet.
    ///
    /// # Errors
    /// It is there already, or cannot be made.
    pub(crate) fn make_run(&self, run: &RunId) -> Result<PathBuf, Failure> {
        let folder = self.run(run);
        // Not recursive: an id that is taken is a fault.
        DirBuilder::new().mode(0o700).create(&folder).map_err(|error| unusable(&self.root, &error))?;
        Ok(folder)
    }
}

/// The folder cannot be used.
pub(crate) fn unusable(root: &Path, error: &io::Error) -> Failure {
    let what = format!("failed to use the state folder {}", root.display());
    Failure::infrastructure("state_folder", what, error)
        .with_hint("choose another one with --state-dir, or leave no files with --ephemeral")
}

/// Makes a folder for the owner alone, with those above it.
pub(crate) fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Refuses a folder that others may look into, with the command that mends it.
fn refuse_if_open(root: &Path, folder: &Path) -> Result<(), Failure> {
    let mode = fs::metadata(folder).map_err(|error| unusable(root, &error))?.mode() & 0o777;
    if mode & OTHERS == 0 {
        return Ok(());
    }
    let message = format!("state folder {} is open to others: its mode is {mode:03o}", folder.display());
    let failure = Failure::new(crate::exit::Exit::Infrastructure, "state_folder", message);
    Err(failure.with_hint(format!("look at what is in it, then close it: {}", mending(root))))
}

/// The command that closes a folder to others.
pub(crate) fn mending(root: &Path) -> String {
    format!("chmod -R go-rwx {}", word(&root.display().to_string()))
}

/// A text as one word of a shell.
pub(crate) fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%,".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        return text.to_owned();
    }
    // A leading hyphen would make it an option.
    let text = if text.starts_with('-') { format!("./{text}") } else { text.to_owned() };
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A new file for the owner alone.
///
/// # Errors
/// It is there already, or cannot be made.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Writes a file for the owner alone; it has its name only once it is whole.
///
/// # Errors
/// It cannot be written.
pub(crate) fn write_private(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = io::BufWriter::new(private_file(&part)?);
    let written = write(&mut file).and_then(|()| file.flush());
    let written = written.and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        // What is left of it is of no use; the first error is told.
        let _ = fs::remove_file(&part);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_copied_as_they_are() {
        assert_eq!(mending(Path::new(".starline")), "chmod -R go-rwx .starline");
        assert_eq!(mending(Path::new("my state")), "chmod -R go-rwx 'my state'");
        assert_eq!(word("it's"), r"'it'\''s'");
        assert_eq!(word("-rf"), "'./-rf'");
    }
}
