//! The shape of a task.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::words::{
    Amount, Anything, AtLeastOne, EdgeId, ErrorWord, Flag, Hundred, Id, IdKey, Limit, Priority, Reference,
    RelativePath, Source, Span, Text, WeekLimit, Words,
};
use super::work::Work;

/// One piece of work, on one device.
#[derive(JsonSchema)]
#[schemars(title = "Task", deny_unknown_fields, extend("required" = ["run"]))]
pub(super) struct Task {
    /// Name for people. The id, unless there is one.
    name: Text,
    /// What the task is about, for people, agents, and devices that take text. May be a template.
    description: Text,
    /// Anything you want to keep with the task, at most 64 KiB. starline does not look at it.
    metadata: BTreeMap<String, Anything>,
    /// Hints for devices that take text, such as `the log rotates at midnight`.
    tips: Vec<Text>,
    /// The tasks that this one waits for. A list of ids waits for success; a mapping says what is asked of each.
    #[schemars(extend("examples" = [["fetch"], { "fetch": "completion" }, { "fetch": { "when": "outputs.count > 100" } }, { "fetch": ["success", { "kind": "completion", "id": "tidy" }] }]))]
    after: After,
    /// Urgency among tasks that are ready: 0 to 100, or `low` (25), `medium` (50), `high` (75), `critical` (100).
    #[schemars(extend("default" = "medium"))]
    priority: Priority,
    /// What the task asks of a device. Any device will do if it asks nothing.
    device: Device,
    /// What the task does.
    run: Work,
    /// What is sent along with the task, by name: values for its templates, files beside the workflow file, and
    /// artefacts of tasks before it.
    #[schemars(extend("examples" = [{ "limit": 5, "rules": { "file": "rules.txt" }, "report": { "artifact": "tasks.merge.outputs.report" } }]))]
    inputs: BTreeMap<String, Sent>,
    /// Longest wait from ready to started, such as `10m`; `none` for no limit. A task that waits longer fails.
    #[schemars(extend("default" = "none", "examples" = ["10m", "none"]))]
    queue_timeout: Limit,
    /// Longest run of one attempt, such as `30s`, at most `7d`; `none` for no limit.
    #[schemars(extend("default" = "1000s", "examples" = ["30s", "2m", "none"]))]
    run_timeout: WeekLimit,
    /// What happens after an attempt that failed. What it does not say is taken from `defaults`.
    retry: Retry,
    /// Whether a second run does no harm. Permits retries where it cannot be known whether the first one ended.
    #[schemars(extend("default" = false))]
    idempotent: Flag,
    /// Expected cost, for strategies, `plan` and `run --simulate`.
    estimate: Estimate,
    /// What is taken out of the result, by name. Tasks after this one use it as `{{ tasks.ID.outputs.NAME }}`.
    #[schemars(extend("examples" = [{ "count": { "from": "stdout", "type": "integer" } }]))]
    outputs: BTreeMap<String, Output>,
    /// Asks a person before the task runs. A text is the question.
    #[schemars(extend("examples" = ["Page on-call?", { "prompt": "Page on-call?", "timeout": "1h" }]))]
    approval: Approval,
    /// What undoes the task when the run is rolled back: with `on_failure: rollback`, or by `starline rollback`. It may
    /// run more than once, and after work that was done in part.
    #[schemars(extend("examples" = [{ "run": { "sh": "rm -f {{ tasks.fetch.outputs.path | default('none') }}" } }]))]
    compensate: Compensate,
}

