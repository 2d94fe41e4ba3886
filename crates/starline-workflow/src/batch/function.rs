//! Calls of tools by Galaxy's names, as a model writes them.

use std::sync::Arc;

use starline_types::{
    Dependency, DependencyId, DependencyKind, DependencyRef, Edit, Revision, TaskDetails, TaskField, TaskId,
};

use super::fault::{Subject, item};
use super::graph;
use super::read::{hold, proposal};
use super::reading::{Made, Reading};
use super::set::is_null;
use crate::excerpt::quoted;
use crate::fields::{Field, Fields, What};
use crate::galaxy::task_within;
use crate::nearest;
use crate::problem::{INVALID_VALUE, Report};
use crate::tree::{Tree, View};

/// The tools.
pub(super) const FUNCTIONS: [&str; 7] = [
    "add_task",
    "remove_task",
    "update_task",
    "add_dependency",
    "remove_dependency",
    "update_dependency",
    "build_constellation",
];
/// What tasks have beside their names.
const OF_TASK: [&str; 8] =
    ["name", "description", "target_device_id", "tips", "priority", "timeout", "retry_count", "device_type"];
/// Words for kinds, of Galaxy and ours.
const KINDS: [(&str, DependencyKind); 6] = [
    ("success", DependencyKind::Success),
    ("failure", DependencyKind::Failure),
    ("completion", DependencyKind::Completion),
    ("success_only", DependencyKind::Success),
    ("completion_only", DependencyKind::Completion),
    ("unconditional", DependencyKind::Completion),
];

/// Reads the call at a position of an answer.
pub(super) fn read(position: usize, view: View<'_>, is_alone: bool, reading: &mut Reading<'_>) {
    let mut report = reading.report();
    let word = view.field("function").and_then(View::scalar).map_or("action", |scalar| scalar.text);
    let subject = Subject { view, item: item(named(view).unwrap_or(word)), tasks: Vec::new() };
    let mut made = Made::default();
    if let Some((name, arguments)) = call(view, &mut report) {
        match arguments.value.scalar().and_then(|scalar| scalar.as_text()) {
            Some(text) => within(text, &arguments, &mut report, |view, report| {
                function(name, view, is_alone, reading, &mut made, report);
            }),
            None => {
                function(name, arguments.value, is_alone, reading, &mut made, &mut report);
            }
        }
    }
    reading.add(position, report, &subject, made);
}

/// The task or the dependency that a call is about.
fn named(call: View<'_>) -> Option<&str> {
    let arguments = call.field("arguments")?;
    let id = arguments.field("task_id").or_else(|| arguments.field("dependency_id"))?;
    id.scalar().map(|scalar| scalar.text).filter(|text| !text.is_empty())
}

/// Reads a value that is written as JSON in a text.
fn within(text: &str, field: &Field<'_>, report: &mut Report, read: impl FnOnce(View<'_>, &mut Report)) {
    let mut own = Report::default();
    let tree = Tree::read_json(text, &mut own);
    match tree {
        Ok(tree) if own.is_empty() => read(tree.root(), report),
        _ => {
            let why = own.finish(text).into_iter().next().map(|problem| problem.message).unwrap_or_default();
            let message = format!("`{}` of {} is a text that is no value: {why}", field.name, field.what);
            report.add(field.value.mark(), INVALID_VALUE, message).hint("write the object itself");
        }
    }
}

fn call<'t>(view: View<'t>, report: &mut Report) -> Option<(&'static str, Field<'t>)> {
    let mut fields = Fields::read(view, view.mark(), What::new("the action"), report)?;
    let hint = format!("one of {}", FUNCTIONS.join(", "));
    let function = fields.need("function", &hint, report);
    let arguments = fields.need("arguments", "write `arguments: { NAME: VALUE }`", report);
    fields.close(report);
    let function = function?;
    let word = function.text(report)?;
    let name = FUNCTIONS.into_iter().find(|known| *known == word);
    if name.is_none() {
        let message = format!("`function` is {}, which is no tool", quoted(word));
        report.add(function.value.mark(), INVALID_VALUE, message).hint = nearest::choices(word, &FUNCTIONS);
    }
    Some((name?, arguments?))
}

