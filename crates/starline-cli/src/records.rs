//! What a run leaves behind in its folder: `runs/<id>/` in the state folder.
//!
//! | File | Has |
//! |---|---|
//! | `journal.jsonl` | every fact, one on each line, from the first one on |
//! | `settings.json` | the workflow file without its tasks |
//! | `devices.json` | the profiles of the devices |
//! | `result.json`, `report.html`, `report.md`, `trace.json`, `graph.mmd` | written at the end |
//!
//! Everything is written below `runs`, which nobody but its owner may enter.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use starline::report::History;
use starline::types::{DeviceProfile, Envelope, EventKind, GraphSpec, RunId};
use starline::workflow::{Workflow, to_json};

use crate::chronicle::{self, Chronicle};
use crate::failure::Failure;
use crate::options::StateOptions;
use crate::state::{State, private_file, write_private};

/// The facts of a run.
pub(crate) const JOURNAL: &str = "journal.jsonl";
/// The profiles of its devices.
pub(crate) const DEVICES: &str = "devices.json";
/// The workflow file without its tasks.
pub(crate) const SETTINGS: &str = "settings.json";
/// How it ended.
pub(crate) const RESULT: &str = "result.json";

/// What becomes of the facts of a run.
#[derive(Debug)]
pub(crate) struct Records {
    kept: Option<Kept>,
    /// None if nothing is made of it.
    chronicle: Option<Chronicle>,
    devices: Vec<DeviceProfile>,
    /// Where a trace was asked for beside everything else.
    trace: Option<PathBuf>,
}

/// The folder of one run.
#[derive(Debug)]
struct Kept {
    state: State,
    folder: PathBuf,
    /// Locked as long as the run lives.
    journal: BufWriter<File>,
    /// The first thing that could not be written; nothing is written after it.
    fault: Option<io::Error>,
}

impl Records {
    /// Makes the folder of a run, if something is to be left behind.
    ///
    /// # Errors
    /// The state folder cannot be used: it cannot be made, or others may look into it.
    pub(crate) fn create(
        options: &StateOptions,
        run: &RunId,
        workflow: &Workflow,
        devices: Vec<DeviceProfile>,
    ) -> Result<Self, Failure> {
        let kept =
            if options.ephemeral { None } else { Some(Kept::create(options, run, workflow, &devices)?) };
        let chronicle = kept.is_some().then(Chronicle::default);
        Ok(Self { kept, chronicle, devices, trace: None })
    }

    /// The same, with a trace for a file of somebody's choice.
    pub(crate) fn with_trace(mut self, trace: Option<PathBuf>) -> Self {
        if trace.is_some() {
            self.chronicle.get_or_insert_default();
        }
        self.trace = trace;
        self
    }

