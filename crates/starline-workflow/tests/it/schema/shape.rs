//! What editors need of a schema.

use starline_workflow::{SchemaKind, Value, schema};

/// Keywords that the YAML language servers of editors read, and those that only inform.
const KEYWORDS: &[&str] = &[
    "$defs",
    "$ref",
    "$schema",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "default",
    "description",
    "enum",
    "examples",
    "exclusiveMinimum",
    "if",
    "items",
    "maxItems",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "not",
    "oneOf",
    "pattern",
    "patternProperties",
    "properties",
    "required",
    "then",
    "title",
    "type",
    "uniqueItems",
];

/// Calls `visit` for every schema within one, with the path to it.
fn walk(schema: &Value, path: &str, visit: &mut dyn FnMut(&str, &serde_json::Map<String, Value>)) {
    let Some(members) = schema.as_object() else { return };
    visit(path, members);
    for (keyword, value) in members {
        let path = format!("{path}/{keyword}");
        match (keyword.as_str(), value) {
            ("$defs" | "properties" | "patternProperties", Value::Object(schemas)) => {
                schemas.iter().for_each(|(name, schema)| walk(schema, &format!("{path}/{name}"), visit));
            }
            ("allOf" | "anyOf" | "oneOf", Value::Array(schemas)) => {
                schemas
                    .iter()
                    .enumerate()
                    .for_each(|(at, schema)| walk(schema, &format!("{path}/{at}"), visit));
            }
            ("additionalProperties" | "items" | "not" | "if" | "then", schema) => walk(schema, &path, visit),
            _ => {}
        }
    }
}

#[test]
fn schemas_keep_to_keywords_that_editors_read() {
    for kind in SchemaKind::ALL {
        walk(&schema(kind), kind.as_str(), &mut |path, members| {
            for keyword in members.keys() {
                assert!(KEYWORDS.contains(&keyword.as_str()), "{path}: {keyword}");
            }
        });
    }
}

#[test]
fn every_object_is_closed_and_everything_is_described() {
    for kind in SchemaKind::ALL {
        let schema = schema(kind);
        assert!(jsonschema::meta::is_valid(&schema), "{}", kind.as_str());
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        walk(&schema, kind.as_str(), &mut |path, members| {
            // The conditions of a schema are for objects that are described elsewhere.
            if ["/if", "/then", "/allOf/", "/not"].iter().any(|part| path.contains(part)) {
                return;
            }
            let Some(fields) = members.get("properties").and_then(Value::as_object) else { return };
            if members.get("type").is_none() {
                return;
            }
            let is_open = path.ends_with("/TemplatedEdit") || path.ends_with("/attributes");
            assert!(is_open || members.get("additionalProperties") == Some(&Value::Bool(false)), "{path}");
            assert!(is_open || members.contains_key("title"), "{path}");
            assert!(members.get("description").is_some_and(Value::is_string), "{path}");
            for (name, field) in fields {
                let description = field.get("description").and_then(Value::as_str).unwrap_or_default();
                assert!(description.ends_with('.'), "{path}: {name}: {description:?}");
                assert!(!description.contains('\n') && !description.contains("  "), "{path}: {name}");
            }
            for name in members.get("required").and_then(Value::as_array).into_iter().flatten() {
                assert!(fields.contains_key(name.as_str().unwrap_or_default()), "{path}: {name}");
            }
        });
    }
}

#[test]
fn defaults_and_examples_are_valid() {
    for kind in SchemaKind::ALL {
        let root = schema(kind);
        walk(&root, kind.as_str(), &mut |path, members| {
            if !members.contains_key("examples") && !members.contains_key("default") {
                return;
            }
            let mut own = Value::Object(members.clone());
            own["$defs"] = root["$defs"].clone();
            let validator = jsonschema::draft202012::new(&own).expect("a schema");
            let examples = members.get("examples").and_then(Value::as_array).into_iter().flatten();
            for value in examples.chain(members.get("default")) {
                let refusals = super::refusals(&validator, value);
                assert!(refusals.is_empty(), "{path}: {value}: {refusals:?}");
            }
        });
    }
}
