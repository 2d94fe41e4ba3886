//! Tasks of a Galaxy file, in a list or an object.

use std::collections::{BTreeMap, BTreeSet};

use starline_types::{DeviceId, Millis, Payload, TaskId, TaskSpec, Value};

use super::document::{Record, Target, Task, Times};
use super::notes::Notes;
use super::value::{self, Given, json, number, string, take, text, texts, times, whole};
use super::words::{self, DEVICE_TYPES, STATUSES, Status};
use super::{GalaxyOptions, ids};
use crate::excerpt::quoted;
use crate::fields::{Field, Fields, What};
use crate::problem::{DUPLICATE_TASK, INVALID_VALUE, Mark, Report};
use crate::tree::{Entry, Meaning, View};

/// Longest time limit, in seconds: 7 days.
const MAX_TIMEOUT: f64 = 7.0 * 86_400.0;
/// Most retries of a task.
const MAX_RETRIES: u32 = 100;

/// Tasks as read.
#[derive(Debug, Default)]
pub(super) struct Tasks<'t> {
    pub(super) list: Vec<Task>,
    /// Where each of them stands.
    pub(super) entries: Vec<Entry<'t>>,
    /// Positions by the ids of the file.
    pub(super) by_id: BTreeMap<String, usize>,
    /// Ids of tasks that could not be read.
    pub(super) refused: BTreeSet<String>,
}

/// One member of a list or an object, with its id as far as it is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'t> {
    pub(super) key: Option<(&'t str, Mark)>,
    pub(super) value: View<'t>,
    pub(super) id: Option<&'t str>,
}

/// About the memory that a task takes until it is one of the graph, and when it is written again, with what
/// is kept and noted of it.
const TASK_BYTES: usize = 6_000;

/// Reads every task.
pub(super) fn read<'t>(
    section: &Field<'t>,
    options: &GalaxyOptions,
    notes: &mut Notes,
    report: &mut Report,
) -> Tasks<'t> {
    let mut tasks = Tasks::default();
    let members = members(section, report);
    let mut taken: BTreeSet<String> =
        members.iter().filter_map(|member| member.id).map(str::to_owned).collect();
    let mut counter = 0;
    for member in members {
        let at = member.value.mark();
        if !report.takes(at, TASK_BYTES) {
            break;
        }
        let id = member.id.map_or_else(|| generated(options.seed, &mut counter, &mut taken), str::to_owned);
        if let Some(first) = tasks.by_id.get(&id).and_then(|first| tasks.entries.get(*first)) {
            let message = format!("task {} is there twice", quoted(&id));
            let hint = format!("the first is in line {}", first.value.mark().line);
            report.add(at, DUPLICATE_TASK, message).hint(hint);
            continue;
        }
        let Some(task) = task(&member, &id, options, notes, report) else {
            tasks.refused.insert(id);
            continue;
        };
        tasks.by_id.insert(id, tasks.list.len());
        tasks.list.push(task);
        let (key, at) = member.key.unwrap_or(("", at));
        tasks.entries.push(Entry { key, at, value: member.value });
    }
    tasks
}

/// An id for a task that has none.
fn generated(seed: u64, counter: &mut u64, taken: &mut BTreeSet<String>) -> String {
    loop {
        let id = format!("task_{}", ids::digits(seed, *counter));
        *counter += 1;
        if taken.insert(id.clone()) {
            return id;
        }
    }
}

fn members<'t>(section: &Field<'t>, report: &mut Report) -> Vec<Member<'t>> {
    let inner = |value: View<'t>| {
        let id = value.field("task_id").and_then(View::scalar);
        id.filter(|id| id.meaning() == Meaning::Text && !id.text.is_empty()).map(|id| id.text)
    };
    if let Some(list) = section.value.list() {
        return list.items().map(|value| Member { key: None, value, id: inner(value) }).collect();
    }
    let Some(map) = section.value.map() else {
        section.wrong(section.value, "a list or an object of tasks", report);
        return Vec::new();
    };
    let member = |entry: Entry<'t>| {
        let id = inner(entry.value).or_else(|| (!entry.key.is_empty()).then_some(entry.key));
        Member { key: Some((entry.key, entry.at)), value: entry.value, id }
    };
    map.entries().map(member).collect()
}

