//! Whole graphs within batches.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use starline_types::{GraphSpec, TaskField, TaskId, TaskSpec, Value};

use super::constellation::{self, Restated};
use super::dependency::{Given, given};
use super::reading::Reading;
use super::set;
use crate::excerpt::quoted;
use crate::fields::{Field, Fields, What};
use crate::file::{read_after, read_task};
use crate::problem::{DUPLICATE_TASK, INVALID_VALUE, Mark, Report};
use crate::tree::{View, pointer_step};

/// A whole graph as it should be, as far as its author says it: what is absent stays as it is. Made into edits by
/// [`propose`](crate::propose).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProposedGraph {
    pub(super) tasks: Vec<ProposedTask>,
    /// Whether every dependency is listed; otherwise only those into the tasks that say so.
    pub(super) is_complete: bool,
    pub(super) dependencies: Vec<Given>,
}

/// A task of a proposal.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ProposedTask {
    pub(super) id: TaskId,
    pub(super) change: Change,
    /// Whether every dependency into the task is listed.
    pub(super) lists_after: bool,
}

/// What becomes of a task.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    /// Fields get values; a new task must say what it does.
    Fields { set: Vec<TaskField>, is_whole: bool },
    /// What differs from how Galaxy would have the task.
    Restated(Restated),
}

impl ProposedGraph {
    /// The ids of the tasks, in the order of the proposal.
    pub fn ids(&self) -> impl Iterator<Item = &TaskId> {
        self.tasks.iter().map(|task| &task.id)
    }
}

/// Fields that say how far a task or a graph has got.
const STATE: [&str; 24] = [
    "status",
    "state",
    "result",
    "results",
    "error",
    "errors",
    "attempt",
    "attempts",
    "outcome",
    "reading",
    "level",
    "started_at",
    "ended_at",
    "finished_at",
    "created_at",
    "updated_at",
    "assigned_device",
    "current_retry",
    "execution_start_time",
    "execution_end_time",
    "execution_duration",
    "progress",
    "revision",
    "statistics",
];

/// A task of a graph, before its fields are read.
#[derive(Debug)]
struct Member<'t> {
    name: &'t str,
    at: Mark,
    id: Option<TaskId>,
    value: View<'t>,
    fields: Fields<'t>,
}

/// A graph, before its tasks are read.
#[derive(Debug, Default)]
struct Outline<'t> {
    name: String,
    metadata: BTreeMap<String, Value>,
    members: Vec<Member<'t>>,
    has_tasks: bool,
    dependencies: Option<Vec<View<'t>>>,
}

/// Where tasks of a graph begin, for faults.
pub(super) type Begins = Vec<(Mark, String)>;

