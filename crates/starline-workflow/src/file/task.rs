//! Tasks, in the order of the file.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error, StrDeserializer};
use starline_edit::Limits;
use starline_types::{
    Estimate, GraphSpec, Millis, OutputSource, OutputSpec, OutputType, Payload, Priority, RetryPolicy,
    TaskDetails, TaskId, TaskSpec,
};

use super::checked::Marks;
use super::secrets::Secrets;
use super::{after, approval, compensate, device, retry, sent, work};
use crate::fields::{Field, Fields, What};
use crate::problem::{INVALID_ID, INVALID_VALUE, Report, Stop};
use crate::tree::{Entry, Meaning, View};

/// Parts of the format that this version does not read.
const LATER: [&str; 6] = ["near", "apart", "spread", "accept_partial", "preemptible", "cache"];

const TYPES: [(&str, Option<OutputType>); 6] = [
    ("string", Some(OutputType::String)),
    ("integer", Some(OutputType::Integer)),
    ("number", Some(OutputType::Number)),
    ("boolean", Some(OutputType::Boolean)),
    ("json", Some(OutputType::Json)),
    ("artifact", Some(OutputType::Artifact)),
];

/// The word for the type of an output.
pub(crate) fn output_word(kind: OutputType) -> &'static str {
    TYPES.iter().find(|(_, known)| *known == Some(kind)).map_or("string", |(word, _)| word)
}

/// Longest time limit of an attempt: 7 days.
const LONGEST: Millis = Millis::from_secs(7 * 24 * 3600);
/// About the memory that a task takes in the graph of a file and where it is checked, without its texts and maps.
pub(crate) const TASK_BYTES: usize = 700;
/// The same of a dependency.
pub(crate) const EDGE_BYTES: usize = 150;
/// Largest number of retries, and of further attempts after losses.
const MAX_RETRIES: u32 = 100;

/// What tasks have that do not say otherwise: the section `defaults`.
#[derive(Debug, Default)]
pub(crate) struct Defaults {
    run_timeout: Option<Option<Millis>>,
    queue_timeout: Option<Option<Millis>>,
    retry: Option<Arc<RetryPolicy>>,
}

impl Defaults {
    pub(super) fn read(section: &Field<'_>, report: &mut Report) -> Self {
        let mut defaults = Self::default();
        let Some(mut fields) = Fields::read(section.value, section.at, What::new("defaults"), report) else {
            return defaults;
        };
        // Told here once, and not of every task.
        let mut limit = |name, longest| {
            let field = fields.take(name)?;
            let is_none = field.value.scalar().is_some_and(|scalar| scalar.text == "none");
            if is_none { Some(None) } else { field.wait(longest, report).map(Some) }
        };
        defaults.run_timeout = limit("run_timeout", LONGEST);
        defaults.queue_timeout = limit("queue_timeout", Millis(u64::MAX));
        if let Some(field) = fields.take("retry") {
            let what = What::new("retry of defaults");
            let policy = retry::read(&field, what, RetryPolicy::DEFAULT, report);
            if policy.max.max(policy.lost_max) <= MAX_RETRIES {
                defaults.retry = Some(Arc::new(policy));
            } else {
                let message = format!("{what} has more than {MAX_RETRIES} retries");
                report.add(field.at, INVALID_VALUE, message).hint(format!("at most {MAX_RETRIES}"));
            }
        }
        fields.close(report);
        defaults
    }
}

/// What all tasks of a file are read with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Common<'c> {
    pub(crate) defaults: &'c Defaults,
    pub(crate) secrets: &'c Secrets,
    pub(crate) limits: &'c Limits,
}

