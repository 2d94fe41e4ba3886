//! Conditions of a file: that each can be read, and that what it reads can be there.

use std::collections::BTreeSet;

use starline_graph::{UnknownName, condition_names};
use starline_types::{DependencyKind, GraphSpec};

use super::after::condition_hint;
use super::checked::Marks;
use super::known::{Known, Told};
use crate::excerpt::quoted;
use crate::problem::{INVALID_CONDITION, Report};
use crate::tree::{Entry, View};

/// Reports conditions that cannot be read and names in them that lead nowhere, of every dependency that the file has.
pub(super) fn check(known: &Known<'_, '_>, graph: &GraphSpec, marks: &Marks<'_>, report: &mut Report) {
    // Of dependencies that could not be read, there may be more.
    let has_some = graph.dependencies.iter().any(|edge| matches!(edge.kind, DependencyKind::When(_)));
    if !has_some && report.is_empty() {
        return;
    }
    for (task, view) in marks.views() {
        for source in view.field("after").and_then(View::map).into_iter().flat_map(|map| map.entries()) {
            for when in asked(&source) {
                check_one(known, task, source.key, when, report);
            }
        }
    }
}

/// The conditions over one task.
fn asked<'t>(source: &Entry<'t>) -> impl Iterator<Item = View<'t>> {
    let several = source.value.list().into_iter().flat_map(|list| list.items());
    let one = source.value.map().map(|_| source.value);
    one.into_iter().chain(several).filter_map(|asked| asked.field("when"))
}

fn check_one(known: &Known<'_, '_>, task: &str, source: &str, when: View<'_>, report: &mut Report) {
    let Some(text) = when.scalar().and_then(|scalar| scalar.as_text()) else { return };
    let names = match condition_names(text) {
        Ok(names) => names,
        Err(error) => {
            let message = format!("dependency {source} -> {task}: {error}");
            report.add(when.mark(), INVALID_CONDITION, message).hint(condition_hint(text));
            return;
        }
    };
    let what = format!("the condition of task {task} on task {source}");
    let mut told = BTreeSet::new();
    for name in &names {
        let unknown = name.unknown_in_condition(&|output| known.may_have_output(source, output), &|input| {
            known.has_input(input)
        });
        let Some(unknown) = unknown else { continue };
        let (code, message, hint): Told = match unknown {
            UnknownName::Output { name, .. } => known.output(&what, source, name, report),
            UnknownName::Input { name } => known.input(&what, name, report),
            unknown => {
                let meant = match unknown {
                    UnknownName::Variable { name, .. } => meant(known, source, name),
                    _ => None,
                };
                let Some(told) = Known::nowhere(INVALID_CONDITION, &what, &unknown, meant) else { continue };
                told
            }
        };
        if told.insert(message.clone()) {
            report.add(when.mark(), code, message).hint(hint);
        }
    }
}

/// What a variable that does not exist was meant as.
fn meant(known: &Known<'_, '_>, source: &str, name: &str) -> Option<String> {
    if known.declares(source, name) {
        return Some(quoted(&format!("outputs.{name}")));
    }
    if known.inputs().any(|input| input == name) {
        return Some(quoted(&format!("inputs.{name}")));
    }
    (name == "tasks")
        .then(|| "`outcome`: a condition sees the task that it waits for, and no other".to_owned())
}

/// Reports what is wrong with a condition over whatever task has just ended: its outputs may be any, and it sees no
/// inputs.
pub(super) fn check_rule(what: &str, when: View<'_>, text: &str, report: &mut Report) {
    let Ok(names) = condition_names(text) else { return };
    for name in &names {
        let Some(unknown) = name.unknown_in_condition(&|_| true, &|_| false) else { continue };
        let told = match &unknown {
            UnknownName::Input { name } => {
                let message = format!("`when` of {what} reads input {}, and rules see none", quoted(name));
                (INVALID_CONDITION, message, "compare with a value written out".to_owned())
            }
            unknown => {
                let what = format!("`when` of {what}");
                match Known::nowhere(INVALID_CONDITION, &what, unknown, None) {
                    Some(told) => told,
                    None => continue,
                }
            }
        };
        let (code, message, hint) = told;
        report.add(when.mark(), code, message).hint(hint);
    }
}
