//! The description of the interface (OpenAPI 3.1).

use serde_json::{Map, Value, json};

use crate::answer::{Answer, ok};
use crate::{Operation, Scope};

pub(crate) async fn describe() -> Answer {
    ok(&openapi())
}

/// The description of the interface as an OpenAPI 3.1 document. Made from the list of operations, like the router.
#[must_use]
pub fn openapi() -> Value {
    let mut paths = Map::new();
    for operation in Operation::ALL {
        let path = paths.entry(operation.path()).or_insert_with(|| json!({}));
        path[operation.method().as_str().to_ascii_lowercase()] = describe_one(*operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "starline",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Observes and edits runs of task graphs while they execute.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas(),
        },
    })
}

fn describe_one(operation: Operation) -> Value {
    let mut described = json!({
        "operationId": operation.name(),
        "summary": operation.summary(),
        "x-scope": operation.scope().as_str(),
        "parameters": parameters(operation),
        "responses": responses(operation),
    });
    if operation.scope() == Scope::Open {
        described["security"] = json!([]);
    }
    if let Some((schema, required)) = body(operation) {
        described["requestBody"] = json!({
            "required": required,
            "content": {"application/json": {"schema": {"$ref": format!("#/components/schemas/{schema}")}}},
        });
    }
    described
}

fn parameters(operation: Operation) -> Vec<Value> {
    let text = json!({"type": "string"});
    let mut parameters: Vec<Value> = operation
        .path()
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": text}))
        .collect();
    if operation == Operation::Events {
        let schema = json!({"type": "integer", "minimum": 0, "default": 0});
        parameters.push(json!({"name": "after", "in": "query", "schema": schema,
            "description": "number of the last fact that is known; also as header Last-Event-ID"}));
    }
    if operation == Operation::Edit {
        parameters.push(json!({"name": "check", "in": "query", "schema": {"enum": ["0", "1"]},
            "description": "verdict only"}));
        parameters.push(json!({"name": "Idempotency-Key", "in": "header", "schema": text,
            "description": "id of the request: a resend gets the first answer"}));
    }
    parameters
}

/// Schema of the body, and whether there has to be one.
fn body(operation: Operation) -> Option<(&'static str, bool)> {
    match operation {
        Operation::Submit => Some(("Submission", true)),
        Operation::Edit => Some(("Batch", true)),
        Operation::Undo | Operation::Redo => Some(("Expected", false)),
        Operation::Cancel | Operation::Rollback => Some(("Cancel", false)),
        Operation::ExtendHold => Some(("Extend", true)),
        _ if operation.method() == axum::http::Method::POST => Some(("Nothing", false)),
        _ => None,
    }
}

fn responses(operation: Operation) -> Value {
    let of = |schema: &str, what: &str| {
        let schema = format!("#/components/schemas/{schema}");
        json!({"description": what, "content": {"application/json": {"schema": {"$ref": schema}}}})
    };
    let denied = match operation.scope() {
        Scope::Open => "host or origin".to_owned(),
        scope => format!("host or origin, or a token without the scope {}", scope.as_str()),
    };
    let mut responses = json!({
        "403": of("Error", &denied),
        "429": of("Error", "too much, too fast; with Retry-After"),
    });
    if operation.scope() != Scope::Open {
        responses["401"] = of("Error", "no token, or an unknown one");
    }
    if operation.path().contains('{') {
        responses["404"] = of("Error", "no such run, task or hold");
    }
    if operation.method() == axum::http::Method::POST {
        responses["400"] = of("Error", "not a body of this operation");
        responses["413"] = of("Error", "body too large");
        responses["415"] = of("Error", "not application/json");
        responses["507"] = of("Error", "the journal is full");
        responses["409"] = of("Rejected", "the state of the run, or of what was touched, forbids it");
        responses["422"] = of("Rejected", "every fault");
    }
    if operation == Operation::Events {
        responses["400"] = of("Error", "after or Last-Event-ID is no number");
    }
    let (status, answer) = match operation {
        Operation::Metrics => ("200", json!({"description": "figures", "content": {"text/plain": {}}})),
        Operation::Events => (
            "200",
            json!({"description": "id is seq, event is kind, data is the envelope; `gap` has {from, to}",
            "content": {"text/event-stream": {}}}),
        ),
        Operation::Submit => ("201", of("RunStatus", "the run")),
        Operation::Edit | Operation::Undo | Operation::Redo | Operation::RetryTask => {
            ("200", of("Committed", "the commit, or the verdict"))
        }
        Operation::Explain => ("200", of("Explanation", "an answer, always")),
        _ if operation.method() == axum::http::Method::POST => {
            ("200", of("RunStatus", "done, or done before"))
        }
        _ => ("200", json!({"description": operation.summary(), "content": {"application/json": {}}})),
    };
    responses[status] = answer;
    responses
}