    /// The folder of the run, if it has one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.kept.as_ref().map(|kept| kept.folder.as_path())
    }

    /// The state folder, if there is one.
    pub(crate) fn state(&self) -> Option<&State> {
        self.kept.as_ref().map(|kept| &kept.state)
    }

    /// Where attempts get their folders; none: where the system has temporary files.
    pub(crate) fn work_root(&self) -> Option<PathBuf> {
        self.folder().map(|folder| folder.join("work"))
    }

    /// Keeps a fact.
    pub(crate) fn event(&mut self, envelope: &Envelope) {
        if let Some(chronicle) = &mut self.chronicle {
            chronicle.observe(envelope);
        }
        if let Some(kept) = &mut self.kept {
            kept.event(envelope);
        }
    }

    /// Hands over what was kept so far, so that a reader beside the run sees it.
    pub(crate) fn flush(&mut self) {
        if let Some(kept) = &mut self.kept {
            kept.flush();
        }
    }

    /// Keeps the result and everything that is made of the facts, and ends the records of the run.
    ///
    /// # Errors
    /// What could not be written; the rest is there.
    pub(crate) fn finish(mut self, result: &impl Serialize) -> Vec<Failure> {
        let mut failures = Vec::new();
        if let Some(kept) = &mut self.kept {
            kept.flush();
            if kept.fault.is_none() {
                let written = write_json(&kept.folder.join(RESULT), result);
                kept.note(written);
            }
        }
        match self.chronicle.take().map(|chronicle| chronicle.finish(&self.devices)) {
            Some(Ok(Some(history))) => self.report(&history, &mut failures),
            Some(Err(error)) => {
                failures.push(Failure::infrastructure(
                    "records",
                    "failed to write reports of the run",
                    &error,
                ));
            }
            Some(Ok(None)) | None => {}
        }
        if let Some(kept) = self.kept {
            // Empty unless folders of attempts are to be kept.
            let _ = fs::remove_dir(kept.folder.join("work"));
            if let Some(error) = &kept.fault {
                let what = format!("failed to keep the records of the run in {}", kept.folder.display());
                failures.push(Failure::infrastructure("records", what, error));
            }
        }
        failures
    }

    fn report(&mut self, history: &History, failures: &mut Vec<Failure>) {
        if let Some(kept) = &mut self.kept
            && kept.fault.is_none()
        {
            let written = write_reports(&kept.folder, history);
            kept.note(written);
        }
        if let Some(path) = &self.trace {
            let text = chronicle::file("trace.json", history);
            if let Err(error) = fs::write(path, text) {
                let what = format!("failed to write {}", path.display());
                failures.push(Failure::infrastructure("unwritable_file", what, &error));
            }
        }
    }

    /// Takes everything back, as the run has not begun.
    pub(crate) fn discard(self) {
        if let Some(folder) = self.folder() {
            // What cannot be removed does no harm.
            let _ = fs::remove_dir_all(folder);
        }
    }
}

impl Kept {
    fn create(
        options: &StateOptions,
        run: &RunId,
        workflow: &Workflow,
        devices: &[DeviceProfile],
    ) -> Result<Self, Failure> {
        let state = State::make(&options.state_dir)?;
        let folder = state.make_run(run)?;
        Self::begin(&folder, workflow, devices)
            .map(|journal| Self { state, folder, journal, fault: None })
            .map_err(|error| crate::state::unusable(&options.state_dir, &error))
    }

    fn begin(folder: &Path, workflow: &Workflow, devices: &[DeviceProfile]) -> io::Result<BufWriter<File>> {
        let journal = private_file(&folder.join(JOURNAL))?;
        // Whoever reads it can tell a run that lives from one that was killed. Where there are no locks, it cannot.
        let _ = journal.try_lock();
        write_json(&folder.join(DEVICES), &devices)?;
        let mut head = workflow.clone();
        // The graph is in the first fact.
        head.graph =
            std::sync::Arc::new(GraphSpec { name: workflow.graph.name.clone(), ..GraphSpec::default() });
        if let Ok(text) = to_json(&head) {
            write_private(&folder.join(SETTINGS), |file| file.write_all(text.as_bytes()))?;
        }
        Ok(BufWriter::with_capacity(1 << 16, journal))
    }

    fn event(&mut self, envelope: &Envelope) {
        if self.fault.is_none() && envelope.event.kind() != EventKind::Progress {
            let written = serde_json::to_writer(&mut self.journal, envelope).map_err(io::Error::from);
            let written = written.and_then(|()| self.journal.write_all(b"\n"));
            self.note(written);
        }
    }

    fn flush(&mut self) {
        if self.fault.is_none() {
            let flushed = self.journal.flush();
            self.note(flushed);
        }
    }

    fn note(&mut self, written: io::Result<()>) {
        if let Err(error) = written {
            self.fault.get_or_insert(error);
        }
    }
}

/// Writes everything that is made of the history of a run into a folder, for the owner alone.
///
/// # Errors
/// One of the files cannot be written.
pub(crate) fn write_reports(folder: &Path, history: &History) -> io::Result<()> {
    chronicle::FILES.iter().try_for_each(|name| {
        let text = chronicle::file(name, history);
        write_private(&folder.join(name), |file| file.write_all(text.as_bytes()))
    })
}

fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    write_private(path, |file| {
        serde_json::to_writer_pretty(&mut *file, value)?;
        file.write_all(b"\n")
    })
}
