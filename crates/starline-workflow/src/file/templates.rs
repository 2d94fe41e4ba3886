//! Texts of a task that are templates: where they stand, and whether what they name can exist.

use std::collections::BTreeSet;

use starline_graph::{NamePath, UnknownName, check_template, has_templates, interpolations};
use starline_types::GraphSpec;

use super::checked::Marks;
use super::known::{Known, Told, declare};
use super::sent::sent;
use crate::excerpt::quoted;
use crate::problem::{INVALID_TEMPLATE, Report, UNKNOWN_INPUT};
use crate::tree::{Inside, Shape, View};

/// Fields of `run` whose texts are templates, and the names that faults have for them.
const RUN: [&str; 7] = ["sh", "exec", "env", "stdin", "cwd", "prompt", "arguments"];

/// A text with a template in it.
#[derive(Debug)]
pub(super) struct Templated<'t> {
    /// Where in the task, in the words of `RenderError::place`.
    pub(super) place: String,
    pub(super) view: View<'t>,
    /// Whether it is part of an input, where only the inputs of the file are seen.
    is_input: bool,
}

/// What comes before the place of a text of what undoes the task.
const COMPENSATE: &str = "compensate ";

impl Templated<'_> {
    /// Whether it is part of what undoes the task, which may name the task itself.
    pub(super) fn undoes(&self) -> bool {
        self.place.starts_with(COMPENSATE)
    }
}

/// The texts of a task that are templates.
pub(super) fn templated(task: View<'_>) -> Vec<Templated<'_>> {
    let mut found = Vec::new();
    let mut walk =
        |value, place: &str, separator, is_input| walk(value, place, separator, is_input, &mut found);
    let undo = task.field("compensate").and_then(|undo| undo.field("run"));
    for (within, run) in [("", task.field("run")), (COMPENSATE, undo)] {
        for entry in run.and_then(View::map).into_iter().flat_map(|map| map.entries()) {
            let separator = match entry.key {
                "exec" => '[',
                "env" => ' ',
                _ => '/',
            };
            if RUN.contains(&entry.key) {
                walk(entry.value, &format!("{within}{}", entry.key), separator, false);
            }
        }
    }
    for entry in task.field("inputs").and_then(View::map).into_iter().flat_map(|map| map.entries()) {
        let place = format!("inputs.{}", entry.key);
        match sent(entry.value) {
            Some(only) if only.key == "value" => walk(only.value, &place, '/', true),
            Some(_) => {}
            None => walk(entry.value, &place, '/', true),
        }
    }
    if let Some(description) = task.field("description") {
        walk(description, "description", '/', false);
    }
    found
}

/// Recurses as deeply as the file, which is limited.
fn walk<'t>(view: View<'t>, place: &str, separator: char, is_input: bool, found: &mut Vec<Templated<'t>>) {
    match view.shape() {
        Shape::Scalar(scalar) => {
            if scalar.text.contains("{{") || scalar.text.contains("{%") {
                found.push(Templated { place: place.to_owned(), view, is_input });
            }
        }
        Shape::List(list) => {
            let end = if separator == '[' { "]" } else { "" };
            for (at, item) in list.items().enumerate() {
                walk(item, &format!("{place}{separator}{at}{end}"), separator, is_input, found);
            }
        }
        Shape::Map(map) => {
            for entry in map.entries() {
                walk(entry.value, &format!("{place}{separator}{}", entry.key), separator, is_input, found);
            }
        }
    }
}

/// Reports names in templates that lead nowhere: inputs that neither the file nor the task declares, outputs that tasks
/// do not declare, and what no task and no file has.
pub(super) fn check(known: &Known<'_, '_>, graph: &GraphSpec, marks: &Marks<'_>, report: &mut Report) {
    let is_whole = report.is_empty();
    for (at, (id, view)) in marks.views().enumerate() {
        // A task that could not be read as a whole may have lost its texts.
        let is_plain = graph.tasks.get(at).is_some_and(|spec| !has_templates(spec));
        if !(is_plain && is_whole) {
            check_task(known, id, view, report);
        }
    }
}

/// Reports every text of the tasks that cannot be read as a template; returns the positions of the tasks.
pub(super) fn check_texts(marks: &Marks<'_>, report: &mut Report) -> BTreeSet<usize> {
    let mut told = BTreeSet::new();
    for (at, (id, view)) in marks.views().enumerate() {
        for Templated { place, view, .. } in templated(view) {
            let text = view.scalar().map_or("", |scalar| scalar.text);
            if let Err(error) = check_template(&place, text) {
                let mark = error.at().map_or_else(|| view.mark(), |at| Inside::new(view).mark(at));
                report.add(mark, INVALID_TEMPLATE, format!("task {id}: {error}"));
                told.insert(at);
            }
        }
    }
    told
}

