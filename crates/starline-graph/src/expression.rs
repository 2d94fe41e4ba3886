//! Conditions: one expression over the outcome of a task.

use std::collections::BTreeMap;
use std::sync::Arc;

use starline_types::{MAX_CONDITION_BYTES, Outcome, Value};

use crate::engine::{Program, Scope};
use crate::names::NamePath;
use crate::syntax::{self, Parsed};

/// Variables of a condition.
pub(crate) const ROOTS: &[&str] = &["outcome", "status", "result", "outputs", "error", "inputs"];

/// A condition that was read and found well-formed.
///
/// It may read `outcome` with `status`, `result`, `outputs`, `error`, `attempts`, `duration_ms` and `device`, the
/// first four of them also without `outcome.`, and `inputs` of the run. Whatever is undefined is an error, in
/// comparisons too, unless `default(...)` or `is defined` asks for it.
///
/// Only the text is kept: an edge is judged once, so compiling again costs less than millions of programs.
///
/// ```
/// # use std::{collections::BTreeMap, sync::Arc};
/// # use starline_graph::Condition;
/// # use starline_types::{Millis, Outcome, OutcomeStatus, Value};
/// let condition = Condition::compile(Arc::from("outputs.coverage > 80"))?;
/// let mut outcome = Outcome {
///     status: OutcomeStatus::Completed,
///     result: Value::Null,
///     outputs: BTreeMap::from([("coverage".to_owned(), Value::from(85))]),
///     error: None,
///     attempts: 1,
///     duration_ms: Millis(20),
///     device: None,
/// };
/// assert_eq!(condition.judge(&outcome, &BTreeMap::new()), Ok(true));
/// outcome.outputs.clear();
/// let error = condition.judge(&outcome, &BTreeMap::new()).expect_err("nothing to compare");
/// assert!(error.to_string().contains("coverage"));
/// # Ok::<(), starline_graph::ConditionError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Condition {
    text: Arc<str>,
}

/// Why a condition could not be compiled or evaluated.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct ConditionError {
    message: String,
}

impl From<String> for ConditionError {
    fn from(message: String) -> Self {
        Self { message }
    }
}

fn read(text: &str) -> Result<Parsed, ConditionError> {
    if text.len() > MAX_CONDITION_BYTES {
        let message = format!("condition is {} bytes long, the limit is {MAX_CONDITION_BYTES}", text.len());
        return Err(message.into());
    }
    Ok(syntax::expression(text, ROOTS)?)
}

fn program(text: &str) -> Result<Program, ConditionError> {
    Ok(Program::new(read(text)?)?)
}

/// What a condition reads by name and must find, in the order of the text. Costs less than compiling it.
///
/// # Errors
/// As for [`Condition::compile`], but for what only the compiler notices.
pub fn condition_names(text: &str) -> Result<Vec<NamePath>, ConditionError> {
    read(text).map(|parsed| parsed.names)
}

impl Condition {
    /// Compiles a condition.
    ///
    /// # Errors
    /// The text is not one expression, longer than 4 KiB, or nested too deeply; a filter or test is unknown.
    pub fn compile(text: Arc<str>) -> Result<Self, ConditionError> {
        program(&text)?;
        Ok(Self { text })
    }

    /// The expression as written.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Whether the condition reads inputs of the run, and not the outcome alone.
    #[must_use]
    pub fn reads_inputs(&self) -> bool {
        program(&self.text).is_ok_and(|program| program.reads("inputs"))
    }

