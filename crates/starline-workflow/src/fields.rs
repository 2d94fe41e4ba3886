//! Reads the fields of a mapping, and reports every one that is wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use starline_types::{Millis, Value};

use crate::amount;
use crate::excerpt::quoted;
use crate::nearest;
use crate::problem::{
    INVALID_ID, INVALID_VALUE, MISSING_FIELD, Mark, Problem, Report, UNKNOWN_FIELD, UNSUPPORTED_FIELD,
};
use crate::tree::{Entry, Meaning, Shape, View, meaning};

/// What a mapping describes, for messages: `task scan`, `retry of task scan`, `defaults`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct What<'t> {
    part: &'static str,
    name: &'t str,
}

impl<'t> What<'t> {
    pub(crate) fn new(part: &'static str) -> Self {
        Self { part, name: "" }
    }

    pub(crate) fn named(part: &'static str, name: &'t str) -> Self {
        Self { part, name }
    }

    /// The name alone.
    pub(crate) fn name(self) -> &'t str {
        self.name
    }
}

impl fmt::Display for What<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.part)?;
        if self.name.is_empty() { Ok(()) } else { write!(f, " {}", quoted(self.name).trim_matches('`')) }
    }
}

/// The fields of a mapping that nobody has asked for yet.
///
/// Asking for a field makes its name known, so that the names a mistake is compared with are those that are read.
#[derive(Debug)]
pub(crate) struct Fields<'t> {
    what: What<'t>,
    at: Mark,
    left: Vec<Option<Entry<'t>>>,
    known: Vec<&'static str>,
    /// Whether there was a merge key, so that nobody knows what is missing.
    is_merged: bool,
}

/// One field with its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'t> {
    pub(crate) name: &'t str,
    pub(crate) at: Mark,
    pub(crate) value: View<'t>,
    pub(crate) what: What<'t>,
}

impl<'t> Fields<'t> {
    /// The fields of a mapping; problems that have no place of their own are reported at `at`.
    pub(crate) fn read(value: View<'t>, at: Mark, what: What<'t>, report: &mut Report) -> Option<Self> {
        let Some(map) = value.map() else {
            let message = format!("{what} is {}, expected a mapping", value.found());
            report.add(value.mark(), INVALID_VALUE, message);
            return None;
        };
        let left = map.entries().map(Some).collect();
        Some(Self { what, at, left, known: Vec::new(), is_merged: value.is_merged() })
    }

    /// The fields of a section; whoever wrote something else is shown an example.
    pub(crate) fn of(
        section: &Field<'t>,
        what: What<'t>,
        example: &str,
        report: &mut Report,
    ) -> Option<Self> {
        if section.value.map().is_none() {
            let message = format!("{what} is {}, expected a mapping", section.value.found());
            report.add(section.value.mark(), INVALID_VALUE, message).hint(format!("write `{example}`"));
            return None;
        }
        Self::read(section.value, section.at, what, report)
    }

