//! `starline validate`

use std::path::PathBuf;

use clap::Args;
use starline::orchestrator::Refusal;

use crate::devices::Devices;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::issue::{Issue, Verdict};
use crate::line::tasks;
use crate::load::{self, Context};
use crate::options::OutputOptions;
use crate::output::Output;
use crate::source::Source;

pub(crate) const ABOUT: &str = "Check a workflow file without running it";

pub(crate) const HELP: &str = "\
Every problem is shown at its line, with what is valid there. With --devices the file is also checked
against a fleet: pins must name its devices, and every task must fit one of them.

Exit codes: 0 valid, 2 invalid.

Examples:
  starline validate nightly.yaml
  starline validate nightly.yaml --devices devices.yaml
  starline validate nightly.yaml --json    # {\"valid\": false, \"errors\": [{\"code\", \"message\", \"line\", ...}]}
";

/// Warnings listed at most.
const LISTED: usize = 1_000;

/// Flags of `starline validate`.
#[derive(Clone, Debug, Args)]
#[command(about = ABOUT, after_help = HELP)]
pub(crate) struct ValidateArgs {
    /// Workflow file, YAML or JSON; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Device file to check the workflow against
    #[arg(long, env = "STARLINE_DEVICES", hide_env_values = true, value_name = "FILE")]
    devices: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

impl ValidateArgs {
    /// Checks the file, and writes the verdict.
    ///
    /// # Errors
    /// The file is not valid, or one of the files cannot be read.
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        let devices = self.devices.as_deref().map(Devices::read).transpose()?;
        let source = Source::read(&self.file)?;
        let context = Context {
            partial_inputs: true,
            devices: devices.as_ref().map(Devices::ids),
            named_devices: true,
            ..Context::default()
        };
        let workflow = load::workflow(&source, context)?;
        let unfit = devices.as_ref().map(|devices| devices.unfit(&workflow.graph)).unwrap_or_default();
        if !unfit.is_empty() {
            let issues = unfit.into_iter().map(|task| {
                if task.1.is_empty() {
                    let message = format!("task {} fits no device", task.0);
                    return Issue::whole("no_eligible_device", message, None);
                }
                let message = Refusal::NoEligibleDevice(vec![task]).to_string();
                let message = message.strip_prefix("no_eligible_device: ").unwrap_or(&message);
                Issue::whole("no_eligible_device", message, None)
            });
            return Err(Failure::issues(&source.name, issues.collect()));
        }
        let mut verdict = Verdict::new(&source.name, Vec::new());
        let wishes = devices.as_ref().map(|devices| devices.idle_wishes(&workflow.graph)).unwrap_or_default();
        let more = wishes.len().saturating_sub(LISTED);
        let rest = (more > 0).then(|| format!("{more} more preferences are ignored"));
        let listed = wishes.into_iter().take(LISTED).chain(rest);
        verdict.warnings = listed.map(|wish| Issue::whole("preference_ignored", wish, None)).collect();
        if output.is_json() {
            output.object(&verdict);
        } else if !output.is_quiet() {
            let graph = &workflow.graph;
            let edges = graph.dependencies.len();
            let word = if edges == 1 { "dependency" } else { "dependencies" };
            if !verdict.warnings.is_empty() {
                output.notice(verdict.render().trim_end());
            }
            output.result(&format!("{}: {}, {edges} {word}", verdict.headline(), tasks(graph.tasks.len())));
        }
        Ok(Exit::Done)
    }
}
