//! What a run leaves behind: `runs/<id>/events.jsonl` and `result.json` in the state folder.
//!
//! Everything is written below `runs`, which nobody but its owner may enter.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use starline::types::{Envelope, EventKind, RunId};

use crate::failure::Failure;
use crate::options::StateOptions;

/// The folder of one run.
#[derive(Debug)]
pub(crate) struct Records {
    folder: PathBuf,
    events: BufWriter<File>,
    /// The first thing that could not be written; nothing is written after it.
    fault: Option<io::Error>,
}

impl Records {
    /// Makes the folder of a run; `None` if nothing is to be left behind.
    ///
    /// # Errors
    /// The state folder cannot be used: it cannot be made, or others may change what is in it.
    pub(crate) fn create(options: &StateOptions, run: &RunId) -> Result<Option<Self>, Failure> {
        if options.ephemeral {
            return Ok(None);
        }
        Self::create_in(&options.state_dir, run).map(Some).map_err(|error| {
            let what = format!("failed to use the state folder {}", options.state_dir.display());
            Failure::infrastructure("state_folder", what, &error)
                .with_hint("choose another one with --state-dir, or leave no files with --ephemeral")
        })
    }

    fn create_in(state: &Path, run: &RunId) -> io::Result<Self> {
        make(state)?;
        refuse_if(state, 0o022, "may be changed by others")?;
        let runs = state.join("runs");
        make(&runs)?;
        refuse_if(&runs, 0o077, "may be looked into by others")?;
        // Not recursive: an id that is taken is a fault. The alphabet of ids has no path separator.
        let folder = runs.join(run.as_str());
        DirBuilder::new().mode(0o700).create(&folder)?;
        let events = BufWriter::with_capacity(1 << 16, private_file(&folder.join("events.jsonl"))?);
        Ok(Self { folder, events, fault: None })
    }

    /// The folder of the run.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where attempts get their folders.
    pub(crate) fn work_root(&self) -> PathBuf {
        self.folder.join("work")
    }

    /// Keeps a fact; output of tasks is none.
    pub(crate) fn event(&mut self, envelope: &Envelope) {
        if self.fault.is_none() && envelope.event.kind() != EventKind::Progress {
            let written = serde_json::to_writer(&mut self.events, envelope).map_err(io::Error::from);
            let written = written.and_then(|()| self.events.write_all(b"\n"));
            self.note(written);
        }
    }

    /// Hands over what was kept so far, so that a reader beside the run sees it.
    pub(crate) fn flush(&mut self) {
        if self.fault.is_none() {
            let flushed = self.events.flush();
            self.note(flushed);
        }
    }

    /// Keeps the result, and ends the records of the run.
    ///
    /// # Errors
    /// Something of the run could not be written.
    pub(crate) fn finish(mut self, result: &impl Serialize) -> Result<(), Failure> {
        self.flush();
        if self.fault.is_none() {
            let written = self.write_result(result);
            self.note(written);
        }
        // Empty unless folders of attempts are to be kept.
        let _ = fs::remove_dir(self.work_root());
        match self.fault {
            None => Ok(()),
            Some(error) => {
                let what = format!("failed to keep the records of the run in {}", self.folder.display());
                Err(Failure::infrastructure("records", what, &error))
            }
        }
    }

    /// Takes everything back, as the run has not begun.
    pub(crate) fn discard(self) {
        // What cannot be removed does no harm.
        let _ = fs::remove_dir_all(&self.folder);
    }

    fn write_result(&self, result: &impl Serialize) -> io::Result<()> {
        // Under its name only once it is whole.
        let part = self.folder.join("result.json.part");
        let mut file = BufWriter::new(private_file(&part)?);
        serde_json::to_writer_pretty(&mut file, result)?;
        file.write_all(b"\n")?;
        file.flush()?;
        fs::rename(part, self.folder.join("result.json"))
    }

    fn note(&mut self, written: io::Result<()>) {
        if let Err(error) = written {
            self.fault = Some(error);
        }
    }
}

fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Refuses a folder that is not ours alone to the degree that the mask says.
fn refuse_if(folder: &Path, mask: u32, what: &str) -> io::Result<()> {
    let found = fs::metadata(folder)?;
    if found.mode() & mask != 0 {
        let message = format!("{} {what}: its mode is {:03o}", folder.display(), found.mode() & 0o777);
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    Ok(())
}

fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
