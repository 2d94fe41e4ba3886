//! `starline run`

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args};
use serde_json::json;
use starline::types::{DeviceProfile, HoldScope, Millis, RunId};
use starline::workflow::Workflow;

use crate::devices::{Belongings, Devices, as_devices};
use crate::editor::{EditorChoice, EditorName, overlay};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::gates::Answers;
use crate::implied::imply_gates;
use crate::interrupt::Unstarted;
use crate::launch::Launch;
use crate::load::{self, Context};
use crate::options::{OutputOptions, StateOptions};
use crate::output::Output;
use crate::records::{Records, Trace};
use crate::secrets::secrets;
use crate::sent::{Contents, Folder};
use crate::source::Source;
use crate::view::view;
use crate::{drive, editor, remote, run_id, simulate};

pub(crate) const ABOUT: &str = "Run a workflow and follow it to its end";

pub(crate) const HELP: &str = "\
Without --devices all tasks run on this machine, as the device `local`. A relative `cwd` of a task is
relative to the workflow file; a task without one gets an empty folder of its own.

Tasks with `approval` wait for a person: on a terminal the question is asked there, else the run says that
it waits; with --yes everything is approved in advance, and recorded so. Values of `secrets` come from
environment variables of their names or from --secret-file, and reach nothing but the tasks that ask.

While it runs, `starline watch`, `edit`, `explain`, `pause` and the others reach it from another terminal
(not with --ephemeral). With `editor` in the file, or --editor, ends of tasks wait for edits.

Every run leaves its files in .starline/runs/<id>/: look at them with `show`, `report` and `export`.

Interrupt (Ctrl-C) to cancel: running tasks are asked to stop, and killed after 10 s or at a second
interrupt. The result comes when the last process is gone.

Exit codes: 0 completed, 1 failed or partially failed, 2 invalid input, 3 refused, 4 trouble with the
system, 74 the journal cannot be written (nothing more is started then), 130 cancelled.

Examples:
  starline run nightly.yaml
  starline run nightly.yaml --devices devices.yaml --strategy capability_match
  starline run report.yaml --input day=2026-02-01 --input 'limits=[1, 2]'
  starline run nightly.yaml --simulate --devices devices.yaml   # how long would it take?
  starline run deploy.yaml --yes --secret-file .secrets         # lines NAME=value, mode 600
  starline run nightly.yaml --trace trace.json                  # for Perfetto
  starline run nightly.yaml --detach                            # leave it to `starline serve`
  starline run nightly.yaml --json --ephemeral | tail -n 1      # the result for a program
";

/// Flags of `starline run`.
#[derive(Clone, Debug, Args)]
#[command(about = ABOUT, after_help = HELP)]
pub(crate) struct RunArgs {
    /// Workflow file, YAML or JSON; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Device file; without it this machine is the one device
    #[arg(long, env = "STARLINE_DEVICES", hide_env_values = true, value_name = "FILE")]
    devices: Option<PathBuf>,

    /// Strategy that chooses devices: round_robin, capability_match or load_balance; before that of the file
    #[arg(long, env = "STARLINE_STRATEGY", hide_env_values = true, value_name = "NAME")]
    strategy: Option<String>,

    /// Value of an input, any number of times; in the environment one on each line
    #[arg(long = "input", env = "STARLINE_INPUT", hide_env_values = true, value_name = "K=V")]
    pub(crate) inputs: Vec<String>,

    /// Seed of every random draw, such as retry delays
    #[arg(long, env = "STARLINE_SEED", hide_env_values = true, value_name = "N")]
    seed: Option<u64>,

    /// Carry nothing out: each task takes its estimated time on a virtual clock
    #[arg(long, env = "STARLINE_SIMULATE", hide_env_values = true)]
    #[arg(action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    simulate: bool,

    /// Multiply every estimate of a simulation by this
    #[arg(long, env = "STARLINE_TIME_SCALE", hide_env_values = true, value_name = "S")]
    #[arg(requires = "simulate", value_parser = time_scale)]
    time_scale: Option<f64>,

