//! Export of workflows and of their runs.

mod execution;
mod files;
mod ids;
mod links;
mod machines;
mod metrics;
mod record;
mod specification;

use std::collections::BTreeMap;

use jiff::Timestamp;
use starline_types::{DeviceProfile, GraphSpec, RunOutcome, TaskId, TaskResult, Value};

use super::Warnings;
use super::kept::Kept;
use crate::Exported;
use crate::write::{escape, is_hidden};
use files::Files;
use ids::Ids;
use links::Links;
use machines::Machines;
use record::{Record, RuntimeSystem, Work};

/// Start of an execution of which nobody knows when it was.
const UNKNOWN_START: &str = "1970-01-01T00:00:00Z";

/// A version of the format.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd)]
pub enum WfVersion {
    /// 1.5: ids of tasks have no colons and no slashes, and there are no metrics.
    V1_5,
    /// 1.6.
    #[default]
    V1_6,
}

impl WfVersion {
    /// The version as files write it: `1.5` or `1.6`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1_5 => "1.5",
            Self::V1_6 => "1.6",
        }
    }
}

/// What an export needs beside the graph and its run.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExportOptions<'a> {
    /// Version to write.
    pub version: WfVersion,
    /// What is known of devices. Of a run, those that were used become machines; without a run, all of them.
    pub devices: &'a [DeviceProfile],
    /// What the workflow is about, which graphs do not say.
    pub description: &'a str,
}

/// Exports a workflow in WfFormat, with the measurements of a run if there is one.
///
/// Every task is in `specification`, with its parents and its children. Of a run, the tasks that had an attempt are
/// in `execution`, with time, device, start and command of the last attempt, and the artefacts that were handed on
/// are files; the others are told as `not_executed`. Times of a simulated run count from 1970.
///
/// Without a run, the estimates are written as run times: an imported record becomes what it was, and importing that
/// gives an equal workflow. If the workflow is no record, the warning `estimates_only` says so, and the longest path
/// is the makespan.
///
/// The file satisfies the schema of its version, if the workflow has a task (`no_tasks` otherwise): what the schema
/// does not allow is left out with `field_lost`, and ids outside its alphabet are rewritten. Commands are the
/// templates of the tasks, not what they were rendered to. Edges whose ends are not both in the graph are left out. A
/// file of more than 16 MiB is not read again, which `not_importable` says.
///
/// Costs O((tasks + dependencies + files) log of them).
///
/// # Examples
///
/// ```
/// use starline_workflow::{ExportOptions, LoadOptions, Workflow, export_wfformat, import_wfformat};
///
/// let file = "
/// version: 1
/// name: nightly
/// tasks:
///   fetch: { run: { exec: [curl, -sO, 'https://example.org/data.csv'] }, estimate: { duration: 2s } }
///   alarm: { after: { fetch: failure }, run: { exec: [./page.sh] } }
/// ";
/// let workflow = Workflow::parse(file.as_bytes(), &LoadOptions::default()).expect("a valid file");
/// let exported = export_wfformat(&workflow.graph, None, &ExportOptions::default());
/// let codes: Vec<&str> = exported.warnings.iter().map(|warning| warning.code.as_str()).collect();
/// assert_eq!(codes, ["kind_lost", "estimates_only"]);
///
/// let again = import_wfformat(exported.json.as_bytes()).expect("a valid record");
/// assert_eq!(again.workflow.graph.tasks[0].estimate, workflow.graph.tasks[0].estimate);
/// ```
#[must_use]
pub fn export_wfformat(
    graph: &GraphSpec,
    outcome: Option<&RunOutcome>,
    options: &ExportOptions<'_>,
) -> Exported {
    let mut warnings = Warnings::default();
    if graph.tasks.is_empty() {
        let message = "a workflow without tasks is not valid in this format".to_owned();
        warnings.add("no_tasks", "/workflow/specification/tasks".to_owned(), message);
    }
    let ids = Ids::new(graph, options.version, &mut warnings);
    let links = Links::new(graph, &mut warnings);
    let files = Files::new(graph, outcome, &links, &mut warnings);
    let machines = Machines::new(graph, outcome, options, &mut warnings);
    let source = Source { graph, outcome, options, kept: Kept::of(graph), ids, links, files, machines };
    let record = source.record(&mut warnings);
    let json = serde_json::to_string_pretty(&record).unwrap_or_default();
    Exported::new(escaped(&json), warnings.0)
}

