//! Files that tasks hand on: those of a record, artefacts of a run, and estimated amounts.

use std::collections::BTreeMap;

use starline_types::{Artifact, FileInput, GraphSpec, RunOutcome, TaskId, TaskSpec};

use super::super::Warnings;
use super::super::kept::{INPUT_FILES, Kept, OUTPUT_FILES};
use super::links::Links;
use super::record::File;
use super::{Lists, attempted};
use crate::excerpt::quoted;
use crate::names::Names;

/// Longest id of a file, in bytes.
const LONGEST: usize = 4096;

/// Files and who reads and writes them, by position of the task.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) listed: Vec<File>,
    pub(super) inputs: Lists,
    pub(super) outputs: Lists,
}

impl Files {
    pub(super) fn new(
        graph: &GraphSpec,
        outcome: Option<&RunOutcome>,
        links: &Links,
        warnings: &mut Warnings,
    ) -> Self {
        let none = vec![Vec::new(); graph.tasks.len()];
        let files = Self { listed: Vec::new(), inputs: none.clone(), outputs: none };
        let mut book = Book { files, names: names(), ids: BTreeMap::new() };
        book.recorded(graph, warnings);
        book.sent_along(graph, warnings);
        if let Some(outcome) = outcome {
            book.artefacts(graph, outcome, warnings);
        }
        book.estimated(graph, links, warnings);
        book.files
    }
}

fn names() -> Names {
    Names::new(|c| c.is_ascii_alphanumeric() || "-_./:#".contains(c), LONGEST)
}

/// Files as they are found.
#[derive(Debug)]
struct Book {
    files: Files,
    names: Names,
    /// Written ids of files, and whether they are listed.
    ids: BTreeMap<String, (String, bool)>,
}

impl Book {
    /// The files of a record, with the names that can stay before those that cannot.
    fn recorded(&mut self, graph: &GraphSpec, warnings: &mut Warnings) {
        let kept = Kept::of(graph);
        let lists = |section, task: &TaskSpec| kept.texts(section, task.id.as_str());
        let all = || {
            let tasks = graph.tasks.iter();
            let named = tasks.flat_map(|task| lists(INPUT_FILES, task).chain(lists(OUTPUT_FILES, task)));
            kept.files().map(|(name, _)| name).chain(named)
        };
        for name in all() {
            if self.names.fits(name) && self.names.keep(name) {
                self.ids.insert(name.to_owned(), (name.to_owned(), false));
            }
        }
        for (name, bytes) in kept.files() {
            self.list(name, bytes, warnings);
        }
        for (at, task) in graph.tasks.iter().enumerate() {
            self.files.inputs[at] = lists(INPUT_FILES, task).map(|name| self.id(name, warnings)).collect();
            self.files.outputs[at] = lists(OUTPUT_FILES, task).map(|name| self.id(name, warnings)).collect();
        }
    }

    /// Files beside the workflow file, once their contents are known.
    fn sent_along(&mut self, graph: &GraphSpec, warnings: &mut Warnings) {
        for (at, task) in graph.tasks.iter().enumerate() {
            for input in task.files().values() {
                if let FileInput::File { path, artifact: Some(artifact) } = input {
                    let id = self.list(path, artifact.bytes, warnings);
                    add(&mut self.files.inputs[at], id);
                }
            }
        }
    }

    /// Outputs of the type artefact, and the tasks they were sent to.
    fn artefacts(&mut self, graph: &GraphSpec, outcome: &RunOutcome, warnings: &mut Warnings) {
        let artefact = |task: &TaskId, output: &str| {
            let result = attempted(outcome, task)?;
            let artefact = result.outputs.get(output).and_then(Artifact::from_value)?;
            Some((format!("{task}/{output}/{}", artefact.name), artefact.bytes))
        };
        for (at, task) in graph.tasks.iter().enumerate() {
            let names = outcome.results.get(&task.id).map(|result| result.outputs.keys());
            for (name, bytes) in names.into_iter().flatten().filter_map(|name| artefact(&task.id, name)) {
                let id = self.list(&name, bytes, warnings);
                add(&mut self.files.outputs[at], id);
            }
            for input in task.files().values() {
                let FileInput::Output { task, output } = input else { continue };
                if let Some((name, bytes)) = artefact(task, output) {
                    let id = self.list(&name, bytes, warnings);
                    add(&mut self.files.inputs[at], id);
                }
            }
        }
    }

    /// Amounts that a task is estimated to hand on, where no file is known.
    fn estimated(&mut self, graph: &GraphSpec, links: &Links, warnings: &mut Warnings) {
        for (at, task) in graph.tasks.iter().enumerate() {
            let bytes = task.estimate.as_ref().and_then(|estimate| estimate.output_bytes);
            if let (Some(bytes), true) = (bytes, self.files.outputs[at].is_empty()) {
                let name = format!("{}/output", task.id);
                let fresh = !self.ids.contains_key(&name);
                let id = self.list(&name, bytes, warnings);
                for child in &links.children[at] {
                    // A join may have thousands of parents, so a file that nobody knew is not looked for.
                    let read = &mut self.files.inputs[*child];
                    if fresh {
                        read.push(id.clone());
                    } else {
                        add(read, id.clone());
                    }
                }
                self.files.outputs[at].push(id);
            }
        }
    }

    /// Lists a file, unless it is there already, and gives its id.
    fn list(&mut self, name: &str, bytes: u64, warnings: &mut Warnings) -> String {
        let id = self.id(name, warnings);
        let listed = self.ids.get_mut(name).map(|(_, listed)| std::mem::replace(listed, true));
        if listed == Some(false) {
            self.files.listed.push(File { id: id.clone(), size_in_bytes: bytes });
        }
        id
    }

    fn id(&mut self, name: &str, warnings: &mut Warnings) -> String {
        if let Some((id, _)) = self.ids.get(name) {
            return id.clone();
        }
        let id = if self.names.fits(name) && self.names.keep(name) {
            name.to_owned()
        } else {
            let id = self.names.rewrite(name);
            let message = format!("file {} is called {}", quoted(name), quoted(&id));
            let pointer = format!("/workflow/specification/files/{}/id", self.files.listed.len());
            warnings.add("id_rewritten", pointer, message);
            id
        };
        self.ids.insert(name.to_owned(), (id.clone(), false));
        id
    }
}

fn add(list: &mut Vec<String>, id: String) {
    if !list.contains(&id) {
        list.push(id);
    }
}
