//! The shape of what editors may do, and when they are asked.

use schemars::JsonSchema;

use super::words::{Anything, DayWait, IdPattern, Million, Name, Span, Starred, Text};

/// Guard rails for every editor of a run.
#[derive(JsonSchema)]
#[schemars(title = "Policy", deny_unknown_fields, extend("required" = []))]
pub(super) struct Policy {
    /// The operations that are allowed. All, unless it is there.
    allow: Vec<Operation>,
    /// What tasks that an edit adds or changes may ask for. Anything, unless it is there.
    only: Patterns,
    /// How much may be edited.
    limits: PolicyLimits,
    /// Tasks that an edit adds or changes are approved by a person first if they match one of these.
    require_approval: Patterns,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
enum Operation {
    /// Adds a task.
    AddTask,
    /// Changes a task that has not started.
    UpdateTask,
    /// Removes a task that has not started.
    RemoveTask,
    /// Adds a dependency.
    AddDependency,
    /// Removes a dependency.
    RemoveDependency,
    /// Changes a dependency.
    UpdateDependency,
    /// Puts in a whole graph.
    Build,
    /// Removes everything.
    Clear,
    /// Adds a graph under a prefix.
    Merge,
    /// Takes the last commit back.
    Undo,
    /// Commits again what was taken back.
    Redo,
    /// Adds a copy of a task that failed.
    RetryTask,
}

/// Patterns over what a task asks for. `*` stands for any text.
#[derive(JsonSchema)]
#[schemars(title = "Patterns", deny_unknown_fields, extend("required" = []))]
struct Patterns {
    /// Over ids of devices.
    #[schemars(extend("examples" = [["host-*", "llm"]]))]
    devices: Vec<Text>,
    /// Over capabilities.
    #[schemars(extend("examples" = [["logs", "llm.*"]]))]
    capabilities: Vec<Text>,
    /// Over kinds of work.
    #[schemars(extend("examples" = [["sh", "exec"]]))]
    kinds: Vec<WorkPattern>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum WorkPattern {
    /// A kind of work.
    Kind(WorkKind),
    /// A pattern over kinds of work.
    Pattern(Starred),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
enum WorkKind {
    /// A script for `sh`.
    Sh,
    /// A program without a shell.
    Exec,
    /// A wait.
    Sleep,
    /// Nothing.
    Noop,
    /// A text for a device that takes text.
    Prompt,
    /// A function or tool of a device.
    Call,
}

/// How much may be edited in a run.
#[derive(JsonSchema)]
#[schemars(title = "Limits of edits", deny_unknown_fields, extend("required" = []))]
struct PolicyLimits {
    /// Edits of the run, at most 1000000.
    #[schemars(extend("default" = 10_000))]
    edits: Million,
    /// Tasks added to the run, at most 1000000.
    #[schemars(extend("default" = 100_000))]
    added_tasks: Million,
}

/// When and how an agent is asked to edit a run.
#[derive(JsonSchema)]
#[schemars(title = "Editor", deny_unknown_fields, extend("required" = []))]
pub(super) struct Editor {
    /// Ends of tasks after which it is asked. Skipped and cancelled tasks never ask.
    #[schemars(extend("default" = ["completed", "failed"]))]
    edit_on: Vec<Outcome>,
    /// What waits while an edit is made, and for how long.
    hold: HoldSection,
    /// Answers for each hold, at most 20. After the last one that is refused the hold is released.
    #[schemars(extend("default" = 3, "type" = "integer", "minimum" = 1, "maximum" = 20))]
    attempts: Anything,
    /// Rules that answer in place of an agent. The first that matches answers.
    scripted: Vec<Rule>,
    /// An agent behind a server that speaks the OpenAI protocol.
    openai: OpenAi,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
enum Outcome {
    /// The task completed.
    Completed,
    /// The task failed for good.
    Failed,
}

/// What waits while an edit is made, and for how long.
#[derive(JsonSchema)]
#[schemars(title = "Hold", deny_unknown_fields, extend("required" = []))]
struct HoldSection {
    /// Which tasks wait.
    #[schemars(extend("default" = "descendants"))]
    scope: Scope,
    /// How long ends of tasks are gathered before the editor is asked.
    #[schemars(extend("default" = "0s", "examples" = ["250ms"]))]
    batch_window: Span,
    /// How long the editor may take, at most `24h`.
    #[schemars(extend("default" = "600s"))]
    modification_timeout: DayWait,
    /// What becomes of an answer that comes too late.
    #[schemars(extend("default" = "accept"))]
    late_edits: Late,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
enum Scope {
    /// What comes after the tasks that ended.
    Descendants,
    /// Everything that has not started.
    Graph,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
enum Late {
    /// It is an edit like any other.
    Accept,
    /// It is refused.
    Refuse,
}

/// An answer that is given by a rule.
#[derive(JsonSchema)]
#[schemars(title = "Scripted rule", deny_unknown_fields, extend("required" = ["task", "edits"]))]
struct Rule {
    /// Pattern over ids of tasks. `*` stands for any text.
    #[schemars(extend("examples" = ["scan_*"]))]
    task: IdPattern,
    /// End of the task. Any, unless it is there.
    outcome: Outcome,
    /// An expression over the outcome. Always, unless it is there.
    #[schemars(extend("examples" = ["error.kind == 'exit_status'"]))]
    when: Text,
    /// Why, for people.
    reason: Text,
    /// The edits, as in a batch. Texts in them are templates over `task`; an empty list releases the hold.
    #[schemars(extend("examples" = [[{ "op": "remove_task", "id": "settle" }]]))]
    edits: Vec<TemplatedEdit>,
}

/// One edit, with templates in its texts. Its other fields are those of a batch of edits.
#[derive(JsonSchema)]
#[schemars(title = "Edit", extend("required" = ["op"]))]
struct TemplatedEdit {
    /// The operation.
    op: EditOperation,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
enum EditOperation {
    /// Adds a task.
    AddTask,
    /// Changes a task that has not started.
    UpdateTask,
    /// Removes a task that has not started.
    RemoveTask,
    /// Adds a dependency.
    AddDependency,
    /// Removes a dependency.
    RemoveDependency,
    /// Changes a dependency.
    UpdateDependency,
    /// Puts in a whole graph.
    Build,
    /// Removes everything.
    Clear,
    /// Adds a graph under a prefix.
    Merge,
}

/// A server that speaks the OpenAI protocol. Address and key come from the environment, never from a file.
#[derive(JsonSchema)]
#[schemars(title = "OpenAI-compatible server", deny_unknown_fields, extend("required" = ["base_url_env", "model"]))]
struct OpenAi {
    /// Environment variable with the address.
    #[schemars(extend("examples" = ["OPENAI_BASE_URL"]))]
    base_url_env: Name,
    /// Environment variable with the key. None, unless it is there.
    #[schemars(extend("examples" = ["OPENAI_API_KEY"]))]
    key_env: Name,
    /// Name of the model.
    model: Text,
    /// Longest wait for one answer, at most `24h`.
    #[schemars(extend("default" = "60s"))]
    timeout: DayWait,
    /// Tokens of the whole run, at least 1.
    #[schemars(extend("default" = 50_000, "type" = "integer", "minimum" = 1))]
    max_tokens: Anything,
}
