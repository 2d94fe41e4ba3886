//! The shapes of tasks within a batch of edits.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::task::Task;
use super::words::Id;

/// A task with its id; what it waits for stands beside it.
pub(super) struct NewTask;

/// A task with its id and what it waits for.
pub(super) struct ListedTask;

/// A task as it should be, as far as it changes.
pub(super) struct ProposedTask;

/// The same with its id.
pub(super) struct ProposedListedTask;

/// The fields of a task that change.
pub(super) struct TaskChange;

/// The fields of a task but `after`, which edits have beside it.
fn fields(generator: &mut SchemaGenerator) -> Map<String, Value> {
    let mut fields = all_fields(generator);
    fields.remove("after");
    fields
}

/// The fields of a task with what it waits for.
fn all_fields(generator: &mut SchemaGenerator) -> Map<String, Value> {
    let task = Task::json_schema(generator);
    task.get("properties").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// The same fields, each of which may be `null`.
fn resettable(mut properties: Map<String, Value>) -> Map<String, Value> {
    for property in properties.values_mut() {
        let description = property.as_object_mut().and_then(|members| members.remove("description"));
        *property = json!({ "description": description, "anyOf": [property.take(), { "type": "null" }] });
    }
    properties
}

fn insert_id(properties: &mut Map<String, Value>, description: &str, generator: &mut SchemaGenerator) {
    let mut id = Id::json_schema(generator);
    id.insert("description".to_owned(), description.into());
    properties.insert("id".to_owned(), id.to_value());
}

const NEW_ID: &str = "Id, new in the graph: `A-Z a-z 0-9 . _ : # -`.";

impl JsonSchema for NewTask {
    fn schema_name() -> Cow<'static, str> {
        "NewTask".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut properties = fields(generator);
        insert_id(&mut properties, NEW_ID, generator);
        json_schema!({
            "title": "New task",
            "description": "A task with its id.",
            "type": "object",
            "properties": properties,
            "required": ["id", "run"],
            "additionalProperties": false,
        })
    }
}

impl JsonSchema for ListedTask {
    fn schema_name() -> Cow<'static, str> {
        "ListedTask".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut properties = all_fields(generator);
        insert_id(&mut properties, NEW_ID, generator);
        json_schema!({
            "title": "Listed task",
            "description": "A task with its id and what it waits for.",
            "type": "object",
            "properties": properties,
            "required": ["id", "run"],
            "additionalProperties": false,
        })
    }
}

impl JsonSchema for ProposedTask {
    fn schema_name() -> Cow<'static, str> {
        "ProposedTask".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "Proposed task",
            "description": "A task as it should be. Fields that are absent stay as they are, and `null` puts one back \
                            to its default; a new task needs `run`.",
            "type": "object",
            "properties": resettable(all_fields(generator)),
            "additionalProperties": false,
        })
    }
}

impl JsonSchema for ProposedListedTask {
    fn schema_name() -> Cow<'static, str> {
        "ProposedListedTask".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut properties = resettable(all_fields(generator));
        insert_id(&mut properties, "Id of the task.", generator);
        json_schema!({
            "title": "Proposed task with its id",
            "description": "A task as it should be, with its id. Fields that are absent stay as they are, and `null` \
                            puts one back to its default; a new task needs `run`.",
            "type": "object",
            "properties": properties,
            "required": ["id"],
            "additionalProperties": false,
        })
    }
}

impl JsonSchema for TaskChange {
    fn schema_name() -> Cow<'static, str> {
        "TaskChange".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let properties = resettable(fields(generator));
        json_schema!({
            "title": "Change of a task",
            "description": "The fields of a task that change; `null` puts one back to its default.",
            "type": "object",
            "properties": properties,
            "minProperties": 1,
            "additionalProperties": false,
        })
    }
}
