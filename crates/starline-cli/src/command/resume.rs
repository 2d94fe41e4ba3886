//! `starline resume`

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::command::control::tell;
use crate::devices::{Belongings, Devices, as_devices, end_leftovers};
use crate::drive;
use crate::editor::EditorChoice;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::gates::Answers;
use crate::interrupt::Unstarted;
use crate::launch::{LAUNCH, Launch};
use crate::line::counted;
use crate::load;
use crate::options::{OutputOptions, StateOptions};
use crate::output::Output;
use crate::paint::printable;
use crate::past::{Past, listed, undone_by};
use crate::records::Records;
use crate::remote::{block_on, find, live};
use crate::secrets::secrets;
use crate::sent::Contents;
use crate::table::{Cell, Table};
use crate::view::view;

pub(crate) const ABOUT: &str = "Go on with a run that is paused, or whose process died";

pub(crate) const HELP: &str = "\
A run that another process carries out goes on there, also one that has paused by itself because it needs
an edit or an operator. A run whose process died, by a crash or a loss of power, goes on here, as `run` does:
what was done stays done, open holds, deadlines, retries, questions and edits are as they were, and what was
running is tried again, once what is left of it has been ended.

Devices are those the run began with, and are described as they were then; --devices names another file.
Secrets are never kept: their values come from the environment or from --secret-file again.

Without RUN it lists the runs that can go on. RUN is an id, the beginning of one, or `last`.

Exit codes: those of `run`; 0 for a run that goes on in another process; 2 no such run, 3 refused.

Examples:
  starline resume             # what could go on?
  starline resume last
  starline resume 01M7 --devices devices.yaml --secret-file .secrets";

/// Flags of `starline resume`.
#[derive(Clone, Debug, Args)]
#[command(about = ABOUT, after_help = HELP)]
pub(crate) struct ResumeArgs {
    /// Id of a run, the beginning of one, or `last`; without it, the runs that can go on are listed
    #[arg(value_name = "RUN")]
    run: Option<String>,

    /// Device file, in place of the one that the run began with
    #[arg(long, env = "STARLINE_DEVICES", hide_env_values = true, value_name = "FILE")]
    devices: Option<PathBuf>,

    /// File with values of secrets, lines NAME=value, which nobody but its owner may read
    #[arg(long, env = "STARLINE_SECRET_FILE", hide_env_values = true, value_name = "FILE")]
    secret_file: Option<PathBuf>,

    #[command(flatten)]
    state: crate::options::FolderOption,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

impl ResumeArgs {
    /// Goes on with a run, or lists those that can.
    ///
    /// # Errors
    /// There is no such run, it is over, or it cannot go on here.
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        let Some(run) = &self.run else { return list(&self.state.state_dir, output) };
        let elsewhere = block_on(async {
            let remote = find(&self.state.state_dir, run).await?;
            Ok((remote.client.post(&remote.path("/resume"), &json!({})).await, remote.run))
        });
        match elsewhere {
            Ok((answer, _)) => {
                tell(&answer?, None, "goes on", output);
                Ok(Exit::Done)
            }
            Err(failure) => match Past::find(&self.state.state_dir, run) {
                Ok(past) if past.is_interrupted() => self.take_up(past, output),
                Ok(past) if !past.live && !past.is_imported() => {
                    let state = past.outcome.status.as_str();
                    let message = format!("run {} is {state}: there is nothing to go on with", past.name());
                    Err(Failure::new(Exit::Refused, "run_terminal", message))
                }
                // There is no such run, or nothing to go on with.
                Err(unreadable) => Err(unreadable),
                Ok(_) => Err(failure),
            },
        }
    }

