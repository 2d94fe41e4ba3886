//! The section `execution`: what was measured, and the machines.

use std::collections::BTreeMap;
use std::sync::Arc;

use starline_types::{
    DeviceId, DeviceProfile, DeviceSelector, Estimate, Exec, Millis, Payload, Priority, Value,
};

use super::names::Names;
use super::specification::{Task, Tasks};
use super::{ImportOptions, Warnings, number, text_of, texts, whole, wrong};
use crate::excerpt::quoted;
use crate::problem::Report;
use crate::tree::{Meaning, View};

/// Longest run time, in seconds: what a time in a workflow file may be.
const MAX_SECONDS: f64 = 9.0e12;

/// Machines of a record, by their names.
#[derive(Debug, Default)]
pub(super) struct Machines<'t> {
    names: Names,
    ids: BTreeMap<&'t str, DeviceId>,
    profiles: Vec<DeviceProfile>,
}

impl<'t> Machines<'t> {
    fn id(&mut self, name: &'t str, pointer: &str, warnings: &mut Warnings) -> Option<DeviceId> {
        if let Some(id) = self.ids.get(name) {
            return Some(id.clone());
        }
        let id = match DeviceId::new(name) {
            Ok(id) => id,
            Err(_) => {
                let id = self.names.rewrite(name);
                warnings.add(
                    "id_rewritten",
                    pointer.to_owned(),
                    format!("machine {} is called {id}", quoted(name)),
                );
                DeviceId::new(id).ok()?
            }
        };
        self.ids.insert(name, id.clone());
        Some(id)
    }
}

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
        for name in list.iter().filter_map(|machine| machine.field("nodeName").and_then(View::scalar)) {
            if DeviceId::new(name.text).is_ok() {
                machines.names.keep(name.text);
            }
        }
        for (at, machine) in list.into_iter().enumerate() {
            read_machine(machine, at, &mut machines, warnings, report);
        }
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

fn read_machine<'t>(
    item: View<'t>,
    at: usize,
    machines: &mut Machines<'t>,
    warnings: &mut Warnings,
    report: &mut Report,
) {
    let pointer = format!("/workflow/execution/machines/{at}/nodeName");
    let Some(name) = item.field("nodeName").and_then(|name| text_of(name, "nodeName", report)) else {
        return;
    };
    if machines.ids.contains_key(name) {
        return;
    }
    let Some(id) = machines.id(name, &pointer, warnings) else { return };
    let mut profile = DeviceProfile::new(id, "simulated");
    profile.os = item.field("system").and_then(|system| text_of(system, "system", report)).map(str::to_owned);
    if let Some(cpu) = item.field("cpu") {
        if let Some(cores) = cpu.field("coreCount").and_then(|cores| whole(cores, "coreCount", report)) {
            profile.slots = u32::try_from(cores).unwrap_or(u32::MAX).max(1);
            profile.resources.0.insert("cpu_cores".to_owned(), cores);
        }
        if let Some(speed) = cpu.field("speedInMHz") {
            profile.attributes.insert("speed_mhz".to_owned(), speed.json(report));
        }
    }
    if let Some(memory) =
        item.field("memoryInBytes").and_then(|memory| whole(memory, "memoryInBytes", report))
    {
        profile.resources.0.insert("memory".to_owned(), memory);
    }
    machines.profiles.push(profile);
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
                set_duration(task, Millis((seconds * 1000.0).round() as u64))
            }
            Some(_) => wrong(value, "runtimeInSeconds", "fewer seconds", report),
            None => {}
        }
    }
    if let Some(command) = item.field("command") {
        task.spec.run = payload(command, report);
    }
    if let Some(priority) = item.field("priority").and_then(|value| priority(value, report)) {
        task.spec.priority = priority;
    }
    if let Some(metrics) = item.field("metrics") {
        keep(task, "metrics", metrics.json(report));
    }
    let mut selector = DeviceSelector::default();
    for (field, amount) in [("coreCount", "cpu_cores"), ("memoryInBytes", "memory")] {
        if let Some(number) = item.field(field).and_then(|value| whole(value, field, report)) {
            selector.resources.0.insert(amount.to_owned(), number);
        }
    }
    let first = item.field("machines").and_then(|value| texts(value, "machines", report).into_iter().next());
    if let Some((name, _)) = first {
        let id = machines.id(name, &format!("{pointer}/machines/0"), warnings);
        if options.pin {
            selector.on = id;
        } else {
            selector.prefer = id;
        }
    }
    if selector != DeviceSelector::default() {
        task.spec.device = Some(Arc::new(selector));
    }
}

fn keep(task: &mut Task<'_>, name: &str, value: Value) {
    let mut details = task.spec.details.as_deref().cloned().unwrap_or_default();
    let kept = details
        .metadata
        .entry("wfformat".to_owned())
        .or_insert_with(|| Value::Object(serde_json::Map::new()));
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

/// A recorded text as a template that renders to it.
fn literal(text: &str) -> String {
    if !text.contains("{{") && !text.contains("{%") {
        return text.to_owned();
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        escaped.push_str(before);
        let width = if from.starts_with("{{") || from.starts_with("{%") { 2 } else { 1 };
        let (mark, behind) = from.split_at(width);
        if width == 2 {
            escaped.push_str(&format!("{{{{ \"{mark}\" }}}}"));
        } else {
            escaped.push_str(mark);
        }
        rest = behind;
    }
    escaped.push_str(rest);
    escaped
}

/// A priority of any scale, clamped to ours.
fn priority(value: View<'_>, report: &mut Report) -> Option<Priority> {
    match value.scalar().map(|scalar| scalar.meaning()) {
        Some(Meaning::Number(number)) => {
            let clamped = number.as_f64().unwrap_or_default().clamp(0.0, 100.0).round();
            Priority::new(clamped as u64)
        }
        _ => {
            wrong(value, "priority", "a number", report);
            None
        }
    }
}

/// The machines as devices that can hold every recorded task.
pub(super) fn devices(machines: Machines<'_>, tasks: &Tasks<'_>) -> Vec<DeviceProfile> {
    let mut largest: BTreeMap<&str, u64> = BTreeMap::new();
    for selector in tasks.list.iter().filter_map(|task| task.spec.device.as_ref()) {
        for (name, amount) in &selector.resources.0 {
            let most = largest.entry(name).or_default();
            *most = (*most).max(*amount);
        }
    }
    let mut profiles = machines.profiles;
    for profile in &mut profiles {
        for (name, amount) in &largest {
            profile.resources.0.entry((*name).to_owned()).or_insert(*amount);
        }
    }
    profiles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_texts_are_no_templates() {
        for (text, template) in [
            ("plain {x}", "plain {x}"),
            ("a {{ b }}", "a {{ \"{{\" }} b }}"),
            ("{{{%", "{{ \"{{\" }}{{ \"{%\" }}"),
            ("{% if %}", "{{ \"{%\" }} if %}"),
        ] {
            assert_eq!(literal(text), template);
        }
    }
}