    /// Evaluates the condition. Equal outcomes and inputs give equal answers.
    ///
    /// # Errors
    /// A name or attribute is undefined, a type does not fit, the value is not a boolean, or the evaluation takes
    /// more than 10 000 instructions. The message names what is missing.
    pub fn judge(&self, outcome: &Outcome, inputs: &BTreeMap<String, Value>) -> Result<bool, ConditionError> {
        let program = program(&self.text)?;
        let mut scope = Scope::default();
        if program.reads("outcome") {
            scope.bind_outcome("outcome", Arc::new(outcome.clone()));
        }
        for part in ["status", "result", "outputs", "error"] {
            if program.reads(part) {
                scope.bind_part(part, outcome);
            }
        }
        if program.reads("inputs") {
            scope.bind("inputs", inputs);
        }
        let found = program.evaluate(&scope)?;
        found.boolean().map_err(|kind| format!("the condition must be true or false, found {kind}").into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use starline_types::{ErrorKind, Millis, OutcomeStatus, TaskError};

    use super::*;

    fn outcome() -> Outcome {
        let Value::Object(outputs) = json!({
            "coverage": 85, "ratio": 0.5, "name": "main", "ok": true, "list": [1, 2, 3], "empty": [], "nothing": null,
            "rows": [{"size": 3}, {"size": 5}], "deep": {"a": {"b": 1}}, "not": 1,
        }) else {
            unreachable!()
        };
        Outcome {
            status: OutcomeStatus::Completed,
            result: json!({"lines": 12}),
            outputs: outputs.into_iter().collect(),
            error: None,
            attempts: 2,
            duration_ms: Millis(1500),
            device: None,
        }
    }

    fn judge(text: &str) -> Result<bool, String> {
        let inputs = BTreeMap::from([("limit".to_owned(), json!(80))]);
        let condition = Condition::compile(Arc::from(text)).map_err(|error| format!("invalid: {error}"))?;
        condition.judge(&outcome(), &inputs).map_err(|error| error.to_string())
    }

    #[test]
    fn expressions_have_their_values() {
        for (text, value) in [
            ("outputs.coverage > 80", true),
            ("outputs.coverage > 85", false),
            ("outputs['coverage'] >= inputs.limit + 5", true),
            ("outcome.outputs.coverage == 85 and outcome.attempts == 2", true),
            ("status == 'completed'", true),
            ("outcome.status == \"failed\" or outputs.coverage < 50", false),
            ("status == 'completed' or outputs.missing > 1", true),
            ("status in ['completed', 'failed']", true),
            ("'x' not in outputs.name", true),
            ("'coverage' in outputs", true),
            ("error is none and outcome.device is none", true),
            ("error == none", true),
            ("result.lines * 2 - 4 == 20", true),
            ("1 + 2 * 3 - 4 / 2 == 5", true),
            ("10 - 2 - 3 == 5 and 2 ** 3 == 8 and 7 // 2 == 3 and -7 % 3 == 2", true),
            ("1 < 2 < 3 and not 1 < 3 < 2", true),
            ("not not outputs.ok", true),
            ("outputs.missing is defined", false),
            ("outputs.missing is not defined and outputs.coverage is defined", true),
            ("unheard_of is undefined", true),
            ("outputs.missing | default(90) > 80", true),
            ("outputs.list | length == 3 and outputs.list | sum == 6", true),
            ("outputs.list[0] == 1 and outputs.list[-1] == 3 and outputs.list[1:] | list == [2, 3]", true),
            ("outputs.rows | map(attribute='size') | max == 5", true),
            ("outputs.rows | selectattr('size', 'gt', 4) | list | length == 1", true),
            ("outputs.name | upper ~ 1 == 'MAIN1'", true),
            ("outputs.name is startingwith 'ma' and outputs.coverage is divisibleby 5", true),
            ("outputs.coverage is gt 80", true),
            ("(true if outputs.ok else false)", true),
            ("outputs.coverage is eq -85", false),
            ("outputs.ok", true),
            ("outputs.not == 1", true),
            ("true == 1", false),
            ("'85' == 85", false),
            ("outputs.deep == {'a': {'b': 1}}", true),
            ("'ab' * 2 == 'abab'", true),
            ("(1, 2) is sequence", true),
        ] {
            assert_eq!(judge(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_is_undefined_or_of_another_type_is_an_error_that_names_it() {
        for (text, part) in [
            ("outputs.missing > 80", "`outputs.missing` is undefined: `outputs` has"),
            ("outputs.missing == 1", "outputs.missing"),
            ("outputs.missing != 1", "outputs.missing"),
            ("not outputs.missing", "outputs.missing"),
            ("outputs.ok and outputs.missing", "outputs.missing"),
            ("false or outputs.missing", "outputs.missing"),
            ("1 in outputs.missing", "outputs.missing"),
            ("outputs.missing in [1]", "outputs.missing"),
            ("[outputs.missing] == []", "outputs.missing"),
            ("outputs['not there'] == 1", "`outputs['not there']`"),
            ("outputs.deep.x.y == 1", "`outputs.deep.x` is undefined: `outputs.deep` has a"),
            ("outputs.deep.x.y is defined", "outputs.deep.x"),
            ("outputs.list[7] == 1", "`outputs.list[7]` is undefined: `outputs.list` is a list"),
            ("error.kind == 'timeout'", "`error.kind` is undefined: `error` is null"),
            ("coverage > 80", "`coverage` is undefined"),
            ("coverage", "`coverage` is undefined"),
            ("outputs.missing | length == 0", "outputs.missing"),
            ("outputs.empty | first == 1", "undefined"),
            ("outputs.missing is even", "outputs.missing"),
            ("outputs.name > 80", "`>` cannot compare a string with a number"),
            ("outputs.coverage < '90'", "`<` cannot compare a number with a string"),
            ("outputs.nothing >= 1", "`>=` cannot compare null with a number"),
            ("outputs.ok <= 1", "`<=` cannot compare a boolean with a number"),
            ("outputs.list > 1", "cannot compare a list"),
            ("outputs.coverage is gt '80'", "cannot compare"),
            ("outputs.rows | selectattr('size', 'gt', 'x') | list == []", "cannot compare"),
            ("1 in 'abc'", "`in` cannot look for a number in a string"),
            ("1 in 5", "`in` cannot look"),
            ("outputs.name + 1 == 1", "`+` cannot add a string and a number"),
            ("outputs.name - 1 == 1", "-"),
            ("outputs.name is even", "`even` wants an integer"),
            ("1 / 0 == 1", "unable to calculate"),
            ("outputs.list * 2 == []", "`*` cannot multiply"),
            ("outputs.coverage", "must be true or false, found a number"),
            ("1", "must be true or false, found a number"),
            ("'true'", "found a string"),
            ("none", "found null"),
            ("outputs.name and outputs.name", "found a string"),
            ("170141183460469231731687303715884105727 * 2 == 1", "out of range"),
        ] {
            let message = judge(text).expect_err(text);
            assert!(message.contains(part), "{text}: {message}");
            assert!(!message.contains("__"), "{text}: {message}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused_at_compilation() {
        for (text, part) in [
            ("", "expected a value, found the end"),
            ("outputs.x >", "expected a value, found the end"),
            ("outputs.x > 1 2", "at byte 14"),
            ("{{ status }}", "expected"),
            ("{% if x %}", "expected a value"),
            ("status = 'x'", "found `=`"),
            ("'open", "no closing quote"),
            ("status ! 1", "unexpected '!'"),
            ("status == ok; true", "unexpected ';'"),
            ("größe > 1", "unexpected"),
            ("range(3)", "no call"),
            ("debug()", "no call"),
            ("outputs.name.upper()", "no call"),
            ("status | shell", "unknown filter `shell`: use one of abs"),
            ("status | format(1)", "unknown filter"),
            ("status is callable", "unknown test `callable`"),
            ("'a' if true", "expected `else`"),
            ("outputs.list[::2] == []", "expected a value"),
            ("outputs.list[0:2:2] == []", "expected `]`"),
            ("f(*outputs)", "no call"),
            ("status | default(*outputs)", "expected a value"),
            ("not in 3", "expected a value"),
            ("1 not 2", "expected `in`"),
            ("'\\", "no closing quote"),
        ] {
            let message = judge(text).expect_err(text);
            assert!(message.starts_with("invalid: ") && message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn outcomes_that_failed_show_their_error() {
        let mut failed = outcome();
        failed.status = OutcomeStatus::Failed;
        failed.outputs.clear();
        failed.error = Some(TaskError::new(ErrorKind::ExitStatus, "exit 3"));
        let judge = |text: &str| {
            let condition = Condition::compile(Arc::from(text)).expect(text);
            condition.judge(&failed, &BTreeMap::new())
        };
        assert_eq!(judge("status == 'failed' or outputs.coverage < 50"), Ok(true));
        assert_eq!(judge("error.kind == 'exit_status' and '3' in error.message"), Ok(true));
        assert_eq!(judge("outcome.error.kind in ['timeout', 'device_lost']"), Ok(false));
        let message = judge("outputs.coverage < 50").expect_err("no outputs").to_string();
        assert_eq!(message, "`outputs.coverage` is undefined: `outputs` is empty");
    }

    #[test]
    fn hostile_texts_are_refused_and_overflow_nothing() {
        let longest = |unit: &str, tail: &str| {
            let count = (MAX_CONDITION_BYTES - tail.len()) / unit.len();
            format!("{}{tail}", unit.repeat(count))
        };
        for text in [
            longest("(", "1"),
            longest("[", ""),
            longest("{1:", "1"),
            longest("-", "1"),
            longest("not ", "true"),
            longest("1-", "1"),
            longest("1+", "1"),
            longest("1**", "1"),
            longest("1<", "1"),
            longest("1 if 1 else ", "1"),
            longest("a.", "a"),
            longest("a[", "1"),
            longest("true and ", "true"),
            longest("1|d", ""),
            format!("1{}", longest("|d", "")),
            format!("1 {}", longest("is defined ", "")),
            longest("'a'~", "'a'"),
            longest("1", ""),
            "é".repeat(3000),
            format!("true{}", " ".repeat(MAX_CONDITION_BYTES)),
        ] {
            let message = judge(&text).expect_err("too much");
            assert!(message.starts_with("invalid: "), "{message}");
        }
        for text in [
            "'x' * 100000000 == ''",
            "('x' * 1000000) ~ ('x' * 1000000) == ''",
            "('x' * 1000000) | replace('', 'xxxxxxxxxx') == ''",
            "(('x' * 100000) | list) | join('xxxxxxxxxxxxxxxxx') == ''",
            "'x' * 18446744073709551615 == ''",
        ] {
            let message = judge(text).expect_err("too much text");
            assert!(
                message.contains("bytes of text") || message.contains("cannot multiply"),
                "{text}: {message}"
            );
        }
        // As deep and as long as is allowed.
        let deep = format!("{}1{} == 1", "(".repeat(30), ")".repeat(30));
        assert_eq!(judge(&deep), Ok(true));
        let long = format!("{}1 == 240", "1 + ".repeat(239));
        assert_eq!(judge(&long), Ok(true));
        let minus = format!("{}1 == -238", "1 - ".repeat(239));
        assert_eq!(judge(&minus), Ok(true));
    }

    #[test]
    fn conditions_cross_threads() {
        fn assert_send<T: Send + Sync>() {}
        assert_send::<Condition>();
        assert_send::<ConditionError>();
    }
}