/// Reads the graph of `build` or `merge`.
pub(super) fn whole(
    field: &Field<'_>,
    place: &str,
    (reading, begins): (&mut Reading<'_>, &mut Begins),
    report: &mut Report,
) -> GraphSpec {
    if constellation::is_one(field.value) {
        return constellation::whole(field.value, reading, report);
    }
    let outline = outline(field, place, reading, report);
    let mut graph = GraphSpec { name: outline.name, metadata: outline.metadata, ..GraphSpec::default() };
    for Member { name, at, id, fields, .. } in outline.members {
        let Some(own) = id.clone().or_else(|| TaskId::new("task").ok()) else { continue };
        begins.push((at, super::fault::item(name)));
        let inputs = fields.peek("inputs");
        let dependencies = &mut graph.dependencies;
        let mut spec = read_task(fields, own, name, reading.common(), report, |edge| {
            dependencies.extend(edge.filter(|_| id.is_some()).map(|(edge, _)| edge));
        });
        set::resolve(&mut spec, inputs.as_ref(), reading, report);
        if id.is_some() {
            graph.tasks.push(Arc::new(spec));
        }
    }
    let listed = dependencies(outline.dependencies.as_deref(), report);
    graph.dependencies.extend(listed.into_iter().map(Given::whole));
    graph
}

/// Reads a graph of which only some may be said; `None`: not even its tasks can be told.
pub(super) fn proposal(
    field: &Field<'_>,
    place: &str,
    (reading, begins): (&mut Reading<'_>, &mut Begins),
    report: &mut Report,
) -> Option<ProposedGraph> {
    if constellation::is_one(field.value) {
        return constellation::proposal(field.value, reading, report);
    }
    let outline = outline(field, place, reading, report);
    if !outline.has_tasks {
        return None;
    }
    let mut proposed =
        ProposedGraph { is_complete: outline.dependencies.is_some(), ..ProposedGraph::default() };
    let mut seen = BTreeSet::new();
    for Member { name, at, id, value, mut fields } in outline.members {
        begins.push((at, super::fault::item(name)));
        let Some(own) = id.clone().or_else(|| TaskId::new("task").ok()) else { continue };
        if id.is_some() && !seen.insert(name) {
            let message = format!("task {name} is there twice");
            report.add(at, DUPLICATE_TASK, message).hint("leave one out");
            continue;
        }
        let after = fields.take("after").filter(|after| !set::is_null(after.value));
        let (lists_after, mut edges) = (after.is_some(), Vec::new());
        if let Some(after) = after {
            read_after(&after, &own, report, |edge| edges.extend(edge.map(|(edge, _)| edge)));
        }
        let present = value.map().map(set::present).unwrap_or_default();
        let values = set::read(fields, &present, name, reading, report);
        let Some(id) = id else { continue };
        let is_whole = set::is_complete(&present, &values);
        proposed.tasks.push(ProposedTask {
            id,
            change: Change::Fields { set: values, is_whole },
            lists_after,
        });
        proposed.dependencies.extend(edges.into_iter().map(|edge| Given {
            id: None,
            from: edge.from,
            to: edge.to,
            kind: Some(edge.kind),
            note: edge.note,
        }));
    }
    proposed.dependencies.extend(dependencies(outline.dependencies.as_deref(), report));
    Some(proposed)
}

fn outline<'t>(
    field: &Field<'t>,
    place: &str,
    reading: &mut Reading<'_>,
    report: &mut Report,
) -> Outline<'t> {
    let mut outline = Outline::default();
    let what = What::new("the graph");
    let Some(mut fields) = Fields::of(field, what, "graph: { tasks: {} }", report) else { return outline };
    for entry in fields.leave_out(|entry| STATE.contains(&entry.key)) {
        reading.ignore_state(|| format!("{place}/{}", entry.key), ("the graph", "graph"), entry.key);
    }
    outline.name = fields.take("name").and_then(|field| field.string(report)).unwrap_or_default();
    if let Some(field) = fields.take("description") {
        field.text(report);
        let message = "the graph of a run has no description: it is ignored";
        reading.warn("field_ignored", format!("{place}/description"), "description", message);
    }
    outline.metadata =
        fields.take("metadata").and_then(|field| field.named_values(report)).unwrap_or_default();
    let hint = "write `tasks:` with a mapping from ids to tasks, or a list of tasks with their ids";
    if let Some(section) = fields.need("tasks", hint, report) {
        outline.has_tasks = section.value.scalar().is_none();
        outline.members = members(&section, place, reading, report);
    }
    outline.dependencies = fields.take("dependencies").and_then(|section| {
        let Some(list) = section.value.list() else {
            let problem = section.wrong(section.value, "a list of dependencies", report);
            problem.hint("write `dependencies: [{ from: ID, to: ID }]`");
            return None;
        };
        Some(list.items().collect())
    });
    fields.close(report);
    outline
}

