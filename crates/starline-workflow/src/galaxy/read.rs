//! Reads a Galaxy file, whichever form it has.

use std::collections::BTreeSet;

use starline_types::RunState;

use super::document::{Constellation, Times};
use super::notes::Notes;
use super::read_line::{Lines, Reader, count};
use super::read_task::{self, Tasks, derived, ignore, state_ignored};
use super::value::{self, Given, members, string, take, times};
use super::words::{self, LineKind, STATES};
use super::{GalaxyOptions, STARLINE, ids, moment};
use crate::excerpt::quoted;
use crate::fields::{Fields, What};
use crate::problem::{INVALID_VALUE, Mark, Report, Stop};
use crate::tree::{Entry, View};

/// A file as read, with the places of its parts.
#[derive(Debug)]
pub(super) struct Source<'t> {
    pub(super) plan: Constellation,
    /// What starline has put into the metadata, and where.
    pub(super) section: Option<(starline_types::Value, View<'t>)>,
    pub(super) tasks: Vec<Entry<'t>>,
    /// Places of the dependencies, and of their kinds.
    pub(super) lines: Vec<(Mark, Option<Mark>)>,
    /// Whether a part could not be read, so that the rest is not whole.
    pub(super) lost: bool,
}

/// Reads everything below the root.
pub(super) fn read<'t>(
    root: View<'t>,
    options: &GalaxyOptions,
    notes: &mut Notes,
    report: &mut Report,
) -> Result<Source<'t>, Stop> {
    if root.map().is_none() {
        let message = format!("the file is {}, expected an object", root.found());
        report.add(root.mark(), INVALID_VALUE, message).hint("a constellation is one JSON object");
        return Err(Stop);
    }
    let what = What::new("the constellation");
    let mut fields = Fields::read(root, root.mark(), what, report).ok_or(Stop)?;
    let id = identity(&mut fields, options, notes, report);
    let name = string(&mut fields, "name", report).or_missing(id.clone());
    let state = state(&mut fields, options, &id, notes, report);
    let section = section(root, report);
    report.stop_if_full()?;
    let mut metadata = members(&mut fields, "metadata", report);
    metadata.remove(STARLINE);
    let mut moments = times(&mut fields, options.inspect, report);
    run_times(&mut fields, &mut moments, options, &id, notes, report);
    let hint = "a constellation has `tasks`, a list or an object, and `dependencies`";
    let tasks = fields.need("tasks", hint, report);
    let lost = tasks.is_none();
    if let Some(field) = &tasks {
        report.at_most(field.at, options.limits.tasks, field.value.len(), "tasks")?;
    }
    let tasks = tasks.map(|field| read_task::read(&field, options, notes, report)).unwrap_or_default();
    report.stop_if_full()?;
    let mut lines = Lines::default();
    if let Given::Value(field) = take(&mut fields, "dependencies") {
        report.at_most(field.at, options.limits.dependencies, count(field.value), "dependencies")?;
        let reader = Reader { tasks: &tasks, options, notes, report };
        lines = reader.read(&field);
        report.stop_if_full()?;
    }
    ignore(fields, "constellation", notes);
    if !lines.lost && tasks.refused.is_empty() {
        compare_derived(&tasks, &lines, notes, report);
    }
    note_ids(&tasks, &lines, notes);
    let lost = lost || lines.lost || !tasks.refused.is_empty();
    let Tasks { list, entries, .. } = tasks;
    let plan = Constellation { id, name, state, metadata, times: moments, tasks: list, lines: lines.list };
    Ok(Source { plan, section, tasks: entries, lines: lines.marks, lost })
}

fn identity(
    fields: &mut Fields<'_>,
    options: &GalaxyOptions,
    notes: &mut Notes,
    report: &mut Report,
) -> String {
    let given = value::text(fields, "constellation_id", report).value().filter(|(id, _)| !id.is_empty());
    let Some((id, field)) = given else { return generated(options.seed, options.now.0) };
    if let Some(run) = ids::run(id).filter(|run| run.as_str() != id) {
        let message = format!("constellation {} is called {run}", quoted(id));
        notes.add(field.value.mark(), "id_rewritten", id, message);
    }
    id.to_owned()
}

/// The id of a constellation that has none.
pub(super) fn generated(seed: u64, now: u64) -> String {
    format!("constellation_{}_{}", ids::digits(seed, 1 << 63), moment::stamp(now))
}

