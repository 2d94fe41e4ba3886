//! The words of Galaxy, in any case.

use starline_types::RunState;

use crate::fields::Field;
use crate::nearest;
use crate::problem::{Report, UNKNOWN_ENUM};
use crate::tree::Meaning;

/// What an edge asks of its source, as Galaxy says it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum LineKind {
    Unconditional,
    Conditional,
    SuccessOnly,
    CompletionOnly,
}

/// State of a task, as Galaxy says it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Status {
    #[default]
    Pending,
    Running,
    Completed,
    Failed,
    Cancelled,
}

pub(super) const LINE_KINDS: [(&str, LineKind); 4] = [
    ("unconditional", LineKind::Unconditional),
    ("conditional", LineKind::Conditional),
    ("success_only", LineKind::SuccessOnly),
    ("completion_only", LineKind::CompletionOnly),
];

pub(super) const STATUSES: [(&str, Status); 6] = [
    ("pending", Status::Pending),
    ("running", Status::Running),
    ("completed", Status::Completed),
    ("failed", Status::Failed),
    ("cancelled", Status::Cancelled),
    ("waiting_dependency", Status::Pending),
];

pub(super) const STATES: [(&str, RunState); 7] = [
    ("created", RunState::Created),
    ("ready", RunState::Ready),
    ("executing", RunState::Executing),
    ("completed", RunState::Completed),
    ("failed", RunState::Failed),
    ("partially_failed", RunState::PartiallyFailed),
    ("cancelled", RunState::Cancelled),
];

/// Kinds of devices: operating systems first, then what a device must be capable of.
pub(super) const DEVICE_TYPES: [(&str, &str); 7] = [
    ("windows", "windows"),
    ("macos", "macos"),
    ("linux", "linux"),
    ("android", "android"),
    ("ios", "ios"),
    ("web", "web"),
    ("api", "api"),
];

/// Whether a kind of device is a capability and no operating system.
pub(crate) fn is_capability(device_type: &str) -> bool {
    matches!(device_type, "web" | "api")
}

/// The word for a value.
pub(super) fn written<T: Copy + PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    words.iter().find(|(_, known)| *known == value).map_or("", |(word, _)| word)
}

/// The value of a word, if it is one.
pub(super) fn read<T: Copy>(words: &[(&'static str, T)], text: &str) -> Option<T> {
    words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, value)| *value)
}

/// One of a few words, in any case.
pub(super) fn field<T: Copy>(
    field: &Field<'_>,
    words: &[(&'static str, T)],
    report: &mut Report,
) -> Option<T> {
    let scalar = field.value.scalar().filter(|scalar| scalar.meaning() == Meaning::Text);
    let Some(scalar) = scalar else {
        field.wrong(field.value, "a text", report);
        return None;
    };
    let found = read(words, scalar.text);
    if found.is_none() {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let message = format!("`{}` of {} is {}", field.name, field.what, field.value.found());
        let problem = report.add(field.value.mark(), UNKNOWN_ENUM, message);
        problem.hint = nearest::choices(scalar.text, &names);
    }
    found
}