/// What is read of one task while its names are checked.
struct Asking<'k, 'f, 'm, 't> {
    known: &'k Known<'f, 'm>,
    id: &'k str,
    /// Inputs of the task; `None`: they could not be read.
    own: Option<BTreeSet<&'t str>>,
    told: BTreeSet<String>,
}

fn check_task<'t>(known: &Known<'_, '_>, id: &str, view: View<'t>, report: &mut Report) {
    let own: Option<BTreeSet<&'t str>> = match view.field("inputs") {
        Some(own) if own.is_merged() => None,
        Some(own) => own.map().map(|map| map.entries().map(|entry| entry.key).collect()),
        None => (!view.is_merged()).then(BTreeSet::new),
    };
    let mut asking = Asking { known, id, own, told: BTreeSet::new() };
    for Templated { view, is_input, .. } in templated(view) {
        let text = view.scalar().map_or("", |scalar| scalar.text);
        let mut inside = Inside::new(view);
        for interpolation in interpolations(text) {
            for name in &interpolation.inputs {
                asking.check_input(name, is_input, &mut inside, interpolation.at, report);
            }
            for name in &interpolation.names {
                asking.check_name(name, &mut inside, interpolation.at, report);
            }
        }
    }
}

impl Asking<'_, '_, '_, '_> {
    fn check_input(
        &mut self,
        name: &str,
        is_input: bool,
        inside: &mut Inside<'_>,
        at: usize,
        report: &mut Report,
    ) {
        let (known, id) = (self.known, self.id);
        let Some(own) = &self.own else { return };
        let is_own = own.contains(name);
        if known.has_input(name) || (is_own && !is_input) || !self.told.insert(format!("inputs.{name}")) {
            return;
        }
        let shown = quoted(name);
        let (message, hint) = if is_own {
            let message = format!(
                "an input of task {id} is filled in from input {shown} of the task, and only inputs of the file are \
                 seen there"
            );
            (message, Some("name an input of the file, or write the value out".to_owned()))
        } else {
            let names = known.inputs().chain(own.iter().copied().filter(|_| !is_input));
            let hint = report.hints.choices(name, names);
            (format!("a template of task {id} names input {shown}, which is not declared"), hint)
        };
        report.add(inside.mark(at), UNKNOWN_INPUT, message).hint(hint.unwrap_or_else(|| declare(name)));
    }

    fn check_name(&mut self, name: &NamePath, inside: &mut Inside<'_>, at: usize, report: &mut Report) {
        let known = self.known;
        let Some(unknown) = name.unknown_in_template(&|task, output| known.may_have_output(task, output))
        else {
            return;
        };
        let what = format!("a template of task {}", self.id);
        let told: Option<Told> = match unknown {
            UnknownName::Output { task: Some(task), name } => Some(known.output(&what, task, name, report)),
            UnknownName::Variable { name, .. } => {
                let meant = self.meant(name);
                Known::nowhere(INVALID_TEMPLATE, &what, &unknown, meant)
            }
            _ => Known::nowhere(INVALID_TEMPLATE, &what, &unknown, None),
        };
        if let Some((code, message, hint)) = told
            && self.told.insert(message.clone())
        {
            report.add(inside.mark(at), code, message).hint(hint);
        }
    }

    /// What a variable that does not exist was meant as.
    fn meant(&self, name: &str) -> Option<String> {
        let own = self.own.iter().flatten().copied();
        if self.known.inputs().chain(own).any(|input| input == name) {
            return Some(format!("`inputs.{name}`"));
        }
        if self.known.is_task(name) {
            return Some(format!("`tasks.{name}.result` or `tasks.{name}.outputs.NAME`"));
        }
        let meant = match name {
            "secret" | "secrets" => {
                "`run: { secrets: { VARIABLE: NAME } }` and read the environment variable: a secret is never part of \
                 a template"
            }
            "env" => "`$NAME` in a script: a template sees no environment",
            "outputs" | "result" | "status" | "error" | "outcome" | "task" => {
                "`tasks.ID.…` with the task that is meant"
            }
            "input" => "`inputs.NAME`",
            _ => return None,
        };
        Some(meant.to_owned())
    }
}