    /// The field of a name, once.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<Field<'t>> {
        self.known.push(name);
        self.remove(name)
    }

    /// The field under the name that another program has for it. Hints do not offer such names.
    pub(crate) fn alias(&mut self, name: &str) -> Option<Field<'t>> {
        self.remove(name)
    }

    /// The field of a name, or of the name that another program has for it; not both.
    pub(crate) fn take_or(
        &mut self,
        name: &'static str,
        alias: &str,
        report: &mut Report,
    ) -> Option<Field<'t>> {
        let (own, alias) = (self.take(name), self.alias(alias));
        if let (Some(_), Some(alias)) = (own, alias) {
            alias.beside(name, report);
        }
        own.or(alias)
    }

    fn remove(&mut self, name: &str) -> Option<Field<'t>> {
        let slot = self.left.iter_mut().find(|slot| slot.is_some_and(|entry| entry.key == name))?;
        slot.take().map(|Entry { key, at, value }| Field { name: key, at, value, what: self.what })
    }

    /// The field of a name, which must be there.
    pub(crate) fn need(&mut self, name: &'static str, hint: &str, report: &mut Report) -> Option<Field<'t>> {
        let field = self.take(name);
        if field.is_none() {
            self.miss(name, hint, report);
        }
        field
    }

    /// Whether fields may be meant to be there that are not: a merge key was refused.
    pub(crate) fn is_merged(&self) -> bool {
        self.is_merged
    }

    /// Reports that a field is missing, unless a merge key was to bring it.
    pub(crate) fn miss(&self, name: &str, hint: &str, report: &mut Report) {
        if self.is_merged {
            return;
        }
        let message = format!("{} has no `{name}`", self.what);
        report.add(self.at, MISSING_FIELD, message).hint(hint);
    }

    /// The field of a name, left for whoever asks for it.
    pub(crate) fn peek(&self, name: &str) -> Option<Field<'t>> {
        let entry = self.left.iter().flatten().find(|entry| entry.key == name)?;
        Some(Field { name: entry.key, at: entry.at, value: entry.value, what: self.what })
    }

    /// Where problems without a place of their own are told.
    pub(crate) fn place(&self) -> Mark {
        self.at
    }

    /// What the mapping describes.
    pub(crate) fn what(&self) -> What<'t> {
        self.what
    }

    /// Refuses fields that the format has and this version does not read.
    pub(crate) fn refuse(&mut self, names: &[&str], report: &mut Report) {
        for name in names {
            if let Some(field) = self.remove(name) {
                field.unsupported(report);
            }
        }
    }

    /// Takes out those of some names, where they are no mistake. Hints do not offer such names.
    pub(crate) fn leave_out(&mut self, fits: impl Fn(&Entry<'t>) -> bool) -> Vec<Entry<'t>> {
        let slots = self.left.iter_mut().filter(|slot| slot.as_ref().is_some_and(&fits));
        slots.filter_map(Option::take).collect()
    }

    /// The fields that nobody asked for, where they are no mistake.
    pub(crate) fn rest(self) -> impl Iterator<Item = Entry<'t>> {
        self.left.into_iter().flatten()
    }

    /// Refuses fields that belong into one of the others.
    pub(crate) fn displaced(&mut self, names: &[&str], owner: &str, report: &mut Report) {
        for name in names {
            if let Some(field) = self.remove(name) {
                let message = format!("{} has no field `{name}`", self.what);
                report.add(field.at, UNKNOWN_FIELD, message).hint(format!("write it inside `{owner}`"));
            }
        }
    }

    /// Reports the fields that nobody asked for.
    pub(crate) fn close(self, report: &mut Report) {
        for entry in self.left.into_iter().flatten() {
            let message = format!("{} has no field {}", self.what, quoted(entry.key));
            let hint = if report.keeps() {
                report.hints.choices(entry.key, self.known.iter().copied())
            } else {
                None
            };
            report.add(entry.at, UNKNOWN_FIELD, message).hint = hint;
        }
    }
}

impl<'t> Field<'t> {
    /// Reports that this version does not read the field.
    pub(crate) fn unsupported(&self, report: &mut Report) {
        let message = format!("`{}` of {} is not supported by this version", self.name, self.what);
        report.add(self.at, UNSUPPORTED_FIELD, message).hint("leave it out");
    }

    /// Reports that the field stands beside the one it is another name for.
    pub(crate) fn beside(&self, own: &str, report: &mut Report) {
        let message =
            format!("`{}` of {} is another name for `{own}`, which is there too", self.name, self.what);
        report.add(self.at, INVALID_VALUE, message).hint(format!("leave `{}` out", self.name));
    }

    /// Reports that a value within the field is not what it should be.
    pub(crate) fn wrong<'r>(&self, at: View<'t>, expected: &str, report: &'r mut Report) -> &'r mut Problem {
        let message = format!("`{}` of {} is {}, expected {expected}", self.name, self.what, at.found());
        report.add(at.mark(), INVALID_VALUE, message)
    }

    /// A value within the field as a text.
    pub(crate) fn text_at(&self, value: View<'t>, report: &mut Report) -> Option<&'t str> {
        let text = value.scalar().and_then(|scalar| scalar.as_text());
        if text.is_none() {
            let problem = self.wrong(value, "a text", report);
            problem.hint(match value.shape() {
                Shape::Map(_) => "put a text that begins with `{` in quotes",
                Shape::Scalar(scalar) if scalar.text.is_empty() => "give it a value, or leave it out",
                Shape::Scalar(_) | Shape::List(_) => "put it in quotes if it is meant as a text",
            });
        }
        text
    }

    pub(crate) fn text(&self, report: &mut Report) -> Option<&'t str> {
        self.text_at(self.value, report)
    }

