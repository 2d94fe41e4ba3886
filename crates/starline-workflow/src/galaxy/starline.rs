//! What Galaxy cannot express: the member `starline` of the metadata of a constellation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, json};
use starline_types::{Dependency, GraphSpec, Revision, RunOutcome, RunSettings, TaskSpec, Value};

use super::document::Constellation;
use super::patch::Patch;
use crate::{Input, InputType, Workflow};

/// The format that is read and written.
pub(super) const FORMAT: u64 = 1;

/// Objects of a task that are compared member by member.
const TASK: [&str; 5] = ["", "/device", "/details", "/details/metadata", "/details/metadata/galaxy"];
/// Objects of a graph that are compared member by member.
const GRAPH: [&str; 4] = ["", "/metadata", "/metadata/galaxy", "/metadata/galaxy/dependencies"];
/// Settings of runs that workflow files have as well. The others are for who starts the run.
const SETTINGS: [&str; 8] =
    ["on_failure", "max_parallel", "deadline", "edit_wait", "secrets", "policy", "editor", "inputs"];
/// Figures of an outcome that follow from the rest.
const DERIVED: [&str; 5] = ["run_id", "total_tasks", "counts", "results", "statistics"];

fn json_of(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// Name and metadata of a graph.
fn frame(graph: &GraphSpec) -> Value {
    json!({ "name": graph.name, "metadata": graph.metadata })
}

/// An outcome without its tasks and without what is derived.
fn run_of(outcome: &RunOutcome) -> Value {
    let mut run = json_of(outcome);
    if let Some(members) = run.as_object_mut() {
        members.retain(|name, _| !DERIVED.contains(&name.as_str()));
    }
    run
}

/// The section, if there is anything to say. `base` is what an import makes of the rest of the file.
pub(super) fn section(
    workflow: &Workflow,
    revision: Revision,
    plan: &Constellation,
    base: &GraphSpec,
    outcomes: Option<(&RunOutcome, &RunOutcome)>,
) -> Option<Value> {
    let graph = &workflow.graph;
    let mut section = Map::new();
    let mut put = |name: &str, value: Value| {
        let says_nothing = match &value {
            Value::Null => true,
            Value::Object(members) => members.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => false,
        };
        if !says_nothing {
            section.insert(name.to_owned(), value);
        }
    };
    if revision != Revision::default() {
        put("revision", Value::from(revision.0));
    }
    put("strategy", json_of(&workflow.strategy));
    if !workflow.description.is_empty() {
        put("description", Value::from(workflow.description.as_str()));
    }
    put("inputs", workflow.inputs.iter().map(declared).collect());
    put("settings", settings(&workflow.settings));
    put("graph", Value::Object(Patch::between(&frame(base), &frame(graph), &GRAPH).to_members()));
    let mut tasks = Map::new();
    for ((own, given), task) in graph.tasks.iter().zip(&base.tasks).zip(&plan.tasks) {
        if own != given {
            let patch = Patch::between(&json_of(given), &json_of(own), &TASK);
            tasks.insert(task.id.clone(), Value::Object(patch.to_members()));
        }
    }
    put("tasks", Value::Object(tasks));
    let mut lines = Map::new();
    for ((own, given), line) in graph.dependencies.iter().zip(&base.dependencies).zip(&plan.lines) {
        if own != given {
            let mut members = Patch::between(&json_of(given), &json_of(own), &[""]).to_members();
            members.extend([("from".to_owned(), json_of(&own.from)), ("to".to_owned(), json_of(&own.to))]);
            lines.insert(line.id.clone().unwrap_or_default(), Value::Object(members));
        }
    }
    put("dependencies", Value::Object(lines));
    if let Some((own, given)) = outcomes {
        put("outcome", Value::Object(Patch::between(&run_of(given), &run_of(own), &[""]).to_members()));
        let mut results = Map::new();
        for (spec, task) in graph.tasks.iter().zip(&plan.tasks) {
            let both = own.results.get(&spec.id).zip(given.results.get(&spec.id));
            if let Some((own, given)) = both.filter(|(own, given)| own != given) {
                let patch = Patch::between(&json_of(given), &json_of(own), &[""]);
                results.insert(task.id.clone(), Value::Object(patch.to_members()));
            }
        }
        put("results", Value::Object(results));
    }
    if section.is_empty() {
        return None;
    }
    section.insert("format".to_owned(), Value::from(FORMAT));
    Some(Value::Object(section))
}

fn declared(input: &Input) -> Value {
    let mut members = Map::new();
    members.insert("name".to_owned(), Value::from(input.name.as_str()));
    members.insert("type".to_owned(), Value::from(input.kind.as_str()));
    if let Some(default) = &input.default {
        members.insert("default".to_owned(), default.clone());
    }
    if !input.description.is_empty() {
        members.insert("description".to_owned(), Value::from(input.description.as_str()));
    }
    Value::Object(members)
}

/// The settings that are not the default.
fn settings(settings: &RunSettings) -> Value {
    let default = json_of(&RunSettings::default());
    let mut own = json_of(settings);
    if let Some(members) = own.as_object_mut() {
        members.retain(|name, value| SETTINGS.contains(&name.as_str()) && default.get(name) != Some(value));
    }
    own
}

/// What is left of a section that could not be applied: its part, and the task or dependency if it is one.
pub(super) type Ignored = (&'static str, Option<String>);

/// Applies a section to what an import made of the rest of the file; returns what did not agree with it.
pub(super) fn apply(
    section: &Value,
    plan: &Constellation,
    workflow: &mut Workflow,
    again: &dyn Fn(&GraphSpec) -> Option<GraphSpec>,
) -> Vec<Ignored> {
    let mut ignored = Vec::new();
    let whole = ["strategy", "description", "inputs", "settings"];
    for part in whole.into_iter().filter(|part| section.get(part).is_some()) {
        let value = section.get(part).cloned().unwrap_or_default();
        let read = match part {
            "strategy" => value.as_str().map(|name| workflow.strategy = Some(name.to_owned())),
            "description" => value.as_str().map(|text| text.clone_into(&mut workflow.description)),
            "inputs" => inputs(&value).map(|inputs| workflow.inputs = inputs),
            _ => apply_settings(value, &mut workflow.settings),
        };
        if read.is_none() {
            ignored.push((part, None));
        }
    }
    let base = Arc::clone(&workflow.graph);
    let mut patches = Patches::read(section, plan, &base, &mut ignored);
    let mut ours = patches.applied(&base, &mut ignored);
    // What the rest of the file would have been: where it is something else by now, somebody has changed it.
    let Some(expected) = again(&ours) else {
        ignored.push(("graph", None));
        return ignored;
    };
    if patches.retain_agreeing(&base, &expected, plan, &mut ignored) {
        ours = patches.applied(&base, &mut ignored);
    }
    workflow.graph = Arc::new(ours);
    ignored
}

/// Patches of a graph, its tasks and its dependencies, by their positions.
struct Patches {
    frame: Patch,
    tasks: BTreeMap<usize, Patch>,
    lines: BTreeMap<usize, Patch>,
}

impl Patches {
    fn read(section: &Value, plan: &Constellation, base: &GraphSpec, ignored: &mut Vec<Ignored>) -> Self {
        let mut frame = Patch::default();
        if let Some(value) = section.get("graph") {
            match serde_json::from_value(value.clone()) {
                Ok(patch) => frame = patch,
                Err(_) => ignored.push(("graph", None)),
            }
        }
        let ids = plan.tasks.iter().enumerate().map(|(at, task)| (task.id.as_str(), at)).collect();
        let tasks = by_position(section, "tasks", &ids, ignored, |_, patch| Some(patch));
        let ids = plan.lines.iter().enumerate();
        let ids = ids.filter_map(|(at, line)| Some((line.id.as_deref()?, at))).collect();
        let lines = by_position(section, "dependencies", &ids, ignored, |at, mut patch| {
            let edge = base.dependencies.get(at)?;
            let members = patch.as_object_mut()?;
            let ends = (members.remove("from")?, members.remove("to")?);
            (ends == (json_of(&edge.from), json_of(&edge.to))).then_some(patch)
        });
        Self { frame, tasks, lines }
    }

    /// The graph with every patch that leaves it one.
    fn applied(&mut self, base: &GraphSpec, ignored: &mut Vec<Ignored>) -> GraphSpec {
        let mut graph = base.clone();
        let framed: Option<GraphSpec> = patched(&frame(base), &self.frame);
        match framed {
            Some(framed) => (graph.name, graph.metadata) = (framed.name, framed.metadata),
            None => ignored.push(("graph", None)),
        }
        self.tasks.retain(|at, patch| {
            let Some(task) = graph.tasks.get_mut(*at) else { return false };
            let own: Option<TaskSpec> =
                patched(&json_of(task), patch).filter(|own: &TaskSpec| own.id == task.id);
            if own.is_none() {
                ignored.push(("tasks", Some(task.id.to_string())));
            }
            let kept = own.is_some();
            *task = own.map_or_else(|| Arc::clone(task), Arc::new);
            kept
        });
        self.lines.retain(|at, patch| {
            let Some(edge) = graph.dependencies.get_mut(*at) else { return false };
            let own: Option<Dependency> = patched(&json_of(edge), patch);
            match own.filter(|own| own.from == edge.from && own.to == edge.to) {
                Some(own) => *edge = own,
                None => {
                    ignored.push(("dependencies", Some(format!("{}->{}", edge.from, edge.to))));
                    return false;
                }
            }
            true
        });
        graph
    }

    /// Drops what two graphs disagree about; returns whether there was anything.
    fn retain_agreeing(
        &mut self,
        base: &GraphSpec,
        expected: &GraphSpec,
        plan: &Constellation,
        ignored: &mut Vec<Ignored>,
    ) -> bool {
        let before = ignored.len();
        if !self.frame.retain_agreeing(&frame(base), &frame(expected)) {
            ignored.push(("graph", None));
        }
        for (at, patch) in &mut self.tasks {
            let both = base.tasks.get(*at).zip(expected.tasks.get(*at));
            if !both.is_some_and(|(one, other)| patch.retain_agreeing(&json_of(one), &json_of(other))) {
                ignored.push(("tasks", plan.tasks.get(*at).map(|task| task.id.clone())));
            }
        }
        for (at, patch) in &mut self.lines {
            let both = base.dependencies.get(*at).zip(expected.dependencies.get(*at));
            if !both.is_some_and(|(one, other)| patch.retain_agreeing(&json_of(one), &json_of(other))) {
                ignored.push(("dependencies", plan.lines.get(*at).and_then(|line| line.id.clone())));
            }
        }
        ignored.len() > before
    }
}

fn patched<T: DeserializeOwned>(given: &Value, patch: &Patch) -> Option<T> {
    let mut value = given.clone();
    patch.apply(&mut value);
    serde_json::from_value(value).ok()
}

/// Patches of one part, by the positions of what they are for.
fn by_position(
    section: &Value,
    part: &'static str,
    ids: &BTreeMap<&str, usize>,
    ignored: &mut Vec<Ignored>,
    accept: impl Fn(usize, Value) -> Option<Value>,
) -> BTreeMap<usize, Patch> {
    let mut patches = BTreeMap::new();
    let Some(value) = section.get(part) else { return patches };
    let Some(members) = value.as_object() else {
        ignored.push((part, None));
        return patches;
    };
    for (id, value) in members {
        let at = ids.get(id.as_str()).copied();
        let accepted = at.and_then(|at| Some((at, accept(at, value.clone())?)));
        match accepted.and_then(|(at, value)| Some((at, serde_json::from_value(value).ok()?))) {
            Some((at, patch)) => drop(patches.insert(at, patch)),
            None => ignored.push((part, Some(id.clone()))),
        }
    }
    patches
}

fn inputs(value: &Value) -> Option<Vec<Input>> {
    let input = |value: &Value| {
        let kind = value.get("type").map_or(Some("string"), Value::as_str)?;
        let input = Input {
            name: value.get("name")?.as_str()?.to_owned(),
            kind: InputType::from_word(kind)?,
            default: value.get("default").cloned(),
            description: value.get("description").and_then(Value::as_str).unwrap_or_default().to_owned(),
        };
        input.default.as_ref().is_none_or(|default| input.kind.admits(default)).then_some(input)
    };
    let inputs: Vec<Input> = value.as_array()?.iter().map(input).collect::<Option<_>>()?;
    let names: BTreeSet<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
    (names.len() == inputs.len()).then_some(inputs)
}

/// Settings that workflow files have; others are not taken from a file.
fn apply_settings(mut value: Value, settings: &mut RunSettings) -> Option<()> {
    let members = value.as_object_mut()?;
    members.retain(|name, _| SETTINGS.contains(&name.as_str()));
    let mut own = json_of(settings);
    own.as_object_mut()?.append(members);
    *settings = serde_json::from_value(own).ok()?;
    Some(())
}

/// Applies what a section says about a run; returns what did not agree with the rest of the file.
pub(super) fn apply_outcome(
    section: &Value,
    plan: &Constellation,
    graph: &GraphSpec,
    outcome: &mut RunOutcome,
    again: &dyn Fn(&RunOutcome) -> RunOutcome,
) -> Vec<Ignored> {
    let mut ignored = Vec::new();
    let ids = plan.tasks.iter().enumerate().map(|(at, task)| (task.id.as_str(), at)).collect();
    let mut results = by_position(section, "results", &ids, &mut ignored, |_, patch| Some(patch));
    let run: Option<Patch> =
        section.get("outcome").and_then(|value| serde_json::from_value(value.clone()).ok());
    let mut run = run.unwrap_or_default();
    let base = outcome.clone();
    let applied = |run: &Patch, results: &BTreeMap<usize, Patch>| {
        let mut ours = base.clone();
        let mut whole = json_of(&base);
        // Only what the section may say: the rest follows from the file.
        let mut own = run_of(&base);
        run.apply(&mut own);
        if let (Some(whole), Value::Object(own)) = (whole.as_object_mut(), own) {
            whole.extend(own.into_iter().filter(|(name, _)| !DERIVED.contains(&name.as_str())));
        }
        if let Ok(read) = serde_json::from_value(whole) {
            ours = read;
        }
        for (at, patch) in results {
            let slot = graph.tasks.get(*at).and_then(|task| ours.results.get_mut(&task.id));
            if let Some(slot) = slot
                && let Some(own) = patched(&json_of(slot), patch)
            {
                *slot = own;
            }
        }
        ours
    };
    let expected = again(&applied(&run, &results));
    if !run.retain_agreeing(&run_of(&base), &run_of(&expected)) {
        ignored.push(("outcome", None));
    }
    for (at, patch) in &mut results {
        let id = graph.tasks.get(*at).map(|task| &task.id);
        let both = id.and_then(|id| base.results.get(id).zip(expected.results.get(id)));
        if !both.is_some_and(|(one, other)| patch.retain_agreeing(&json_of(one), &json_of(other))) {
            ignored.push(("results", plan.tasks.get(*at).map(|task| task.id.clone())));
        }
    }
    *outcome = applied(&run, &results);
    ignored
}
