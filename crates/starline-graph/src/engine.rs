//! The expression engine: minijinja without inputs, outputs, clocks and randomness, and with guards where it is
//! lenient. No file but this one and `guards.rs` names it.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use minijinja::value::{Enumerator, Object, Serde, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Expression, UndefinedBehavior, Value};
use starline_types::{Outcome, TaskId};

use crate::guards;
use crate::syntax::{Parsed, Reference};

/// Instructions that one evaluation may take.
pub(crate) const MAX_INSTRUCTIONS: u64 = 10_000;

static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(engine);

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Program {
    expression: Expression<'static, 'static>,
    roots: Vec<&'static str>,
    pub(crate) references: Vec<Reference>,
}

/// Values of the variables of an expression.
#[derive(Debug, Default)]
pub(crate) struct Scope(BTreeMap<&'static str, Value>);

/// What an expression came to.
#[derive(Debug)]
pub(crate) struct Found(Value);

impl Program {
    /// Compiles what was read.
    pub(crate) fn new(parsed: Parsed) -> Result<Self, String> {
        let expression = ENGINE.compile_expression_owned(parsed.code).map_err(|error| explain(&error))?;
        Ok(Self { expression, roots: parsed.roots, references: parsed.references })
    }

    /// Whether a variable is read: what is not need not be bound.
    pub(crate) fn reads(&self, root: &str) -> bool {
        self.roots.contains(&root)
    }

    /// Evaluates with every variable that is read bound.
    pub(crate) fn evaluate(&self, scope: &Scope) -> Result<Found, String> {
        let variables = Value::from_pairs(scope.0.iter().map(|(name, value)| (*name, value.clone())));
        let value = self.expression.eval(variables).map_err(|error| explain(&error))?;
        if value.is_undefined() { Err("the value is undefined".to_owned()) } else { Ok(Found(value)) }
    }
}

impl Scope {
    /// Binds a variable to values by name.
    pub(crate) fn bind(&mut self, name: &'static str, values: &BTreeMap<String, serde_json::Value>) {
        self.0.insert(name, Value::from(Serde(values)));
    }

    /// Binds a variable to the part of an outcome that has the same name.
    pub(crate) fn bind_part(&mut self, name: &'static str, outcome: &Outcome) {
        self.0.insert(name, part(outcome, name).unwrap_or(Value::UNDEFINED));
    }

    /// Binds a variable to an outcome.
    pub(crate) fn bind_outcome(&mut self, name: &'static str, outcome: Arc<Outcome>) {
        self.0.insert(name, Value::from_object(View(outcome)));
    }

    /// Binds a variable to a task that ended: its id beside the parts of its outcome.
    pub(crate) fn bind_ended(&mut self, name: &'static str, id: TaskId, outcome: Arc<Outcome>) {
        self.0.insert(name, Value::from_object(Ended(id, outcome)));
    }

    /// Binds a variable to outcomes by the name of their task.
    pub(crate) fn bind_outcomes(&mut self, name: &'static str, outcomes: BTreeMap<&str, Arc<Outcome>>) {
        let views = outcomes.into_iter().map(|(task, outcome)| (task, Value::from_object(View(outcome))));
        self.0.insert(name, Value::from_pairs(views));
    }
}

impl Found {
    /// The value if it is a boolean, else what it is.
    pub(crate) fn boolean(&self) -> Result<bool, &'static str> {
        if self.0.kind() == ValueKind::Bool { Ok(self.0.is_true()) } else { Err(guards::kind(&self.0)) }
    }

    /// The value as data.
    pub(crate) fn json(&self) -> Result<serde_json::Value, String> {
        guards::json(&self.0).map_err(|error| explain(&error))
    }

    /// The value as text: a text as it is, anything else as compact JSON.
    pub(crate) fn text(&self) -> Result<String, String> {
        guards::text(&self.0).map_err(|error| explain(&error))
    }
}

/// An outcome whose parts are converted when they are asked for.
#[derive(Debug)]
struct View(Arc<Outcome>);

impl Object for View {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        part(&self.0, key.as_str()?)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&PARTS[1..])
    }
}

/// A task that ended: its id beside the parts of its outcome.
#[derive(Debug)]
struct Ended(TaskId, Arc<Outcome>);

