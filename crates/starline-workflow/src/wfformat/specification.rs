//! The section `specification`: tasks, edges and files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use starline_edit::Limits;
use starline_types::{Dependency, Estimate, GraphSpec, Payload, TaskDetails, TaskId, TaskSpec, Value};

use super::kept::{FILES, INPUT_FILES, KEPT, ORIGINAL_ID, OUTPUT_FILES, TYPE};
use super::{Warnings, need, texts, whole, wrong};
use crate::excerpt::quoted;
use crate::file::Marks;
use crate::names::Names;
use crate::problem::{DUPLICATE_TASK, MISSING_FIELD, Mark, Report, UNKNOWN_TASK};
use crate::tree::{Entry, View};

/// Tasks of a record on their way to a graph.
#[derive(Debug)]
pub(super) struct Tasks<'t> {
    pub(super) list: Vec<Task<'t>>,
    by_name: BTreeMap<&'t str, usize>,
    /// Files of known size, each once, in the order of the record.
    files: Vec<(&'t str, u64)>,
}

/// One task.
#[derive(Debug)]
pub(super) struct Task<'t> {
    /// Id as recorded.
    pub(super) name: &'t str,
    pub(super) spec: TaskSpec,
    pub(super) pointer: String,
    view: View<'t>,
    at: Mark,
    parents: Vec<(&'t str, View<'t>)>,
    children: Vec<(&'t str, View<'t>)>,
    input_files: Vec<&'t str>,
    output_files: Vec<&'t str>,
}

/// About the memory that a task takes, with what is kept of it.
const TASK_BYTES: usize = 2_000;
/// The same of one end of a dependency, with what is noted of it.
const END_BYTES: usize = 300;
/// The same of the name of a file in a task.
const FILE_BYTES: usize = 100;

/// Reads tasks and files; `None` if there is no list of tasks, or more than there may be.
pub(super) fn read<'t>(
    section: View<'t>,
    limits: &Limits,
    warnings: &mut Warnings,
    report: &mut Report,
) -> Option<Tasks<'t>> {
    let listed = need(section, &["tasks"], report)?;
    let Some(list) = listed.list() else {
        wrong(listed, "tasks", "a list", report);
        return None;
    };
    report.at_most(listed.mark(), limits.tasks, list.len(), "tasks").ok()?;
    let mut ends = 0;
    let mut tasks = Tasks { list: Vec::new(), by_name: BTreeMap::new(), files: files(section, report) };
    for (at, item) in list.items().enumerate() {
        let pointer = format!("/workflow/specification/tasks/{at}");
        let count =
            |sides: [&str; 2]| sides.iter().filter_map(|side| item.field(side)).map(View::len).sum::<usize>();
        let (own, named) = (count(["parents", "children"]), count(["inputFiles", "outputFiles"]));
        ends += own;
        // Both ends of an edge name it.
        let most = limits.dependencies.saturating_mul(2);
        report.at_most(item.mark(), most, ends, "ends of dependencies or more").ok()?;
        if !report.takes(item.mark(), TASK_BYTES + own * END_BYTES + named * FILE_BYTES) {
            return None;
        }
        let Some(task) = task(item, pointer, report) else { continue };
        if let Some(first) = tasks.by_name.get(task.name) {
            let line = tasks.list[*first].at.line;
            let message = format!("task {} is there twice", quoted(task.name));
            report.add(task.at, DUPLICATE_TASK, message).hint(format!("the first is in line {line}"));
            continue;
        }
        tasks.by_name.insert(task.name, tasks.list.len());
        tasks.list.push(task);
    }
    tasks.name_all(warnings);
    let sizes: BTreeMap<&str, u64> = tasks.files.iter().copied().collect();
    for task in &mut tasks.list {
        let bytes = handed_on(&task.output_files, &sizes);
        task.spec.estimate = Some(Arc::new(Estimate { duration: None, output_bytes: bytes }));
    }
    Some(tasks)
}

fn task<'t>(item: View<'t>, pointer: String, report: &mut Report) -> Option<Task<'t>> {
    if item.map().is_none() {
        wrong(item, "tasks", "objects", report);
        return None;
    }
    let Some(id) = item.field("id") else {
        report
            .add(item.mark(), MISSING_FIELD, "a task has no `id`")
            .hint("every task has `id`, `parents` and `children`");
        return None;
    };
    let name = super::text_of(id, "id", report)?;
    let mut listed =
        |side: &'static str| item.field(side).map(|value| texts(value, side, report)).unwrap_or_default();
    let (parents, children) = (listed("parents"), listed("children"));
    let mut files = |side| listed(side).into_iter().map(|(name, _)| name).collect();
    let (input_files, output_files) = (files("inputFiles"), files("outputFiles"));
    // Replaced once all names are known.
    let spec = TaskSpec { run_timeout: None, ..TaskSpec::new(TaskId::new("task").ok()?, Payload::Noop) };
    let at = id.mark();
    Some(Task { name, spec, pointer, view: item, at, parents, children, input_files, output_files })
}

/// The files of a record with their bytes.
fn files<'t>(section: View<'t>, report: &mut Report) -> Vec<(&'t str, u64)> {
    let mut seen = BTreeSet::new();
    let Some(files) = section.field("files") else { return Vec::new() };
    let Some(list) = files.list() else {
        wrong(files, "files", "a list", report);
        return Vec::new();
    };
    let sized = list.items().filter_map(|file| {
        let id = file.field("id").and_then(View::scalar).map(|scalar| scalar.text)?;
        let size = file.field("sizeInBytes").and_then(|size| whole(size, "sizeInBytes", report))?;
        seen.insert(id).then_some((id, size))
    });
    sized.collect()
}