fn schemas() -> Value {
    let text = json!({"type": "string"});
    let number = json!({"type": "integer", "minimum": 0});
    let texts = json!({"type": "array", "items": text});
    json!({
        "Error": {"type": "object", "required": ["error"],
            "properties": {"error": {"type": "string", "description": "a stable word"}, "message": text,
                "known": {"type": "array", "items": text,
                    "description": "of a run or task that there is none: those with ids like that"}}},
        "Rejected": {"type": "object", "required": ["error"], "properties": {
            "error": text, "current": number, "changed": texts,
            "rejections": {"type": "array", "items": {"$ref": "#/components/schemas/Rejection"}}}},
        "Rejection": {"type": "object", "required": ["edit", "code", "item", "message"], "properties": {
            "edit": number, "code": text, "rule": text, "item": text, "message": text, "hint": text, "path": texts}},
        "Committed": {"type": "object", "required": ["revision", "seq", "applied", "summary", "warnings"],
            "properties": {"revision": number, "seq": number, "applied": number, "summary": {"type": "object"},
                "warnings": {"type": "array"}, "checked": {"type": "boolean"}}},
        "Batch": {"type": "object", "description": "edits, or a whole graph that becomes edits", "properties": {
            "base": {"type": "integer", "minimum": 0, "description": "revision that the author has seen; without \
                it the batch is for whatever is current"}, "hold": {"type": ["integer", "string"]}, "keep_open": {"type": "boolean"},
            "request": text, "reason": text, "edits": {"type": "array", "items": {"type": "object"}},
            "graph": {"type": "object"}}},
        "Submission": {"type": "object", "required": ["workflow"], "additionalProperties": false, "properties": {
            "workflow": {"type": "string", "description": "text of the file"}, "inputs": {"type": "object"},
            "strategy": text, "approved_in_advance": {"type": "boolean"}}},
        "Expected": {"type": "object", "additionalProperties": false, "properties": {"expect_revision": number}},
        "Cancel": {"type": "object", "additionalProperties": false, "properties": {"force": {"type": "boolean"}}},
        "Nothing": {"type": "object", "additionalProperties": false, "properties": {}},
        "Extend": {"type": "object", "required": ["tasks"], "additionalProperties": false,
            "properties": {"tasks": texts}},
        "RunStatus": {"type": "object", "required": ["run_id", "name", "state", "revision", "seq", "counts"],
            "properties": {"run_id": text, "name": text, "state": text, "paused": {"type": ["string", "null"]},
                "revision": number, "seq": number, "counts": {"type": "object"}}},
        "Explanation": {"type": "object", "required": ["task", "status", "reasons", "next"], "properties": {
            "task": text, "status": text, "next": text, "reasons": {"type": "array", "items": {"type": "object",
                "required": ["code"], "properties": {"code": text}}}}},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_described_and_nothing_else() {
        let document = openapi();
        let paths = document["paths"].as_object().expect("paths");
        let mut described: Vec<(String, String)> = Vec::new();
        for (path, methods) in paths {
            for method in methods.as_object().expect("methods").keys() {
                described.push((method.to_uppercase(), path.clone()));
            }
        }
        let mut known: Vec<(String, String)> =
            Operation::ALL.iter().map(|one| (one.method().to_string(), one.path().to_owned())).collect();
        described.sort();
        known.sort();
        assert_eq!(described, known);
    }

    #[test]
    fn every_reference_has_its_schema() {
        let document = openapi();
        let text = document.to_string();
        let references = text.split("#/components/schemas/").skip(1);
        for name in references.filter_map(|rest| rest.split('"').next()) {
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
        assert!(Operation::ALL.iter().all(|one| !one.summary().is_empty()));
    }
}
