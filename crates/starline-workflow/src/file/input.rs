//! Inputs of a workflow: declared with a type, given values by whoever starts it.

use std::collections::BTreeMap;

use starline_types::Value;

use super::LoadOptions;
use crate::excerpt::quoted;
use crate::fields::{Field, Fields, What};
use crate::nearest;
use crate::problem::{INVALID_VALUE, MISSING_FIELD, Mark, Report, UNKNOWN_FIELD};

/// An input as declared.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Name, as templates use it.
    pub name: String,
    /// What a value must be.
    pub kind: InputType,
    /// The value, unless another is given.
    pub default: Option<Value>,
    /// What it is for.
    pub description: String,
}

/// What the value of an input must be.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum InputType {
    /// Text.
    #[default]
    String,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list of any values.
    List,
    /// A mapping to any values.
    Object,
}

const TYPES: [(&str, Option<InputType>); 6] = [
    ("string", Some(InputType::String)),
    ("integer", Some(InputType::Integer)),
    ("number", Some(InputType::Number)),
    ("boolean", Some(InputType::Boolean)),
    ("list", Some(InputType::List)),
    ("object", Some(InputType::Object)),
];

impl InputType {
    /// The word in a file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        TYPES.iter().find(|(_, known)| *known == Some(self)).map_or("string", |(word, _)| word)
    }

    /// The type of a word in a file.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        TYPES.iter().find(|(known, _)| *known == word).and_then(|(_, kind)| *kind)
    }

    /// Whether a value is of this type.
    #[must_use]
    pub fn admits(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Object => value.is_object(),
        }
    }
}

pub(super) fn read(section: &Field<'_>, report: &mut Report) -> Vec<Input> {
    let Some(map) = section.value.map() else {
        section
            .wrong(section.value, "a mapping from names to inputs", report)
            .hint("write `pattern: { type: string, default: ERROR }`");
        return Vec::new();
    };
    let mut inputs = Vec::new();
    for entry in map.entries() {
        let mut input = Input {
            name: entry.key.to_owned(),
            kind: InputType::default(),
            default: None,
            description: String::new(),
        };
        let what = What::named("input", entry.key);
        let own = Field { name: entry.key, at: entry.at, value: entry.value, what };
        if let Some(mut fields) = Fields::of(&own, what, "{ type: string, default: VALUE }", report) {
            if let Some(kind) = fields.take("type").and_then(|field| field.word(&TYPES, report)) {
                input.kind = kind;
            }
            if let Some(text) = fields.take("description").and_then(|field| field.string(report)) {
                input.description = text;
            }
            input.default = fields.take("default").and_then(|field| default(&field, input.kind, report));
            fields.close(report);
        }
        inputs.push(input);
    }
    inputs
}

fn default(field: &Field<'_>, kind: InputType, report: &mut Report) -> Option<Value> {
    let plain = field.value.scalar().and_then(|scalar| scalar.as_text());
    let value = match (kind, plain) {
        (InputType::String, Some(text)) => Value::String(text.to_owned()),
        _ => field.value.json(report),
    };
    if !kind.admits(&value) {
        field.wrong(field.value, &format!("a value of the type {}", kind.as_str()), report);
    }
    Some(value)
}

/// The values in force: those given, else the defaults.
pub(super) fn values(
    inputs: &[Input],
    section: Option<Field<'_>>,
    at: Mark,
    options: &LoadOptions,
    report: &mut Report,
) -> BTreeMap<String, Value> {
    let is_open = section.is_some_and(|field| field.value.is_merged());
    for name in options
        .inputs
        .keys()
        .filter(|_| !is_open)
        .filter(|name| inputs.iter().all(|input| input.name != **name))
    {
        let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
        let problem = report.add(
            at,
            UNKNOWN_FIELD,
            format!("a value is given for {}, which is no input", quoted(name)),
        );
        problem.hint = nearest::choices(name, &names);
    }
    let mut values = BTreeMap::new();
    let places = section.and_then(|field| field.value.map()).into_iter().flat_map(|map| map.entries());
    for (input, entry) in inputs.iter().zip(places) {
        let place = entry.at;
        match options.inputs.get(&input.name) {
            Some(given) => {
                let value = converted(given, input.kind);
                if !input.kind.admits(&value) {
                    let shown = quoted(&given.to_string());
                    let message =
                        format!("input {} is given {shown}, which is no {}", input.name, input.kind.as_str());
                    report.add(place, INVALID_VALUE, message);
                }
                values.insert(input.name.clone(), value);
            }
            None => match &input.default {
                Some(value) => {
                    values.insert(input.name.clone(), value.clone());
                }
                None if options.partial_inputs || entry.value.is_merged() => {}
                None => {
                    let message =
                        format!("input {} has no default, and no value is given", quoted(&input.name));
                    report.add(place, MISSING_FIELD, message).hint("give a value, or write a `default`");
                }
            },
        }
    }
    values
}

/// A text for an input that is none is read as JSON.
fn converted(given: &Value, kind: InputType) -> Value {
    match given {
        Value::String(text) if kind != InputType::String => {
            serde_json::from_str(text).unwrap_or_else(|_| given.clone())
        }
        _ => given.clone(),
    }
}
