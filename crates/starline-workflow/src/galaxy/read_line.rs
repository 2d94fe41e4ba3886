//! Dependencies of a Galaxy file: in a list, an object, or as lists of parents.

use std::collections::{BTreeMap, BTreeSet};

use super::GalaxyOptions;
use super::document::{Line, Times};
use super::notes::Notes;
use super::read_task::{Tasks, ignore};
use super::value::{Given, members, string, take, text, text_at, times};
use super::words::{self, LINE_KINDS, LineKind};
use crate::excerpt::quoted;
use crate::fields::{Field, Fields, What};
use crate::nearest;
use crate::problem::{DUPLICATE_DEPENDENCY, MISSING_FIELD, Mark, Report, UNKNOWN_TASK};
use crate::tree::{List, View};

/// Ids that a hint compares an unknown one with.
const COMPARED: usize = 1_000;

/// About the memory that a dependency takes until it is one of the graph, and when it is written again, with what
/// is kept and noted of it.
const LINE_BYTES: usize = 3_500;

/// Dependencies in a section, whichever form it has.
pub(super) fn count(section: View<'_>) -> usize {
    let lists = section.map().into_iter().flat_map(|map| map.entries()).map(|entry| entry.value.list());
    let wired: usize = lists.flatten().map(|list| list.len()).sum();
    section.len() + wired
}

/// Dependencies as read.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) list: Vec<Line>,
    /// Where each of them stands, and its kind if the file has one.
    pub(super) marks: Vec<(Mark, Option<Mark>)>,
    /// Whether one could not be read.
    pub(super) lost: bool,
    first: BTreeMap<String, Mark>,
}

/// What dependencies are read with.
pub(super) struct Reader<'r, 't> {
    pub(super) tasks: &'r Tasks<'t>,
    pub(super) options: &'r GalaxyOptions,
    pub(super) notes: &'r mut Notes,
    pub(super) report: &'r mut Report,
}