/// The same JSON, with a line break behind it, and without bare characters that YAML refuses or that cannot be seen:
/// they stand in texts only, where they can be escaped.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        if c != '\n' && is_hidden(c) { escape(c, &mut out) } else { out.push(c) }
    }
    out.push('\n');
    out
}

/// Everything that the sections are written from.
#[derive(Debug)]
struct Source<'a> {
    graph: &'a GraphSpec,
    outcome: Option<&'a RunOutcome>,
    options: &'a ExportOptions<'a>,
    kept: Kept<'a>,
    ids: Ids,
    links: Links,
    files: Files,
    machines: Machines,
}

impl<'a> Source<'a> {
    fn record(&'a self, warnings: &mut Warnings) -> Record<'a> {
        let (graph, outcome) = (self.graph, self.outcome);
        let name = outcome.map(|outcome| outcome.run_id.as_str()).unwrap_or("workflow");
        let runtime_system = match outcome {
            Some(_) => Some(RuntimeSystem::Own { name: "starline", version: env!("CARGO_PKG_VERSION") }),
            None => self.described("runtimeSystem", &["name", "version"], warnings).map(RuntimeSystem::Kept),
        };
        let finished = outcome.and_then(|outcome| outcome.finished_at).and_then(moment);
        Record {
            name: if graph.name.is_empty() { name } else { &graph.name },
            description: self.options.description,
            created_at: finished.or_else(|| self.words("createdAt").map(str::to_owned)),
            schema_version: self.options.version.as_str(),
            author: self.described("author", &["name", "email"], warnings),
            runtime_system,
            metrics: self.kept.value("metrics"),
            workflow: Work {
                repo: self.kept.value("repo"),
                run_name: self.kept.value("runName"),
                specification: self.specification(),
                execution: self.execution(warnings),
            },
        }
    }

    /// A kept text that says something.
    fn words(&self, name: &str) -> Option<&'a str> {
        self.kept.value(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// A kept object with members that must be there.
    fn described(&self, name: &str, needed: &[&str], warnings: &mut Warnings) -> Option<&'a Value> {
        let object = self.kept.value(name)?;
        let said =
            |member: &&str| object.get(*member).and_then(Value::as_str).is_some_and(|it| !it.is_empty());
        if needed.iter().all(said) {
            return Some(object);
        }
        let message = format!("`{name}` is left out: it needs {}", needed.join(" and "));
        warnings.add("field_lost", format!("/{name}"), message);
        None
    }
}

/// How a task ended, if it had an attempt.
fn attempted<'a>(outcome: &'a RunOutcome, task: &TaskId) -> Option<&'a TaskResult> {
    outcome.results.get(task).filter(|result| result.attempts > 0)
}

/// Epoch milliseconds in RFC 3339, in UTC; `None` beyond the year 9999.
fn moment(ms: u64) -> Option<String> {
    let ms = i64::try_from(ms).ok()?;
    Timestamp::from_millisecond(ms).ok().map(|moment| moment.to_string())
}

/// Milliseconds as seconds, at most as many as can be read back.
fn seconds(ms: u64) -> f64 {
    (ms as f64 / 1000.0).min(super::execution::MAX_SECONDS - 1.0)
}

/// Lists of texts, one for each task.
type Lists = Vec<Vec<String>>;

/// Positions of tasks by their ids.
fn positions(graph: &GraphSpec) -> BTreeMap<&str, usize> {
    graph.tasks.iter().enumerate().map(|(at, task)| (task.id.as_str(), at)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_cannot_be_seen_are_escaped() {
        let text = "a\n\u{7f}\u{85}\u{FEFF}\u{1FFFF}é";
        let json = escaped(&serde_json::to_string(text).expect("json"));
        assert_eq!(json, "\"a\\n\\u007f\\u0085\\ufeff\\ud83f\\udfffé\"\n");
        assert_eq!(serde_json::from_str::<String>(&json).expect("json"), text);
    }

    #[test]
    fn moments_are_in_utc() {
        assert_eq!(moment(0).as_deref(), Some(UNKNOWN_START));
        assert_eq!(moment(1_770_000_000_250).as_deref(), Some("2026-02-02T02:40:00.25Z"));
        assert_eq!((moment(u64::MAX), moment(400_000_000_000_000)), (None, None));
    }
}