/// Reads one task.
pub(super) fn task(
    member: &Member<'_>,
    id: &str,
    options: &GalaxyOptions,
    notes: &mut Notes,
    report: &mut Report,
) -> Option<Task> {
    let at = member.value.mark();
    let mut fields = Fields::read(member.value, at, What::named("task", id), report)?;
    if let Given::Value((own, _)) = text(&mut fields, "task_id", report)
        && let Some((key, at)) = member.key
        && own != key
        && own == id
    {
        let message = format!("the key is {}, and task_id is {}, which counts", quoted(key), quoted(own));
        notes.add(at, "key_mismatch", id, message);
    }
    let name = string(&mut fields, "name", report).value();
    let description = string(&mut fields, "description", report);
    let other = string(&mut fields, "task_description", report);
    let description = match (description, other) {
        (Given::Value(text), _) | (_, Given::Value(text)) => Some(text),
        (Given::Null, _) | (Given::Missing, Given::Null) => None,
        (Given::Missing, Given::Missing) => Some(String::new()),
    };
    let tips = take(&mut fields, "tips").value().map(|field| texts(&field, report));
    let target = target(&mut fields, report);
    let device_type = take(&mut fields, "device_type").value();
    let device_type = device_type.and_then(|field| words::field(&field, &DEVICE_TYPES, report));
    let priority = priority(&mut fields, id, notes);
    let timeout = timeout(&mut fields, report);
    let retries = take(&mut fields, "retry_count").value();
    let retry_count = retries.and_then(|field| whole(&field, MAX_RETRIES, report)).unwrap_or(0);
    if let Some(field) = retries.filter(|_| retry_count > 0) {
        let message = "failed tasks are retried as often as `retry_count` says, which Galaxy never does";
        notes.once(field.value.mark(), "retry_now_honoured", id, message);
    }
    let data = value::members(&mut fields, "task_data", report);
    let expected_output_type = string(&mut fields, "expected_output_type", report).value();
    let mut task = Task {
        id: id.to_owned(),
        name,
        description,
        tips,
        target,
        device_type,
        priority,
        timeout,
        retry_count,
        data,
        expected_output_type,
        times: times(&mut fields, options.inspect, report),
        record: Record::default(),
    };
    record(&mut fields, &mut task, options.inspect, notes, report);
    // Derived lists are compared once the dependencies are known.
    for name in ["dependencies", "dependents"] {
        fields.take(name);
    }
    ignore(fields, "task", notes);
    Some(task)
}

/// Says which fields are not known.
pub(super) fn ignore(fields: Fields<'_>, what: &str, notes: &mut Notes) {
    for entry in fields.rest() {
        let message = format!("no field {} of a {what} is known, it is ignored", quoted(entry.key));
        notes.add(entry.at, "field_ignored", entry.key, message);
    }
}

fn target(fields: &mut Fields<'_>, report: &mut Report) -> Target {
    match text(fields, "target_device_id", report) {
        Given::Missing | Given::Null => Target::None,
        Given::Value(("", _)) => Target::Blank,
        Given::Value((text, field)) => {
            let id = field.id_of(text, field.value.mark(), |text| DeviceId::new(text), report);
            id.map_or(Target::None, Target::Device)
        }
    }
}

