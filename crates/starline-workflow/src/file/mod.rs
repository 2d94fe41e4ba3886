//! The workflow file, version 1.

mod after;
mod approval;
mod checked;
mod compensate;
mod conditions;
mod device;
mod editor;
mod finding;
mod input;
mod known;
mod name;
mod places;
mod policy;
mod retry;
mod run;
mod secrets;
mod sent;
mod task;
mod templates;
mod whole;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;

use starline_edit::Limits;
use starline_types::{DeviceId, GraphSpec, RunSettings, Value};

use known::Known;

use crate::excerpt::quoted;
use crate::fields::{Field, Fields, What};
use crate::problem::{Problem, Report, Stop, UNSUPPORTED_VERSION};
use crate::tree::{Meaning, Tree, View, text};

pub(crate) use after::{KINDS, read as read_after};
pub(crate) use approval::timeout_word;
pub(crate) use checked::{Marks, check};
pub(crate) use device::resources;
pub(crate) use editor::{late_word, scope_word};
pub use input::{Input, InputType};
pub(crate) use name::path_fault;
pub(crate) use policy::EDITS;
pub(crate) use retry::jitter_word;
pub(crate) use run::policy_word;
pub(crate) use secrets::Secrets;
pub use sent::FileResolver;
pub(crate) use sent::{looks_sent, written};
pub(crate) use task::{Common, Defaults, body as read_change, output_word, whole as read_task};

/// The version of the format that is read and written.
pub(crate) const VERSION: u64 = 1;

/// A workflow as a person wrote it: a graph of tasks and the settings of its runs.
///
/// # Examples
///
/// ```
/// use starline_workflow::{LoadOptions, Workflow};
///
/// let file = "
/// version: 1
/// name: nightly
/// tasks:
///   fetch: { run: { sh: curl -sO https://example.org/data.csv } }
///   count: { after: [fetch], run: { exec: [wc, -l, data.csv] } }
/// ";
/// let workflow = Workflow::parse(file.as_bytes(), &LoadOptions::default()).expect("a valid file");
/// assert_eq!(workflow.graph.tasks.len(), 2);
///
/// let problems = Workflow::parse(b"version: 1\ntasks: {}\nnmae: x\n", &LoadOptions::default()).unwrap_err();
/// assert_eq!((problems[0].code.as_str(), problems[0].line), ("unknown_field", 3));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Workflow {
    /// Tasks and dependencies, with the name and the metadata of the file.
    pub graph: Arc<GraphSpec>,
    /// What the section `run` says, and the inputs with their values in force.
    pub settings: RunSettings,
    /// Name of the assignment strategy, if the file chooses one.
    pub strategy: Option<String>,
    /// What the workflow is about, for people and agents.
    pub description: String,
    /// Inputs as declared.
    pub inputs: Vec<Input>,
}

/// What a file is read with.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// Values for inputs of the file. A text for an input of another type is read as JSON, so that values of a
    /// command line can be passed on as they are.
    pub inputs: BTreeMap<String, Value>,
    /// Whether inputs may stay without a value, as when a file is only checked.
    pub partial_inputs: bool,
    /// Known devices; `None`: pins are not checked.
    pub devices: Option<Vec<DeviceId>>,
    /// Known strategies; empty: the name is not checked.
    pub strategies: Vec<String>,
    /// Limits of the graph.
    pub limits: Limits,
    /// Reads the files that tasks are sent; `None`: they are not read, and a run of them cannot start.
    pub files: Option<Arc<dyn FileResolver>>,
}

impl Workflow {
    /// A workflow of a graph alone, with default settings.
    #[must_use]
    pub fn new(graph: GraphSpec) -> Self {
        Self {
            graph: Arc::new(graph),
            settings: RunSettings::default(),
            strategy: None,
            description: String::new(),
            inputs: Vec::new(),
        }
    }