    pub(crate) fn string(&self, report: &mut Report) -> Option<String> {
        let text = self.text(report)?;
        report.takes(self.value.mark(), text.len()).then(|| text.to_owned())
    }

    /// A list of texts.
    pub(crate) fn texts(&self, report: &mut Report) -> Option<Vec<String>> {
        let Some(list) = self.value.list() else {
            let problem = self.wrong(self.value, "a list of texts", report);
            if let Some(text) = self.value.scalar().and_then(|scalar| scalar.as_text()) {
                problem.hint(format!("write `{}: [{}]`", self.name, quoted(text).trim_matches('`')));
            }
            return None;
        };
        let text = |view: View<'_>| view.scalar().map_or(0, |scalar| scalar.text.len());
        let bytes = list.items().map(|item| size_of::<String>() + text(item)).sum();
        if !report.takes(self.value.mark(), bytes) {
            return None;
        }
        Some(list.items().filter_map(|item| self.text_at(item, report)).map(str::to_owned).collect())
    }

    /// A mapping from names to texts.
    pub(crate) fn named_texts(&self, report: &mut Report) -> Option<BTreeMap<String, String>> {
        let Some(map) = self.value.map() else {
            self.wrong(self.value, "a mapping from names to texts", report);
            return None;
        };
        let text = |view: View<'_>| view.scalar().map_or(0, |scalar| scalar.text.len());
        let texts: usize = map.entries().map(|entry| text(entry.value)).sum();
        if !report.takes(self.value.mark(), map.bytes(size_of::<String>()) + texts) {
            return None;
        }
        let entries = map
            .entries()
            .filter_map(|entry| Some((entry.key.to_owned(), self.text_at(entry.value, report)?.to_owned())));
        Some(entries.collect())
    }

    /// A mapping from names to any values.
    pub(crate) fn named_values(&self, report: &mut Report) -> Option<BTreeMap<String, Value>> {
        let Some(map) = self.value.map() else {
            self.wrong(self.value, "a mapping", report);
            return None;
        };
        if !report.takes(self.value.mark(), map.bytes(size_of::<Value>())) {
            return None;
        }
        Some(map.entries().map(|entry| (entry.key.to_owned(), entry.value.json(report))).collect())
    }

    /// An id.
    pub(crate) fn id<T>(
        &self,
        new: fn(&str) -> Result<T, starline_types::IdError>,
        report: &mut Report,
    ) -> Option<T> {
        let text = self.text(report)?;
        self.id_of(text, self.value.mark(), new, report)
    }

    pub(crate) fn id_of<T>(
        &self,
        text: &str,
        at: Mark,
        new: fn(&str) -> Result<T, starline_types::IdError>,
        report: &mut Report,
    ) -> Option<T> {
        match new(text) {
            Ok(id) => Some(id),
            Err(error) => {
                report.add(at, INVALID_ID, format!("`{}` of {}: {error}", self.name, self.what));
                None
            }
        }
    }

    fn meaning(&self) -> Option<Meaning> {
        self.value.scalar().map(|scalar| scalar.meaning())
    }

    pub(crate) fn boolean(&self, report: &mut Report) -> Option<bool> {
        if let Some(Meaning::Bool(value)) = self.meaning() {
            return Some(value);
        }
        self.wrong(self.value, "true or false", report);
        None
    }

    /// A whole number from `min` up.
    pub(crate) fn whole(&self, min: u32, report: &mut Report) -> Option<u32> {
        self.count(u64::from(min)..=u64::from(u32::MAX), report).and_then(|number| u32::try_from(number).ok())
    }

    /// A whole number within bounds.
    pub(crate) fn count(&self, within: RangeInclusive<u64>, report: &mut Report) -> Option<u64> {
        let number = match self.meaning() {
            Some(Meaning::Number(number)) => number.as_u64(),
            _ => None,
        };
        let fitting = number.filter(|number| within.contains(number));
        if fitting.is_none() {
            let (min, max) = within.into_inner();
            let most = if max < u64::from(u32::MAX) { format!("to {max}") } else { "up".to_owned() };
            self.wrong_number(&format!("a whole number from {min} {most}"), report);
        }
        fitting
    }