/// From 1 to 4; what is no priority is a medium one.
fn priority(fields: &mut Fields<'_>, task: &str, notes: &mut Notes) -> u8 {
    const MEDIUM: u8 = 2;
    const NAMES: [(&str, u8); 4] = [("low", 1), ("medium", 2), ("high", 3), ("critical", 4)];
    let Some(field) = take(fields, "priority").value() else { return MEDIUM };
    let known = field.value.scalar().and_then(|scalar| match scalar.meaning() {
        Meaning::Number(number) => {
            let number = number.as_f64()?;
            (1_u8..=4).find(|level| f64::from(*level) == number)
        }
        Meaning::Text => words::read(&NAMES, scalar.text),
        Meaning::Null | Meaning::Bool(_) | Meaning::Unbounded => None,
    });
    known.unwrap_or_else(|| {
        let message = format!(
            "priority of task {} is {}, and neither 1 to 4 nor low, medium, high or critical: medium is taken",
            quoted(task),
            field.value.found()
        );
        notes.add(field.value.mark(), "priority_unknown", task, message);
        MEDIUM
    })
}

/// Null means the default, which is what a missing one is as well.
fn timeout(fields: &mut Fields<'_>, report: &mut Report) -> Option<Millis> {
    let field = match take(fields, "timeout") {
        Given::Missing => {
            return TaskId::new("task").ok().and_then(|id| TaskSpec::new(id, Payload::Noop).run_timeout);
        }
        Given::Null => return None,
        Given::Value(field) => field,
    };
    let expected = "a number of seconds above 0";
    let seconds = number(&field, expected, report)?;
    if seconds <= 0.0 {
        field.wrong(field.value, expected, report).hint("write null for the default of 1000 s");
        return None;
    }
    if seconds > MAX_TIMEOUT {
        field.wrong(field.value, "at most 604800 seconds", report);
        return None;
    }
    Some(Millis(((seconds * 1_000.0).round() as u64).max(1)))
}

/// How far the task has got; told and dropped unless the state counts.
fn record(fields: &mut Fields<'_>, task: &mut Task, inspect: bool, notes: &mut Notes, report: &mut Report) {
    let status = take(fields, "status").value();
    let word = status.and_then(|field| words::field(&field, &STATUSES, report)).unwrap_or_default();
    let (result, error) = (take(fields, "result").value(), take(fields, "error").value());
    let retry = take(fields, "current_retry").value();
    let current_retry = retry.and_then(|field| whole(&field, u32::MAX - 1, report)).unwrap_or(0);
    let mut ran = Times::default();
    if inspect {
        value::run_times(fields, &mut ran, report);
        (task.times.started, task.times.ended, task.times.seconds) = (ran.started, ran.ended, ran.seconds);
        let error = error.map(|field| match json(field.value, report) {
            Value::String(text) => text,
            other => other.to_string(),
        });
        let result = result.map(|field| json(field.value, report)).unwrap_or_default();
        task.record = Record { status: word, result, error, current_retry };
        return;
    }
    let run = ["execution_start_time", "execution_end_time", "execution_duration"];
    let run = run.map(|name| take(fields, name).value());
    let first = [
        status.filter(|_| word != Status::Pending),
        result,
        error,
        retry.filter(|_| current_retry > 0),
        run[0],
        run[1],
        run[2],
    ];
    let mut state: Vec<_> = first.into_iter().flatten().collect();
    state.sort_by_key(|field| field.at);
    state.iter().for_each(|field| state_ignored(field, &task.id, notes));
}

/// Says once that no state is taken over.
pub(super) fn state_ignored(field: &Field<'_>, item: &str, notes: &mut Notes) {
    let message =
        "the file says how far its tasks have got, and only their structure is taken: all are pending";
    notes.once(field.at, "state_ignored", item, message);
}

/// Lists of ids that a task has of its own: names of the field, ids, place.
pub(super) fn derived<'t>(
    task: &Entry<'t>,
    name: &'static str,
    report: &mut Report,
) -> Option<(BTreeSet<&'t str>, Mark)> {
    let value = task.value.field(name).filter(|value| !value::is_null(*value))?;
    let field = Field { name, at: value.mark(), value, what: What::new("a task") };
    let Some(list) = value.list() else {
        let message = format!("`{name}` of a task is {}, expected a list of ids", value.found());
        report.add(value.mark(), INVALID_VALUE, message);
        return None;
    };
    let items = list.items().filter_map(|item| value::text_at(&field, item, report));
    Some((items.collect(), value.mark()))
}
