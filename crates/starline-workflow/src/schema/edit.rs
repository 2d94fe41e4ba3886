//! The shape of a batch of edits.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::edit_task::{ListedTask, NewTask, ProposedListedTask, ProposedTask, TaskChange};
use super::task::{After, EdgeKind, Task};
use super::words::{Anything, EdgeId, Flag, Hold, Id, IdKey, Revision, ShownCondition, Text};

/// Changes of a run that are committed together or not at all: a list of edits, or the whole graph as it should be.
#[derive(JsonSchema)]
#[schemars(title = "Edit batch", deny_unknown_fields, extend("required" = [], "not" = { "required": ["edits", "graph"] }))]
pub(super) struct EditBatch {
    /// The revision that the author has seen. The batch is refused if something it touches was changed later.
    #[schemars(extend("examples" = [3]))]
    base: Revision,
    /// The hold that the batch answers. A commit closes it; a refusal leaves it open for another try.
    #[schemars(extend("examples" = ["h-7"]))]
    hold: Hold,
    /// Keeps the answered hold open.
    #[schemars(extend("default" = false))]
    keep_open: Flag,
    /// An id of the sender's choice. A batch that is sent again with the same id changes nothing, and gets the first
    /// answer.
    request: Id,
    /// Why, for people.
    #[schemars(extend("examples" = ["host-b refused the connection"]))]
    reason: Text,
    /// The edits, in order; later ones see what earlier ones made. At most 1000 by default.
    #[schemars(extend("maxItems" = 10_000))]
    edits: Vec<Edit>,
    /// The whole graph as it should be. It becomes edits by comparison with the graph of the run: tasks that are absent
    /// go, and fields that are absent stay as they are.
    graph: Proposal,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Edit {
    /// Adds a task.
    AddTask(AddTask),
    /// Changes a task.
    UpdateTask(UpdateTask),
    /// Removes a task.
    RemoveTask(RemoveTask),
    /// Adds a dependency.
    AddDependency(AddDependency),
    /// Changes a dependency.
    UpdateDependency(UpdateDependency),
    /// Removes a dependency.
    RemoveDependency(RemoveDependency),
    /// Puts in a whole graph.
    Build(Build),
    /// Removes everything.
    Clear(Clear),
    /// Adds a graph under a prefix.
    Merge(Merge),
}

macro_rules! operation {
    ($($name:ident = $word:literal;)*) => {
        $(
            struct $name;

            impl JsonSchema for $name {
                fn inline_schema() -> bool {
                    true
                }

                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!({ "const": $word })
                }
            }
        )*
    };
}

operation! {
    AddTaskOp = "add_task";
    UpdateTaskOp = "update_task";
    RemoveTaskOp = "remove_task";
    AddDependencyOp = "add_dependency";
    UpdateDependencyOp = "update_dependency";
    RemoveDependencyOp = "remove_dependency";
    BuildOp = "build";
    ClearOp = "clear";
    MergeOp = "merge";
}

/// Adds a task, and dependencies into it.
#[derive(JsonSchema)]
#[schemars(title = "Add a task", deny_unknown_fields, extend("required" = ["op", "task"]))]
struct AddTask {
    /// The operation.
    op: AddTaskOp,
    /// The task, with its id.
    task: NewTask,
    /// The tasks that it waits for. A list of ids waits for success; a mapping says what is asked of each.
    #[schemars(extend("examples" = [["scan_b"], { "scan_b": "failure" }]))]
    after: After,
}

/// Changes a task that has not started.
#[derive(JsonSchema)]
#[schemars(title = "Update a task", deny_unknown_fields)]
struct UpdateTask {
    /// The operation.
    op: UpdateTaskOp,
    /// Id of the task.
    id: Id,
    /// The fields that change; `null` puts one back to its default.
    #[schemars(extend("examples" = [{ "run_timeout": "5m", "tips": null }]))]
    set: TaskChange,
}

/// Removes a task that has not started, with the dependencies into it and out of it.
#[derive(JsonSchema)]
#[schemars(title = "Remove a task", deny_unknown_fields)]
struct RemoveTask {
    /// The operation.
    op: RemoveTaskOp,
    /// Id of the task.
    id: Id,
}

/// Adds a dependency into a task that has not started.
#[derive(JsonSchema)]
#[schemars(title = "Add a dependency", deny_unknown_fields, extend("required" = ["op", "from", "to"]))]
struct AddDependency {
    /// The operation.
    op: AddDependencyOp,
    /// Id of the task that must end.
    from: Id,
    /// Id of the task that waits.
    to: Id,
    /// What is asked of the first task.
    #[schemars(extend("default" = "success"))]
    kind: DependencyKind,
    /// Id of the dependency. `FROM->TO`, unless it is there.
    id: EdgeId,
    /// Why, for people and agents.
    note: Text,
}

