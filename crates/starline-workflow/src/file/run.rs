//! The section `run`: settings of a run.

use starline_types::FailurePolicy;

use super::{LoadOptions, Workflow};
use crate::excerpt::quoted;
use crate::fields::{Field, Fields, What};
use crate::nearest;
use crate::problem::{INVALID_VALUE, Report};

const POLICIES: [(&str, Option<FailurePolicy>); 4] = [
    ("skip_dependents", Some(FailurePolicy::SkipDependents)),
    ("fail_fast", Some(FailurePolicy::FailFast)),
    ("wait_for_edit", Some(FailurePolicy::WaitForEdit)),
    ("rollback", Some(FailurePolicy::Rollback)),
];

/// The word for a policy.
pub(crate) fn policy_word(policy: FailurePolicy) -> &'static str {
    POLICIES.iter().find(|(_, known)| *known == Some(policy)).map_or("skip_dependents", |(word, _)| word)
}

pub(super) fn read(section: &Field<'_>, options: &LoadOptions, workflow: &mut Workflow, report: &mut Report) {
    let Some(mut fields) = Fields::read(section.value, section.at, What::new("run"), report) else { return };
    let settings = &mut workflow.settings;
    if let Some(field) = fields.take("strategy") {
        workflow.strategy = strategy(&field, &options.strategies, report);
    }
    if let Some(field) = fields.take("max_parallel") {
        settings.max_parallel = field.whole(1, report);
    }
    if let Some(policy) = fields.take("on_failure").and_then(|field| field.word(&POLICIES, report)) {
        settings.on_failure = policy;
    }
    if let Some(span) = fields.take("edit_wait").and_then(|field| field.duration(report)) {
        settings.edit_wait = span;
    }
    if let Some(field) = fields.take("deadline") {
        settings.deadline = field.duration(report);
        if settings.deadline.is_some_and(|span| span.0 == 0) {
            field.wrong(field.value, "more than no time", report).hint("leave it out for no deadline");
        }
    }
    fields.close(report);
}

fn strategy(field: &Field<'_>, known: &[String], report: &mut Report) -> Option<String> {
    let name = field.text(report)?;
    if !known.is_empty() && !known.iter().any(|known| known == name) {
        let message = format!("no strategy is called {}", quoted(name));
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        report.add(field.value.mark(), INVALID_VALUE, message).hint = nearest::choices(name, &names);
    }
    Some(name.to_owned())
}
