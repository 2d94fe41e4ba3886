//! Reads one edit.

use std::sync::Arc;

use starline_types::{Dependency, Edit, TaskId};

use super::dependency::{given, reference, terms};
use super::fault::{EMPTY_UPDATE, Subject, item};
use super::graph::{self, Begins};
use super::reading::{Made, Reading};
use super::set;
use crate::excerpt::quoted;
use crate::fields::{Field, Fields, What};
use crate::file::{EDITS, read_after, read_change};
use crate::nearest;
use crate::problem::{INVALID_VALUE, MISSING_FIELD, Report};
use crate::tree::View;

/// Reads the edit at a position of its batch.
pub(super) fn read(position: usize, view: View<'_>, reading: &mut Reading<'_>) {
    let mut report = reading.report();
    let mut subject = Subject { view, item: named(view), tasks: Vec::new() };
    let mut made = Made::default();
    let place = format!("/edits/{position}");
    operation(view, &place, reading, (&mut made, &mut subject.tasks), &mut report);
    reading.add(position, report, &subject, made);
}

/// What an edit is about: its task, its dependency, else its operation.
fn named(view: View<'_>) -> String {
    let text = |view: View<'_>, name: &str| {
        let text = view.field(name).and_then(View::scalar).map(|scalar| scalar.text);
        text.filter(|text| !text.is_empty()).map(item)
    };
    let task = view.field("task").and_then(|task| text(task, "id"));
    let ends = || Some(item(&format!("{}->{}", text(view, "from")?, text(view, "to")?)));
    let named = task.or_else(|| text(view, "id")).or_else(ends);
    named.or_else(|| text(view, "op")).unwrap_or_else(|| "edits".to_owned())
}

fn operation(
    view: View<'_>,
    place: &str,
    reading: &mut Reading<'_>,
    (made, begins): (&mut Made, &mut Begins),
    report: &mut Report,
) -> Option<()> {
    let mut fields = Fields::read(view, view.mark(), What::new("the edit"), report)?;
    let choices = || format!("one of {}", EDITS.join(", "));
    let op = fields.take("op");
    let Some(op) = op else {
        report.add(view.mark(), MISSING_FIELD, "the edit has no `op`").hint(choices());
        return None;
    };
    let word = op.text(report)?;
    let Some(name) = EDITS.into_iter().find(|known| *known == word) else {
        let message = format!("`op` is {}, which is no operation", quoted(word));
        report.add(op.value.mark(), INVALID_VALUE, message).hint = nearest::choices(word, &EDITS);
        return None;
    };
    let mut fields = Fields::read(view, view.mark(), What::new(name), report)?;
    fields.take("op");
    match name {
        "add_task" => add_task(fields, reading, made, report),
        "update_task" => made.edits.extend(update_task(fields, reading, report)),
        "remove_task" => {
            let id = task_id(&mut fields, report);
            fields.close(report);
            made.edits.push(Edit::RemoveTask { id: id? });
        }
        "add_dependency" => {
            made.edits.extend(given(fields, report).map(|given| Edit::AddDependency(given.whole())));
        }
        "update_dependency" => {
            let edge = reference(&mut fields, name, report);
            let (kind, note) = terms(&mut fields, report);
            fields.close(report);
            made.edits.push(Edit::UpdateDependency { edge: edge?, kind, note });
        }
        "remove_dependency" => {
            let edge = reference(&mut fields, name, report);
            fields.close(report);
            made.edits.push(Edit::RemoveDependency { edge: edge? });
        }
        "clear" => {
            fields.close(report);
            made.edits.push(Edit::Clear);
        }
        _ => whole_graph(fields, name, place, reading, (made, begins), report),
    }
    Some(())
}

fn task_id(fields: &mut Fields<'_>, report: &mut Report) -> Option<TaskId> {
    let id = fields.need("id", "write the id of the task", report)?;
    id.id(|text| TaskId::new(text), report)
}

