//! The file as it is written, field by field.

use serde::Serialize;
use starline_types::Value;

type Kept<'a> = Option<&'a Value>;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record<'a> {
    pub(super) name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) created_at: Option<String>,
    pub(super) schema_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) author: Kept<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) runtime_system: Option<RuntimeSystem<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metrics: Kept<'a>,
    pub(super) workflow: Work<'a>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum RuntimeSystem<'a> {
    Own { name: &'static str, version: &'static str },
    Kept(&'a Value),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Work<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) repo: Kept<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) run_name: Kept<'a>,
    pub(super) specification: Specification<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) execution: Option<Execution<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Specification<'a> {
    pub(super) tasks: Vec<SpecifiedTask<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) files: &'a [File],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metrics: Option<Value>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SpecifiedTask<'a> {
    pub(super) name: &'a str,
    pub(super) id: &'a str,
    pub(super) parents: Vec<&'a str>,
    pub(super) children: Vec<&'a str>,
    pub(super) input_files: &'a [String],
    pub(super) output_files: &'a [String],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct File {
    pub(super) id: String,
    pub(super) size_in_bytes: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Execution<'a> {
    pub(super) makespan_in_seconds: Value,
    pub(super) executed_at: String,
    pub(super) tasks: Vec<ExecutedTask<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) machines: &'a [Machine],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metrics: Option<Value>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExecutedTask<'a> {
    pub(super) id: &'a str,
    pub(super) runtime_in_seconds: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) executed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) command: Option<Command>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) core_count: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memory_in_bytes: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) priority: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) machines: Vec<&'a str>,
    /// Further measures of a record.
    #[serde(flatten)]
    pub(super) measures: serde_json::Map<String, Value>,
}

#[derive(Debug, Serialize)]
pub(super) struct Command {
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Machine {
    pub(super) node_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) system: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) architecture: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) release: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memory_in_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Cpu::is_empty")]
    pub(super) cpu: Cpu,
}

#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cpu {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) core_count: Option<u64>,
    #[serde(rename = "speedInMHz", skip_serializing_if = "Option::is_none")]
    pub(super) speed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vendor: Option<String>,
}

impl Cpu {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
