//! The shape of a workflow file.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::editor::{Editor, Policy};
use super::task::{Retry, Task};
use super::words::{Anything, IdKey, Limit, Name, Positive, Span, Text, Version, Wait, WeekLimit};

/// Tasks and what they wait for, with the settings of a run.
#[derive(JsonSchema)]
#[schemars(title = "Workflow file", deny_unknown_fields, extend("required" = ["version", "tasks"]))]
pub(super) struct WorkflowFile {
    /// Version of the format. Always 1.
    version: Version,
    /// Name of the workflow, for people.
    #[schemars(extend("examples" = ["nightly-log-health"]))]
    name: Text,
    /// What the workflow is about, for people and for agents that edit its runs.
    description: Text,
    /// Anything you want to keep with the workflow. starline does not look at it.
    #[schemars(extend("examples" = [{ "owner": "ops" }]))]
    metadata: BTreeMap<String, Anything>,
    /// Values that whoever starts a run may give, by name. Templates use them as `{{ inputs.NAME }}`.
    #[schemars(extend("examples" = [{ "pattern": { "type": "string", "default": "ERROR|FATAL" } }]))]
    inputs: BTreeMap<String, Input>,
    /// Names of the secrets that tasks may ask for. The values come from the environment or a secret file, and never
    /// stand in a workflow.
    #[schemars(extend("examples" = [["PAGER_TOKEN"]], "uniqueItems" = true))]
    secrets: Vec<Name>,
    /// What holds for tasks that do not say otherwise.
    defaults: Defaults,
    /// Settings of the whole run.
    run: Run,
    /// The tasks, by id. An id is made of `A-Z a-z 0-9 . _ : # -`, at most 256 of them. Tasks keep the order of the
    /// file, which decides between tasks of equal priority.
    tasks: BTreeMap<IdKey, Task>,
    /// Guard rails for every editor of a run. They are fixed when the run starts, and no edit can change them.
    policy: Policy,
    /// When and how an agent is asked to edit a run.
    editor: Editor,
}

/// A value that whoever starts a run may give.
#[derive(JsonSchema)]
#[schemars(title = "Input", deny_unknown_fields, extend("required" = [], "allOf" = [
    { "if": { "properties": { "type": { "const": "string" } } },
      "then": { "properties": { "default": { "type": ["string", "number", "boolean"] } } } },
    { "if": { "properties": { "type": { "const": "integer" } }, "required": ["type"] },
      "then": { "properties": { "default": { "type": "integer" } } } },
    { "if": { "properties": { "type": { "const": "number" } }, "required": ["type"] },
      "then": { "properties": { "default": { "type": "number" } } } },
    { "if": { "properties": { "type": { "const": "boolean" } }, "required": ["type"] },
      "then": { "properties": { "default": { "type": "boolean" } } } },
    { "if": { "properties": { "type": { "const": "list" } }, "required": ["type"] },
      "then": { "properties": { "default": { "type": "array" } } } },
    { "if": { "properties": { "type": { "const": "object" } }, "required": ["type"] },
      "then": { "properties": { "default": { "type": "object" } } } },
]))]
pub(super) struct Input {
    /// What a value must be.
    #[schemars(extend("default" = "string"))]
    r#type: InputType,
    /// The value, unless another is given. Without a default a value must be given.
    default: Anything,
    /// What the input is for.
    description: Text,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
enum InputType {
    /// A text.
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

/// What holds for tasks that do not say otherwise.
#[derive(JsonSchema)]
#[schemars(title = "Defaults", deny_unknown_fields, extend("required" = []))]
struct Defaults {
    /// Longest run of one attempt, such as `30s` or `2m`, at most `7d`; `none` for no limit.
    #[schemars(extend("default" = "1000s", "examples" = ["30s", "2m", "none"]))]
    run_timeout: WeekLimit,
    /// Longest wait of a ready task for a device, such as `10m`; `none` for no limit.
    #[schemars(extend("default" = "none", "examples" = ["10m", "none"]))]
    queue_timeout: Limit,
    /// What happens after an attempt that failed. A task that has `retry` itself changes single fields of this.
    retry: Retry,
}

/// Settings of the whole run.
#[derive(JsonSchema)]
#[schemars(title = "Run", deny_unknown_fields, extend("required" = []))]
struct Run {
    /// Name of the strategy that chooses a device for each task.
    #[schemars(extend("examples" = ["capability_match", "load_balance", "round_robin"]))]
    strategy: Text,
    /// Most attempts that run at the same time, over all devices. No limit by default.
    #[schemars(extend("examples" = [64]))]
    max_parallel: Positive,
    /// What a task that failed for good does to the rest of the run.
    #[schemars(extend("default" = "skip_dependents"))]
    on_failure: OnFailure,
    /// How long a run that waits for an edit waits, with `on_failure: wait_for_edit`.
    #[schemars(extend("default" = "600s", "examples" = ["10m"]))]
    edit_wait: Span,
    /// Longest time from the start of the run to its end, such as `8h`. Reaching it cancels the run. No limit by default.
    #[schemars(extend("examples" = ["8h"]))]
    deadline: Wait,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
enum OnFailure {
    /// Tasks that can no longer run are skipped, and everything else goes on.
    SkipDependents,
    /// Everything that has not started is cancelled, and what runs is asked to stop.
    FailFast,
    /// What waits for the task stays where it is; when nothing else is left, the run pauses for an edit.
    WaitForEdit,
    /// Tasks that can no longer run are skipped, and everything else goes on; then `compensate` of every task that ran is
    /// run, in reverse order.
    Rollback,
}