fn add_task(mut fields: Fields<'_>, reading: &mut Reading<'_>, made: &mut Made, report: &mut Report) {
    let task = fields.need("task", "write `task: { id: ID, run: { sh: \"…\" } }`", report);
    let after = fields.take("after");
    fields.close(report);
    let id = task.and_then(|task| new_task(&task, reading, made, report));
    let Some(to) = id.clone().or_else(|| TaskId::new("task").ok()) else { return };
    let mut edges: Vec<Dependency> = Vec::new();
    if let Some(after) = after {
        read_after(&after, &to, report, |edge| edges.extend(edge.map(|(edge, _)| edge)));
    }
    // A dependency that is made with its task has no note: one with a note comes as an edit of its own.
    let plain = edges.iter().position(|edge| edge.note.is_some()).unwrap_or(edges.len());
    let (plain, noted) = edges.split_at(plain);
    if let Some(Edit::AddTask { after, .. }) = made.edits.first_mut() {
        after.extend(plain.iter().map(|edge| (edge.from.clone(), edge.kind.clone())));
    }
    made.edits.extend(noted.iter().cloned().map(Edit::AddDependency));
}

fn new_task(
    field: &Field<'_>,
    reading: &mut Reading<'_>,
    made: &mut Made,
    report: &mut Report,
) -> Option<TaskId> {
    let name = field.value.field("id").and_then(View::scalar).map_or("", |scalar| scalar.text);
    let what = What::named("task", name);
    let mut fields = Fields::of(field, what, "task: { id: ID, run: { sh: \"…\" } }", report)?;
    let id = task_id(&mut fields, report);
    set::refuse_after(&mut fields, "write it beside `task`", report);
    let own = id.clone().or_else(|| TaskId::new("task").ok())?;
    let inputs = fields.peek("inputs");
    let mut spec = read_change(fields, own, (name, true), reading.common(), report);
    set::resolve(&mut spec, inputs.as_ref(), reading, report);
    let id = id?;
    made.tasks.push(id.clone());
    made.edits.push(Edit::AddTask { task: Arc::new(spec), after: Vec::new() });
    Some(id)
}

fn update_task(mut fields: Fields<'_>, reading: &mut Reading<'_>, report: &mut Report) -> Option<Edit> {
    let name = fields.peek("id").and_then(|field| field.value.scalar()).map_or("", |scalar| scalar.text);
    let id = task_id(&mut fields, report);
    let section = fields.take("set");
    if section.is_none() {
        let message = format!("the update of task {} sets no field", quoted(name).trim_matches('`'));
        report.add(fields.place(), EMPTY_UPDATE, message).hint("write `set: { FIELD: VALUE }`");
    }
    fields.close(report);
    let section = section?;
    let what = What::named("task", name);
    let mut changes = Fields::of(&section, what, "set: { FIELD: VALUE }", report)?;
    set::refuse_after(&mut changes, "use add_dependency, update_dependency and remove_dependency", report);
    let present = section.value.map().map(set::present).unwrap_or_default();
    let set = set::read(changes, &present, name, reading, report);
    Some(Edit::UpdateTask { id: id?, set })
}

fn whole_graph(
    mut fields: Fields<'_>,
    op: &str,
    place: &str,
    reading: &mut Reading<'_>,
    (made, begins): (&mut Made, &mut Begins),
    report: &mut Report,
) {
    let field = fields.need("graph", "write `graph: { tasks: {} }`", report);
    let clears = if op == "build" { fields.take("clear_existing") } else { None };
    let clears = clears.and_then(|field| field.boolean(report)).unwrap_or(true);
    let prefix = if op == "merge" { fields.take("prefix") } else { None };
    let prefix = prefix.and_then(|field| field.text(report)).unwrap_or_default();
    fields.close(report);
    let Some(field) = field else { return };
    let graph = graph::whole(&field, &format!("{place}/graph"), (reading, begins), report);
    if !report.is_empty() {
        // It never comes to the check, which would tell its cycles.
        for fault in starline_edit::cycles(0, &graph) {
            let problem = report.add(field.at, fault.code.as_str(), fault.message);
            problem.path = fault.path.iter().map(ToString::to_string).collect();
        }
    }
    let ids = graph.tasks.iter().filter_map(|task| TaskId::new(format!("{prefix}{}", task.id)).ok());
    made.tasks.extend(ids);
    let graph = Arc::new(graph);
    made.edits.push(match op {
        "build" => Edit::Build { graph, clear_existing: clears },
        _ => Edit::Merge { graph, prefix: prefix.into() },
    });
}