/// Reads every task into the graph, with the edges into it.
///
/// Stops at a limit, before the memory is used that it protects.
pub(super) fn read_all<'t>(
    section: &Field<'t>,
    common: Common<'_>,
    graph: &mut GraphSpec,
    marks: &mut Marks<'t>,
    report: &mut Report,
) -> Result<(), Stop> {
    let Some(map) = section.value.map() else {
        let problem = section.wrong(section.value, "a mapping from ids to tasks", report);
        problem.hint("write `tasks: { ID: { run: … } }`");
        return Ok(());
    };
    report.at_most(section.at, common.limits.tasks, map.len(), "tasks")?;
    graph.tasks.reserve(map.len());
    if section.value.is_merged() {
        marks.leave_open();
    }
    for entry in map.entries() {
        // They count where an alias stands for them as well.
        let edges = entry.value.field("after").map_or(0, View::len);
        report.at_most(
            entry.at,
            common.limits.dependencies,
            graph.dependencies.len() + edges,
            "dependencies or more",
        )?;
        if !report.takes(entry.at, TASK_BYTES + edges * EDGE_BYTES) {
            return Err(Stop);
        }
        let id = match TaskId::new(entry.key) {
            Ok(id) => Some(id),
            Err(error) => {
                report.add(entry.at, INVALID_ID, format!("key of a task: {error}"));
                marks.refuse(&entry);
                None
            }
        };
        // A task without a usable id is read all the same, for the problems inside it.
        let stand_in = TaskId::new("task").ok();
        let Some(spec_id) = id.clone().or(stand_in) else { continue };
        graph.dependencies.reserve(edges);
        if id.is_some() {
            marks.own_task(&entry);
        }
        let spec = task(&entry, spec_id, common, report, |edge| match edge {
            Some((dependency, at)) if id.is_some() => {
                graph.dependencies.push(dependency);
                marks.edge(at);
            }
            None if id.is_some() => marks.lose_edge_here(),
            _ => {}
        });
        if id.is_some() {
            graph.tasks.push(Arc::new(spec));
        }
    }
    marks.leave_out_refused(graph);
    report.stop_if_full()
}

fn task(
    entry: &Entry<'_>,
    id: TaskId,
    common: Common<'_>,
    report: &mut Report,
    mut add: impl FnMut(after::Edge),
) -> TaskSpec {
    let name = entry.key;
    let own = Field { name, at: entry.at, value: entry.value, what: What::named("task", name) };
    match Fields::of(&own, own.what, "{ run: { sh: \"…\" } }", report) {
        Some(fields) => whole(fields, id, name, common, report, add),
        None => {
            add(None);
            TaskSpec::new(id, Payload::Noop)
        }
    }
}

/// Reads a task with what it waits for.
pub(crate) fn whole(
    mut fields: Fields<'_>,
    id: TaskId,
    name: &str,
    common: Common<'_>,
    report: &mut Report,
    mut add: impl FnMut(after::Edge),
) -> TaskSpec {
    if let Some(field) = fields.take("after") {
        after::read(&field, &id, report, &mut add);
    }
    body(fields, id, (name, true), common, report)
}

/// Reads the fields of a task but those that join it to others. A change of a task need not say what it does.
pub(crate) fn body(
    mut fields: Fields<'_>,
    id: TaskId,
    (name, is_whole): (&str, bool),
    common: Common<'_>,
    report: &mut Report,
) -> TaskSpec {
    let mut spec = TaskSpec::new(id, Payload::Noop);
    let hint = "write what the task does: `run: { sh: \"…\" }` or `run: { exec: [program, argument] }`";
    let run = if is_whole { fields.need("run", hint, report) } else { fields.take("run") };
    if let Some(field) = run {
        spec.run = work::read(&field, What::named("run of task", name), common.secrets, report);
    }
    let mut details = details(&mut fields, name, report);
    if let Some(field) = fields.take("compensate") {
        details.compensate = compensate::read(&field, name, common.secrets, report);
    }
    spec.device = fields.take("device").map(|field| Arc::new(device::read(&field, name, report)));
    if let Some(priority) = fields.take("priority").and_then(|field| priority(&field, report)) {
        spec.priority = priority;
    }
    limits(&mut fields, &mut spec, name, common.defaults, report);
    if let Some(idempotent) = fields.take("idempotent").and_then(|field| field.boolean(report)) {
        spec.idempotent = idempotent;
    }
    spec.estimate = fields.take("estimate").map(|field| Arc::new(estimate(&field, name, report)));
    if let Some(field) = fields.take("inputs") {
        let (values, files) = sent::read(&field, name, report);
        (spec.inputs, details.files) = (values.into(), files);
    }
    if let Some(field) = fields.take("outputs") {
        spec.outputs = outputs(&field, name, report).into();
    }
    spec.details = (details != TaskDetails::default()).then(|| Arc::new(details));
    fields.refuse(&LATER, report);
    fields.displaced(&work::FIELDS, "run", report);
    fields.close(report);
    spec
}

