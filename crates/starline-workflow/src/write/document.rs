//! What is written, before it is known how.

use std::collections::BTreeMap;

use starline_types::{
    ApprovalGate, Compensation, Dependency, DependencyKind, DeviceSelector, Estimate, FailurePolicy,
    FileInput, Millis, OutputSpec, Payload, Resources, RetryPolicy, RunSettings, TaskId, TaskSpec, Value,
};

use super::{Incoming, settings};
use crate::file::{VERSION, jitter_word, looks_sent, output_word, policy_word, timeout_word, written};
use crate::{Input, InputType, Workflow, amount};

/// A document of either notation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Doc {
    /// A number, a boolean or null: written as it is in both notations.
    Bare(String),
    /// A word such as `30s` or `32GiB` that needs no quotes in YAML.
    Word(String),
    /// Any text.
    Text(String),
    /// A list.
    List(Vec<Self>),
    /// A mapping in its order.
    Map(Vec<(String, Self)>),
}

impl Doc {
    /// Whether lists and mappings are nested more than `levels` deep. Needs no stack.
    pub(crate) fn is_deeper_than(&self, levels: usize) -> bool {
        let mut open = vec![(self, 1)];
        while let Some((doc, level)) = open.pop() {
            let children: Vec<&Self> = match doc {
                Self::List(items) => items.iter().collect(),
                Self::Map(entries) => entries.iter().map(|(_, value)| value).collect(),
                Self::Bare(_) | Self::Word(_) | Self::Text(_) => continue,
            };
            if level > levels {
                return true;
            }
            open.extend(children.into_iter().map(|child| (child, level + 1)));
        }
        false
    }
}

/// Entries of a mapping, with those left out that say nothing.
#[derive(Debug, Default)]
pub(crate) struct Entries(Vec<(String, Doc)>);

impl Entries {
    pub(crate) fn add(&mut self, name: &str, doc: impl Into<Option<Doc>>) {
        self.0.extend(doc.into().map(|doc| (name.to_owned(), doc)));
    }

    /// A section, unless it is empty.
    pub(crate) fn section(&mut self, name: &str, section: Self) {
        if !section.0.is_empty() {
            self.add(name, section.map());
        }
    }

    pub(crate) fn map(self) -> Doc {
        Doc::Map(self.0)
    }
}

pub(crate) fn text(text: &str) -> Doc {
    Doc::Text(text.to_owned())
}

fn some_text(words: &str) -> Option<Doc> {
    (!words.is_empty()).then(|| text(words))
}

pub(crate) fn texts(items: &[String]) -> Option<Doc> {
    (!items.is_empty()).then(|| Doc::List(items.iter().map(|item| text(item)).collect()))
}

pub(crate) fn word(word: impl ToString) -> Doc {
    Doc::Word(word.to_string())
}

pub(crate) fn bare(value: impl ToString) -> Doc {
    Doc::Bare(value.to_string())
}

/// A value as it is, its members in the order of their names.
pub(crate) fn value(json: &Value) -> Doc {
    match json {
        Value::Null | Value::Bool(_) | Value::Number(_) => bare(json),
        Value::String(words) => text(words),
        Value::Array(items) => Doc::List(items.iter().map(value).collect()),
        Value::Object(members) => {
            Doc::Map(members.iter().map(|(key, member)| (key.clone(), value(member))).collect())
        }
    }
}

pub(crate) fn values<'v>(members: impl IntoIterator<Item = (&'v String, &'v Value)>) -> Option<Doc> {
    let entries: Vec<_> = members.into_iter().map(|(key, member)| (key.clone(), value(member))).collect();
    (!entries.is_empty()).then_some(Doc::Map(entries))
}

/// The whole file.
pub(crate) fn workflow(workflow: &Workflow, incoming: &Incoming<'_>) -> Doc {
    let graph = &workflow.graph;
    let mut file = Entries::default();
    file.add("version", bare(VERSION));
    file.add("name", some_text(&graph.name));
    file.add("description", some_text(&workflow.description));
    file.add("metadata", values(&graph.metadata));
    if !workflow.inputs.is_empty() {
        let inputs = workflow.inputs.iter().map(|declared| (declared.name.clone(), input(declared)));
        file.add("inputs", Doc::Map(inputs.collect()));
    }
    file.add("secrets", texts(&workflow.settings.secrets));
    file.section("run", run(&workflow.settings, workflow.strategy.as_deref()));
    let tasks = graph.tasks.iter().map(|spec| {
        let edges = incoming.get(&spec.id).into_iter().flatten().filter_map(|at| graph.dependencies.get(*at));
        (spec.id.as_str().to_owned(), task(spec, &edges.collect::<Vec<_>>()))
    });
    file.add("tasks", Doc::Map(tasks.collect()));
    file.add("policy", workflow.settings.policy.as_deref().map(settings::policy));
    file.add("editor", workflow.settings.editor.as_deref().map(settings::editor));
    file.map()
}

fn input(declared: &Input) -> Doc {
    let mut fields = Entries::default();
    if declared.kind != InputType::default() {
        fields.add("type", word(declared.kind.as_str()));
    }
    fields.add("default", declared.default.as_ref().map(value));
    fields.add("description", some_text(&declared.description));
    fields.map()
}

