//! `starline validate`

use std::path::PathBuf;

use clap::Args;
use starline::orchestrator::Refusal;

use crate::devices::Devices;
use crate::editor::rules;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::implied::imply_gates;
use crate::issue::{Content, Issue, Verdict};
use crate::load::{self, Context};
use crate::options::OutputOptions;
use crate::output::Output;
use crate::place;
use crate::source::Source;

pub(crate) const ABOUT: &str = "Check a workflow file or a device file without running anything";

pub(crate) const HELP: &str = "\
Every problem is shown at its line, with what is valid there. With --devices the file is also checked
against a fleet: pins must name its devices, and every task must fit one of them. Files that tasks are sent
must be there. A file with `devices:` at its top is checked as a device file.

Exit codes: 0 valid, 2 invalid.

Examples:
  starline validate nightly.yaml
  starline validate nightly.yaml --devices devices.yaml
  starline validate devices.yaml
  starline validate nightly.yaml --json    # {\"valid\": false, \"errors\": [{\"code\", \"message\", \"line\", ...}]}
";

/// Warnings listed at most.
const LISTED: usize = 1_000;

/// Flags of `starline validate`.
#[derive(Clone, Debug, Args)]
#[command(about = ABOUT, after_help = HELP)]
pub(crate) struct ValidateArgs {
    /// Workflow file or device file, YAML or JSON; `-` reads standard input
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
        if is_device_file(&source.bytes) {
            let content = Devices::content(&source)?;
            tell(Verdict { content: Some(content), ..Verdict::new(&source.name, Vec::new()) }, output);
            return Ok(Exit::Done);
        }
        let context = Context {
            partial_inputs: true,
            devices: devices.as_ref().map(Devices::ids),
            named_devices: true,
            ..Context::default()
        };
        let mut workflow = load::workflow(&source, context)?;
        if let Some(settings) = &workflow.settings.editor {
            let _planner = rules(settings, &source.name)?;
        }
        if let Some(devices) = &devices {
            imply_gates(&mut workflow.graph, &devices.profiles());
        }
        let unfit = devices.as_ref().map(|devices| devices.unfit(&workflow.graph)).unwrap_or_default();
        if !unfit.is_empty() {
            let issues = unfit.into_iter().map(|task| {
                let place = place::of_task(&source.bytes, task.0.as_str());
                if task.1.is_empty() {
                    let message = format!("task {} fits no device", task.0);
                    return Issue::at(place, "no_eligible_device", message);
                }
                let message = Refusal::NoEligibleDevice(vec![task]).to_string();
                let message = message.strip_prefix("no_eligible_device: ").unwrap_or(&message);
                Issue::at(place, "no_eligible_device", message)
            });
            return Err(Failure::issues(&source.name, issues.collect()));
        }
        let mut verdict = Verdict::new(&source.name, Vec::new());
        let wishes = devices.as_ref().map(|devices| devices.idle_wishes(&workflow.graph)).unwrap_or_default();
        let more = wishes.len().saturating_sub(LISTED);
        let rest = (more > 0).then(|| format!("{more} more preferences are ignored"));
        let listed = wishes.into_iter().take(LISTED).chain(rest);
        verdict.warnings = listed.map(|wish| Issue::whole("preference_ignored", wish, None)).collect();
        verdict.content = Some(Content::Workflow {
            total_tasks: workflow.graph.tasks.len(),
            total_dependencies: workflow.graph.dependencies.len(),
            total_inputs: workflow.inputs.len(),
        });
        tell(verdict, output);
        Ok(Exit::Done)
    }
}

fn tell(verdict: Verdict, output: &Output) {
    if output.is_json() {
        output.object(&verdict);
    } else if !output.is_quiet() {
        if !verdict.warnings.is_empty() {
            output.notice(verdict.render().trim_end());
        }
        let content = verdict.content.as_ref().map(|content| format!(": {content}"));
        output.result(&format!("{}{}", verdict.headline(), content.unwrap_or_default()));
    }
}

/// Whether a file has devices at its top, and no tasks.
fn is_device_file(bytes: &[u8]) -> bool {
    if let Ok(serde_json::Value::Object(members)) = serde_json::from_slice(bytes) {
        return members.contains_key("devices") && !members.contains_key("tasks");
    }
    let text = String::from_utf8_lossy(bytes);
    let has =
        |key: &str| text.lines().any(|line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')));
    has("devices") && !has("tasks")
}