fn function(
    name: &'static str,
    arguments: View<'_>,
    is_alone: bool,
    reading: &mut Reading<'_>,
    made: &mut Made,
    report: &mut Report,
) -> Option<()> {
    let mut fields = Fields::read(arguments, arguments.mark(), What::new(name), report)?;
    // What is optional may be written as null.
    fields.leave_out(|entry| is_null(entry.value));
    head(&mut fields, reading, report);
    match name {
        "add_task" => add_task(fields, arguments, made, report),
        "update_task" => update_task(fields, arguments, made, report),
        "remove_task" => {
            let id = task_id(&mut fields, "task_id", report);
            fields.close(report);
            made.edits.push(Edit::RemoveTask { id: id? });
            Some(())
        }
        "add_dependency" => {
            let id = dependency_id(&mut fields, report);
            let from = task_id(&mut fields, "from_task_id", report);
            let to = task_id(&mut fields, "to_task_id", report);
            let (kind, note) = terms(&mut fields, report);
            fields.close(report);
            let kind = kind.unwrap_or_default();
            made.edits.push(Edit::AddDependency(Dependency {
                id: Some(id?),
                from: from?,
                to: to?,
                kind,
                note,
            }));
            Some(())
        }
        "remove_dependency" => {
            let id = dependency_id(&mut fields, report);
            fields.close(report);
            made.edits.push(Edit::RemoveDependency { edge: DependencyRef::Id { id: id? } });
            Some(())
        }
        "update_dependency" => {
            let id = dependency_id(&mut fields, report);
            let note =
                fields.peek("condition_description").and_then(|field| field.text(report)).map(Arc::from);
            let (kind, _) = terms(&mut fields, report);
            if kind.is_none() && note.is_none() {
                fields.miss("condition_description", "write what the dependency waits for, in words", report);
            }
            fields.close(report);
            made.edits.push(Edit::UpdateDependency { edge: DependencyRef::Id { id: id? }, kind, note });
            Some(())
        }
        _ => build(fields, is_alone, reading, made, report),
    }
}

/// Reads which revision the call is for, and which hold it answers; all calls of an answer are one batch.
fn head(fields: &mut Fields<'_>, reading: &mut Reading<'_>, report: &mut Report) {
    if let Some(base) = fields.take("base").and_then(|field| field.count(0..=u64::MAX, report)) {
        // The author has seen what all of its calls have seen.
        reading.base(Revision(base));
    }
    let batch = reading.batch();
    let Some(field) = fields.take("hold") else { return };
    let Some(hold) = hold(&field, report) else { return };
    if batch.hold.is_some_and(|other| other != hold) {
        let message = "the actions of one answer are for different holds";
        report.add(field.at, INVALID_VALUE, message).hint("answer one hold at a time");
    }
    batch.hold = Some(hold);
}

fn task_id(fields: &mut Fields<'_>, name: &'static str, report: &mut Report) -> Option<TaskId> {
    let field = fields.need(name, "write the id of the task", report)?;
    field.id(|text| TaskId::new(text), report)
}

fn dependency_id(fields: &mut Fields<'_>, report: &mut Report) -> Option<DependencyId> {
    let field = fields.need("dependency_id", "write the id of the dependency", report)?;
    field.id(|text| DependencyId::new(text), report)
}

