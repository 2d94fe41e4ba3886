//! A rule that was read and found well-formed.

use std::collections::BTreeMap;
use std::sync::Arc;

use starline_graph::{Condition, Destination, Form};
use starline_planner::{Finished, OutcomeStatus, ScriptedRule, Value, matches_pattern};

use super::fault::RuleFault;
use super::form::{EditForm, Misfit};
use super::reading::faults_of;

/// Operations that edits may have.
const OPERATIONS: [&str; 9] = [
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

/// A rule that was read and found well-formed.
#[derive(Debug)]
pub(super) struct Rule {
    pattern: String,
    outcome: Option<OutcomeStatus>,
    when: Option<Condition>,
    pub(super) reason: Option<Form>,
    pub(super) edits: Vec<EditForm>,
}

impl Rule {
    /// Reads the rule at a position; everything that is wrong is added to `faults`.
    pub(super) fn read(at: usize, rule: &ScriptedRule, faults: &mut Vec<RuleFault>) -> Self {
        let pattern = rule.task.to_string();
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._:#-*".contains(&byte);
        if pattern.is_empty() || !pattern.bytes().all(fits) {
            let message = format!("{pattern:?} is no pattern over ids of tasks");
            let hint = "characters of ids are A-Z a-z 0-9 . _ : # -, and `*` stands for any of them";
            faults.push(RuleFault::new(at, "task", message).hint(hint));
        }
        if let Some(status @ (OutcomeStatus::Cancelled | OutcomeStatus::Skipped)) = rule.outcome {
            let message = format!("tasks that are {status} never ask");
            faults.push(RuleFault::new(at, "outcome", message).hint("completed or failed, or leave it out"));
        }
        let when = rule.when.as_deref().and_then(|text| condition(at, text, faults));
        let reason = rule.reason.as_deref().and_then(|text| {
            Form::read(text, Destination::Text)
                .map_err(|error| faults.push(RuleFault::new(at, "reason", error)))
                .ok()
        });
        let edits = rule.edits.iter().enumerate();
        let edits = edits.map(|(number, edit)| edit_form(at, number, edit, faults)).collect();
        Self { pattern, outcome: rule.outcome, when, reason, edits }
    }

    /// Whether the rule answers the end of a task. A condition that cannot be evaluated is not satisfied.
    pub(super) fn matches(&self, finished: &Finished) -> bool {
        let outcome = &finished.outcome;
        self.outcome.is_none_or(|wanted| wanted == outcome.status)
            && matches_pattern(&self.pattern, finished.task.as_str())
            && self.when.as_ref().is_none_or(|when| when.judge(outcome, &BTreeMap::new()) == Ok(true))
    }
}

fn condition(at: usize, text: &str, faults: &mut Vec<RuleFault>) -> Option<Condition> {
    let condition = Condition::compile(Arc::from(text))
        .map_err(|error| faults.push(RuleFault::new(at, "when", error)))
        .ok()?;
    if condition.reads_inputs() {
        let fault = RuleFault::new(at, "when", "the condition reads `inputs`, which no rule sees");
        faults.push(fault.hint("it may read outcome, status, result, outputs and error"));
    }
    Some(condition)
}

fn edit_form(at: usize, number: usize, edit: &Value, faults: &mut Vec<RuleFault>) -> EditForm {
    let mut misfits = Vec::new();
    let form = EditForm::read(edit, &mut misfits);
    misfits.extend(operation(edit));
    if let Some(edit) = form.whole().filter(|_| misfits.is_empty()) {
        misfits.extend(faults_of(edit));
    }
    faults.extend(misfits.into_iter().map(|misfit| {
        let Misfit { place, message, hint } = misfit;
        RuleFault { rule: at, edit: Some(number), place, message, hint }
    }));
    form
}

/// What is wrong with the operation of an edit.
fn operation(edit: &Value) -> Option<Misfit> {
    let choices = || Some(format!("one of {}", OPERATIONS.join(", ")));
    let (place, message, hint) = match edit.get("op") {
        _ if !edit.is_object() => ("/", "an edit is a mapping".to_owned(), None),
        None => ("/", "the edit has no `op`".to_owned(), choices()),
        Some(Value::String(op)) if OPERATIONS.contains(&op.as_str()) => return None,
        Some(found) => ("/op", format!("{found} is no operation"), choices()),
    };
    Some(Misfit { place: place.to_owned(), message, hint })
}
