//! The shape of what a task does.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::words::{Anything, Argv, Nothing, RelativePath, Span, Text, VariableKey};

#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum Work {
    /// A script for `sh`.
    Script(Script),
    /// A program with its arguments, without a shell.
    Program(Program),
    /// Waits.
    Sleep(Sleep),
    /// Does nothing.
    Noop(Noop),
    /// A text for a device that takes text.
    Prompt(Prompt),
    /// A function or tool of a device.
    Call(Call),
}

/// Runs a script with `sh`, on devices that allow it.
#[derive(JsonSchema)]
#[schemars(title = "Script", deny_unknown_fields, extend("required" = ["sh"]))]
pub(super) struct Script {
    /// The script. Each `{{ … }}` is quoted as one word, so write it bare and never inside quotes.
    #[schemars(extend("examples" = ["grep -c {{ inputs.pattern }} app.log || true"]))]
    sh: Text,
    /// Environment variables, by name. Values may be templates.
    #[schemars(extend("examples" = [{ "LC_ALL": "C" }]))]
    env: BTreeMap<String, Text>,
    /// Folder to run in, relative to the folder of the workflow file. Without it, a folder of the attempt's own.
    cwd: Text,
    /// Text for standard input. May be a template.
    stdin: Text,
    /// Environment variables whose values are secrets: name of the variable, then name of the secret.
    #[schemars(extend("examples" = [{ "TOKEN": "PAGER_TOKEN" }]))]
    secrets: BTreeMap<VariableKey, Text>,
    /// Paths of files that are kept when the script is done, relative to the folder it runs in and below it.
    #[schemars(extend("examples" = [["report.csv"]]))]
    collect: Vec<RelativePath>,
}

/// Runs a program without a shell.
#[derive(JsonSchema)]
#[schemars(title = "Program", deny_unknown_fields, extend("required" = ["exec"]))]
pub(super) struct Program {
    /// The program, then its arguments. Each item stays one argument, whatever a template puts into it.
    #[schemars(extend("examples" = [["grep", "-c", "{{ inputs.pattern }}", "app.log"]]))]
    exec: Argv,
    /// Environment variables, by name. Values may be templates.
    #[schemars(extend("examples" = [{ "LC_ALL": "C" }]))]
    env: BTreeMap<String, Text>,
    /// Folder to run in, relative to the folder of the workflow file. Without it, a folder of the attempt's own.
    cwd: Text,
    /// Text for standard input. May be a template.
    stdin: Text,
    /// Environment variables whose values are secrets: name of the variable, then name of the secret.
    #[schemars(extend("examples" = [{ "TOKEN": "PAGER_TOKEN" }]))]
    secrets: BTreeMap<VariableKey, Text>,
    /// Paths of files that are kept when the program is done, relative to the folder it runs in and below it.
    #[schemars(extend("examples" = [["report.csv"]]))]
    collect: Vec<RelativePath>,
}

/// Waits for a time.
#[derive(JsonSchema)]
#[schemars(title = "Sleep", deny_unknown_fields)]
pub(super) struct Sleep {
    /// How long, with a unit.
    #[schemars(extend("examples" = ["500ms", "2m"]))]
    sleep: Span,
}

/// Does nothing: a point where tasks meet.
#[derive(JsonSchema)]
#[schemars(title = "Nothing", deny_unknown_fields, extend("required" = ["noop"]))]
pub(super) struct Noop {
    /// Nothing: write `noop: {}`.
    noop: Nothing,
}

/// Gives a text to a device that takes text.
#[derive(JsonSchema)]
#[schemars(title = "Prompt", deny_unknown_fields)]
pub(super) struct Prompt {
    /// The text. May be a template.
    #[schemars(extend("examples" = ["Summarise the report in three lines"]))]
    prompt: Text,
}

/// Calls a function or tool of a device.
#[derive(JsonSchema)]
#[schemars(title = "Call", deny_unknown_fields, extend("required" = ["call"]))]
pub(super) struct Call {
    /// Name of the function or tool.
    call: Text,
    /// Its arguments. Texts in it may be templates.
    arguments: Anything,
}
