//! `starline rollback`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args};
use serde_json::json;
use starline::edit::undo_run;
use starline::scheduler::{Fleet, Plan, Scheduler};
use starline::types::{RunId, TaskId};
use starline::workflow::Workflow;

use crate::devices::{Belongings, Devices, as_devices};
use crate::editor::EditorChoice;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::gates::Answers;
use crate::implied::imply_gates;
use crate::interrupt::Unstarted;
use crate::launch::Launch;
use crate::options::{FolderOption, OutputOptions, StateOptions};
use crate::output::Output;
use crate::past::{LAST, Past, choose, has_begun, names};
use crate::records::Records;
use crate::remote::{block_on, find};
use crate::secrets::secrets;
use crate::sent::Contents;
use crate::view::view;
use crate::{drive, load};

pub(crate) const ABOUT: &str = "Undo what a run has done";

pub(crate) const HELP: &str = "\
Runs what `compensate` of its tasks says, for every task that made an attempt, in reverse order: what came
last is undone first. It may run more than once, and after work that was done in part.

A run that another process carries out starts nothing new, lets what runs end, and undoes the rest itself;
it ends cancelled. One whose process is gone, or that is over, is undone by another run <RUN>.undo, which
this command carries out and follows; what was undone before is not undone again.

If undoing a task fails for good, the run pauses: `starline retry RUN TASK` and `starline resume RUN`, or
`resume` alone to go on without it.

RUN is the id of a run, the beginning of one, or `last`.
Exit codes: 0 asked for, or undone; 1 something was not undone, 2 no such run, 3 refused, 4 trouble with the
system, 130 cancelled.

Examples:
  starline rollback last
  starline rollback last --force                        # do not wait for what is running
  starline rollback 01JX --devices devices.yaml         # a run that is over";

/// Flags of `starline rollback`.
#[derive(Clone, Debug, Args)]
#[command(about = ABOUT, after_help = HELP)]
pub(crate) struct RollbackArgs {
    /// Id of a run, the beginning of one, or `last`
    #[arg(value_name = "RUN")]
    run: String,

    /// Stop what is running instead of waiting for its end
    #[arg(long, env = "STARLINE_FORCE", hide_env_values = true)]
    #[arg(action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    force: bool,

    /// Device file, for a run that is over; without it the devices are those it began with
    #[arg(long, env = "STARLINE_DEVICES", hide_env_values = true, value_name = "FILE")]
    devices: Option<PathBuf>,

    /// Approve everything in advance, for a run that is over
    #[arg(long, env = "STARLINE_YES", hide_env_values = true)]
    #[arg(action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    yes: bool,

    /// File with values of secrets, for a run that is over: lines NAME=value, which nobody but its owner may read
    #[arg(long, env = "STARLINE_SECRET_FILE", hide_env_values = true, value_name = "FILE")]
    secret_file: Option<PathBuf>,

