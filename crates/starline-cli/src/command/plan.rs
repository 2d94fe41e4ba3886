//! `starline plan`

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args};
use serde_json::{Value, json};
use starline::strategies;

use crate::devices::Devices;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::implied::imply_gates;
use crate::load::{self, Context};
use crate::options::OutputOptions;
use crate::output::Output;
use crate::plan::{Plan, Question, plan, show, show_comparison};
use crate::source::Source;

pub(crate) const ABOUT: &str = "Show what a run would do: order, devices, times. Nothing is carried out";

pub(crate) const HELP: &str = "\
Times come from `estimate: { duration: 2s }` of the tasks; those without one count as 0 s and are named.
Conditions are taken to hold, approvals to be given, and tasks to complete: tasks that wait for a failure
are listed as not expected. A stage has the tasks that are as many steps away from the beginning.

Without --devices all tasks are planned for this machine, as `run` does it.

Exit codes: 0 planned, 2 invalid input, 3 a task fits no device.

Examples:
  starline plan nightly.yaml
  starline plan nightly.yaml --devices devices.yaml --strategy round_robin
  starline plan nightly.yaml --devices devices.yaml --compare     # all strategies
  starline plan report.yaml --input day=2026-02-01 --json
";

/// Flags of `starline plan`.
#[derive(Clone, Debug, Args)]
#[command(about = ABOUT, after_help = HELP)]
pub(crate) struct PlanArgs {
    /// Workflow file, YAML or JSON; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Device file; without it this machine is the one device
    #[arg(long, env = "STARLINE_DEVICES", hide_env_values = true, value_name = "FILE")]
    devices: Option<PathBuf>,

    /// Strategy that chooses devices: round_robin, capability_match or load_balance; before that of the file
    #[arg(long, env = "STARLINE_STRATEGY", hide_env_values = true, value_name = "NAME")]
    strategy: Option<String>,

    /// Compare all strategies instead
    #[arg(long, env = "STARLINE_COMPARE", hide_env_values = true)]
    #[arg(action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    compare: bool,

    /// Value of an input, any number of times; in the environment one on each line
    #[arg(long = "input", env = "STARLINE_INPUT", hide_env_values = true, value_name = "K=V")]
    pub(crate) inputs: Vec<String>,

    /// Seed of every random draw
    #[arg(long, env = "STARLINE_SEED", hide_env_values = true, value_name = "N", default_value_t = 0)]
    seed: u64,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

impl PlanArgs {
    /// Plans the run, and writes the plan.
    ///
    /// # Errors
    /// A file is not valid, or the run could not begin.
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        let devices = self.devices.as_deref().map_or_else(Devices::this_machine, Devices::read)?;
        let source = Source::read(&self.file)?;
        let context = Context {
            inputs: load::inputs(&self.inputs)?,
            partial_inputs: true,
            devices: Some(devices.ids()),
            named_devices: devices.are_from_file(),
            ..Context::default()
        };
        let mut workflow = load::workflow(&source, context)?;
        imply_gates(&mut workflow.graph, &devices.profiles());
        devices.admit(&workflow.graph)?;
        load::warn(&devices.idle_wishes(&workflow.graph), output);
        let chosen = load::strategy(self.strategy.as_deref(), &workflow)?;
        let question = Question {
            graph: workflow.graph,
            settings: workflow.settings,
            devices: devices.profiles(),
            seed: self.seed,
        };
        let chosen = plan(&question, chosen)?;
        let compared = if self.compare { compare(&question)? } else { Vec::new() };
        if output.is_json() {
            output.object(&object(&chosen, &compared, &source, self.seed)?);
        } else if self.compare {
            show_comparison(&compared, &source.name, output);
        } else {
            show(&chosen, &source.name, output);
        }
        Ok(Exit::Done)
    }
}

/// The plans of all strategies, in the order of their names in the help.
fn compare(question: &Question) -> Result<Vec<Plan>, Failure> {
    let strategies = strategies::NAMES.iter().filter_map(|name| strategies::by_name(name).ok());
    strategies.map(|strategy| plan(question, strategy)).collect()
}

fn object(chosen: &Plan, compared: &[Plan], source: &Source, seed: u64) -> Result<Value, Failure> {
    let mut object = serde_json::to_value(chosen)
        .map_err(|error| Failure::new(Exit::Infrastructure, "not_writable", error.to_string()))?;
    object["file"] = json!(source.name);
    object["seed"] = json!(seed);
    object["total_tasks"] = json!(chosen.tasks.len());
    if !compared.is_empty() {
        let short = |plan: &Plan| {
            json!({
                "strategy": plan.strategy,
                "makespan_ms": plan.makespan_ms,
                "utilisation": plan.utilisation,
                "peak": plan.peak,
                "devices": plan.devices,
            })
        };
        object["comparison"] = compared.iter().map(short).collect();
    }
    Ok(object)
}
