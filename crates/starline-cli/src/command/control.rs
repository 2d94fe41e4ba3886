//! `starline pause`, `cancel`, `retry`, `skip`, `release`, `approve` and `reject`

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::options::{FolderOption, OutputOptions};
use crate::output::Output;
use crate::paint::printable;
use crate::remote::{block_on, find, segment};

macro_rules! about {
    ($about:ident: $short:literal, $help:ident: $text:literal) => {
        pub(crate) const $about: &str = $short;
        pub(crate) const $help: &str = concat!(
            $text,
            "\n\nRUN is the id of a run that another process carries out, the beginning of one, or `last`.\n\
             Exit codes: 0 done, 2 no such run or task, 3 refused, 4 no such process.\n"
        );
    };
}

about! { PAUSE: "Start nothing new in a run until it is resumed", PAUSE_HELP:
"Tasks that are running go on to their end.

Examples:
  starline pause last" }
about! { CANCEL: "Cancel a run, or one task of it", CANCEL_HELP:
"A running task is asked to stop, and killed after its grace period; the devices confirm it. With --force
the run does not wait for them.

Examples:
  starline cancel last                 # the whole run
  starline cancel last scan_b          # one task; what depends on it is decided by the edges
  starline cancel last --force" }
about! { RETRY: "Try a task again", RETRY_HELP:
"A task that waits for its retry is tried at once. For one that has failed or was cancelled, a copy is
added that takes its place before everything that has not started: an edit like any other, which `undo`
takes back.

Examples:
  starline retry last scan_b" }
about! { SKIP: "Skip a task that has not started", SKIP_HELP:
"What depends on it is decided by the edges.

Examples:
  starline skip last page" }
about! { RELEASE: "Close a hold without a change", RELEASE_HELP:
"What waited for its answer goes on as the graph is. `watch` and `explain` name the holds that are open.

Examples:
  starline release last h-1" }
about! { APPROVE: "Let a task run that waits for approval", APPROVE_HELP:
"Examples:
  starline approve last page" }
about! { REJECT: "Refuse a task that waits for approval", REJECT_HELP:
"The task is cancelled; what depends on it is decided by the edges.

Examples:
  starline reject last page" }

/// Flags of verbs about a run.
#[derive(Clone, Debug, Args)]
pub(crate) struct RunCommand {
    /// Id of a run, the beginning of one, or `last`
    #[arg(value_name = "RUN")]
    run: String,

    #[command(flatten)]
    state: FolderOption,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// Flags of verbs about a task.
#[derive(Clone, Debug, Args)]
pub(crate) struct TaskCommand {
    /// Id of a run, the beginning of one, or `last`
    #[arg(value_name = "RUN")]
    run: String,

    /// Id of a task
    #[arg(value_name = "TASK")]
    task: String,

    #[command(flatten)]
    state: FolderOption,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// Flags of `starline cancel`.
#[derive(Clone, Debug, Args)]
pub(crate) struct CancelCommand {
    /// Id of a run, the beginning of one, or `last`
    #[arg(value_name = "RUN")]
    run: String,

    /// Id of a task; without it the whole run
    #[arg(value_name = "TASK")]
    task: Option<String>,

    /// Do not wait for devices to confirm it
    #[arg(long, env = "STARLINE_FORCE", hide_env_values = true, conflicts_with = "task")]
    #[arg(action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    force: bool,

    #[command(flatten)]
    state: FolderOption,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// Flags of `starline release`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReleaseCommand {
    /// Id of a run, the beginning of one, or `last`
    #[arg(value_name = "RUN")]
    run: String,

    /// Hold, such as `h-1`
    #[arg(value_name = "HOLD")]
    hold: String,

    #[command(flatten)]
    state: FolderOption,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

impl ReleaseCommand {
    /// Closes the hold.
    ///
    /// # Errors
    /// There is no such run, no such hold is open, or the run refuses.
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        let answer = block_on(async {
            let remote = find(&self.state.state_dir, &self.run).await?;
            let path = format!("/holds/{}/release", segment(&self.hold));
            remote.client.post(&remote.path(&path), &json!({})).await
        })?;
        tell(&answer, None, &format!("goes on without an answer to {}", self.hold), output);
        Ok(Exit::Done)
    }
}

impl RunCommand {
    /// Has one thing done with the run, and says so with the word for it.
    ///
    /// # Errors
    /// There is no such run, or it refuses.
    pub(crate) fn execute(self, what: &str, done: &str, output: &Output) -> Result<Exit, Failure> {
        let answer = block_on(async {
            let remote = find(&self.state.state_dir, &self.run).await?;
            remote.client.post(&remote.path(&format!("/{what}")), &json!({})).await
        })?;
        tell(&answer, None, done, output);
        Ok(Exit::Done)
    }
}

impl TaskCommand {
    /// Has one thing done with the task, and says so with the word for it.
    ///
    /// # Errors
    /// There is no such run or task, or it refuses.
    pub(crate) fn execute(self, what: &str, done: &str, output: &Output) -> Result<Exit, Failure> {
        let (run, answer) = block_on(async {
            let remote = find(&self.state.state_dir, &self.run).await?;
            let answer =
                remote.client.post(&remote.task(&self.task, &format!("/{what}")), &json!({})).await?;
            Ok((remote.run, answer))
        })?;
        // An edit is told as one.
        if answer["applied"].as_u64().is_some_and(|applied| applied > 0) && !output.is_json() {
            crate::command::edit::tell(&answer, &run, output);
        } else {
            tell(&answer, Some(&self.task), done, output);
        }
        Ok(Exit::Done)
    }
}

impl CancelCommand {
    /// Cancels the run or the task.
    ///
    /// # Errors
    /// There is no such run or task, or it refuses.
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        let Self { run, task, force, state, output: options } = self;
        match task {
            Some(task) => TaskCommand { run, task, state, output: options }.execute(
                "cancel",
                "is being cancelled",
                output,
            ),
            None => {
                let answer = block_on(async {
                    let remote = find(&state.state_dir, &run).await?;
                    remote.client.post(&remote.path("/cancel"), &json!({ "force": force })).await
                })?;
                tell(&answer, None, "is being cancelled", output);
                Ok(Exit::Done)
            }
        }
    }
}

/// Says what was done, with the run in a few numbers.
pub(crate) fn tell(answer: &Value, task: Option<&str>, done: &str, output: &Output) {
    if output.is_json() {
        return output.object(answer);
    }
    let run = answer["run_id"].as_str().unwrap_or_default();
    let state = answer["state"].as_str().map(|state| format!("; the run is {state}")).unwrap_or_default();
    match task {
        Some(task) => output.result(&printable(&format!("task {task} {done}{state}"))),
        None => output.result(&printable(&format!("run {run} {done}{state}"))),
    }
}
