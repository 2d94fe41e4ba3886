//! The gate before a task: the field `approval`.

use starline_types::{ApprovalGate, ApprovalTimeout, Millis};

use crate::fields::{Field, Fields, What};
use crate::problem::Report;
use crate::tree::Meaning;

/// Longest wait for an answer: 7 days.
const LONGEST: Millis = Millis::from_secs(7 * 24 * 3600);

const TIMEOUTS: [(&str, Option<ApprovalTimeout>); 2] =
    [("reject", Some(ApprovalTimeout::Reject)), ("approve", Some(ApprovalTimeout::Approve))];

/// The word for what the lack of an answer means.
pub(crate) fn timeout_word(timeout: ApprovalTimeout) -> &'static str {
    TIMEOUTS.iter().find(|(_, known)| *known == Some(timeout)).map_or("reject", |(word, _)| word)
}

/// `approval: "question"`, or a mapping with the question in it.
pub(super) fn read(section: &Field<'_>, task: &str, report: &mut Report) -> Option<ApprovalGate> {
    if let Some(scalar) = section.value.scalar() {
        if scalar.meaning() == Meaning::Text {
            return Some(ApprovalGate { prompt: scalar.text.to_owned(), ..ApprovalGate::default() });
        }
        let problem = section.wrong(section.value, "a question to a person", report);
        problem.hint("write `approval: \"Page on-call?\"`");
        return None;
    }
    let mut gate = ApprovalGate::default();
    let what = What::named("approval of task", task);
    let mut fields = Fields::of(section, what, "approval: \"Page on-call?\"", report)?;
    if let Some(field) = fields.need("prompt", "write what the person is asked", report) {
        gate.prompt = field.string(report).unwrap_or_default();
    }
    if let Some(field) = fields.take("timeout") {
        let is_none = field.value.scalar().is_some_and(|scalar| scalar.text == "none");
        gate.timeout = if is_none { None } else { field.wait(LONGEST, report) };
    }
    if let Some(word) = fields.take("on_timeout").and_then(|field| field.word(&TIMEOUTS, report)) {
        gate.on_timeout = word;
    }
    fields.close(report);
    Some(gate)
}
