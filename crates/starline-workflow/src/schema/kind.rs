//! What has a schema.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use starline_types::Value;

use super::{devices, edit, workflow};

/// What a schema is of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SchemaKind {
    /// The workflow file.
    Workflow,
    /// The device file.
    Devices,
    /// A batch of edits.
    Edit,
}

impl SchemaKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Workflow, Self::Devices, Self::Edit];

    /// The word for the kind: `workflow`, `devices` or `edit`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workflow => "workflow",
            Self::Devices => "devices",
            Self::Edit => "edit",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// The JSON Schema (draft 2020-12) of a kind of file, always the same.
///
/// It says what can be said about a file without running through its graph: names of fields, types, ranges and which
/// fields go together. Files that pass may still have cycles, unknown tasks or templates that cannot be filled in.
/// Names of fields that only Galaxy uses are not in it.
///
/// # Examples
///
/// ```
/// use starline_workflow::{SchemaKind, schema};
///
/// let schema = schema(SchemaKind::Workflow);
/// assert_eq!(schema["title"], "Workflow file");
/// assert_eq!(schema["additionalProperties"], false);
/// ```
#[must_use]
pub fn schema(kind: SchemaKind) -> Value {
    let generator: SchemaGenerator = SchemaSettings::draft2020_12().into_generator();
    let schema = match kind {
        SchemaKind::Workflow => generator.into_root_schema_for::<workflow::WorkflowFile>(),
        SchemaKind::Devices => generator.into_root_schema_for::<devices::DeviceFile>(),
        SchemaKind::Edit => generator.into_root_schema_for::<edit::EditBatch>(),
    };
    let mut schema = schema.to_value();
    tidy(&mut schema);
    schema
}

/// Makes one line of each paragraph, and leaves out lists of required fields that are empty.
fn tidy(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if members.get("required").and_then(Value::as_array).is_some_and(Vec::is_empty) {
                members.remove("required");
            }
            if let Some(Value::String(text)) = members.get_mut("description") {
                let paragraphs: Vec<String> =
                    text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect();
                *text = paragraphs.join("\n\n");
            }
            members.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
