//! What a run leaves behind in its folder: `runs/<id>/` in the state folder.
//!
//! | File | Has |
//! |---|---|
//! | `journal.redb` | every fact, durable before anything was done because of it |
//! | `settings.json` | the workflow file without its tasks |
//! | `devices.json` | the profiles of the devices |
//! | `launch.json` | what another process needs to go on with the run; not of a simulation |
//! | `result.json`, `report.html`, `report.md`, `trace.json`, `graph.mmd` | written at the end |
//!
//! Everything is written below `runs`, which nobody but its owner may enter.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use starline::report::History;
use starline::types::{DeviceProfile, Envelope, EventKind, GraphSpec, RunId};
use starline::workflow::{Workflow, to_json};

use crate::chronicle::{self, Chronicle};
use crate::edits::Edits;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::journal::RunJournal;
use crate::launch::{LAUNCH, Launch};
use crate::options::StateOptions;
use crate::state::{State, write_private};

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
    /// The trace that was asked for beside everything else.
    trace: Option<Trace>,
}

/// A file of somebody's choice, opened before anything is done: who asks for it in vain is told at once.
#[derive(Debug)]
pub(crate) struct Trace {
    path: PathBuf,
    file: File,
    is_new: bool,
}

impl Trace {
    /// Opens a file and leaves it as it is; makes it if it is not there.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let made = OpenOptions::new().write(true).create_new(true).open(path);
        let is_new = made.is_ok();
        let opened = match made {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                OpenOptions::new().write(true).open(path)
            }
            made => made,
        };
        match opened {
            Ok(file) => Ok(Self { path: path.to_owned(), file, is_new }),
            Err(error) => Err(Failure::new(Exit::Invalid, "unwritable_file", unwritten(path, &error))),
        }
    }

    /// Leaves no file that was not there before.
    pub(crate) fn discard(self) {
        if self.is_new {
            // What cannot be removed does no harm.
            let _ = fs::remove_file(&self.path);
        }
    }

    fn write(&mut self, text: &str) -> Result<(), Failure> {
        // What is no regular file, such as a pipe, has no length.
        let is_file = self.file.metadata().is_ok_and(|found| found.is_file());
        let emptied = if is_file { self.file.set_len(0) } else { Ok(()) };
        emptied.and_then(|()| self.file.write_all(text.as_bytes())).map_err(|error| {
            Failure::new(Exit::Infrastructure, "unwritable_file", unwritten(&self.path, &error))
        })
    }
}

fn unwritten(path: &Path, error: &io::Error) -> String {
    format!("failed to write {}: {error}", path.display())
}