/// Bytes of the files that a task writes; `None` if none is named.
fn handed_on(written: &[&str], sizes: &BTreeMap<&str, u64>) -> Option<u64> {
    let known = written.iter().filter_map(|name| sizes.get(name));
    (!written.is_empty()).then(|| known.fold(0_u64, |sum, bytes| sum.saturating_add(*bytes)))
}

impl<'t> Tasks<'t> {
    /// The task with a recorded id.
    pub(super) fn find(&mut self, name: &str) -> Option<&mut Task<'t>> {
        let at = self.by_name.get(name)?;
        self.list.get_mut(*at)
    }

    /// What an export needs to write the files again.
    pub(super) fn keep_files(&self, kept: &mut serde_json::Map<String, Value>) {
        if !self.files.is_empty() {
            let file = |(id, bytes): &(&str, u64)| serde_json::json!({ "id": id, "sizeInBytes": bytes });
            kept.insert(FILES.to_owned(), self.files.iter().map(file).collect());
        }
        let mut inputs = serde_json::Map::new();
        let mut outputs = serde_json::Map::new();
        for task in &self.list {
            for (lists, names) in [(&mut inputs, &task.input_files), (&mut outputs, &task.output_files)] {
                if !names.is_empty() {
                    lists.insert(task.spec.id.to_string(), Value::from(names.clone()));
                }
            }
        }
        for (section, lists) in [(INPUT_FILES, inputs), (OUTPUT_FILES, outputs)] {
            if !lists.is_empty() {
                kept.insert(section.to_owned(), Value::Object(lists));
            }
        }
    }

    /// Gives every task its id: the recorded one if it can be.
    fn name_all(&mut self, warnings: &mut Warnings) {
        let mut names = Names::default();
        for task in self.list.iter().filter(|task| TaskId::new(task.name).is_ok()) {
            names.keep(task.name);
        }
        for task in &mut self.list {
            let mut kept = serde_json::Map::new();
            let id = TaskId::new(task.name).or_else(|_| {
                let id = names.rewrite(task.name);
                let message = format!("task {} is called {id}", quoted(task.name));
                warnings.add("id_rewritten", format!("{}/id", task.pointer), message);
                kept.insert(ORIGINAL_ID.to_owned(), Value::from(task.name));
                TaskId::new(id)
            });
            if let Ok(id) = id {
                task.spec.id = id;
            }
            if let Some(kind) = task.view.field("name").and_then(View::scalar) {
                kept.insert(TYPE.to_owned(), Value::from(kind.text));
            }
            if !kept.is_empty() {
                let metadata = BTreeMap::from([(KEPT.to_owned(), Value::Object(kept))]);
                task.spec.details = Some(Arc::new(TaskDetails { metadata, ..TaskDetails::default() }));
            }
        }
    }

    /// Moves tasks and edges into a graph. Edges into a task are those it names, then those that name it.
    pub(super) fn into_graph(
        self,
        graph: &mut GraphSpec,
        marks: &mut Marks<'t>,
        warnings: &mut Warnings,
        report: &mut Report,
    ) {
        let mut children: BTreeMap<&str, Vec<(usize, usize, View<'t>)>> = BTreeMap::new();
        for (parent, task) in self.list.iter().enumerate() {
            for (at, (child, view)) in task.children.iter().enumerate() {
                if self.by_name.contains_key(child) {
                    children.entry(child).or_default().push((parent, at, *view));
                } else {
                    unknown(task.name, "child", child, view.mark(), marks, report);
                }
            }
        }
        for task in &self.list {
            let named_by = children.get(task.name).map(Vec::as_slice).unwrap_or_default();
            let sides: BTreeSet<usize> = named_by.iter().map(|(parent, _, _)| *parent).collect();
            let mut seen = BTreeSet::new();
            for (at, (parent, view)) in task.parents.iter().enumerate() {
                let Some(source) = self.by_name.get(parent) else {
                    unknown(task.name, "parent", parent, view.mark(), marks, report);
                    continue;
                };
                if !seen.insert(*source) {
                    continue;
                }
                self.edge(*source, task, view.mark(), graph, marks);
                if !sides.contains(source) {
                    let message =
                        format!("{} is no child of {}, the edge is kept", quoted(task.name), quoted(parent));
                    warnings.add("edge_one_sided", format!("{}/parents/{at}", task.pointer), message);
                }
            }
            for (source, at, view) in named_by {
                if seen.insert(*source) {
                    let parent = &self.list[*source];
                    self.edge(*source, task, view.mark(), graph, marks);
                    let message = format!(
                        "{} is no parent of {}, the edge is kept",
                        quoted(parent.name),
                        quoted(task.name)
                    );
                    warnings.add("edge_one_sided", format!("{}/children/{at}", parent.pointer), message);
                }
            }
        }
        for task in self.list {
            marks.task(&Entry { key: task.name, at: task.at, value: task.view });
            graph.tasks.push(Arc::new(task.spec));
        }
    }

    fn edge(&self, from: usize, to: &Task<'t>, at: Mark, graph: &mut GraphSpec, marks: &mut Marks<'t>) {
        graph.dependencies.push(Dependency::success(self.list[from].spec.id.clone(), to.spec.id.clone()));
        marks.edge(at);
    }
}

fn unknown(task: &str, side: &str, name: &str, at: Mark, marks: &mut Marks<'_>, report: &mut Report) {
    let message = format!("task {} names the {side} {}, which does not exist", quoted(task), quoted(name));
    report.add(at, UNKNOWN_TASK, message);
    marks.lose_edges();
}
