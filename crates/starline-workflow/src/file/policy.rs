//! The section `policy`: what editors of a run may do.

use starline_types::{Patterns, Policy, PolicyLimits};

use crate::excerpt::quoted;
use crate::fields::{Field, Fields, What};
use crate::nearest;
use crate::problem::{INVALID_VALUE, Report};

/// Operations that a batch is made of.
pub(crate) const EDITS: [&str; 9] = [
    "add_task",
    "update_task",
    "remove_task",
    "add_dependency",
    "remove_dependency",
    "update_dependency",
    "build",
    "clear",
    "merge",
];
/// Operations of their own.
const OTHERS: [&str; 3] = ["undo", "redo", "retry_task"];
/// Kinds of payloads.
const KINDS: [&str; 6] = ["noop", "sleep", "sh", "exec", "prompt", "call"];
/// Ceiling of edits, and of tasks that they add.
const CEILING: u64 = 1_000_000;

pub(super) fn read(section: &Field<'_>, report: &mut Report) -> Policy {
    let mut policy = Policy::default();
    let example = "policy: { allow: [add_task], limits: { edits: 200 } }";
    let Some(mut fields) = Fields::of(section, What::new("policy"), example, report) else { return policy };
    if let Some(field) = fields.take("allow") {
        let operations: Vec<&str> = EDITS.into_iter().chain(OTHERS).collect();
        policy.allow = words(&field, ("operation", false), &operations, report);
    }
    if let Some(field) = fields.take("only") {
        policy.only = patterns(&field, "only of policy", report);
    }
    if let Some(field) = fields.take("limits") {
        policy.limits = limits(&field, report);
    }
    if let Some(field) = fields.take("require_approval") {
        policy.require_approval = patterns(&field, "require_approval of policy", report);
    }
    fields.close(report);
    policy
}

fn limits(section: &Field<'_>, report: &mut Report) -> PolicyLimits {
    let mut limits = PolicyLimits::default();
    let what = What::new("limits of policy");
    let Some(mut fields) = Fields::of(section, what, "limits: { edits: 200 }", report) else { return limits };
    limits.edits = fields.take("edits").and_then(|field| field.count(0..=CEILING, report));
    limits.added_tasks = fields.take("added_tasks").and_then(|field| field.count(0..=CEILING, report));
    fields.close(report);
    limits
}

fn patterns(section: &Field<'_>, part: &'static str, report: &mut Report) -> Patterns {
    let mut patterns = Patterns::default();
    let example = format!("{}: {{ devices: [\"host-*\"], kinds: [exec] }}", section.name);
    let Some(mut fields) = Fields::of(section, What::new(part), &example, report) else { return patterns };
    let texts = |field: Field<'_>, report: &mut Report| {
        Some(field.texts(report)?.into_iter().map(Into::into).collect())
    };
    patterns.devices = fields.take("devices").and_then(|field| texts(field, report));
    patterns.capabilities = fields.take("capabilities").and_then(|field| texts(field, report));
    patterns.kinds =
        fields.take("kinds").and_then(|field| words(&field, ("kind of task", true), &KINDS, report));
    fields.close(report);
    patterns
}

/// A list of known words, or of patterns over them.
fn words<T: for<'w> From<&'w str>>(
    section: &Field<'_>,
    (noun, patterns): (&str, bool),
    known: &[&str],
    report: &mut Report,
) -> Option<Vec<T>> {
    let Some(list) = section.value.list() else {
        section.wrong(section.value, "a list", report).hint(format!("of {}", known.join(", ")));
        return None;
    };
    let mut words = Vec::with_capacity(list.len());
    for item in list.items() {
        let Some(word) = section.text_at(item, report) else { continue };
        if !(known.contains(&word) || patterns && word.contains('*')) {
            let message = format!("{} is no {noun}", quoted(word));
            report.add(item.mark(), INVALID_VALUE, message).hint = nearest::choices(word, known);
        }
        words.push(word.into());
    }
    Some(words)
}
