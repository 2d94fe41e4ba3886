//! Import and export of recorded workflows in WfFormat 1.5 and 1.6 (WfCommons).

mod execution;
mod export;
mod kept;
mod machines;
mod specification;

pub use export::{ExportOptions, WfVersion, export_wfformat};
pub use kept::edge_bytes;

use std::sync::Arc;

use starline_types::{DeviceProfile, GraphSpec, Value};

use kept::{EXECUTION, EXECUTION_METRICS, KEPT, ROOT, SPECIFICATION_METRICS, WORKFLOW};

use crate::excerpt::quoted;
use crate::file::{Marks, check};
use crate::problem::{INVALID_VALUE, MISSING_FIELD, Problem, Report, Stop, UNSUPPORTED_VERSION};
use crate::tree::{Meaning, Tree, View, text};
use crate::{LoadOptions, Warning, Workflow};

/// What an import does beyond the format.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// Whether tasks are pinned to the machine that ran them; otherwise they merely prefer it.
    pub pin: bool,
    /// Limits of the graph.
    pub limits: starline_edit::Limits,
}

/// A recorded workflow.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Imported {
    /// The workflow. Time limits are switched off, since a record knows none.
    pub workflow: Workflow,
    /// The machines that ran it, as simulated devices. An amount that was not recorded is the largest that any
    /// task needs.
    pub devices: Vec<DeviceProfile>,
    /// What could not be taken over as it is, in the order of the file.
    pub warnings: Vec<Warning>,
}

/// Imports a workflow in WfFormat with default options; see [`import_wfformat_with`].
///
/// # Errors
/// As for [`import_wfformat_with`].
pub fn import_wfformat(bytes: &[u8]) -> Result<Imported, Vec<Problem>> {
    import_wfformat_with(bytes, &ImportOptions::default())
}

/// Imports a workflow in WfFormat 1.5 or 1.6.
///
/// Edges are of the kind success. A recorded run time becomes the estimate, a command becomes `exec`, cores and
/// memory become hard requirements, the first machine becomes the preference. The files that a task writes are what
/// it hands on; see [`edge_bytes`] for what each edge moves. Whatever has no field of its own is kept in the metadata
/// under `wfformat`, and [`export_wfformat`] writes it again. Ids outside the alphabet are rewritten; the original is in the metadata of the task.
///
/// # Errors
/// Every problem by line: no JSON, another version, a missing or ill-typed field, an id that is there twice or is
/// unknown, a cycle, a limit. Nothing is imported then.
pub fn import_wfformat_with(bytes: &[u8], options: &ImportOptions) -> Result<Imported, Vec<Problem>> {
    let mut report = Report::default();
    let Ok(source) = text(bytes, &mut report) else { return Err(report.finish("")) };
    match read(source, options, &mut report) {
        Ok(imported) if report.is_empty() => Ok(imported),
        Ok(_) | Err(Stop) => Err(report.finish(source)),
    }
}

/// Warnings as they are found.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Vec<Warning>);

impl Warnings {
    pub(super) fn add(&mut self, code: &str, pointer: String, message: String) {
        self.0.push(Warning::new(code, pointer, message));
    }
}

fn read(source: &str, options: &ImportOptions, report: &mut Report) -> Result<Imported, Stop> {
    let tree = Tree::read(source, report)?;
    let root = tree.root();
    version(root, report)?;
    let mut warnings = Warnings::default();
    let specification = need(root, &["workflow", "specification"], report).ok_or(Stop)?;
    let mut tasks = specification::read(specification, &options.limits, &mut warnings, report).ok_or(Stop)?;
    let execution = root.field("workflow").and_then(|workflow| workflow.field("execution"));
    let mut machines = execution::read(execution, &mut tasks, options, &mut warnings, report);
    let mut marks = Marks::new(root);
    let mut kept = metadata(root, report);
    report.stop_if_full()?;
    tasks.keep_files(&mut kept);
    machines.keep(&mut kept);
    let mut graph = GraphSpec::default();
    if !kept.is_empty() {
        graph.metadata.insert(KEPT.to_owned(), Value::Object(kept));
    }
    if let Some(name) = root.field("name").and_then(|name| string(name, "name", report)) {
        graph.name = name;
    }
    let devices = machines::devices(machines, &tasks);
    tasks.into_graph(&mut graph, &mut marks, &mut warnings, report);
    let graph = Arc::new(graph);
    let limits = LoadOptions { limits: options.limits.clone(), ..LoadOptions::default() };
    check(&graph, &marks, &limits, report);
    let mut workflow = Workflow::new(GraphSpec::default());
    workflow.graph = graph;
    if let Some(field) = root.field("description") {
        workflow.description = string(field, "description", report).unwrap_or_default();
    }
    Ok(Imported { workflow, devices, warnings: warnings.0 })
}