/// What undoes a task.
#[derive(JsonSchema)]
#[schemars(title = "Compensation", deny_unknown_fields, extend("required" = ["run"]))]
pub(super) struct Compensate {
    /// What is done. Its templates may name the task itself, and every task before it.
    run: Work,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum After {
    /// Ids of tasks that must complete.
    List(#[schemars(extend("uniqueItems" = true))] Vec<Id>),
    /// What is asked of each task, by its id.
    Map(BTreeMap<IdKey, Edges>),
}

#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum Edges {
    /// One dependency.
    One(Edge),
    /// Several dependencies on the same task, all of which count.
    Several(#[schemars(extend("minItems" = 1))] Vec<Edge>),
}

#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum Edge {
    /// What is asked of the task.
    Kind(EdgeKind),
    /// A condition over the outcome.
    When(ConditionalEdge),
    /// What is asked, with a note.
    Noted(NotedEdge),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
pub(super) enum EdgeKind {
    /// The task must complete.
    Success,
    /// The task must fail.
    Failure,
    /// The task must end, however.
    Completion,
}

/// Waits until the other task ends and a condition over its outcome is true.
#[derive(JsonSchema)]
#[schemars(title = "Conditional dependency", deny_unknown_fields, extend("required" = ["when"]))]
pub(super) struct ConditionalEdge {
    /// An expression over `outputs`, `status`, `result`, `error` and `inputs`, without braces, at most 4 KiB. If it is
    /// false, or cannot be evaluated, this task is skipped.
    #[schemars(extend("examples" = ["outputs.total > 100", "status == 'failed'"]))]
    when: Text,
    /// Id of the dependency, by which edits name it.
    #[schemars(extend("examples" = ["line-1"]))]
    id: EdgeId,
    /// Why, for people and agents.
    note: Text,
}

/// Waits until the other task ends as it should.
#[derive(JsonSchema)]
#[schemars(title = "Dependency with a note", deny_unknown_fields, extend("required" = []))]
pub(super) struct NotedEdge {
    /// What is asked of the other task.
    #[schemars(extend("default" = "success"))]
    kind: EdgeKind,
    /// Id of the dependency, by which edits name it.
    #[schemars(extend("examples" = ["line-1"]))]
    id: EdgeId,
    /// Why, for people and agents.
    note: Text,
}

/// What a task asks of a device. All but `prefer` must hold.
#[derive(JsonSchema)]
#[schemars(title = "Device", deny_unknown_fields, extend("required" = []))]
struct Device {
    /// Id of the one device that may run the task.
    #[schemars(extend("examples" = ["host-a"]))]
    on: Id,
    /// Id of the device that runs the task if it can.
    prefer: Id,
    /// Operating system that the device must have, in any case of letters.
    #[schemars(extend("examples" = ["linux", "macos", "windows"]))]
    os: Text,
    /// Capabilities that the device must have, all of them.
    #[schemars(extend("examples" = [["logs", "python"]]))]
    needs: Vec<Text>,
    /// Amounts that the device must have, by name: whole numbers, or bytes with a unit such as `32GiB`.
    #[schemars(extend("examples" = [{ "cpu_cores": 4, "memory": "32GiB" }]))]
    resources: BTreeMap<String, Amount>,
}

/// What happens after an attempt that did not complete.
#[derive(JsonSchema)]
#[schemars(title = "Retry policy", deny_unknown_fields, extend("required" = []))]
pub(super) struct Retry {
    /// Retries after the first attempt, at most 100.
    #[schemars(extend("default" = 0))]
    max: Hundred,
    /// Longest wait before the first retry.
    #[schemars(extend("default" = "1s", "examples" = ["500ms", "1s"]))]
    base: Span,
    /// How much longer each further wait may be; at least 1.
    #[schemars(extend("default" = 2))]
    factor: AtLeastOne,
    /// Longest wait before any retry.
    #[schemars(extend("default" = "100s"))]
    cap: Span,
    /// How a wait is drawn.
    #[schemars(extend("default" = "full"))]
    jitter: Jitter,
    /// Kinds of errors that are not retried, beside those that never are.
    #[schemars(extend("default" = [], "examples" = [["exit_status", "timeout"]]))]
    non_retryable: Vec<ErrorWord>,
    /// Further attempts after devices that were lost, at most 100. They do not count as retries.
    #[schemars(extend("default" = 4))]
    lost_max: Hundred,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
enum Jitter {
    /// Any time up to the longest wait.
    Full,
    /// Always the longest wait.
    None,
}

/// Expected cost of a task.
#[derive(JsonSchema)]
#[schemars(title = "Estimate", deny_unknown_fields, extend("required" = []))]
struct Estimate {
    /// Time of one attempt on a device of speed 1.
    #[schemars(extend("examples" = ["2.5s", "10m"]))]
    duration: Span,
    /// Size of what the task hands on, in bytes, or with a unit.
    #[schemars(extend("examples" = [16, "10MB"]))]
    output_bytes: Amount,
}

/// A value that is taken out of the result of a task.
#[derive(JsonSchema)]
#[schemars(title = "Output", deny_unknown_fields, extend("required" = ["from"]))]
struct Output {
    /// Where it is: `stdout` (without its last line break), `result`, or a JSON pointer into the result. A file that
    /// `collect` keeps is at `/files/PATH`. A stream of more than 64 KiB becomes an artefact, whatever its type is.
    #[schemars(extend("examples" = ["stdout", "result", "/files/report.csv"]))]
    from: Source,
    /// What it must be. An attempt whose output is missing or something else fails.
    #[schemars(extend("default" = "string"))]
    r#type: OutputType,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
enum OutputType {
    /// A text.
    String,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// Any value.
    Json,
    /// A file, kept by the hash of its contents.
    Artifact,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Approval {
    /// The question.
    Question(Words),
    /// The question, and what the lack of an answer means.
    Gate(Gate),
}

/// A question to a person. The task waits until it is approved; a refusal cancels it.
#[derive(JsonSchema)]
#[schemars(title = "Approval", deny_unknown_fields, extend("required" = ["prompt"]))]
struct Gate {
    /// What the person is asked.
    #[schemars(extend("examples" = ["Page on-call?"]))]
    prompt: Text,
    /// How long the question stands, at most `7d`; `none` for ever.
    #[schemars(extend("default" = "1h", "examples" = ["1h", "none"]))]
    timeout: WeekLimit,
    /// What the lack of an answer means.
    #[schemars(extend("default" = "reject"))]
    on_timeout: OnTimeout,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case", inline)]
enum OnTimeout {
    /// No: the task is cancelled.
    Reject,
    /// Yes: the task runs.
    Approve,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Sent {
    /// A file beside the workflow file. The task finds it as `inputs/NAME` with the extension of the file.
    File(SentFile),
    /// An output of the type `artifact` of a task before this one.
    Artifact(SentArtifact),
    /// A value that would look like one of the others.
    Value(SentValue),
    /// Any other value.
    Plain(
        #[schemars(extend("not" = {
        "type": "object", "maxProperties": 1,
        "anyOf": [{ "required": ["file"] }, { "required": ["artifact"] }, { "required": ["value"] }],
    }))]
        Anything,
    ),
}

/// A file beside the workflow file.
#[derive(JsonSchema)]
#[schemars(title = "File", deny_unknown_fields)]
struct SentFile {
    /// Path of the file, relative to the folder of the workflow file and below it.
    #[schemars(extend("examples" = ["rules.txt"]))]
    file: RelativePath,
}

/// An output of the type `artifact` of a task before this one.
#[derive(JsonSchema)]
#[schemars(title = "Artefact", deny_unknown_fields)]
struct SentArtifact {
    /// The output, as templates name it, without braces.
    #[schemars(extend("examples" = ["tasks.merge.outputs.report"]))]
    artifact: Reference,
}

/// A value that would look like a file or an artefact.
#[derive(JsonSchema)]
#[schemars(title = "Value", deny_unknown_fields)]
struct SentValue {
    /// The value.
    value: Anything,
}