impl Object for Ended {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "id" => Some(Value::from(self.0.as_str())),
            name => part(&self.1, name),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(PARTS)
    }
}

/// What a task that ended has: its id, then the parts of its outcome.
pub(crate) const PARTS: &[&str] =
    &["id", "status", "result", "outputs", "error", "attempts", "duration_ms", "device"];

fn part(outcome: &Outcome, name: &str) -> Option<Value> {
    Some(match name {
        "status" => Value::from(Serde(outcome.status)),
        "result" => Value::from(Serde(&outcome.result)),
        "outputs" => Value::from(Serde(&outcome.outputs)),
        "error" => Value::from(Serde(&outcome.error)),
        "attempts" => Value::from(outcome.attempts),
        "duration_ms" => Value::from(outcome.duration_ms.0),
        "device" => Value::from(Serde(&outcome.device)),
        _ => return None,
    })
}

fn engine() -> Environment<'static> {
    let mut engine = Environment::empty();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_fuel(Some(MAX_INSTRUCTIONS));
    guards::install(&mut engine);
    engine
}

/// What went wrong, without the place in the rewritten code.
fn explain(error: &Error) -> String {
    if error.kind() == ErrorKind::OutOfFuel {
        return format!("the evaluation takes more than {MAX_INSTRUCTIONS} instructions");
    }
    error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::syntax::expression;
    use crate::words::{FILTERS, TESTS};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        /// Reading and rewriting changes no meaning: what has a value here has the same one for the bare engine.
        #[test]
        fn guards_change_no_value(words in proptest::collection::vec(prop::sample::select(vec![
            "1", "2", "3", "0.5", "a.n", "a.m", "a.list[1]", "a['n']", "'x'", "'xy'", "a.text", "true", "false", "none",
            "+", "+", "-", "-", "*", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", ">", ">=", "and", "or", "not",
            "in", "not in", "is even", "is eq 1", "is lt -1", "is in [1]", "is not none", "is defined", "|abs", "|int",
            "|default(7)", "|length", "if", "else", "(", ")", "[", "]", ",", "a.list", "a.list[1:]", ":", "{", "}",
        ]), 1..12)) {
            let text = words.join(" ");
            // On purpose a truth is not equal to a number here.
            let equality = ["==", "!=", "is eq 1", "in", "not in", "is in [1]"];
            let truths = ["true", "false", "not", "(", "<", "<=", ">", ">=", "is even", "is lt -1", "is not none", "is defined"];
            let count = |among: &[&str]| words.iter().filter(|word| among.contains(word)).count();
            let confused = count(&equality) > 0 && count(&equality) + count(&truths) > 1;
            let data = json!({"n": 4, "m": -3, "list": [1, 2], "text": "x"});
            let mut scope = Scope::default();
            scope.bind("a", &data.as_object().expect("an object").clone().into_iter().collect());
            let program = expression(&text, &["a"]).and_then(Program::new);
            let found = program.and_then(|program| program.evaluate(&scope));
            let bare = Environment::new();
            // The bare engine takes the `if` in `a is defined if b else c` for an argument of the test.
            if let (Ok(found), Ok(bare), false) = (found, bare.compile_expression(&text), confused) {
                let expected = bare.eval(Value::from_pairs([("a", Value::from(Serde(data)))])).expect("has a value");
                prop_assert_eq!(found.json(), guards::json(&expected).map_err(|error| explain(&error)), "{}", text);
            }
        }
    }

    #[test]
    fn every_word_that_is_read_is_known_to_the_engine() {
        let words = FILTERS.iter().map(|name| format!("1|{name}"));
        for text in words.chain(TESTS.iter().map(|name| format!("1 is {name}"))) {
            let parsed = expression(&text, &[]).expect("is read");
            let found = Program::new(parsed).expect("compiles").evaluate(&Scope::default());
            assert!(found.map_or_else(|error| !error.contains("unknown"), |_| true), "{text}");
        }
        assert!(FILTERS.is_sorted() && TESTS.is_sorted());
        assert_eq!(ENGINE.globals().filter(|(name, _)| !name.starts_with("__")).count(), 0);
    }
}