    /// Reports that the value is not the number that it should be.
    fn wrong_number(&self, expected: &str, report: &mut Report) {
        let problem = self.wrong(self.value, expected, report);
        let scalar = self.value.scalar().filter(|scalar| scalar.meaning() == Meaning::Text);
        if scalar.is_some_and(|scalar| matches!(meaning(scalar.text), Meaning::Number(_))) {
            problem.hint("leave the quotes out");
        }
    }

    /// A finite number.
    pub(crate) fn number(&self, report: &mut Report) -> Option<f64> {
        let number = match self.meaning() {
            Some(Meaning::Number(number)) => number.as_f64(),
            _ => None,
        };
        if number.is_none() {
            self.wrong_number("a number", report);
        }
        number
    }

    /// An amount: a whole number, or a size such as `32GiB` in bytes.
    pub(crate) fn amount(&self, report: &mut Report) -> Option<u64> {
        self.amount_as("a whole number or a size such as 512MiB, 32GiB or 10MB", report)
    }

    /// An amount, called something else if it is none.
    pub(crate) fn amount_as(&self, expected: &str, report: &mut Report) -> Option<u64> {
        let amount = self.value.scalar().and_then(|scalar| match scalar.meaning() {
            Meaning::Number(number) => number.as_u64(),
            Meaning::Text => amount::read(scalar.text),
            Meaning::Null | Meaning::Bool(_) | Meaning::Unbounded => None,
        });
        if amount.is_none() {
            self.wrong(self.value, expected, report);
        }
        amount
    }

    pub(crate) fn duration(&self, report: &mut Report) -> Option<Millis> {
        let scalar = self.value.scalar();
        let span = scalar.and_then(|scalar| scalar.as_text()).and_then(|text| text.parse().ok());
        if span.is_none() {
            let expected = "a time with its unit, such as 500ms, 2.5s, 30s, 2m or 1h";
            let problem = self.wrong(self.value, expected, report);
            if let Some(scalar) = scalar.filter(|scalar| matches!(meaning(scalar.text), Meaning::Number(_))) {
                problem.hint(format!("write `{}s` if these are seconds", scalar.text));
            }
        }
        span
    }

    /// A duration that is more than nothing and at most `longest`.
    pub(crate) fn wait(&self, longest: Millis, report: &mut Report) -> Option<Millis> {
        let span = self.duration(report)?;
        if (1..=longest.0).contains(&span.0) {
            return Some(span);
        }
        let most = if longest.0 < u64::MAX { format!(" and at most {longest}") } else { String::new() };
        self.wrong(self.value, &format!("more than no time{most}"), report);
        None
    }

    /// A duration, or `none` for no limit.
    pub(crate) fn limit(&self, report: &mut Report) -> Option<Option<Millis>> {
        match self.value.scalar() {
            Some(scalar) if scalar.text == "none" => Some(None),
            _ => self.duration(report).map(Some),
        }
    }

    /// One of a few words. Words without a value exist in the format, and not in this version.
    pub(crate) fn word<T: Clone>(&self, words: &[(&str, Option<T>)], report: &mut Report) -> Option<T> {
        let text = self.value.scalar().and_then(|scalar| scalar.as_text());
        match words.iter().find(|(word, _)| Some(*word) == text) {
            Some((_, Some(value))) => Some(value.clone()),
            Some((word, None)) => {
                let message =
                    format!("`{}: {word}` of {} is not supported by this version", self.name, self.what);
                let problem = report.add(self.value.mark(), UNSUPPORTED_FIELD, message);
                problem.hint(format!("use one of {}", supported(words).join(", ")));
                None
            }
            None => {
                let valid = supported(words);
                let hinted = report.keeps();
                let problem = self.wrong(self.value, &format!("one of {}", valid.join(", ")), report);
                problem.hint = hinted.then(|| nearest::meant(text.unwrap_or_default(), &valid)).flatten();
                None
            }
        }
    }
}

fn supported<'w, T>(words: &[(&'w str, Option<T>)]) -> Vec<&'w str> {
    words.iter().filter(|(_, value)| value.is_some()).map(|(word, _)| *word).collect()
}
