//! Retry policies: those of the defaults, changed by what a task says.

use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error, StrDeserializer};
use starline_types::{ErrorKind, Jitter, RetryPolicy};

use crate::fields::{Field, Fields, What};
use crate::problem::Report;

const JITTERS: [(&str, Option<Jitter>); 2] = [("full", Some(Jitter::Full)), ("none", Some(Jitter::None))];

/// The word for a way of drawing delays.
pub(crate) fn jitter_word(jitter: Jitter) -> &'static str {
    JITTERS.iter().find(|(_, known)| *known == Some(jitter)).map_or("full", |(word, _)| word)
}

/// A policy; what it does not say is taken from `base`.
pub(super) fn read(
    section: &Field<'_>,
    what: What<'_>,
    base: RetryPolicy,
    report: &mut Report,
) -> RetryPolicy {
    let mut policy = base;
    let Some(mut fields) = Fields::read(section.value, section.at, what, report) else { return policy };
    if let Some(max) = fields.take("max").and_then(|field| field.whole(0, report)) {
        policy.max = max;
    }
    if let Some(span) = fields.take("base").and_then(|field| field.duration(report)) {
        policy.base = span;
    }
    if let Some(factor) = fields.take("factor").and_then(|field| factor(&field, report)) {
        policy.factor = factor;
    }
    if let Some(span) = fields.take("cap").and_then(|field| field.duration(report)) {
        policy.cap = span;
    }
    if let Some(jitter) = fields.take("jitter").and_then(|field| field.word(&JITTERS, report)) {
        policy.jitter = jitter;
    }
    if let Some(kinds) = fields.take("non_retryable").and_then(|field| kinds(&field, report)) {
        policy.non_retryable = kinds;
    }
    if let Some(max) = fields.take("lost_max").and_then(|field| field.whole(0, report)) {
        policy.lost_max = max;
    }
    fields.close(report);
    policy
}

fn factor(field: &Field<'_>, report: &mut Report) -> Option<f64> {
    let factor = field.number(report)?;
    if factor < 1.0 {
        field.wrong(field.value, "a number from 1 up", report);
        return None;
    }
    Some(factor)
}

fn kinds(field: &Field<'_>, report: &mut Report) -> Option<Vec<ErrorKind>> {
    let words = field.texts(report)?;
    let mut kinds = Vec::with_capacity(words.len());
    for word in words {
        if word.is_empty() || !word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        {
            let problem = field.wrong(field.value, "a list of words such as exit_status or timeout", report);
            problem.hint("kinds of errors are written in snake case");
            return None;
        }
        let word: StrDeserializer<'_, Error> = word.as_str().into_deserializer();
        kinds.extend(ErrorKind::deserialize(word));
    }
    Some(kinds)
}