    #[command(flatten)]
    state: FolderOption,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

impl RollbackArgs {
    /// Has the run undone, or undoes it.
    ///
    /// # Errors
    /// There is no such run, it refuses, or the system is in the way.
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        let asked = block_on(async {
            let remote = find(&self.state.state_dir, &self.run).await?;
            remote.client.post(&remote.path("/rollback"), &json!({ "force": self.force })).await
        });
        match asked {
            Ok(answer) => {
                super::control::tell(&answer, None, "is being rolled back", output);
                Ok(Exit::Done)
            }
            // Nobody carries it out, or nobody any more.
            Err(failure) if matches!(failure.code(), Some("no_orchestrator" | "run_terminal")) => {
                self.undo(output)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Undoes a run that is over by another one.
    fn undo(self, output: &Output) -> Result<Exit, Failure> {
        let unstarted = Unstarted::listen().map_err(|error| drive::deaf(&error))?;
        let root = &self.state.state_dir;
        let known = names(root)?;
        let name = choose(&known, &self.run)?;
        let past = Past::find(root, if self.run == LAST { LAST } else { name })?;
        if past.live {
            return Err(under_way(name));
        }
        let run =
            RunId::new(name).map_err(|error| Failure::new(Exit::Invalid, "invalid_id", error.to_string()))?;
        let undoes = past.history.as_ref().and_then(|history| history.settings().undoes.clone());
        if let Some(undoes) = undoes.filter(|_| past.is_interrupted()) {
            return Err(interrupted(name, &undoes));
        }
        let undone = self.undone(&run, &known)?;
        let Some(plan) = plan_of(&past, &run, &undone)? else {
            if output.is_json() {
                output.object(&json!({ "run_id": name, "undone_by": null }));
            } else {
                output.result(&format!("run {name} has nothing to undo"));
            }
            return Ok(Exit::Done);
        };
        let id = undo_run(&run, &|id| known.iter().any(|known| known == id)).ok_or_else(|| {
            Failure::new(Exit::Invalid, "invalid_id", format!("the id of run {name} is too long"))
        })?;
        let launch = Launch::read(&past.folder).unwrap_or_else(|_| Launch::of(name, Path::new(".")));
        self.run(plan, id, launch, unstarted, output)
    }

    /// Tasks that earlier runs have undone.
    fn undone(&self, run: &RunId, known: &[String]) -> Result<BTreeSet<TaskId>, Failure> {
        let mut undone = BTreeSet::new();
        let prefix = format!("{run}.undo");
        for name in known.iter().filter(|name| name.starts_with(&prefix)) {
            if !has_begun(&self.state.state_dir, name) {
                continue;
            }
            let past = Past::find(&self.state.state_dir, name)?;
            let undoes = past.history.as_ref().and_then(|history| history.settings().undoes.clone());
            if undoes.as_ref() != Some(run) {
                continue;
            }
            if past.live {
                return Err(under_way(name));
            }
            if past.is_interrupted() {
                return Err(interrupted(name, run));
            }
            let completed = |id: &TaskId| {
                let found = past.outcome.results.get(id);
                found.is_some_and(|found| found.status == starline::types::Reading::Completed)
            };
            let done = past.graph.tasks.iter().filter(|task| completed(&task.id));
            undone.extend(done.filter_map(|task| TaskId::new(task.compensates()?).ok()));
        }
        Ok(undone)
    }

    fn run(
        self,
        plan: Plan,
        run_id: RunId,
        mut launch: Launch,
        unstarted: Unstarted,
        output: &Output,
    ) -> Result<Exit, Failure> {
        let devices = match self.devices.as_deref() {
            Some(file) => Devices::read(file)?,
            None => launch.devices()?,
        };
        (launch.devices, launch.served) = (devices.text(), false);
        let mut workflow = Workflow::new((*plan.graph).clone());
        workflow.settings = (*plan.settings).clone();
        workflow.settings.approved_in_advance = self.yes;
        imply_gates(&mut workflow.graph, &devices.profiles());
        devices.admit(&workflow.graph)?;
        let strategy = load::strategy(None, &workflow)?;
        let secrets = secrets(&workflow, self.secret_file.as_deref())?;
        // Without folders first: what is wrong with a device is known before anything is left behind.
        devices.connect(&launch.folder, None, &Belongings::default())?;
        let options = StateOptions { state_dir: self.state.state_dir, ephemeral: false };
        let records = Records::create(&options, &run_id, &workflow, devices.profiles(), Some(&launch))?;
        let contents = match Contents::open(records.state(), &run_id) {
            Ok(contents) => contents,
            Err(failure) => {
                records.discard();
                return Err(failure);
            }
        };
        let belongings = Belongings { secrets, blobs: Some(contents.store()), register: records.register() };
        let processes = devices.connect(&launch.folder, records.work_root(), &belongings)?;
        let graph = Arc::clone(&workflow.graph);
        let job = drive::Job {
            run_id,
            begin: drive::Begin::Submit { graph: workflow.graph, settings: Box::new(workflow.settings) },
            strategy,
            devices: as_devices(&processes),
            processes,
            records,
            editor: EditorChoice::Nobody,
            answers: Answers::of(self.yes, output),
            unstarted: Some(unstarted),
        };
        let summary = drive::run(job, output, &mut *view(output, &graph, &devices.profiles()))?;
        summary.write(output);
        Ok(summary.exit())
    }
}

fn interrupted(name: &str, run: &RunId) -> Failure {
    let message = format!("run {name} undoes run {run}, and was interrupted");
    Failure::new(Exit::Refused, "interrupted", message)
        .with_hint(format!("go on with it: starline resume {name}"))
}

fn under_way(run: &str) -> Failure {
    let message = format!("run {run} is carried out by a process that does not answer");
    Failure::new(Exit::Infrastructure, "no_orchestrator", message)
        .with_hint("wait for its end, or end that process")
}

/// What undoes a run, made from everything that happened in it.
fn plan_of(past: &Past, run: &RunId, undone: &BTreeSet<TaskId>) -> Result<Option<Plan>, Failure> {
    if past.is_imported() {
        let message = format!("run {run} was imported, and never ran here");
        return Err(Failure::new(Exit::Invalid, "imported_run", message));
    }
    let mut fleet = Fleet::new();
    let scheduler = Scheduler::recover(run.clone(), None, &mut fleet, &past.facts()?)
        .map_err(|error| Failure::journal(format!("failed to read the journal of run {run}"), &error))?;
    scheduler
        .undo_plan(&|task| undone.contains(task), &fleet)
        .map_err(|message| Failure::new(Exit::Invalid, "render_error", message))
}