    /// Reads a workflow file, YAML or JSON, and checks its graph.
    ///
    /// Costs O(bytes + tasks log tasks + dependencies). The limits of a file are 16 MiB, 64 levels, 1 MiB for
    /// one text, three million values, and 16 MiB for what its aliases stand for.
    ///
    /// # Errors
    /// Every problem of the file, by line: what is wrong with fields and values, then with the graph. A file
    /// that is not YAML, beyond a limit, or of another version has that one problem.
    pub fn parse(bytes: &[u8], options: &LoadOptions) -> Result<Self, Vec<Problem>> {
        let mut report = Report::default();
        let Ok(source) = text(bytes, &mut report) else { return Err(report.finish("")) };
        let workflow = read(source, options, &mut report);
        match workflow {
            Ok(workflow) if report.is_empty() => Ok(workflow),
            Ok(_) | Err(Stop) => Err(report.finish(source)),
        }
    }
}

fn read(source: &str, options: &LoadOptions, report: &mut Report) -> Result<Workflow, Stop> {
    let tree = Tree::read(source, report)?;
    let root = tree.root();
    let what = What::new("the workflow");
    let top = Field { name: "", at: root.mark(), value: root, what };
    let mut fields = Fields::of(&top, what, "version: 1` and `tasks: {}", report).ok_or(Stop)?;
    version(&mut fields, report)?;
    let mut graph = GraphSpec::default();
    let mut workflow = Workflow::new(GraphSpec::default());
    if let Some(field) = fields.take("name") {
        graph.name = field.string(report).unwrap_or_default();
    }
    if let Some(field) = fields.take("description") {
        workflow.description = field.string(report).unwrap_or_default();
    }
    if let Some(field) = fields.take("metadata") {
        graph.metadata = field.named_values(report).unwrap_or_default();
    }
    if let Some(field) = fields.take("run") {
        run::read(&field, options, &mut workflow, report);
    }
    let inputs = fields.take("inputs");
    workflow.inputs = inputs.map(|field| input::read(&field, report)).unwrap_or_default();
    let are_inputs_read = inputs.is_none_or(|field| field.value.map().is_some() && !field.value.is_merged());
    let at = inputs.map_or_else(|| root.mark(), |field| field.at);
    workflow.settings.inputs = input::values(&workflow.inputs, inputs, at, options, report);
    let secrets = fields.take("secrets").map(|field| Secrets::read(&field, report)).unwrap_or_default();
    workflow.settings.policy = fields.take("policy").map(|field| Arc::new(policy::read(&field, report)));
    workflow.settings.editor = fields.take("editor").map(|field| Arc::new(editor::read(&field, report)));
    let defaults = fields.take("defaults").map(|field| Defaults::read(&field, report)).unwrap_or_default();
    let mut marks = Marks::new(root);
    let hint = "write `tasks:` with a mapping from ids to tasks";
    if let Some(field) = fields.need("tasks", hint, report) {
        marks.begin(field.at);
        let common = Common { defaults: &defaults, secrets: &secrets, limits: &options.limits };
        task::read_all(&field, common, &mut graph, &mut marks, report)?;
    }
    fields.close(report);
    report.stop_if_full()?;
    sent::settle(&mut graph, &marks, options.files.as_deref(), report);
    let known = Known::new(are_inputs_read.then_some(&workflow.inputs), &graph, &marks);
    templates::check(&known, &graph, &marks, report);
    conditions::check(&known, &graph, &marks, report);
    workflow.settings.secrets = secrets.names;
    workflow.graph = Arc::new(graph);
    check(&workflow.graph, &marks, options, report);
    Ok(workflow)
}

/// Stops at another version: its fields may mean other things.
pub(crate) fn version(fields: &mut Fields<'_>, report: &mut Report) -> Result<(), Stop> {
    let Some(field) = fields.need("version", "write `version: 1` at the top", report) else { return Ok(()) };
    let number = field.value.scalar().map(|scalar| scalar.meaning());
    match number {
        Some(Meaning::Number(number)) if number.as_u64() == Some(VERSION) => Ok(()),
        _ => {
            let message = format!("version {} is not supported", shown(field.value));
            report
                .add(field.value.mark(), UNSUPPORTED_VERSION, message)
                .hint("this version of starline reads 1");
            Err(Stop)
        }
    }
}

fn shown(value: View<'_>) -> String {
    value.scalar().map_or_else(|| value.found(), |scalar| quoted(scalar.text))
}
