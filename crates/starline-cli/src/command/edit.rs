//! `starline edit`

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, ArgGroup, Args};
use serde_json::{Map, Value, json};
use starline::types::ChangeSummary;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::line::changes;
use crate::options::{FolderOption, OutputOptions};
use crate::output::Output;
use crate::paint::{Tone, paint, printable};
use crate::remote::{block_on, find};
use crate::source::Source;

pub(crate) const ABOUT: &str = "Edit the graph of a run that is under way";

const USAGE: &str = "\
starline edit [OPTIONS] <RUN> --file <FILE>
       starline edit [OPTIONS] <RUN> --add-task <ID> (--run <YAML> | --sh <SCRIPT> | --exec <WORD>...)
       starline edit [OPTIONS] <RUN> (--update-task | --remove-task) <ID>
       starline edit [OPTIONS] <RUN> (--add-dependency | --update-dependency | --remove-dependency) <FROM> <TO>";

pub(crate) const HELP: &str = "\
One edit by flags, or a batch from a file (`starline schema edit` describes it). A batch is in force as a
whole or not at all; a refusal lists every fault with its place and what to do instead. What has started
is never changed, and the graph never gets a cycle.

RUN is the id of a run that another process carries out, the beginning of one, or `last`.
Exit codes: 0 in force (or --check: it would be), 2 unreadable, 3 rejected or in conflict, 4 no such process.

Examples:
  starline edit last --add-task probe --sh 'ping -c1 host-b' --after scan_b=failure
  starline edit last --add-task slow --run '{sleep: 5s}' --after scan_a --set priority=high
  starline edit last --update-task page --set run_timeout=5m --unset device
  starline edit last --remove-task settle
  starline edit last --add-dependency probe merge --kind success
  starline edit last --remove-dependency scan_b merge
  starline edit last --file batch.json --check
  starline edit last --file - --json";

/// Flags of `starline edit`.
#[derive(Clone, Debug, Args)]
#[command(about = ABOUT, after_help = HELP, override_usage = USAGE)]
#[command(group = ArgGroup::new("what").required(true).args([
    "file", "add_task", "update_task", "remove_task", "add_dependency", "update_dependency", "remove_dependency",
]))]
pub(crate) struct EditArgs {
    /// Id of a run, the beginning of one, or `last`
    #[arg(value_name = "RUN")]
    run: String,

    /// Batch of edits as JSON or YAML; `-` reads standard input
    #[arg(long, env = "STARLINE_FILE", hide_env_values = true, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Add a task: say with --run, --sh or --exec what it does
    #[arg(long, env = "STARLINE_ADD_TASK", hide_env_values = true, value_name = "ID")]
    add_task: Option<String>,

    /// Change fields of a task that has not started
    #[arg(long, env = "STARLINE_UPDATE_TASK", hide_env_values = true, value_name = "ID")]
    update_task: Option<String>,

    /// Remove a task that has not started, with its dependencies
    #[arg(long, env = "STARLINE_REMOVE_TASK", hide_env_values = true, value_name = "ID")]
    remove_task: Option<String>,

    /// Let one task wait for another
    #[arg(long, env = "STARLINE_ADD_DEPENDENCY", hide_env_values = true)]
    #[arg(num_args = 2, value_names = ["FROM", "TO"])]
    add_dependency: Option<Vec<String>>,

    /// Change what a dependency asks for
    #[arg(long, env = "STARLINE_UPDATE_DEPENDENCY", hide_env_values = true)]
    #[arg(num_args = 2, value_names = ["FROM", "TO"])]
    update_dependency: Option<Vec<String>>,

    /// Take a dependency out
    #[arg(long, env = "STARLINE_REMOVE_DEPENDENCY", hide_env_values = true)]
    #[arg(num_args = 2, value_names = ["FROM", "TO"])]
    remove_dependency: Option<Vec<String>>,

    /// What the task does, as in a workflow file: `{sh: make}`, `{sleep: 5s}`
    #[arg(long = "run", env = "STARLINE_RUN", hide_env_values = true, value_name = "YAML")]
    #[arg(conflicts_with_all = ["sh", "exec"])]
    run_field: Option<String>,

    /// Script that the task runs
    #[arg(long, env = "STARLINE_SH", hide_env_values = true, value_name = "SCRIPT", conflicts_with = "exec")]
    sh: Option<String>,

