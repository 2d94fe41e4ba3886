//! What a task waits for: the field `after`.

use std::collections::BTreeSet;
use std::sync::Arc;

use starline_types::{Dependency, DependencyId, DependencyKind, TaskId};

use crate::excerpt::quoted;
use crate::fields::{Field, Fields, What};
use crate::problem::{DUPLICATE_DEPENDENCY, INVALID_VALUE, Mark, Report, UNKNOWN_FIELD};
use crate::tree::{Entry, View};

pub(crate) const KINDS: [(&str, Option<DependencyKind>); 3] = [
    ("success", Some(DependencyKind::Success)),
    ("failure", Some(DependencyKind::Failure)),
    ("completion", Some(DependencyKind::Completion)),
];

/// An edge with its place; `None` for one that could not be read.
pub(crate) type Edge = Option<(Dependency, Mark)>;

/// Hands over the edges into a task, one after the other: there may be very many.
pub(crate) fn read(section: &Field<'_>, to: &TaskId, report: &mut Report, mut add: impl FnMut(Edge)) {
    if let Some(list) = section.value.list() {
        let mut seen = BTreeSet::new();
        for item in list.items() {
            add(listed(section, item, to, &mut seen, report));
        }
        return;
    }
    let Some(map) = section.value.map() else {
        let problem = section.wrong(section.value, "a list of ids, or a mapping from ids to kinds", report);
        if let Some(text) = section.value.scalar().and_then(|scalar| scalar.as_text()) {
            problem.hint(format!("write `after: [{}]`", quoted(text).trim_matches('`')));
        }
        return add(None);
    };
    for entry in map.entries() {
        mapped(section, &entry, to, report, &mut add);
    }
}

fn listed<'t>(
    section: &Field<'t>,
    item: View<'t>,
    to: &TaskId,
    seen: &mut BTreeSet<&'t str>,
    report: &mut Report,
) -> Edge {
    let Some(text) = item.scalar().and_then(|scalar| scalar.as_text()) else {
        let problem = section.wrong(item, "the id of a task", report);
        problem.hint("for other kinds than success write a mapping: `after: { ID: completion }`");
        return None;
    };
    let from = section.id_of(text, item.mark(), |text| TaskId::new(text), report)?;
    if !seen.insert(text) {
        let message = format!("task {to} waits for {from} twice");
        report.add(item.mark(), DUPLICATE_DEPENDENCY, message).hint("leave one out");
        return None;
    }
    Some((Dependency::success(from, to.clone()), item.mark()))
}

/// The edges from one task: one, or a list of several.
fn mapped(
    section: &Field<'_>,
    entry: &Entry<'_>,
    to: &TaskId,
    report: &mut Report,
    add: &mut impl FnMut(Edge),
) {
    let from = section.id_of(entry.key, entry.at, |text| TaskId::new(text), report);
    let what = What::named("after of task", to.as_str());
    let field = |at, value| Field { name: entry.key, at, value, what };
    let mut edge = |at, value| {
        let (kind, id, note) = asked(&field(at, value), report)?;
        Some((Dependency { id, from: from.clone()?, to: to.clone(), kind, note }, at))
    };
    let Some(list) = entry.value.list() else { return add(edge(entry.at, entry.value)) };
    if list.items().next().is_none() {
        let problem = field(entry.at, entry.value).wrong(entry.value, "at least one dependency", report);
        problem.hint("write what is asked of the task: `success`, `failure`, `completion` or `{ when: … }`");
        return add(None);
    }
    for item in list.items() {
        add(edge(item.mark(), item));
    }
}

/// What to do about a text that is no condition.
pub(super) fn condition_hint(text: &str) -> &'static str {
    if text.contains("{{") {
        "leave the braces out: a condition is an expression by itself"
    } else if text.contains(" = ") {
        "compare with `==`"
    } else {
        "write an expression such as `outputs.total > 100` or `status == 'failed'`"
    }
}

/// What is asked of the source, with the id and the note of the edge.
type Asked = (DependencyKind, Option<DependencyId>, Option<Arc<str>>);

/// A kind, or a mapping with a kind or a condition.
fn asked(field: &Field<'_>, report: &mut Report) -> Option<Asked> {
    if field.value.map().is_none() {
        return Some((field.word(&KINDS, report)?, None, None));
    }
    let what = What::named("dependency on", field.name);
    let mut fields = Fields::read(field.value, field.at, what, report)?;
    let (when, kind) = (fields.take("when"), fields.take("kind"));
    let (id, note) = (fields.take("id"), fields.take("note"));
    if let Some(field) = fields.alias("if") {
        let message = format!("{what} has no field `if`");
        report.add(field.at, UNKNOWN_FIELD, message).hint("a condition is called `when`");
    }
    fields.close(report);
    let note = note.and_then(|field| field.text(report)).map(Arc::from);
    let id = match id {
        Some(field) => Some(field.id(|text| DependencyId::new(text), report)?),
        None => None,
    };
    let kind = match (when, kind) {
        (Some(when), None) => DependencyKind::When(Arc::from(when.text(report)?)),
        (None, Some(kind)) => kind.word(&KINDS, report)?,
        (None, None) => DependencyKind::Success,
        (Some(_), Some(kind)) => {
            let message = format!("{what} has both `when` and `kind`");
            report.add(kind.at, INVALID_VALUE, message).hint("leave one out");
            return None;
        }
    };
    Some((kind, id, note))
}