fn run(settings: &RunSettings, strategy: Option<&str>) -> Entries {
    let defaults = RunSettings::default();
    let mut fields = Entries::default();
    fields.add("strategy", strategy.map(text));
    fields.add("max_parallel", settings.max_parallel.map(bare));
    if settings.on_failure != FailurePolicy::default() {
        fields.add("on_failure", word(policy_word(settings.on_failure)));
    }
    if settings.edit_wait != defaults.edit_wait {
        fields.add("edit_wait", word(settings.edit_wait));
    }
    fields.add("deadline", settings.deadline.map(word));
    fields
}

pub(crate) fn task(spec: &TaskSpec, edges: &[&Dependency]) -> Doc {
    let plain = TaskSpec::new(spec.id.clone(), Payload::Noop);
    let mut fields = Entries::default();
    if let Some(details) = &spec.details {
        fields.add("name", details.name.as_deref().map(text));
        fields.add("description", some_text(&details.description));
        fields.add("tips", texts(&details.tips));
        fields.add("metadata", values(&details.metadata));
    }
    fields.add("after", after(edges));
    if spec.priority != plain.priority {
        fields.add("priority", bare(spec.priority.value()));
    }
    fields.add("device", spec.device.as_deref().map(device));
    fields.add("approval", spec.gate().map(approval));
    fields.add("run", payload(&spec.run));
    fields.add("compensate", spec.compensation().map(compensation));
    fields.add("inputs", inputs(spec));
    fields.add("queue_timeout", spec.queue_timeout.map(word));
    if spec.run_timeout != plain.run_timeout {
        fields.add("run_timeout", limit(spec.run_timeout));
    }
    fields.add("retry", spec.retry.as_deref().map(retry));
    if spec.idempotent {
        fields.add("idempotent", bare(true));
    }
    fields.add("estimate", spec.estimate.as_deref().map(estimate));
    fields.add("outputs", outputs(&spec.outputs));
    fields.map()
}

pub(crate) fn limit(limit: Option<Millis>) -> Doc {
    limit.map_or_else(|| word("none"), word)
}

/// A question alone if nothing else was chosen.
pub(crate) fn approval(gate: &ApprovalGate) -> Doc {
    let default = ApprovalGate::default();
    if gate.timeout == default.timeout && gate.on_timeout == default.on_timeout {
        return text(&gate.prompt);
    }
    let mut fields = Entries::default();
    fields.add("prompt", text(&gate.prompt));
    if gate.timeout != default.timeout {
        fields.add("timeout", limit(gate.timeout));
    }
    if gate.on_timeout != default.on_timeout {
        fields.add("on_timeout", word(timeout_word(gate.on_timeout)));
    }
    fields.map()
}

/// What undoes a task.
pub(crate) fn compensation(undo: &Compensation) -> Doc {
    let mut fields = Entries::default();
    fields.add("run", payload(&undo.run));
    fields.map()
}

/// Values and files. No name stands for both, which has been checked.
fn inputs(spec: &TaskSpec) -> Option<Doc> {
    sent(&spec.inputs, spec.files())
}

/// What is sent along, by name.
pub(crate) fn sent(values: &BTreeMap<String, Value>, files: &BTreeMap<String, FileInput>) -> Option<Doc> {
    let one = |key: &str, doc| Doc::Map(vec![(key.to_owned(), doc)]);
    let values = values.iter().map(|(name, json)| {
        let doc = value(json);
        (name, if looks_sent(json) { one("value", doc) } else { doc })
    });
    let files = files.iter().map(|(name, file)| {
        let doc = match file {
            FileInput::File { path, .. } => one("file", text(path)),
            FileInput::Output { task, output } => one("artifact", text(&written(task, output))),
        };
        (name, doc)
    });
    let entries: BTreeMap<&String, Doc> = values.chain(files).collect();
    let entries: Vec<_> = entries.into_iter().map(|(name, doc)| (name.clone(), doc)).collect();
    (!entries.is_empty()).then_some(Doc::Map(entries))
}

/// A list if all edges are plain and each comes from another task, else a mapping by their sources.
pub(crate) fn after(edges: &[&Dependency]) -> Option<Doc> {
    if edges.is_empty() {
        return None;
    }
    let mut sources: Vec<(&TaskId, Vec<&Dependency>)> = Vec::with_capacity(edges.len());
    let mut positions = BTreeMap::new();
    for edge in edges {
        let at = *positions.entry(&edge.from).or_insert(sources.len());
        match sources.get_mut(at) {
            Some((_, parallel)) => parallel.push(edge),
            None => sources.push((&edge.from, vec![edge])),
        }
    }
    let is_plain =
        |edge: &&Dependency| edge.kind == DependencyKind::Success && edge.id.is_none() && edge.note.is_none();
    if sources.len() == edges.len() && edges.iter().all(is_plain) {
        return Some(Doc::List(edges.iter().map(|edge| text(edge.from.as_str())).collect()));
    }
    let entries = sources.into_iter().map(|(from, edges)| {
        let doc = match edges.as_slice() {
            [edge] => asked(edge),
            several => Doc::List(several.iter().map(|edge| asked(edge)).collect()),
        };
        (from.as_str().to_owned(), doc)
    });
    Some(Doc::Map(entries.collect()))
}

