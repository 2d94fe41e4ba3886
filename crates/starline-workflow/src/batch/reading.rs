//! What is collected while a batch is read.

use std::collections::BTreeMap;

use starline_edit::{Code, Fault, Unread};
use starline_types::{Artifact, Edit, EditBatch, FileInput, Revision, TaskId};

use super::fault::{Subject, faults, item};
use super::graph::ProposedGraph;
use super::{BatchOptions, ReadBatch};
use crate::Warning;
use crate::excerpt::{printable, quoted};
use crate::fields::Field;
use crate::file::{Common, Defaults, Secrets, path_fault};
use crate::nearest::Hints;
use crate::problem::{FILE_NOT_READABLE, Report};

/// Execution state in a whole graph: only the structure is taken.
pub(super) const STATE_IGNORED: &str = "state_ignored";

/// Faults that are kept, and warnings of execution state. What a hostile batch has beyond that is counted.
const KEPT: usize = 1_000;

/// A batch as far as it is read.
#[derive(Debug)]
pub(super) struct Reading<'o> {
    options: &'o BatchOptions,
    defaults: Defaults,
    secrets: Secrets,
    /// What hints may still cost, over all edits.
    hints: Hints,
    resolved: BTreeMap<String, Result<Artifact, String>>,
    found: ReadBatch,
    /// Faults that were left out, and the edit of the last.
    left_out: (usize, usize),
    /// Places with execution state that were left out.
    states_left_out: usize,
}

/// What an edit means.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) edits: Vec<Edit>,
    pub(super) graph: Option<ProposedGraph>,
    /// Tasks that it makes.
    pub(super) tasks: Vec<TaskId>,
    /// Whether it says in words what a task is to do.
    pub(super) is_described: bool,
}

impl<'o> Reading<'o> {
    pub(super) fn new(options: &'o BatchOptions) -> Self {
        let mut found = ReadBatch::default();
        found.batch.base = options.base;
        found.is_without_files = options.files.is_none();
        Self {
            options,
            defaults: Defaults::default(),
            secrets: Secrets::of(options.secrets.as_deref()),
            hints: Hints::default(),
            resolved: BTreeMap::new(),
            found,
            left_out: (0, 0),
            states_left_out: 0,
        }
    }

    pub(super) fn options(&self) -> &'o BatchOptions {
        self.options
    }

    /// What tasks are read with.
    pub(super) fn common(&self) -> Common<'_> {
        Common { defaults: &self.defaults, secrets: &self.secrets, limits: &self.options.limits }
    }

    /// A report for one edit.
    pub(super) fn report(&mut self) -> Report {
        let mut report = Report::default();
        report.hints = std::mem::take(&mut self.hints);
        report
    }

    /// The batch, for what is said of it as a whole.
    pub(super) fn batch(&mut self) -> &mut EditBatch {
        &mut self.found.batch
    }

    /// The batch says which revision it is for.
    pub(super) fn base(&mut self, base: Revision) {
        self.found.batch.base = base;
        self.found.names_base = true;
    }

    /// Takes an edit into the batch, or what is wrong with it.
    pub(super) fn add(&mut self, position: usize, mut report: Report, subject: &Subject<'_>, made: Made) {
        self.hints = std::mem::take(&mut report.hints);
        let is_readable = report.is_empty();
        self.refuse(position, report, subject);
        if made.graph.is_some() {
            self.found.graph = made.graph;
        }
        if !is_readable {
            self.found.unread.tasks.extend(made.tasks.into_iter().map(|id| (id, position)));
            return;
        }
        if made.is_described {
            self.found.described.push(self.found.batch.edits.len());
        }
        self.found.unread.positions.extend(made.edits.iter().map(|_| position));
        self.found.batch.edits.extend(made.edits);
    }

    /// Keeps what is wrong.
    fn refuse(&mut self, position: usize, report: Report, subject: &Subject<'_>) {
        if report.is_empty() {
            return;
        }
        for fault in faults(position, report, subject) {
            self.fault(fault);
        }
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        if self.found.unread.faults.len() < KEPT {
            self.found.unread.faults.push(fault);
        } else {
            self.left_out = (self.left_out.0 + 1, fault.edit);
        }
    }

    /// Warns of a place with execution state, which never comes from an author. `what` is a task, or the graph.
    pub(super) fn ignore_state(
        &mut self,
        pointer: impl FnOnce() -> String,
        (what, item): (&str, &str),
        field: &str,
    ) {
        if self.found.unread.ignored.len() >= KEPT {
            self.states_left_out += 1;
            return;
        }
        let message = format!(
            "{} of {what} says how far it has got: only the structure of a graph is taken",
            quoted(field)
        );
        let pointer = printable(&pointer());
        self.found.unread.ignored.push(pointer.clone());
        self.warn(STATE_IGNORED, pointer, item, &message);
    }

    /// Warns of a place with execution state in a graph of Galaxy's form.
    pub(super) fn ignore_state_of(&mut self, item: &str, message: &str) {
        if self.found.unread.ignored.len() >= KEPT {
            self.states_left_out += 1;
            return;
        }
        self.found.unread.ignored.push(super::fault::item(item));
        self.warn(STATE_IGNORED, String::new(), item, message);
    }

    pub(super) fn warn(&mut self, code: &str, pointer: String, about: &str, message: &str) {
        let message = printable(message);
        self.found.warnings.push(Warning { code: code.to_owned(), message, pointer, item: item(about) });
    }

    /// Reads the files that a task is sent, if they can be read here.
    pub(super) fn resolve(
        &mut self,
        files: &mut BTreeMap<String, FileInput>,
        place: Option<&Field<'_>>,
        report: &mut Report,
    ) {
        let (Some(resolver), Some(place)) = (&self.options.files, place) else { return };
        for (name, file) in files {
            let FileInput::File { path, artifact } = file else { continue };
            if path_fault(path).is_some() {
                continue;
            }
            match self.resolved.entry(path.clone()).or_insert_with(|| resolver.resolve(path)) {
                Ok(known) => *artifact = Some(known.clone()),
                Err(error) => {
                    let message = format!(
                        "file {} for input {name} of {} cannot be read: {error}",
                        quoted(path),
                        place.what
                    );
                    report
                        .add(place.at, FILE_NOT_READABLE, message)
                        .hint("paths are relative to the folder of the workflow file");
                }
            }
        }
    }

    /// The batch, with every fault by edit.
    pub(super) fn finish(self) -> ReadBatch {
        let Self { mut found, left_out: (count, edit), states_left_out, .. } = self;
        if states_left_out > 0 {
            let message = format!("{states_left_out} more places with execution state are not listed");
            found.warnings.push(Warning::new("limit_exceeded", String::new(), message));
        }
        let Unread { faults, .. } = &mut found.unread;
        if count > 0 {
            let message = format!("{count} more faults are not listed");
            faults.push(Fault::new(edit, Code::LimitExceeded, "faults", message));
        }
        faults.sort_by_key(|fault| fault.edit);
        found
    }
}