    /// Program that the task runs, with its arguments; for those that begin with a hyphen take --run
    #[arg(long, env = "STARLINE_EXEC", hide_env_values = true, num_args = 1.., value_name = "WORD")]
    exec: Option<Vec<String>>,

    /// Task that the new one waits for, with what is asked of it (success, failure, completion), repeatable
    #[arg(
        long,
        env = "STARLINE_AFTER",
        hide_env_values = true,
        value_name = "TASK[=KIND]",
        requires = "add_task"
    )]
    after: Vec<String>,

    /// Field of the task, with a value as in a workflow file, repeatable
    #[arg(long, env = "STARLINE_SET", hide_env_values = true, value_name = "FIELD=YAML")]
    set: Vec<String>,

    /// Field of the task that gets its default again, repeatable
    #[arg(
        long,
        env = "STARLINE_UNSET",
        hide_env_values = true,
        value_name = "FIELD",
        requires = "update_task"
    )]
    unset: Vec<String>,

    /// What the dependency asks for: success, failure or completion
    #[arg(long, env = "STARLINE_KIND", hide_env_values = true, value_name = "KIND")]
    kind: Option<String>,

    /// Condition of the dependency
    #[arg(
        long,
        env = "STARLINE_WHEN",
        hide_env_values = true,
        value_name = "EXPRESSION",
        conflicts_with = "kind"
    )]
    when: Option<String>,

    /// Revision that you have seen; the present one if it is not given
    #[arg(long, env = "STARLINE_BASE", hide_env_values = true, value_name = "N")]
    base: Option<u64>,

    /// Hold that this answers, and thereby closes
    #[arg(long, env = "STARLINE_HOLD", hide_env_values = true, value_name = "HOLD")]
    hold: Option<String>,

    /// Why, for the record
    #[arg(long, env = "STARLINE_REASON", hide_env_values = true, value_name = "TEXT")]
    reason: Option<String>,

    /// Give the verdict only, and change nothing
    #[arg(long, env = "STARLINE_CHECK", hide_env_values = true)]
    #[arg(action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    check: bool,

    /// Key that makes sending the same batch again safe
    #[arg(long, env = "STARLINE_REQUEST", hide_env_values = true, value_name = "KEY")]
    request: Option<String>,

    #[command(flatten)]
    state: FolderOption,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

