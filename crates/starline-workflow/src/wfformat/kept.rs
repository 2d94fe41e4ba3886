//! What a record says and a graph has no field for: it is kept in the metadata, under `wfformat`, so that an export
//! can write it again.
//!
//! Whatever may be long, such as lists of files, is kept with the graph: the metadata of a task is limited.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Map;
use starline_types::{GraphSpec, TaskSpec, Value};

/// Name of the metadata.
pub(super) const KEPT: &str = "wfformat";
/// Members of a record as a whole that are written again as they are.
pub(super) const ROOT: [&str; 4] = ["createdAt", "author", "runtimeSystem", "metrics"];
/// Members of `workflow` that are written again as they are.
pub(super) const WORKFLOW: [&str; 2] = ["repo", "runName"];
/// Members of `workflow.execution` that are kept as they are.
pub(super) const EXECUTION: [&str; 2] = ["makespanInSeconds", "executedAt"];
/// Measures of a task that are written again as they are.
pub(super) const MEASURES: [&str; 7] =
    ["avgCPU", "avgPowerInW", "energyInKWh", "executedAt", "metrics", "readBytes", "writtenBytes"];
/// Sizes of files, by position in the record.
pub(super) const FILES: &str = "files";
/// Files that tasks read, by task.
pub(super) const INPUT_FILES: &str = "inputFiles";
/// Files that tasks write, by task.
pub(super) const OUTPUT_FILES: &str = "outputFiles";
/// Machines of tasks that had several, by task.
pub(super) const MACHINES: &str = "machines";
/// `workflow.specification.metrics`.
pub(super) const SPECIFICATION_METRICS: &str = "specificationMetrics";
/// `workflow.execution.metrics`.
pub(super) const EXECUTION_METRICS: &str = "executionMetrics";
/// Recorded id of a task whose id had to be rewritten.
pub(super) const ORIGINAL_ID: &str = "original_id";
/// Type of a task, which records call its name.
pub(super) const TYPE: &str = "type";

/// What is kept with a graph.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept<'g>(Option<&'g Map<String, Value>>);

impl<'g> Kept<'g> {
    pub(super) fn of(graph: &'g GraphSpec) -> Self {
        Self(graph.metadata.get(KEPT).and_then(Value::as_object))
    }

    pub(super) fn value(self, name: &str) -> Option<&'g Value> {
        self.0?.get(name)
    }

    /// A list of texts of a task.
    pub(super) fn texts(self, section: &str, task: &str) -> impl Iterator<Item = &'g str> + use<'g> {
        let list = self.value(section).and_then(|lists| lists.get(task)).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str)
    }

    /// Files with their bytes.
    pub(super) fn files(self) -> impl Iterator<Item = (&'g str, u64)> {
        let files = self.value(FILES).and_then(Value::as_array).into_iter().flatten();
        files.filter_map(|file| Some((file.get("id")?.as_str()?, file.get("sizeInBytes")?.as_u64()?)))
    }
}

/// What is kept with a task under a name.
pub(super) fn of_task<'t>(task: &'t TaskSpec, name: &str) -> Option<&'t Value> {
    task.details.as_ref()?.metadata.get(KEPT)?.get(name)
}

/// Bytes that each edge of an imported workflow moves: the sizes of the files that its source writes and its target
/// reads, summed up.
///
/// One entry for each dependency, in their order; `None` where the record names no files for one of the ends, as for
/// every edge of a workflow that was not imported. A file of unknown size counts as empty. Each edge costs at most
/// the files of its two ends.
///
/// # Examples
///
/// ```
/// use starline_workflow::{edge_bytes, import_wfformat};
///
/// let record = br#"{"name": "two", "schemaVersion": "1.6", "workflow": {"specification": {
///   "tasks": [
///     {"name": "split", "id": "split", "parents": [], "children": ["count"], "outputFiles": ["part", "log"]},
///     {"name": "count", "id": "count", "parents": ["split"], "children": [], "inputFiles": ["part"]}],
///   "files": [{"id": "part", "sizeInBytes": 700}, {"id": "log", "sizeInBytes": 9}]}}}"#;
/// let imported = import_wfformat(record).expect("a valid record");
/// assert_eq!(edge_bytes(&imported.workflow.graph), [Some(700)]);
/// ```
#[must_use]
pub fn edge_bytes(graph: &GraphSpec) -> Vec<Option<u64>> {
    let kept = Kept::of(graph);
    let sizes: BTreeMap<&str, u64> = kept.files().collect();
    let files = |section: &str, task| -> BTreeSet<&str> { kept.texts(section, task).collect() };
    let (mut written, mut read) = (BTreeMap::new(), BTreeMap::new());
    let mut bytes = Vec::with_capacity(graph.dependencies.len());
    for edge in &graph.dependencies {
        let (from, to) = (edge.from.as_str(), edge.to.as_str());
        let written = written.entry(from).or_insert_with(|| files(OUTPUT_FILES, from));
        let read = read.entry(to).or_insert_with(|| files(INPUT_FILES, to));
        let sizes = written.intersection(read).filter_map(|file| sizes.get(file));
        let sum = sizes.fold(0_u64, |sum, bytes| sum.saturating_add(*bytes));
        bytes.push((!written.is_empty() && !read.is_empty()).then_some(sum));
    }
    bytes
}
