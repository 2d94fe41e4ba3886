//! The section `execution`: what was measured, and the machines.

use std::sync::Arc;

use starline_types::{DeviceSelector, Estimate, Exec, Millis, Payload, Priority, Value};

use super::kept::{KEPT, MEASURES};
use super::machines::{CORES, MEMORY, Machines};
use super::specification::{Task, Tasks};
use super::{ImportOptions, Warnings, number, text_of, texts, whole, wrong};
use crate::excerpt::quoted;
use crate::literal::literal;
use crate::problem::Report;
use crate::tree::{Meaning, View};

/// Longest run time, in seconds: what a time in a workflow file may be.
pub(super) const MAX_SECONDS: f64 = 9.0e12;

/// Reads the machines, and adds what was measured to the tasks.
pub(super) fn read<'t>(
    section: Option<View<'t>>,
    tasks: &mut Tasks<'t>,
    options: &ImportOptions,
    warnings: &mut Warnings,
    report: &mut Report,
) -> Machines<'t> {
    let mut machines = Machines::default();
    if let Some(list) = section.and_then(|section| list(section, "machines", report)) {
        machines.read_all(&list, warnings, report);
    }
    let measured = section.and_then(|section| list(section, "tasks", report)).unwrap_or_default();
    for (at, item) in measured.into_iter().enumerate() {
        let pointer = format!("/workflow/execution/tasks/{at}");
        let Some(name) = item.field("id").and_then(|id| text_of(id, "id", report)) else { continue };
        match tasks.find(name) {
            Some(task) if task.spec.estimate.as_ref().is_none_or(|estimate| estimate.duration.is_none()) => {
                read_task(item, task, &pointer, &mut machines, options, warnings, report);
            }
            found => {
                let why = if found.is_some() { "was measured twice" } else { "is not specified" };
                let message = format!("task {} {why}, the entry is left out", quoted(name));
                warnings.add("execution_ignored", pointer, message);
            }
        }
    }
    for task in tasks.list.iter_mut().filter(|task| duration(task).is_none()) {
        let message = format!("task {} has no recorded run time, 0 is taken", quoted(task.name));
        warnings.add("runtime_missing", task.pointer.clone(), message);
        set_duration(task, Millis::ZERO);
    }
    machines
}

fn list<'t>(section: View<'t>, name: &str, report: &mut Report) -> Option<Vec<View<'t>>> {
    let value = section.field(name)?;
    let list = value.list();
    if list.is_none() {
        wrong(value, name, "a list", report);
    }
    list.map(|list| list.items().collect())
}

fn duration(task: &Task<'_>) -> Option<Millis> {
    task.spec.estimate.as_ref().and_then(|estimate| estimate.duration)
}

fn set_duration(task: &mut Task<'_>, duration: Millis) {
    let output_bytes = task.spec.estimate.as_ref().and_then(|estimate| estimate.output_bytes);
    task.spec.estimate = Some(Arc::new(Estimate { duration: Some(duration), output_bytes }));
}

fn read_task<'t>(
    item: View<'t>,
    task: &mut Task<'t>,
    pointer: &str,
    machines: &mut Machines<'t>,
    options: &ImportOptions,
    warnings: &mut Warnings,
    report: &mut Report,
) {
    if let Some(value) = item.field("runtimeInSeconds") {
        match number(value, "runtimeInSeconds", report) {
            Some(seconds) if seconds < MAX_SECONDS => {
                let duration = millis(seconds);
                if duration.as_secs_f64() != seconds {
                    keep(task, "runtimeInSeconds", value.json(report));
                }
                set_duration(task, duration);
            }
            Some(_) => wrong(value, "runtimeInSeconds", "fewer seconds", report),
            None => {}
        }
    }
    if let Some(command) = item.field("command") {
        task.spec.run = payload(command, report);
    }
    if let Some(field) = item.field("priority")
        && let Some(recorded) = signed(field, "priority", report)
        && let Some(priority) = priority(recorded)
    {
        // The usual priority is not written by itself.
        if f64::from(priority.value()) != recorded || priority == Priority::default() {
            keep(task, "priority", field.json(report));
        }
        task.spec.priority = priority;
    }
    for name in MEASURES {
        if let Some(value) = item.field(name) {
            keep(task, name, value.json(report));
        }
    }
    let mut selector = DeviceSelector::default();
    for (field, amount) in [("coreCount", CORES), ("memoryInBytes", MEMORY)] {
        let Some(value) = item.field(field) else { continue };
        let Some(number) = whole(value, field, report) else { continue };
        selector.resources.0.insert(amount.to_owned(), number);
        let recorded = value.json(report);
        if recorded.as_u64().is_none() {
            keep(task, field, recorded);
        }
    }
    let used = item.field("machines").map(|value| texts(value, "machines", report)).unwrap_or_default();
    if let Some((name, _)) = used.first() {
        let id = machines.id(name, &format!("{pointer}/machines/0"), warnings);
        if options.pin {
            selector.on = id;
        } else {
            selector.prefer = id;
        }
    }
    if used.len() > 1 {
        let names: Vec<&str> = used.iter().map(|(name, _)| *name).collect();
        machines.had_several(&task.spec.id, names);
    }
    if selector != DeviceSelector::default() {
        task.spec.device = Some(Arc::new(selector));
    }
}

/// A recorded time, rounded to one millisecond.
pub(super) fn millis(seconds: f64) -> Millis {
    Millis((seconds * 1000.0).round() as u64)
}

/// A number of either sign.
fn signed(value: View<'_>, name: &str, report: &mut Report) -> Option<f64> {
    let meaning = value.scalar().map(|scalar| scalar.meaning());
    if let Some(Meaning::Number(number)) = meaning {
        return number.as_f64();
    }
    wrong(value, name, "a number", report);
    None
}

fn keep(task: &mut Task<'_>, name: &str, value: Value) {
    let mut details = task.spec.details.as_deref().cloned().unwrap_or_default();
    let kept =
        details.metadata.entry(KEPT.to_owned()).or_insert_with(|| Value::Object(serde_json::Map::new()));
    if let Some(kept) = kept.as_object_mut() {
        kept.insert(name.to_owned(), value);
    }
    task.spec.details = Some(Arc::new(details));
}

/// A program and its arguments; nothing to do without a program.
fn payload(command: View<'_>, report: &mut Report) -> Payload {
    let program = command.field("program").and_then(|value| text_of(value, "program", report));
    let Some(program) = program.filter(|program| !program.is_empty()) else { return Payload::Noop };
    let arguments =
        command.field("arguments").map(|value| texts(value, "arguments", report)).unwrap_or_default();
    let argv = std::iter::once(program).chain(arguments.into_iter().map(|(text, _)| text)).map(literal);
    Payload::Exec(Arc::new(Exec { argv: argv.collect(), ..Exec::default() }))
}

/// A priority of any scale, clamped to ours.
pub(super) fn priority(recorded: f64) -> Option<Priority> {
    Priority::new(recorded.clamp(0.0, 100.0).round() as u64)
}