    /// Goes on with a run whose process died.
    fn take_up(&self, past: Past, output: &Output) -> Result<Exit, Failure> {
        let unstarted = Unstarted::listen().map_err(|error| drive::deaf(&error))?;
        let name = past.name().to_owned();
        let run_id = past.run_id()?;
        if let Some(other) = undone_by(&self.state.state_dir, &name)? {
            let message = format!("run {name} was undone by run {other}: there is nothing to go on with");
            return Err(Failure::new(Exit::Refused, "rolled_back", message));
        }
        let launch = Launch::read(&past.folder).map_err(|error| {
            let file = past.folder.join(LAUNCH);
            let message = format!("run {name} cannot go on: failed to read {}: {error}", file.display());
            Failure::new(Exit::Refused, "not_resumable", message)
                .with_hint(format!("look at what it did with `starline show {name}`, and run the file again"))
        })?;
        let devices = match self.devices.as_deref() {
            Some(file) => Devices::read(file)?,
            None => launch.devices()?,
        };
        let workflow = past.workflow();
        let strategy = load::strategy(launch.strategy.as_deref(), &workflow)?;
        let editor = EditorChoice::of(launch.editor, &workflow, &launch.file)?;
        let secrets = secrets(&workflow, self.secret_file.as_deref())?;
        let profiles = devices.profiles();
        let answers = Answers::of(workflow.settings.approved_in_advance, output);
        let options = StateOptions { state_dir: self.state.state_dir.clone(), ephemeral: false };
        // From here on no other process can take it up.
        let records = Records::reopen(&options, &run_id, profiles.clone())?;
        let contents = Contents::open(records.state(), &run_id)?;
        let register = records.register();
        if let Some(register) = &register {
            block_on(end_leftovers(register, output))?;
        }
        records.clear_work();
        let belongings = Belongings { secrets, blobs: Some(contents.store()), register };
        let processes = devices.connect(&launch.folder, records.work_root(), &belongings)?;
        if !output.is_quiet() && !output.is_json() {
            let done = counted(past.outcome.total_tasks, &past.outcome.counts);
            output.progress(&format!("run {name} goes on: {done}"));
        }
        let graph = past.begun_with();
        let job = drive::Job {
            run_id,
            begin: drive::Begin::Recover,
            strategy,
            devices: as_devices(&processes),
            processes,
            records,
            editor,
            answers,
            unstarted: Some(unstarted),
        };
        let summary = drive::run(job, output, &mut *view(output, &graph, &profiles))?;
        summary.write(output);
        Ok(summary.exit())
    }
}

/// Lists the runs that can go on.
fn list(state_dir: &Path, output: &Output) -> Result<Exit, Failure> {
    let paused = block_on(live(state_dir))?;
    let mut found: Vec<(String, String, String, &str)> = Vec::new();
    for (_, run) in paused.iter().filter(|(_, run)| run.state == "paused") {
        let total: u32 = run.counts.occurring().map(|(_, count)| count).sum();
        let tasks = counted(total as usize, &run.counts);
        found.push((run.run_id.clone(), run.name.clone(), tasks, "paused"));
    }
    for run in listed(state_dir)? {
        let run = match run {
            Ok(run) => run,
            Err((id, failure)) => {
                output.warning(&printable(&format!("run {id} is left out: {failure}")));
                continue;
            }
        };
        if run.state != "interrupted" || undone_by(state_dir, &run.run_id)?.is_some() {
            continue;
        }
        let tasks = counted(run.total_tasks, &run.counts);
        found.push((run.run_id, run.name, tasks, "interrupted"));
    }
    if output.is_json() {
        let runs: Vec<_> = found
            .iter()
            .map(|(run, name, _, state)| json!({ "run_id": run, "name": name, "state": state }))
            .collect();
        output.object(&json!({ "runs": runs }));
        return Ok(Exit::Done);
    }
    if found.is_empty() {
        output.result("no run waits to go on: none is paused, and none was interrupted");
        return Ok(Exit::Done);
    }
    let mut table = Table::with_head(&["run", "state", "name", "tasks"]);
    for (run, name, tasks, state) in &found {
        let name = if name.is_empty() { "-" } else { name };
        table.row([Cell::text(run), Cell::text(state), Cell::text(name), Cell::text(tasks)]);
    }
    table.lines(output.result_colour()).for_each(|line| output.result(&line));
    output.result("go on with one: starline resume RUN");
    Ok(Exit::Done)
}