    /// Who edits the graph when tasks end; before that of the file
    #[arg(
        long,
        env = "STARLINE_EDITOR",
        hide_env_values = true,
        value_name = "WHO",
        conflicts_with = "simulate"
    )]
    editor: Option<EditorName>,

    /// What a hold covers while an edit is awaited: `descendants` of the task, or the whole `graph`
    #[arg(long, env = "STARLINE_HOLD_SCOPE", hide_env_values = true, value_name = "SCOPE")]
    #[arg(value_parser = hold_scope)]
    hold_scope: Option<HoldScope>,

    /// Longest time that an editor may take, such as 30s
    #[arg(long, env = "STARLINE_MODIFICATION_TIMEOUT", hide_env_values = true, value_name = "DURATION")]
    modification_timeout: Option<Millis>,

    /// Approve everything in advance
    #[arg(long, env = "STARLINE_YES", hide_env_values = true)]
    #[arg(action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    yes: bool,

    /// File with values of secrets, lines NAME=value, which nobody but its owner may read
    #[arg(long, env = "STARLINE_SECRET_FILE", hide_env_values = true, value_name = "FILE")]
    secret_file: Option<PathBuf>,

    /// Write what each slot did into this file as well, for Perfetto
    #[arg(long, env = "STARLINE_TRACE", hide_env_values = true, value_name = "FILE")]
    trace: Option<PathBuf>,

    /// Leave the run to `starline serve`, and write its id
    #[arg(long, env = "STARLINE_DETACH", hide_env_values = true)]
    #[arg(action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    #[arg(conflicts_with_all = ["simulate", "devices", "seed", "editor", "hold_scope", "modification_timeout"])]
    #[arg(conflicts_with_all = ["secret_file", "trace", "ephemeral"])]
    detach: bool,

    #[command(flatten)]
    state: StateOptions,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

fn time_scale(text: &str) -> Result<f64, String> {
    let scale = text.parse().ok().filter(|scale: &f64| scale.is_finite() && *scale >= 0.0);
    scale.ok_or_else(|| "expected a number from zero up, such as 0.5".to_owned())
}

fn hold_scope(text: &str) -> Result<HoldScope, String> {
    match text {
        "descendants" => Ok(HoldScope::Descendants),
        "graph" => Ok(HoldScope::Graph),
        _ => Err("expected `descendants` or `graph`".to_owned()),
    }
}

/// A run that is about to begin.
struct Prepared {
    workflow: Workflow,
    source: Source,
    run_id: RunId,
}

