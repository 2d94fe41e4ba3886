//! What a task waits for: the field `after`.

use std::collections::BTreeSet;
use std::sync::Arc;

use starline_types::{Dependency, DependencyKind, TaskId};

use crate::excerpt::quoted;
use crate::fields::{Field, Fields, What};
use crate::problem::{DUPLICATE_DEPENDENCY, INVALID_VALUE, Mark, Report};
use crate::tree::{Entry, View};

const KINDS: [(&str, Option<DependencyKind>); 3] = [
    ("success", Some(DependencyKind::Success)),
    ("failure", Some(DependencyKind::Failure)),
    ("completion", Some(DependencyKind::Completion)),
];

/// The edges into a task, each with its place. `None` for an edge that could not be read.
pub(super) fn read(section: &Field<'_>, to: &TaskId, report: &mut Report) -> Vec<Option<(Dependency, Mark)>> {
    if let Some(list) = section.value.list() {
        let mut seen = BTreeSet::new();
        return list.items().map(|item| listed(section, item, to, &mut seen, report)).collect();
    }
    let Some(map) = section.value.map() else {
        let problem = section.wrong(section.value, "a list of ids, or a mapping from ids to kinds", report);
        if let Some(text) = section.value.scalar().and_then(|scalar| scalar.as_text()) {
            problem.hint(format!("write `after: [{}]`", quoted(text).trim_matches('`')));
        }
        return vec![None];
    };
    map.entries().map(|entry| mapped(section, &entry, to, report)).collect()
}

fn listed<'t>(
    section: &Field<'t>,
    item: View<'t>,
    to: &TaskId,
    seen: &mut BTreeSet<&'t str>,
    report: &mut Report,
) -> Option<(Dependency, Mark)> {
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

fn mapped(
    section: &Field<'_>,
    entry: &Entry<'_>,
    to: &TaskId,
    report: &mut Report,
) -> Option<(Dependency, Mark)> {
    let from = section.id_of(entry.key, entry.at, |text| TaskId::new(text), report);
    let field = Field {
        name: entry.key,
        at: entry.at,
        value: entry.value,
        what: What::named("after of task", to.as_str()),
    };
    let (kind, note) = match entry.value.map() {
        Some(_) => conditional(&field, report)?,
        None => (field.word(&KINDS, report)?, None),
    };
    Some((Dependency { id: None, from: from?, to: to.clone(), kind, note }, entry.at))
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

/// `{ when: EXPRESSION, note: TEXT }`, or a kind with a note.
fn conditional(field: &Field<'_>, report: &mut Report) -> Option<(DependencyKind, Option<Arc<str>>)> {
    let what = What::named("dependency on", field.name);
    let mut fields = Fields::read(field.value, field.at, what, report)?;
    let (when, kind, note) = (fields.take("when"), fields.take("kind"), fields.take("note"));
    fields.close(report);
    let note = note.and_then(|field| field.text(report)).map(Arc::from);
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
    Some((kind, note))
}