fn version(root: View<'_>, report: &mut Report) -> Result<(), Stop> {
    let Some(value) = need(root, &["schemaVersion"], report) else { return Err(Stop) };
    let text = value.scalar().map(|scalar| scalar.text);
    if matches!(text, Some("1.5" | "1.6")) {
        return Ok(());
    }
    let shown = text.map_or_else(|| value.found(), quoted);
    let message = format!("schema version {shown} is not supported");
    report.add(value.mark(), UNSUPPORTED_VERSION, message).hint("versions 1.5 and 1.6 are read");
    Err(Stop)
}

/// A value below the root that must be there.
fn need<'t>(root: View<'t>, path: &[&str], report: &mut Report) -> Option<View<'t>> {
    let mut view = root;
    for (at, name) in path.iter().enumerate() {
        let Some(field) = view.field(name) else {
            let missing = path[..=at].join(".");
            report.add(view.mark(), MISSING_FIELD, format!("the file has no `{missing}`")).hint(
                "a workflow in WfFormat is an object with `name`, `schemaVersion` and `workflow.specification`",
            );
            return None;
        };
        view = field;
    }
    Some(view)
}

/// A text. Numbers are taken as written.
fn string(value: View<'_>, name: &str, report: &mut Report) -> Option<String> {
    text_of(value, name, report).map(str::to_owned)
}

fn text_of<'t>(value: View<'t>, name: &str, report: &mut Report) -> Option<&'t str> {
    let text = value.scalar().and_then(|scalar| scalar.as_text());
    if text.is_none() {
        wrong(value, name, "a text", report);
    }
    text
}

/// A list of texts.
fn texts<'t>(value: View<'t>, name: &str, report: &mut Report) -> Vec<(&'t str, View<'t>)> {
    let Some(list) = value.list() else {
        wrong(value, name, "a list of texts", report);
        return Vec::new();
    };
    list.items().filter_map(|item| Some((text_of(item, name, report)?, item))).collect()
}

/// A number from 0 up.
fn number(value: View<'_>, name: &str, report: &mut Report) -> Option<f64> {
    let number = value.scalar().and_then(|scalar| match scalar.meaning() {
        Meaning::Number(number) => number.as_f64(),
        _ => None,
    });
    let number = number.filter(|number| *number >= 0.0);
    if number.is_none() {
        wrong(value, name, "a number from 0 up", report);
    }
    number
}

/// A number from 0 up as a whole one; what is left is rounded up, so that a requirement is met.
fn whole(value: View<'_>, name: &str, report: &mut Report) -> Option<u64> {
    if let Some(Meaning::Number(number)) = value.scalar().map(|scalar| scalar.meaning())
        && let Some(whole) = number.as_u64()
    {
        return Some(whole);
    }
    number(value, name, report).map(|number| number.ceil() as u64)
}

fn wrong(value: View<'_>, name: &str, expected: &str, report: &mut Report) {
    report.add(value.mark(), INVALID_VALUE, format!("`{name}` is {}, expected {expected}", value.found()));
}

/// What describes the record as a whole.
fn metadata<'t>(root: View<'t>, report: &mut Report) -> serde_json::Map<String, Value> {
    let mut kept = serde_json::Map::new();
    let workflow = root.field("workflow");
    let section = |name| workflow.and_then(|workflow| workflow.field(name));
    let execution = section("execution");
    let mut keep = |field: Option<View<'_>>, name: &str| {
        if let Some(field) = field {
            kept.insert(name.to_owned(), field.json(report));
        }
    };
    let of = |section: Option<View<'t>>, name: &str| section.and_then(|section| section.field(name));
    for (section, names) in [(Some(root), &ROOT[..]), (workflow, &WORKFLOW), (execution, &EXECUTION)] {
        names.iter().for_each(|name| keep(of(section, name), name));
    }
    keep(of(section("specification"), "metrics"), SPECIFICATION_METRICS);
    keep(of(execution, "metrics"), EXECUTION_METRICS);
    kept
}