impl EditArgs {
    /// Sends the batch, and tells what became of it.
    ///
    /// # Errors
    /// It cannot be read, there is no such run, or it was refused.
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        let body = match &self.file {
            Some(file) => self.batch(Source::read(file)?)?,
            None => json!({ "edits": [self.single()?] }),
        };
        let body = self.completed(body)?;
        let (run, answer) = block_on(async {
            let remote = find(&self.state.state_dir, &self.run).await?;
            // Whoever answers a hold is the editor, and stays within the policy of the run.
            let remote = if body.get("hold").is_some() { remote.for_editor() } else { remote };
            let path = remote.path(if self.check { "/edits?check=1" } else { "/edits" });
            let key = self.request.as_deref();
            let answer = remote.client.post_bytes(&path, body.to_string().into_bytes(), key).await?;
            Ok((remote.run, answer))
        })?;
        tell(&answer, &run, output);
        Ok(Exit::Done)
    }

    /// The batch of a file; what is wrong with its edits is told by the run, all at once.
    fn batch(&self, source: Source) -> Result<Value, Failure> {
        starline::workflow::read_value(&source.bytes).map_err(|problems| {
            Failure::issues(&source.name, problems.into_iter().map(crate::issue::Issue::from).collect())
        })
    }

    /// The batch with what flags say beside the edits.
    fn completed(&self, mut body: Value) -> Result<Value, Failure> {
        let Some(fields) = body.as_object_mut() else {
            return Err(usage("a batch is a mapping with `edits` or `graph`"));
        };
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                fields.insert(name.to_owned(), value);
            }
        };
        put("base", self.base.map(Value::from));
        put("hold", self.hold.clone().map(Value::from));
        put("reason", self.reason.clone().map(Value::from));
        Ok(body)
    }

    /// The one edit of the flags.
    fn single(&self) -> Result<Value, Failure> {
        let fields = self.fields()?;
        if let Some(id) = &self.add_task {
            let mut task = fields;
            task.insert("id".to_owned(), id.clone().into());
            let mut edit = json!({ "op": "add_task", "task": task });
            if !self.after.is_empty() {
                let after = self.after.iter().map(|after| {
                    let (task, kind) = after.split_once('=').unwrap_or((after, "success"));
                    (task.to_owned(), Value::from(kind))
                });
                edit["after"] = Value::Object(after.collect());
            }
            return Ok(edit);
        }
        if let Some(id) = &self.update_task {
            let mut set = fields;
            for field in &self.unset {
                say(&mut set, field.trim(), Value::Null)?;
            }
            if set.is_empty() {
                return Err(usage(
                    "--update-task needs something to change: --set, --unset, --run, --sh or --exec",
                ));
            }
            return Ok(json!({ "op": "update_task", "id": id, "set": set }));
        }
        if !fields.is_empty() {
            return Err(usage(
                "--set, --run, --sh and --exec say what a task is: use --add-task or --update-task",
            ));
        }
        if let Some(id) = &self.remove_task {
            return Ok(json!({ "op": "remove_task", "id": id }));
        }
        let ends = [
            ("add_dependency", &self.add_dependency),
            ("update_dependency", &self.update_dependency),
            ("remove_dependency", &self.remove_dependency),
        ];
        for (op, ends) in ends {
            let Some([from, to]) = ends.as_deref() else { continue };
            let mut edit = json!({ "op": op, "from": from, "to": to });
            if let Some(kind) = &self.kind {
                edit["kind"] = kind.clone().into();
            }
            if let Some(when) = &self.when {
                edit["kind"] = json!({ "when": when });
            }
            return Ok(edit);
        }
        Err(usage(
            "say what to edit: --file, or one of --add-task, --update-task, --remove-task, --add-dependency, \
                   --update-dependency and --remove-dependency",
        ))
    }

    /// The fields of a task that flags say.
    fn fields(&self) -> Result<Map<String, Value>, Failure> {
        let mut fields = Map::new();
        for pair in &self.set {
            let Some((name, value)) = pair.split_once('=') else {
                return Err(usage(&format!("--set {pair:?} is not of the form FIELD=VALUE")));
            };
            say(&mut fields, name.trim(), yaml("--set", value)?)?;
        }
        if let Some(run) = &self.run_field {
            say(&mut fields, "run", yaml("--run", run)?)?;
        }
        if let Some(script) = &self.sh {
            say(&mut fields, "run", json!({ "sh": script }))?;
        }
        if let Some(words) = &self.exec {
            say(&mut fields, "run", json!({ "exec": words }))?;
        }
        Ok(fields)
    }
}

/// Takes a field in that no other flag says.
fn say(fields: &mut Map<String, Value>, name: &str, value: Value) -> Result<(), Failure> {
    if fields.contains_key(name) {
        return Err(usage(&format!(
            "field {name} is said twice: give it once, by --set, --unset, --run, --sh or --exec"
        )));
    }
    fields.insert(name.to_owned(), value);
    Ok(())
}

fn yaml(flag: &str, text: &str) -> Result<Value, Failure> {
    starline::workflow::read_value(text.as_bytes()).map_err(|problems| {
        let why = problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
        usage(&format!("{flag} {text:?} cannot be read: {why}"))
    })
}

fn usage(message: &str) -> Failure {
    Failure::new(Exit::Invalid, "usage", message)
}

/// Says what an edit came to.
pub(crate) fn tell(answer: &Value, run: &str, output: &Output) {
    if output.is_json() {
        return output.object(answer);
    }
    let summary: ChangeSummary = serde_json::from_value(answer["summary"].clone()).unwrap_or_default();
    let (revision, coloured) = (&answer["revision"], output.result_colour());
    let what = printable(&changes(&summary));
    if answer["checked"] == true {
        let word = paint("valid", Tone::Good, coloured);
        output.result(&format!("{word}: it {what}, and would make revision {revision} of run {run}"));
    } else {
        let word = paint("in force", Tone::Good, coloured);
        output.result(&format!("{word}: run {run} is at revision {revision}; it {what}"));
    }
    for warning in answer["warnings"].as_array().into_iter().flatten() {
        output.warning(&printable(warning["message"].as_str().unwrap_or_default()));
    }
}