fn limits(
    fields: &mut Fields<'_>,
    spec: &mut TaskSpec,
    name: &str,
    defaults: &Defaults,
    report: &mut Report,
) {
    let run = fields.take("run_timeout").and_then(|field| field.limit(report)).or(defaults.run_timeout);
    let queue = fields.take("queue_timeout").and_then(|field| field.limit(report)).or(defaults.queue_timeout);
    spec.run_timeout = run.unwrap_or(spec.run_timeout);
    spec.queue_timeout = queue.flatten();
    spec.retry = match fields.take("retry") {
        Some(field) => {
            let base = defaults.retry.as_deref().cloned().unwrap_or_default();
            Some(Arc::new(retry::read(&field, What::named("retry of task", name), base, report)))
        }
        None => defaults.retry.clone(),
    };
}

fn details(fields: &mut Fields<'_>, task: &str, report: &mut Report) -> TaskDetails {
    TaskDetails {
        name: fields.take("name").and_then(|field| field.string(report)),
        description: fields.take("description").and_then(|field| field.string(report)).unwrap_or_default(),
        tips: fields.take("tips").and_then(|field| field.texts(report)).unwrap_or_default(),
        metadata: fields.take("metadata").and_then(|field| field.named_values(report)).unwrap_or_default(),
        approval: fields.take("approval").and_then(|field| approval::read(&field, task, report)),
        ..TaskDetails::default()
    }
}

fn priority(field: &Field<'_>, report: &mut Report) -> Option<Priority> {
    let priority = field.value.scalar().and_then(|scalar| match scalar.meaning() {
        Meaning::Number(number) => number.as_u64().and_then(Priority::new),
        Meaning::Text => Priority::from_name(scalar.text),
        Meaning::Null | Meaning::Bool(_) | Meaning::Unbounded => None,
    });
    if priority.is_none() {
        field.wrong(field.value, "a whole number from 0 to 100, or low, medium, high or critical", report);
    }
    priority
}

fn estimate(section: &Field<'_>, task: &str, report: &mut Report) -> Estimate {
    let mut estimate = Estimate::default();
    let what = What::named("estimate of task", task);
    if let Some(mut fields) = Fields::read(section.value, section.at, what, report) {
        estimate.duration = fields.take("duration").and_then(|field| field.duration(report));
        estimate.output_bytes = fields.take("output_bytes").and_then(|field| field.amount(report));
        fields.close(report);
    }
    estimate
}

fn outputs(section: &Field<'_>, task: &str, report: &mut Report) -> BTreeMap<String, OutputSpec> {
    let mut outputs = BTreeMap::new();
    let Some(map) = section.value.map() else {
        section.wrong(section.value, "a mapping from names to outputs", report);
        return outputs;
    };
    if !report.takes(section.value.mark(), map.bytes(size_of::<OutputSpec>())) {
        return outputs;
    }
    for entry in map.entries() {
        if entry.value.scalar().is_some() {
            let field = Field {
                name: entry.key,
                at: entry.at,
                value: entry.value,
                what: What::named("outputs of task", task),
            };
            field.wrong(entry.value, "a mapping", report).hint("write `{ from: stdout, type: string }`");
            continue;
        }
        let what = What::named("output", entry.key);
        let Some(mut fields) = Fields::read(entry.value, entry.at, what, report) else { continue };
        let from = fields.need("from", "write `from: stdout`, `result` or \"/json/pointer\"", report);
        let from = from.and_then(|field| source(&field, report));
        let kind = fields.take("type").and_then(|field| field.word(&TYPES, report)).unwrap_or_default();
        fields.close(report);
        if let Some(from) = from {
            outputs.insert(entry.key.to_owned(), OutputSpec { from, kind });
        }
    }
    outputs
}

fn source(field: &Field<'_>, report: &mut Report) -> Option<OutputSource> {
    let text: StrDeserializer<'_, Error> = field.text(report)?.into_deserializer();
    match OutputSource::deserialize(text) {
        Ok(source) => Some(source),
        Err(error) => {
            report.add(field.value.mark(), INVALID_VALUE, format!("`from` of {}: {error}", field.what));
            None
        }
    }
}