/// A kind, or what is asked with an id and a note.
fn asked(edge: &Dependency) -> Doc {
    let mut fields = Entries::default();
    match &edge.kind {
        DependencyKind::When(condition) => fields.add("when", text(condition)),
        kind if edge.id.is_none() && edge.note.is_none() => return word(kind),
        kind => fields.add("kind", word(kind)),
    }
    fields.add("id", edge.id.as_ref().map(|id| text(id.as_str())));
    fields.add("note", edge.note.as_deref().map(text));
    fields.map()
}

pub(crate) fn device(selector: &DeviceSelector) -> Doc {
    let mut fields = Entries::default();
    fields.add("on", selector.on.as_ref().map(|id| text(id.as_str())));
    fields.add("prefer", selector.prefer.as_ref().map(|id| text(id.as_str())));
    fields.add("os", selector.os.as_deref().map(text));
    fields.add("needs", texts(&selector.needs));
    if !selector.resources.is_empty() {
        fields.add("resources", resources(&selector.resources));
    }
    fields.map()
}

pub(crate) fn resources(amounts: &Resources) -> Doc {
    let written = |name: &str, amount: u64| match name {
        "memory" | "disk" => amount::write(amount).map_or_else(|| bare(amount), word),
        _ => bare(amount),
    };
    Doc::Map(amounts.0.iter().map(|(name, number)| (name.clone(), written(name, *number))).collect())
}

pub(crate) fn payload(payload: &Payload) -> Doc {
    let mut fields = Entries::default();
    let process = match payload {
        Payload::Noop => {
            fields.add("noop", Doc::Map(Vec::new()));
            None
        }
        Payload::Sleep(span) => {
            fields.add("sleep", word(span));
            None
        }
        Payload::Prompt(prompt) => {
            fields.add("prompt", text(&prompt.text));
            None
        }
        Payload::Call { name, arguments } => {
            fields.add("call", text(name));
            let nothing = arguments.as_object().is_some_and(serde_json::Map::is_empty);
            fields.add("arguments", (!nothing).then(|| value(arguments)));
            None
        }
        Payload::Sh(shell) => {
            fields.add("sh", text(&shell.script));
            Some((&shell.env, &shell.secrets, &shell.cwd, &shell.stdin, &shell.collect))
        }
        Payload::Exec(exec) => {
            fields.add("exec", Doc::List(exec.argv.iter().map(|argument| text(argument)).collect()));
            Some((&exec.env, &exec.secrets, &exec.cwd, &exec.stdin, &exec.collect))
        }
    };
    if let Some((env, secrets, cwd, stdin, collect)) = process {
        for (field, named) in [("env", env), ("secrets", secrets)] {
            let entries: Vec<_> = named.iter().map(|(name, value)| (name.clone(), text(value))).collect();
            fields.add(field, (!entries.is_empty()).then_some(Doc::Map(entries)));
        }
        fields.add("cwd", cwd.as_deref().map(text));
        fields.add("stdin", stdin.as_deref().map(text));
        fields.add("collect", texts(collect));
    }
    fields.map()
}

/// What differs from the default; at least the number of retries, so that the policy is there.
pub(crate) fn retry(policy: &RetryPolicy) -> Doc {
    let default = RetryPolicy::DEFAULT;
    let mut fields = Entries::default();
    fields.add("max", bare(policy.max));
    if policy.base != default.base {
        fields.add("base", word(policy.base));
    }
    if policy.factor != default.factor {
        fields.add("factor", value(&Value::from(policy.factor)));
    }
    if policy.cap != default.cap {
        fields.add("cap", word(policy.cap));
    }
    if policy.jitter != default.jitter {
        fields.add("jitter", word(jitter_word(policy.jitter)));
    }
    let kinds: Vec<String> = policy.non_retryable.iter().map(ToString::to_string).collect();
    fields.add("non_retryable", texts(&kinds));
    if policy.lost_max != default.lost_max {
        fields.add("lost_max", bare(policy.lost_max));
    }
    fields.map()
}

pub(crate) fn estimate(estimate: &Estimate) -> Doc {
    let mut fields = Entries::default();
    fields.add("duration", estimate.duration.map(word));
    fields.add("output_bytes", estimate.output_bytes.map(bare));
    fields.map()
}

pub(crate) fn outputs(declared: &BTreeMap<String, OutputSpec>) -> Option<Doc> {
    let entries: Vec<_> = declared.iter().map(|(name, declared)| (name.clone(), output(declared))).collect();
    (!entries.is_empty()).then_some(Doc::Map(entries))
}

fn output(declared: &OutputSpec) -> Doc {
    let mut fields = Entries::default();
    fields.add("from", text(&declared.from.to_string()));
    fields.add("type", word(output_word(declared.kind)));
    fields.map()
}