/// Changes a dependency into a task that has not started.
#[derive(JsonSchema)]
#[schemars(title = "Update a dependency", deny_unknown_fields, extend("required" = ["op"], "allOf" = [
    { "anyOf": [
        { "required": ["id"], "properties": { "from": false, "to": false } },
        { "required": ["from", "to"], "properties": { "id": false } },
    ] },
    { "anyOf": [{ "required": ["kind"] }, { "required": ["note"] }] },
]))]
struct UpdateDependency {
    /// The operation.
    op: UpdateDependencyOp,
    /// Id of the dependency.
    id: EdgeId,
    /// Id of the task that must end, in place of `id`.
    from: Id,
    /// Id of the task that waits, in place of `id`.
    to: Id,
    /// What is asked of the first task from now on.
    kind: DependencyKind,
    /// Why, for people and agents.
    note: Text,
}

/// Removes a dependency into a task that has not started.
#[derive(JsonSchema)]
#[schemars(title = "Remove a dependency", deny_unknown_fields, extend("required" = ["op"], "anyOf" = [
    { "required": ["id"], "properties": { "from": false, "to": false } },
    { "required": ["from", "to"], "properties": { "id": false } },
]))]
struct RemoveDependency {
    /// The operation.
    op: RemoveDependencyOp,
    /// Id of the dependency.
    id: EdgeId,
    /// Id of the task that must end, in place of `id`.
    from: Id,
    /// Id of the task that waits, in place of `id`.
    to: Id,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum DependencyKind {
    /// What is asked of the task.
    Kind(EdgeKind),
    /// A condition over the outcome.
    When(ConditionalKind),
    /// The same, as kinds are shown.
    Shown(ShownCondition),
}

/// The task must end, and a condition over its outcome must be true.
#[derive(JsonSchema)]
#[schemars(title = "Condition", deny_unknown_fields)]
struct ConditionalKind {
    /// An expression over `outputs`, `status`, `result`, `error` and `inputs`, without braces, at most 4 KiB.
    #[schemars(extend("examples" = ["outputs.total > 100"]))]
    when: Text,
}

/// Puts in a whole graph.
#[derive(JsonSchema)]
#[schemars(title = "Build a graph", deny_unknown_fields, extend("required" = ["op", "graph"]))]
struct Build {
    /// The operation.
    op: BuildOp,
    /// The graph.
    graph: Graph,
    /// Whether every task that is there goes first. All of them must be unstarted then.
    #[schemars(extend("default" = true))]
    clear_existing: Flag,
}

/// Removes every task. All of them must be unstarted.
#[derive(JsonSchema)]
#[schemars(title = "Clear the graph", deny_unknown_fields)]
struct Clear {
    /// The operation.
    op: ClearOp,
}

/// Adds a graph, with a prefix before the ids of its tasks and dependencies.
#[derive(JsonSchema)]
#[schemars(title = "Merge a graph", deny_unknown_fields, extend("required" = ["op", "graph"]))]
struct Merge {
    /// The operation.
    op: MergeOp,
    /// The graph.
    graph: Graph,
    /// What is put before each id.
    prefix: Text,
}

/// Tasks and what they wait for.
#[derive(JsonSchema)]
#[schemars(title = "Graph", deny_unknown_fields, extend("required" = ["tasks"]))]
struct Graph {
    /// Name, for people.
    name: Text,
    /// What the graph is about, for people and agents.
    description: Text,
    /// Anything to be kept with the graph.
    metadata: BTreeMap<String, Anything>,
    /// The tasks: a mapping from ids as in a workflow file, or a list of tasks with their ids.
    tasks: Tasks,
    /// Dependencies beside those that `after` of tasks says.
    dependencies: Vec<Dependency>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Tasks {
    /// Tasks by id, as in a workflow file.
    Map(BTreeMap<IdKey, Task>),
    /// Tasks with their ids.
    List(Vec<ListedTask>),
}

/// Tasks and what they wait for, as far as they change.
#[derive(JsonSchema)]
#[schemars(title = "Whole graph", deny_unknown_fields, extend("required" = ["tasks"]))]
struct Proposal {
    /// Name, for people.
    name: Text,
    /// What the graph is about, for people and agents.
    description: Text,
    /// Anything to be kept with the graph.
    metadata: BTreeMap<String, Anything>,
    /// The tasks that are to be there: a mapping from ids, or a list of tasks with their ids.
    tasks: ProposedTasks,
    /// All dependencies beside those that `after` of tasks says. Where there is no such list, tasks without `after` keep
    /// theirs.
    dependencies: Vec<Dependency>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum ProposedTasks {
    /// Tasks by id.
    Map(BTreeMap<IdKey, ProposedTask>),
    /// Tasks with their ids.
    List(Vec<ProposedListedTask>),
}

/// A dependency between two tasks.
#[derive(JsonSchema)]
#[schemars(title = "Dependency", deny_unknown_fields, extend("required" = ["from", "to"]))]
struct Dependency {
    /// Id of the dependency. `FROM->TO`, unless it is there.
    id: EdgeId,
    /// Id of the task that must end.
    from: Id,
    /// Id of the task that waits.
    to: Id,
    /// What is asked of the first task.
    #[schemars(extend("default" = "success"))]
    kind: DependencyKind,
    /// Why, for people and agents.
    note: Text,
}
