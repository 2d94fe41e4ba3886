//! Dependencies of edits: how they are named, and what they ask.

use std::sync::Arc;

use starline_types::{Dependency, DependencyId, DependencyKind, DependencyRef, TaskId};

use crate::fields::{Field, Fields, What};
use crate::file::KINDS;
use crate::problem::{INVALID_VALUE, MISSING_FIELD, Report};

/// A dependency as far as it is given.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Given {
    pub(super) id: Option<DependencyId>,
    pub(super) from: TaskId,
    pub(super) to: TaskId,
    pub(super) kind: Option<DependencyKind>,
    pub(super) note: Option<Arc<str>>,
}

impl Given {
    /// A new dependency.
    pub(super) fn whole(self) -> Dependency {
        let Self { id, from, to, kind, note } = self;
        Dependency { id, from, to, kind: kind.unwrap_or_default(), note: written(note) }
    }
}

/// An empty note is none.
pub(super) fn written(note: Option<Arc<str>>) -> Option<Arc<str>> {
    note.filter(|note| !note.is_empty())
}

/// Reads `{ id, from, to, kind, note }`.
pub(super) fn given(mut fields: Fields<'_>, report: &mut Report) -> Option<Given> {
    let id = fields.take("id").map(|field| field.id(|text| DependencyId::new(text), report));
    let from = fields.need("from", "write the id of the task that must end", report);
    let from = from.and_then(|field| field.id(|text| TaskId::new(text), report));
    let to = fields.need("to", "write the id of the task that waits", report);
    let to = to.and_then(|field| field.id(|text| TaskId::new(text), report));
    let (kind, note) = terms(&mut fields, report);
    fields.close(report);
    Some(Given { id: id.flatten(), from: from?, to: to?, kind, note })
}

/// Reads what a dependency asks, and its note.
pub(super) fn terms(
    fields: &mut Fields<'_>,
    report: &mut Report,
) -> (Option<DependencyKind>, Option<Arc<str>>) {
    let kind = fields.take("kind").and_then(|field| kind(&field, report));
    let note = fields.take("note").and_then(|field| field.text(report)).map(Arc::from);
    (kind, note)
}

/// Reads a kind: a word, `{ when: EXPRESSION }`, or `when(EXPRESSION)` as kinds are shown.
pub(super) fn kind(field: &Field<'_>, report: &mut Report) -> Option<DependencyKind> {
    if field.value.map().is_some() {
        let what = What::new("a kind");
        let mut fields = Fields::read(field.value, field.at, what, report)?;
        let when = fields.need("when", "write `{ when: EXPRESSION }`", report);
        let when = when.and_then(|field| field.text(report));
        fields.close(report);
        return when.map(|text| DependencyKind::When(Arc::from(text)));
    }
    let text = field.value.scalar().and_then(|scalar| scalar.as_text());
    match text.and_then(|text| text.strip_prefix("when(")?.strip_suffix(')')) {
        Some(condition) => Some(DependencyKind::When(Arc::from(condition))),
        None => field.word(&KINDS, report),
    }
}

/// Reads which dependency is meant: `id`, or `from` and `to`.
pub(super) fn reference(fields: &mut Fields<'_>, op: &str, report: &mut Report) -> Option<DependencyRef> {
    let (id, from, to) = (fields.take("id"), fields.take("from"), fields.take("to"));
    if let Some(id) = id {
        for end in [from, to].into_iter().flatten() {
            let message = format!("{op} has both `id` and `{}`", end.name);
            report.add(end.at, INVALID_VALUE, message).hint("write `id`, or `from` and `to`");
        }
        return id.id(|text| DependencyId::new(text), report).map(|id| DependencyRef::Id { id });
    }
    if from.is_none() && to.is_none() {
        fields.miss_any("names no dependency", "write `id`, or `from` and `to`", report);
        return None;
    }
    for (end, name) in [(from, "from"), (to, "to")] {
        if end.is_none() {
            fields.miss(name, "write `id`, or `from` and `to`", report);
        }
    }
    let from = from.and_then(|field| field.id(|text| TaskId::new(text), report));
    let to = to.and_then(|field| field.id(|text| TaskId::new(text), report));
    Some(DependencyRef::Ends { from: from?, to: to? })
}

impl Fields<'_> {
    /// Reports that something is missing which several fields can say.
    fn miss_any(&self, message: &str, hint: &str, report: &mut Report) {
        report.add(self.place(), MISSING_FIELD, format!("{} {message}", self.what())).hint(hint);
    }
}