/// Makes known what [`task_within`] reads.
fn take_fields(fields: &mut Fields<'_>) -> Vec<&'static str> {
    OF_TASK.into_iter().filter(|name| fields.take(name).is_some()).collect()
}

fn add_task(mut fields: Fields<'_>, arguments: View<'_>, made: &mut Made, report: &mut Report) -> Option<()> {
    let id = task_id(&mut fields, "task_id", report);
    let given = take_fields(&mut fields);
    for name in ["name", "description"] {
        if !given.contains(&name) {
            fields.miss(name, "write what the task is to do, in words", report);
        }
    }
    fields.close(report);
    let id = id?;
    let task = Arc::new(task_within(arguments, &id, report));
    made.tasks.push(id);
    made.edits.push(Edit::AddTask { task, after: Vec::new() });
    Some(())
}

fn update_task(
    mut fields: Fields<'_>,
    arguments: View<'_>,
    made: &mut Made,
    report: &mut Report,
) -> Option<()> {
    let id = task_id(&mut fields, "task_id", report);
    let given = take_fields(&mut fields);
    fields.close(report);
    let id = id?;
    let spec = task_within(arguments, &id, report);
    let none = TaskDetails::default();
    let details = spec.details.as_deref().unwrap_or(&none);
    let mut set = Vec::new();
    for name in given {
        match name {
            "name" => set.push(TaskField::Name(details.name.clone())),
            "description" => {
                set.push(TaskField::Description(details.description.clone()));
                made.is_described = true;
            }
            "tips" => set.push(TaskField::Tips(details.tips.clone())),
            "priority" => set.push(TaskField::Priority(spec.priority)),
            "timeout" => set.push(TaskField::RunTimeout(spec.run_timeout)),
            "retry_count" => set.push(TaskField::Retry(spec.retry.clone())),
            // An empty id of a device means no change.
            _ if spec.device.is_some() && !set.iter().any(|field| field.name() == "device") => {
                set.push(TaskField::Device(spec.device.clone()));
            }
            _ => {}
        }
    }
    made.edits.push(Edit::UpdateTask { id, set });
    Some(())
}

/// Reads what a dependency asks, and its note.
fn terms(fields: &mut Fields<'_>, report: &mut Report) -> (Option<DependencyKind>, Option<Arc<str>>) {
    let note = fields.take("condition_description").and_then(|field| field.text(report));
    let note = note.filter(|note| !note.is_empty()).map(Arc::from);
    let condition = fields.take("condition");
    let when =
        condition.and_then(|field| field.text(report)).map(|text| DependencyKind::When(Arc::from(text)));
    let Some(field) = fields.take("dependency_type") else { return (when, note) };
    let Some(word) = field.text(report) else { return (when, note) };
    if word.eq_ignore_ascii_case("conditional") {
        return (Some(when.unwrap_or_default()), note);
    }
    let kind = KINDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, kind)| kind.clone());
    match (&kind, condition) {
        (None, _) => {
            let names: Vec<&str> = KINDS.iter().map(|(known, _)| *known).chain(["conditional"]).collect();
            let message = format!("`dependency_type` of {} is {}", field.what, field.value.found());
            report.add(field.value.mark(), INVALID_VALUE, message).hint = nearest::choices(word, &names);
        }
        (Some(_), Some(condition)) => {
            let message =
                format!("{} has a condition, and `dependency_type` is {}", field.what, quoted(word));
            report.add(condition.at, INVALID_VALUE, message).hint("leave one out");
        }
        (Some(_), None) => {}
    }
    (kind, note)
}

fn build(
    mut fields: Fields<'_>,
    is_alone: bool,
    reading: &mut Reading<'_>,
    made: &mut Made,
    report: &mut Report,
) -> Option<()> {
    let config = fields.need("config", "write the graph", report);
    let clears = fields.take("clear_existing").and_then(|field| field.boolean(report)).unwrap_or(true);
    let place = fields.place();
    fields.close(report);
    let config = config?;
    let takes_place = clears && !is_alone;
    if takes_place {
        let message = "build_constellation takes the place of the whole graph, and there are other actions";
        report.add(place, INVALID_VALUE, message).hint("send it alone, or with `clear_existing: false`");
    }
    whole_graph(&config, report, |field, report| {
        if clears {
            let proposed = graph::proposal(field, "/config", (reading, &mut Vec::new()), report);
            made.graph = proposed.filter(|_| !takes_place);
            return;
        }
        let graph = graph::whole(field, "/config", (reading, &mut Vec::new()), report);
        made.tasks.extend(graph.tasks.iter().map(|task| task.id.clone()));
        made.edits.push(Edit::Build { graph: Arc::new(graph), clear_existing: false });
    });
    Some(())
}

/// Reads a graph that may be written as a text.
fn whole_graph(field: &Field<'_>, report: &mut Report, read: impl FnOnce(&Field<'_>, &mut Report)) {
    match field.value.scalar().and_then(|scalar| scalar.as_text()) {
        Some(text) => within(text, field, report, |value, report| {
            read(&Field { name: "graph", at: value.mark(), value, what: What::new("the graph") }, report);
        }),
        None => read(field, report),
    }
}

/// Reads the whole graph of an answer.
pub(super) fn constellation(field: &Field<'_>, reading: &mut Reading<'_>) {
    let mut report = reading.report();
    let mut graph = None;
    match field.value.scalar().and_then(|scalar| scalar.as_text()) {
        None => return proposal(field, "/constellation", reading),
        Some(text) => within(text, field, &mut report, |value, report| {
            let field = Field { name: "graph", at: value.mark(), value, what: What::new("the graph") };
            graph = graph::proposal(&field, "/constellation", (&mut *reading, &mut Vec::new()), report);
        }),
    }
    let subject = Subject { view: field.value, item: "constellation".to_owned(), tasks: Vec::new() };
    reading.add(0, report, &subject, Made { graph, ..Made::default() });
}
