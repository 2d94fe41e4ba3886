//! JSON Schemas of files and edits.

mod committed;
mod edits;
mod fields;
mod files;
mod ranges;
mod shape;

use std::sync::OnceLock;

use jsonschema::Validator;
use starline_workflow::{SchemaKind, Value, schema};

pub(crate) use files::assert_accepted;

/// The validator of a kind; made once, since that costs more than to use it.
pub(crate) fn validator(kind: SchemaKind) -> &'static Validator {
    static VALIDATORS: [OnceLock<Validator>; 3] = [OnceLock::new(), OnceLock::new(), OnceLock::new()];
    let make = || jsonschema::draft202012::new(&schema(kind)).expect("a valid schema");
    VALIDATORS[kind as usize].get_or_init(make)
}

/// A YAML file as JSON, read by another reader than the crate's own.
fn as_json(yaml: &str) -> Result<Value, serde_saphyr::Error> {
    let merge_keys = serde_saphyr::options::MergeKeyPolicy::Error;
    let options = serde_saphyr::options! { strict_booleans: true, merge_keys: merge_keys };
    serde_saphyr::from_str_with_options(yaml, options)
}

/// Why a value is refused; empty if it is not.
pub(crate) fn refusals(validator: &Validator, value: &Value) -> Vec<String> {
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}
