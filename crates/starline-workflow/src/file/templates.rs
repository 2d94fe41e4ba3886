//! Texts of a task that are templates: where they stand, and whether the inputs that they name exist.

use std::collections::BTreeSet;

use starline_graph::{has_templates, interpolations};
use starline_types::{GraphSpec, TaskSpec};

use super::Input;
use super::checked::Marks;
use super::sent::sent;
use crate::excerpt::quoted;
use crate::problem::{Report, UNKNOWN_INPUT};
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

/// The texts of a task that are templates.
pub(super) fn templated(task: View<'_>) -> Vec<Templated<'_>> {
    let mut found = Vec::new();
    let mut walk =
        |value, place: &str, separator, is_input| walk(value, place, separator, is_input, &mut found);
    for entry in task.field("run").and_then(View::map).into_iter().flat_map(|map| map.entries()) {
        match entry.key {
            "exec" => walk(entry.value, "exec", '[', false),
            "env" => walk(entry.value, "env", ' ', false),
            name if RUN.contains(&name) => walk(entry.value, name, '/', false),
            _ => {}
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

/// Reports each input that templates name, and that neither the file nor the task declares.
///
/// `declared` is `None` if the inputs of the file could not be read.
pub(super) fn check(declared: Option<&[Input]>, graph: &GraphSpec, marks: &Marks<'_>, report: &mut Report) {
    let Some(declared) = declared else { return };
    let declared: BTreeSet<&str> = declared.iter().map(|input| input.name.as_str()).collect();
    for (at, spec) in graph.tasks.iter().enumerate().filter(|(_, spec)| has_templates(spec)) {
        if let Some((_, view)) = marks.task_at(at) {
            check_task(spec, view, &declared, report);
        }
    }
}

fn check_task(spec: &TaskSpec, view: View<'_>, declared: &BTreeSet<&str>, report: &mut Report) {
    let own = view.field("inputs");
    if own.is_some_and(|own| own.map().is_none()) {
        return;
    }
    let own: BTreeSet<&str> =
        own.and_then(View::map).into_iter().flat_map(|map| map.entries()).map(|entry| entry.key).collect();
    let mut told = BTreeSet::new();
    for Templated { view, is_input, .. } in templated(view) {
        let text = view.scalar().map_or("", |scalar| scalar.text);
        let mut inside = Inside::new(view);
        for interpolation in interpolations(text) {
            for name in interpolation.inputs {
                let is_own = own.contains(name.as_str());
                if declared.contains(name.as_str()) || (is_own && !is_input) || !told.insert(name.clone()) {
                    continue;
                }
                let (shown, id) = (quoted(&name), &spec.id);
                let (message, hint) = if is_own {
                    let message = format!(
                        "an input of task {id} is filled in from input {shown} of the task, and only inputs of the \
                         file are seen there"
                    );
                    (message, Some("name an input of the file, or write the value out".to_owned()))
                } else {
                    let names = declared.iter().chain(own.iter().filter(|_| !is_input)).copied();
                    let hint = report.hints.choices(&name, names);
                    (format!("a template of task {id} names input {shown}, which is not declared"), hint)
                };
                let declare = || {
                    format!("declare it at the top of the file: `inputs: {{ {name}: {{ type: string }} }}`")
                };
                let mark = inside.mark(interpolation.at);
                report.add(mark, UNKNOWN_INPUT, message).hint(hint.unwrap_or_else(declare));
            }
        }
    }
}