fn members<'t>(
    section: &Field<'t>,
    place: &str,
    reading: &mut Reading<'_>,
    report: &mut Report,
) -> Vec<Member<'t>> {
    let mut members = Vec::new();
    if let Some(map) = section.value.map() {
        for entry in map.entries() {
            let own = Field { name: entry.key, at: entry.at, value: entry.value, what: section.what };
            let id = own.id_of(entry.key, entry.at, |text| TaskId::new(text), report);
            let step = || pointer_step(entry.key);
            members.extend(member(entry.key, entry.at, entry.value, id, (place, &step), reading, report));
        }
    } else if let Some(list) = section.value.list() {
        for (at, item) in list.items().enumerate() {
            let name = item.field("id").and_then(View::scalar).map_or("", |scalar| scalar.text);
            let step = || at.to_string();
            let Some(mut found) = member(name, item.mark(), item, None, (place, &step), reading, report)
            else {
                continue;
            };
            let id = found.fields.need("id", "write the id of the task", report);
            found.id = id.and_then(|field| field.id(|text| TaskId::new(text), report));
            members.push(found);
        }
    } else {
        let expected = "a mapping from ids to tasks, or a list of tasks with their ids";
        section.wrong(section.value, expected, report).hint("write `tasks: { ID: { run: … } }`");
    }
    members
}

fn member<'t>(
    name: &'t str,
    at: Mark,
    value: View<'t>,
    id: Option<TaskId>,
    (place, step): (&str, &dyn Fn() -> String),
    reading: &mut Reading<'_>,
    report: &mut Report,
) -> Option<Member<'t>> {
    let what = What::named("task", name);
    let own = Field { name, at, value, what };
    let mut fields = Fields::of(&own, what, "{ run: { sh: \"…\" } }", report)?;
    for entry in fields.leave_out(|entry| STATE.contains(&entry.key)) {
        let pointer = || format!("{place}/tasks/{}/{}", step(), entry.key);
        reading.ignore_state(pointer, (&what.to_string(), name), entry.key);
    }
    Some(Member { name, at, id, value, fields })
}

fn dependencies(listed: Option<&[View<'_>]>, report: &mut Report) -> Vec<Given> {
    let mut read = |item: &View<'_>| {
        if item.map().is_none() {
            let message = format!("a dependency of the graph is {}, expected a mapping", item.found());
            report.add(item.mark(), INVALID_VALUE, message).hint("write `{ from: ID, to: ID }`");
            return None;
        }
        let fields = Fields::read(*item, item.mark(), What::new("a dependency of the graph"), report)?;
        given(fields, report)
    };
    listed.into_iter().flatten().filter_map(&mut read).collect()
}

/// A new task that is not told what to do.
pub(super) fn says_nothing(id: &TaskId) -> String {
    format!("task {} is new, and has no `run`", quoted(id.as_str()).trim_matches('`'))
}

/// The task that a proposal makes of one that is there, or a new one; `None`: it does not say what a new one does.
pub(super) fn changed(task: &ProposedTask, known: Option<&Arc<TaskSpec>>) -> Option<Arc<TaskSpec>> {
    match (&task.change, known) {
        (Change::Fields { set, .. }, Some(known)) => {
            let mut spec = TaskSpec::clone(known);
            for field in set {
                let mut field = field.clone();
                if let TaskField::Files(files) = &mut field {
                    keep_contents(files, known);
                }
                field.exchange(&mut spec);
            }
            Some(Arc::new(spec))
        }
        (Change::Fields { set, is_whole }, None) => {
            is_whole.then(|| Arc::new(set::fresh(task.id.clone(), set)))
        }
        (Change::Restated(restated), known) => Some(restated.changed(known)),
    }
}

/// Files that the task is sent already keep their contents.
pub(super) fn keep_contents(files: &mut BTreeMap<String, starline_types::FileInput>, known: &TaskSpec) {
    use starline_types::FileInput::File;
    for file in files.values_mut() {
        let File { path, artifact: artifact @ None } = file else { continue };
        let same = known.files().values().find_map(|known| match known {
            File { path: other, artifact } if other == path => artifact.clone(),
            _ => None,
        });
        *artifact = same;
    }
}