fn state(
    fields: &mut Fields<'_>,
    options: &GalaxyOptions,
    id: &str,
    notes: &mut Notes,
    report: &mut Report,
) -> RunState {
    let Some(field) = take(fields, "state").value() else { return RunState::Created };
    let state = words::field(&field, &STATES, report).unwrap_or_default();
    if options.inspect {
        return state;
    }
    if !matches!(state, RunState::Created | RunState::Ready) {
        state_ignored(&field, id, notes);
    }
    RunState::Created
}

fn run_times(
    fields: &mut Fields<'_>,
    times: &mut Times,
    options: &GalaxyOptions,
    id: &str,
    notes: &mut Notes,
    report: &mut Report,
) {
    if options.inspect {
        return value::run_times(fields, times, report);
    }
    for name in ["execution_start_time", "execution_end_time", "execution_duration"] {
        if let Given::Value(field) = take(fields, name) {
            state_ignored(&field, id, notes);
        }
    }
}

/// What starline has put into the metadata.
fn section<'t>(root: View<'t>, report: &mut Report) -> Option<(starline_types::Value, View<'t>)> {
    let view = root.field("metadata")?.field(STARLINE)?;
    Some((value::json(view, report), view))
}

/// Compares the lists that tasks have of their own with the dependencies.
fn compare_derived(tasks: &Tasks<'_>, lines: &Lines, notes: &mut Notes, report: &mut Report) {
    let mut before: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); tasks.list.len()];
    let mut after = before.clone();
    for line in &lines.list {
        if let (Some(from), Some(to)) = (tasks.list.get(line.from), tasks.list.get(line.to)) {
            before[line.to].insert(&from.id);
            after[line.from].insert(&to.id);
        }
    }
    for ((task, entry), expected) in tasks.list.iter().zip(&tasks.entries).zip(before.iter().zip(&after)) {
        for (name, expected) in [("dependencies", expected.0), ("dependents", expected.1)] {
            let Some((listed, at)) = derived(entry, name, report) else { continue };
            if listed != *expected {
                let shown: Vec<&str> = expected.iter().take(10).copied().collect();
                let message = format!(
                    "`{name}` of task {} contradicts the dependencies, which count: {} [{}]",
                    quoted(&task.id),
                    expected.len(),
                    shown.join(", ")
                );
                notes.add(at, "derived_mismatch", &task.id, message);
            }
        }
    }
}

/// Says which ids are rewritten, and what becomes of the kinds of dependencies.
fn note_ids(tasks: &Tasks<'_>, lines: &Lines, notes: &mut Notes) {
    let rewritten = ids::tasks(tasks.list.iter().map(|task| task.id.as_str()));
    for ((task, entry), id) in tasks.list.iter().zip(&tasks.entries).zip(rewritten) {
        if task.id != id.as_str() {
            let at = entry.value.field("task_id").map_or(entry.at, View::mark);
            notes.add(at, "id_rewritten", &task.id, format!("task {} is called {id}", quoted(&task.id)));
        }
    }
    let rewritten = ids::lines(lines.list.iter().map(|line| line.id.as_deref()));
    for ((line, (at, _)), id) in lines.list.iter().zip(&lines.marks).zip(rewritten) {
        if let (Some(own), Some(id)) = (&line.id, id)
            && own != id.as_str()
        {
            notes.add(*at, "id_rewritten", own, format!("dependency {} is called {id}", quoted(own)));
        }
    }
}

/// Says what becomes of a kind, unless starline has written what is meant.
pub(super) fn note_kind(kind: LineKind, name: &str, at: Mark, notes: &mut Notes) {
    match kind {
        LineKind::CompletionOnly => {}
        LineKind::Unconditional => {
            let message = "unconditional edges let their target run after a failure as well";
            notes.once(at, "runs_after_failure", name, message);
        }
        LineKind::SuccessOnly => {
            let message = format!(
                "{} waits for success: Galaxy goes on after a failure, and stalls on an empty result",
                quoted(name)
            );
            notes.add(at, "edge_repaired", name, message);
        }
        LineKind::Conditional => {
            let message = format!(
                "{} waits for success: no condition that can be evaluated is in the file, its text is a note",
                quoted(name)
            );
            notes.add(at, "condition_not_executable", name, message);
        }
    }
}