impl RunArgs {
    /// Runs the workflow, and writes its result.
    ///
    /// # Errors
    /// The run did not begin.
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        if self.detach {
            return self.hand_over(output);
        }
        let unstarted = Unstarted::listen().map_err(|error| drive::deaf(&error))?;
        let devices = self.devices.as_deref().map(Devices::read).transpose()?;
        let source = Source::read(&self.file)?;
        let inputs = load::inputs(&self.inputs)?;
        let devices = match devices {
            None if !self.simulate => Some(Devices::this_machine()?),
            devices => devices,
        };
        let context = Context {
            inputs,
            devices: devices.as_ref().map(Devices::ids),
            named_devices: self.devices.is_some(),
            ..Context::default()
        };
        let mut workflow = load::workflow(&source, context)?;
        workflow.settings.seed = match (self.seed, self.simulate) {
            (Some(seed), _) => seed,
            // Two simulations of one file are equal.
            (None, true) => 0,
            (None, false) => run_id::random(),
        };
        workflow.settings.approved_in_advance = self.yes;
        editor::warn(&workflow, output);
        overlay(&mut workflow, self.hold_scope, self.modification_timeout);
        if let Some(devices) = &devices {
            imply_gates(&mut workflow.graph, &devices.profiles());
            devices.admit(&workflow.graph)?;
            load::warn(&devices.idle_wishes(&workflow.graph), output);
        }
        let prepared = Prepared { workflow, source, run_id: run_id::fresh() };
        match devices {
            Some(devices) if !self.simulate => self.run(prepared, &devices, unstarted, output),
            devices => self.simulate(prepared, devices.as_ref(), output),
        }
    }

    /// Leaves the run to another process.
    fn hand_over(&self, output: &Output) -> Result<Exit, Failure> {
        let source = Source::read(&self.file)?;
        let Source { name, bytes, folder } = source;
        let workflow = String::from_utf8(bytes)
            .map_err(|_| Failure::file(&name, "syntax_error", format!("{name} is not UTF-8")))?;
        let inputs: BTreeMap<String, String> = load::inputs(&self.inputs)?.into_iter().collect();
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        let submission = json!({
            "workflow": workflow,
            "inputs": inputs,
            "strategy": self.strategy,
            "approved_in_advance": self.yes,
            "folder": folder,
        });
        let answer = remote::block_on(async {
            remote::server(&self.state.state_dir).await?.post("/v1/runs", &submission).await
        });
        let answer = answer.map_err(|failure| failure.of_file(&name, &workflow))?;
        if output.is_json() {
            output.object(&answer);
        } else {
            output.result(answer["run_id"].as_str().unwrap_or_default());
            output.progress("follow it with `starline watch last`");
        }
        Ok(Exit::Done)
    }

    fn run(
        &self,
        prepared: Prepared,
        devices: &Devices,
        unstarted: Unstarted,
        output: &Output,
    ) -> Result<Exit, Failure> {
        let Prepared { mut workflow, source, run_id } = prepared;
        let strategy = load::strategy(self.strategy.as_deref(), &workflow)?;
        let editor = EditorChoice::of(self.editor, &workflow, &source.name)?;
        let secrets = secrets(&workflow, self.secret_file.as_deref())?;
        // Without folders first: what is wrong with a device is known before anything is left behind.
        devices.connect(&source.folder, None, &Belongings::default())?;
        let launch = Launch {
            strategy: self.strategy.clone(),
            editor: self.editor,
            devices: devices.text(),
            ..Launch::of(&source.name, &source.folder)
        };
        let records = self.records(&run_id, &workflow, devices.profiles(), Some(&launch))?;
        let contents = Contents::open(records.state(), &run_id);
        let contents = contents.and_then(|contents| {
            contents.take(&mut workflow, &Folder(source.folder.clone()))?;
            Ok(contents)
        });
        let contents = match contents {
            Ok(contents) => contents,
            Err(failure) => {
                records.discard();
                return Err(failure);
            }
        };
        let belongings = Belongings { secrets, blobs: Some(contents.store()), register: records.register() };
        let processes = devices.connect(&source.folder, records.work_root(), &belongings)?;
        let graph = Arc::clone(&workflow.graph);
        let answers = Answers::of(self.yes, output);
        let job = drive::Job {
            run_id,
            begin: drive::Begin::Submit { graph: workflow.graph, settings: Box::new(workflow.settings) },
            strategy,
            devices: as_devices(&processes),
            processes,
            records,
            editor,
            answers,
            unstarted: Some(unstarted),
        };
        let summary = drive::run(job, output, &mut *view(output, &graph, &devices.profiles()))?;
        summary.write(output);
        Ok(summary.exit())
    }

    fn records(
        &self,
        run_id: &RunId,
        workflow: &Workflow,
        devices: Vec<DeviceProfile>,
        launch: Option<&Launch>,
    ) -> Result<Records, Failure> {
        let trace = self.trace.as_deref().map(Trace::open).transpose()?;
        match Records::create(&self.state, run_id, workflow, devices, launch) {
            Ok(records) => Ok(records.with_trace(trace)),
            Err(failure) => {
                trace.into_iter().for_each(Trace::discard);
                Err(failure)
            }
        }
    }

    fn simulate(
        &self,
        prepared: Prepared,
        devices: Option<&Devices>,
        output: &Output,
    ) -> Result<Exit, Failure> {
        let Prepared { workflow, run_id, .. } = prepared;
        let strategy = load::strategy(self.strategy.as_deref(), &workflow)?;
        let graph = Arc::clone(&workflow.graph);
        let profiles = devices.map(Devices::profiles).unwrap_or_default();
        let job = simulate::Job {
            records: self.records(&run_id, &workflow, profiles.clone(), None)?,
            run_id,
            graph: workflow.graph,
            settings: workflow.settings,
            strategy,
            devices: profiles.clone(),
            time_scale: self.time_scale.unwrap_or(1.0),
        };
        let summary = simulate::run(job, output, &mut *view(output, &graph, &profiles))?;
        summary.write(output);
        Ok(summary.exit())
    }
}