impl<'t> Reader<'_, 't> {
    /// Reads every dependency.
    pub(super) fn read(mut self, section: &Field<'t>) -> Lines {
        let mut lines = Lines::default();
        if let Some(list) = section.value.list() {
            for item in list.items() {
                self.line(None, item, &mut lines);
            }
            return lines;
        }
        let Some(map) = section.value.map() else {
            section.wrong(section.value, "a list or an object of dependencies", self.report);
            lines.lost = true;
            return lines;
        };
        for entry in map.entries() {
            match entry.value.list() {
                Some(parents) => {
                    let message = "dependencies are lists of parents by child: every edge asks for success";
                    self.notes.once(section.at, "wire_form", "dependencies", message);
                    self.wire(section, (entry.key, entry.at), parents, &mut lines);
                }
                None => self.line(Some((entry.key, entry.at)), entry.value, &mut lines),
            }
        }
        lines
    }

    fn wire(
        &mut self,
        section: &Field<'t>,
        (child, at): (&'t str, Mark),
        parents: List<'t>,
        lines: &mut Lines,
    ) {
        let to = self.find(child, at, lines);
        let mut seen = BTreeSet::new();
        for item in parents.items() {
            let fits = self.report.takes(item.mark(), LINE_BYTES);
            let Some(parent) = text_at(section, item, self.report).filter(|_| fits) else {
                lines.lost = true;
                continue;
            };
            if !seen.insert(parent) {
                let message = format!("task {} names the parent {} twice", quoted(child), quoted(parent));
                self.report.add(item.mark(), DUPLICATE_DEPENDENCY, message);
                continue;
            }
            if let (Some(from), Some(to)) = (self.find(parent, item.mark(), lines), to) {
                lines.list.push(Line {
                    id: None,
                    from,
                    to,
                    kind: LineKind::SuccessOnly,
                    description: Some(String::new()),
                    metadata: BTreeMap::new(),
                    times: Times::default(),
                });
                lines.marks.push((item.mark(), None));
            }
        }
    }

    fn line(&mut self, key: Option<(&'t str, Mark)>, value: View<'t>, lines: &mut Lines) {
        let fits = self.report.takes(value.mark(), LINE_BYTES);
        let read = fits.then(|| self.try_line(key, value, lines)).flatten();
        match read {
            Some((line, kind_at)) => {
                lines.list.push(line);
                lines.marks.push((value.mark(), Some(kind_at)));
            }
            None => lines.lost = true,
        }
    }

    fn try_line(
        &mut self,
        key: Option<(&'t str, Mark)>,
        value: View<'t>,
        lines: &mut Lines,
    ) -> Option<(Line, Mark)> {
        let name = value.field("line_id").and_then(View::scalar).map(|id| id.text);
        let key_text = key.map(|(key, _)| key);
        let name = name.or(key_text).unwrap_or_default();
        let what = What::named("dependency", name);
        let mut fields = Fields::read(value, value.mark(), what, self.report)?;
        let id = text(&mut fields, "line_id", self.report).value().filter(|(id, _)| !id.is_empty());
        if let (Some((id, _)), Some((key, at))) = (id, key)
            && id != key
        {
            let message = format!("the key is {}, and line_id is {}, which counts", quoted(key), quoted(id));
            self.notes.add(at, "key_mismatch", id, message);
        }
        let id = id.map(|(id, _)| id).or_else(|| key_text.filter(|key| !key.is_empty()));
        let ends = ["from_task_id", "to_task_id"].map(|end| self.end(&mut fields, end, value, lines));
        let kind_field = take(&mut fields, "dependency_type").value();
        let kind = match kind_field {
            Some(field) => words::field(&field, &LINE_KINDS, self.report),
            None => Some(LineKind::Unconditional),
        };
        let description = string(&mut fields, "condition_description", self.report).or_missing(String::new());
        let line_metadata = members(&mut fields, "metadata", self.report);
        let times = times(&mut fields, self.options.inspect, self.report);
        for name in ["is_satisfied", "last_evaluation_result", "last_evaluation_time"] {
            fields.take(name);
        }
        ignore(fields, "dependency", self.notes);
        let [Some(from), Some(to)] = ends else { return None };
        if let Some(id) = id {
            if let Some(first) = lines.first.get(id) {
                let message = format!("dependency {} is there twice", quoted(id));
                let hint = format!("the first is in line {}", first.line);
                self.report.add(value.mark(), DUPLICATE_DEPENDENCY, message).hint(hint);
                return None;
            }
            lines.first.insert(id.to_owned(), value.mark());
        }
        let line = Line {
            id: id.map(str::to_owned),
            from,
            to,
            kind: kind?,
            description,
            metadata: line_metadata,
            times,
        };
        Some((line, kind_field.map_or_else(|| value.mark(), |field| field.value.mark())))
    }

    fn end(
        &mut self,
        fields: &mut Fields<'t>,
        name: &'static str,
        value: View<'t>,
        lines: &mut Lines,
    ) -> Option<usize> {
        match text(fields, name, self.report) {
            Given::Value((id, field)) => self.find(id, field.value.mark(), lines),
            // What is there and no text is told already.
            Given::Missing if value.field(name).is_some() => None,
            Given::Missing | Given::Null => {
                let message = format!("a dependency has no `{name}`");
                let hint = "every dependency has `from_task_id` and `to_task_id`";
                self.report.add(value.mark(), MISSING_FIELD, message).hint(hint);
                None
            }
        }
    }

    /// The position of a task by its id.
    fn find(&mut self, id: &str, at: Mark, lines: &mut Lines) -> Option<usize> {
        let found = self.tasks.by_id.get(id).copied();
        if found.is_none() {
            lines.lost = true;
            // Why a task could not be read is told there.
            if !self.tasks.refused.contains(id) {
                let message = format!("a dependency names task {}, which does not exist", quoted(id));
                let problem = self.report.add(at, UNKNOWN_TASK, message);
                let known: Vec<&str> = self.tasks.by_id.keys().map(String::as_str).take(COMPARED).collect();
                problem.hint = nearest::choices(id, &known);
            }
        }
        found
    }
}
