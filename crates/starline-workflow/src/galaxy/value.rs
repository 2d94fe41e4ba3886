//! Values of fields, as strictly as Galaxy has them: null is no value, a number is no text.

use std::collections::BTreeMap;

use starline_types::Value;

use super::document::Times;
use super::moment;
use crate::fields::{Field, Fields};
use crate::problem::{INVALID_VALUE, Report};
use crate::tree::{Meaning, Shape, View};

/// A field that is there, or null, or not there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Given<T> {
    Missing,
    Null,
    Value(T),
}

impl<T> Given<T> {
    pub(super) fn value(self) -> Option<T> {
        if let Self::Value(value) = self { Some(value) } else { None }
    }

    /// The value, a default if the field is not there; none for null.
    pub(super) fn or_missing(self, default: T) -> Option<T> {
        match self {
            Self::Missing => Some(default),
            Self::Null => None,
            Self::Value(value) => Some(value),
        }
    }
}

pub(super) fn is_null(view: View<'_>) -> bool {
    matches!(view.shape(), Shape::Scalar(scalar) if scalar.meaning() == Meaning::Null)
}

/// The field of a name, unless it is null.
pub(super) fn take<'t>(fields: &mut Fields<'t>, name: &'static str) -> Given<Field<'t>> {
    match fields.take(name) {
        None => Given::Missing,
        Some(field) if is_null(field.value) => Given::Null,
        Some(field) => Given::Value(field),
    }
}

fn text_of(view: View<'_>) -> Option<&str> {
    view.scalar().filter(|scalar| scalar.meaning() == Meaning::Text).map(|scalar| scalar.text)
}

/// A text and nothing that merely looks like one.
pub(super) fn text_at<'t>(field: &Field<'t>, view: View<'t>, report: &mut Report) -> Option<&'t str> {
    let text = text_of(view);
    if text.is_none() {
        field.wrong(view, "a text", report);
    }
    text
}

pub(super) fn text<'t>(
    fields: &mut Fields<'t>,
    name: &'static str,
    report: &mut Report,
) -> Given<(&'t str, Field<'t>)> {
    match take(fields, name) {
        Given::Missing => Given::Missing,
        Given::Null => Given::Null,
        Given::Value(field) => match text_at(&field, field.value, report) {
            Some(text) => Given::Value((text, field)),
            // The problem is told; what is made of the rest does not count.
            None => Given::Missing,
        },
    }
}

pub(super) fn string(fields: &mut Fields<'_>, name: &'static str, report: &mut Report) -> Given<String> {
    match text(fields, name, report) {
        Given::Missing => Given::Missing,
        Given::Null => Given::Null,
        Given::Value((text, _)) => Given::Value(text.to_owned()),
    }
}

/// A list of texts, or one text.
pub(super) fn texts(field: &Field<'_>, report: &mut Report) -> Vec<String> {
    if let Some(text) = text_of(field.value) {
        return vec![text.to_owned()];
    }
    let Some(list) = field.value.list() else {
        field.wrong(field.value, "a list of texts, or one text", report);
        return Vec::new();
    };
    let bytes =
        list.items().filter_map(View::scalar).map(|scalar| 2 * size_of::<String>() + scalar.text.len());
    if !report.takes(field.value.mark(), COPIES * bytes.sum::<usize>()) {
        return Vec::new();
    }
    list.items().filter_map(|item| text_at(field, item, report)).map(str::to_owned).collect()
}

/// As how many times its size a value counts: it is in the file as read, in the graph, and in those that starline
/// compares.
const COPIES: usize = 4;

/// A value as JSON, with what its copies will take.
pub(super) fn json(view: View<'_>, report: &mut Report) -> Value {
    let before = report.taken();
    let value = view.json(report);
    let bytes = report.taken() - before;
    if report.takes(view.mark(), (COPIES - 1) * bytes) { value } else { Value::Null }
}

/// Members by name; null is none.
pub(super) fn members(
    fields: &mut Fields<'_>,
    name: &'static str,
    report: &mut Report,
) -> BTreeMap<String, Value> {
    let Some(field) = take(fields, name).value() else { return BTreeMap::new() };
    let Some(map) = field.value.map() else {
        field.wrong(field.value, "an object", report);
        return BTreeMap::new();
    };
    if !report.takes(field.value.mark(), COPIES * map.bytes(size_of::<Value>())) {
        return BTreeMap::new();
    }
    map.entries().map(|entry| (entry.key.to_owned(), json(entry.value, report))).collect()
}

/// A finite number.
pub(super) fn number(field: &Field<'_>, expected: &str, report: &mut Report) -> Option<f64> {
    let number = match field.value.scalar().map(|scalar| scalar.meaning()) {
        Some(Meaning::Number(number)) => number.as_f64(),
        _ => None,
    };
    if number.is_none() {
        field.wrong(field.value, expected, report);
    }
    number
}

/// A whole number from 0 up, also where it is written as `3.0`.
pub(super) fn whole(field: &Field<'_>, max: u32, report: &mut Report) -> Option<u32> {
    let expected = format!("a whole number from 0 to {max}");
    let number = number(field, &expected, report)?;
    if number < 0.0 || number.fract() != 0.0 || number > f64::from(max) {
        field.wrong(field.value, &expected, report);
        return None;
    }
    Some(number as u32)
}

/// When something was made; also when it was changed and run, if the state counts.
pub(super) fn times(fields: &mut Fields<'_>, inspect: bool, report: &mut Report) -> Times {
    let created = string(fields, "created_at", report).value();
    let updated = string(fields, "updated_at", report).value();
    let mut times = Times { updated: created.clone(), created, ..Times::default() };
    if inspect {
        times.updated = updated.or(times.updated);
    }
    times
}

/// When something ran.
pub(super) fn run_times(fields: &mut Fields<'_>, times: &mut Times, report: &mut Report) {
    times.started = moment_of(fields, "execution_start_time", report);
    times.ended = moment_of(fields, "execution_end_time", report);
    times.seconds = take(fields, "execution_duration")
        .value()
        .and_then(|field| number(&field, "a number of seconds", report));
}

fn moment_of(fields: &mut Fields<'_>, name: &'static str, report: &mut Report) -> Option<String> {
    let (text, field) = text(fields, name, report).value()?;
    if moment::read(text).is_none() {
        let message = format!("`{}` of {} is {}", field.name, field.what, field.value.found());
        let problem = report.add(field.value.mark(), INVALID_VALUE, message);
        problem.hint("write a moment from 1970 on, such as 2026-01-05T08:00:00+00:00");
        return None;
    }
    Some(text.to_owned())
}