/// The folder of one run.
#[derive(Debug)]
struct Kept {
    state: State,
    folder: PathBuf,
    journal: Arc<RunJournal>,
    /// The first thing that could not be written beside the journal; nothing is written after it.
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
        launch: Option<&Launch>,
    ) -> Result<Self, Failure> {
        let kept = if options.ephemeral {
            None
        } else {
            Some(Kept::create(options, run, workflow, &devices, launch)?)
        };
        // What was edited is told at the end in any case.
        let told = kept.is_some() || workflow.settings.editor.is_some();
        let chronicle = told.then(Chronicle::default);
        Ok(Self { kept, chronicle, devices, trace: None })
    }

    /// The records of a run that goes on.
    ///
    /// # Errors
    /// They cannot be used, or another process has the run.
    pub(crate) fn reopen(
        options: &StateOptions,
        run: &RunId,
        devices: Vec<DeviceProfile>,
    ) -> Result<Self, Failure> {
        let kept = Kept::reopen(options, run)?;
        Ok(Self { kept: Some(kept), chronicle: Some(Chronicle::default()), devices, trace: None })
    }

    /// The same, with a trace for a file of somebody's choice.
    pub(crate) fn with_trace(mut self, trace: Option<Trace>) -> Self {
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

    /// Removes the folders of attempts that an earlier process had begun, once nothing works in them any more.
    pub(crate) fn clear_work(&self) {
        if let Some(root) = self.work_root() {
            // Most likely there is none; what cannot be removed does no harm.
            let _ = fs::remove_dir_all(root);
        }
    }

    /// Where it is written down what is running.
    pub(crate) fn register(&self) -> Option<PathBuf> {
        self.folder().map(|folder| folder.join("groups"))
    }

    /// The journal of the run, if it has one. Who carries the run out writes it, before anything is done.
    pub(crate) fn journal(&self) -> Option<Arc<RunJournal>> {
        self.kept.as_ref().map(|kept| Arc::clone(&kept.journal))
    }

    /// Takes in a fact that is in the journal, or output of a task.
    pub(crate) fn observe(&mut self, envelope: &Envelope) {
        if let Some(chronicle) = &mut self.chronicle {
            chronicle.observe(envelope);
        }
    }

    /// What was edited so far.
    pub(crate) fn edits(&self) -> Option<Edits> {
        self.chronicle.as_ref().and_then(Chronicle::edits)
    }

    /// Keeps a fact that nothing is done because of, in the journal as well.
    pub(crate) fn event(&mut self, envelope: &Envelope) {
        self.observe(envelope);
        if let Some(kept) = &self.kept
            && envelope.event.kind() != EventKind::Progress
        {
            kept.journal.take(envelope);
        }
    }

    /// Keeps the result and everything that is made of the facts, and ends the records of the run.
    ///
    /// # Errors
    /// What could not be written; the rest is there.
    pub(crate) fn finish(mut self, result: &impl Serialize) -> Vec<Failure> {
        let mut failures = Vec::new();
        if let Some(kept) = &mut self.kept {
            kept.journal.flush();
            if let Some(failure) = kept.journal.failure() {
                // There is nothing to be relied on, and most likely no room either.
                return vec![failure];
            }
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
            // Nothing of the run is left running.
            let _ = fs::remove_dir_all(kept.folder.join("groups"));
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
        if let Some(trace) = &mut self.trace {
            failures.extend(trace.write(&chronicle::file("trace.json", history)).err());
        }
    }

    /// Takes everything back, as the run has not begun.
    pub(crate) fn discard(self) {
        let folder = self.folder().map(Path::to_owned);
        if let Some(trace) = self.trace {
            trace.discard();
        }
        if let Some(folder) = folder {
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
        launch: Option<&Launch>,
    ) -> Result<Self, Failure> {
        let state = State::make(&options.state_dir)?;
        let folder = state.make_run(run)?;
        let begun = Self::begin(&folder, workflow, devices, launch).map_err(|error| {
            Failure::journal(format!("failed to begin a journal in {}", folder.display()), &error)
        });
        match begun.and_then(|()| RunJournal::open(&folder)) {
            Ok(journal) => Ok(Self { state, folder, journal: Arc::new(journal), fault: None }),
            Err(failure) => {
                // What cannot be removed does no harm.
                let _ = fs::remove_dir_all(&folder);
                Err(failure
                    .with_hint("choose another folder with --state-dir, or leave no files with --ephemeral"))
            }
        }
    }

    /// The folder of a run that goes on. No other process has its journal from here on.
    fn reopen(options: &StateOptions, run: &RunId) -> Result<Self, Failure> {
        let state = State::make(&options.state_dir)?;
        let folder = state.run(run);
        let journal = RunJournal::open(&folder)?;
        Ok(Self { state, folder, journal: Arc::new(journal), fault: None })
    }

    fn begin(
        folder: &Path,
        workflow: &Workflow,
        devices: &[DeviceProfile],
        launch: Option<&Launch>,
    ) -> io::Result<()> {
        write_json(&folder.join(DEVICES), &devices)?;
        if let Some(launch) = launch {
            write_json(&folder.join(LAUNCH), launch)?;
        }
        let mut head = workflow.clone();
        // The graph is in the first fact.
        head.graph = Arc::new(GraphSpec { name: workflow.graph.name.clone(), ..GraphSpec::default() });
        if let Ok(text) = to_json(&head) {
            write_private(&folder.join(SETTINGS), |file| file.write_all(text.as_bytes()))?;
        }
        Ok(())
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
