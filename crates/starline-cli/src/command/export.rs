//! `starline export`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args, ValueEnum};
use serde_json::json;
use starline::types::{DeviceProfile, Estimate, Reading, RunOutcome, TaskId};
use starline::workflow::{
    ExportOptions, GalaxyExport, SvgOptions, WfVersion, Workflow, export_galaxy, export_wfformat, to_dot,
    to_mermaid, to_svg_with,
};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::foreign::{self, Loss, constellation, native, record, settle, unwritable};
use crate::load::{self, Context};
use crate::options::{FolderOption, OutputOptions};
use crate::output::Output;
use crate::past::Past;
use crate::source::Source;

pub(crate) const ABOUT: &str = "Write a workflow or a run in another format";

pub(crate) const HELP: &str = "\
SOURCE is a workflow file, or one of another format with --from, or a run: an id, the beginning of one, or
`last`. A file of that name comes first.

Of a run, drawings show the states of the tasks, galaxy and wfformat have its results and measured times,
and native has the last graph with measured times as estimates. What could not be written as it is, is said
on standard error. OUT is written as JSON for --to native if its name ends in .json, else as YAML.

Exit codes: 0 written, 2 the source is not valid, or something was lost and --strict was given, 4 a file cannot be
read or written.

Examples:
  starline export workflow.yaml --to svg -o workflow.svg
  starline export workflow.yaml --to mermaid
  starline export last --to wfformat --schema 1.5 -o record.json
  starline export constellation.json --from galaxy --to dot | dot -Tpng > graph.png
  starline export last --to native -o again.yaml
";

/// Formats that can be written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum To {
    /// Workflow file
    Native,
    /// Constellation of Galaxy, in JSON
    Galaxy,
    /// Recorded workflow in WfFormat
    Wfformat,
    /// Graph for Graphviz
    Dot,
    /// Graph for Mermaid
    Mermaid,
    /// Drawing
    Svg,
}

/// Formats of a source that is a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum From {
    /// Workflow file
    Native,
    /// Constellation of Galaxy, in JSON
    Galaxy,
    /// Recorded workflow in WfFormat 1.5 or 1.6
    Wfformat,
}

/// Versions of WfFormat.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
enum Version {
    /// 1.5
    #[value(name = "1.5")]
    V1_5,
    /// 1.6
    #[default]
    #[value(name = "1.6")]
    V1_6,
}

/// Flags of `starline export`.
#[derive(Clone, Debug, Args)]
#[command(about = ABOUT, after_help = HELP)]
pub(crate) struct ExportArgs {
    /// File to read, `-` for standard input, or a run
    #[arg(value_name = "SOURCE")]
    source: PathBuf,

    /// Format to write
    #[arg(long, env = "STARLINE_TO", hide_env_values = true, value_name = "FORMAT", value_enum)]
    to: To,

    /// Format of a source that is a file; a workflow file by default
    #[arg(long, env = "STARLINE_FROM", hide_env_values = true, value_name = "FORMAT", value_enum)]
    from: Option<From>,

    /// File to write; standard output by default
    #[arg(long = "output", short, env = "STARLINE_OUTPUT", hide_env_values = true, value_name = "OUT")]
    out: Option<PathBuf>,

    /// Version of WfFormat
    #[arg(long, env = "STARLINE_SCHEMA", hide_env_values = true, value_name = "VERSION", value_enum)]
    #[arg(default_value_t)]
    schema: Version,

    /// Write nothing if something would be lost
    #[arg(long, env = "STARLINE_STRICT", hide_env_values = true)]
    #[arg(action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    strict: bool,

    #[command(flatten)]
    state: FolderOption,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// What is written.
struct Subject {
    name: String,
    workflow: Workflow,
    outcome: Option<RunOutcome>,
    devices: Vec<DeviceProfile>,
    /// What reading it has lost.
    losses: Vec<Loss>,
}

impl ExportArgs {
    /// Reads the source and writes it in another format.
    ///
    /// # Errors
    /// The source cannot be read or is not valid, or the other file cannot be written.
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        let mut subject = self.subject()?;
        let text = self.text(&mut subject)?;
        settle(&subject.losses, self.strict, &subject.name, output)?;
        if let Some(out) = &self.out {
            foreign::write(out, &text)?;
        }
        if output.is_json() {
            let mut object = json!({
                "source": subject.name,
                "to": self.to.to_possible_value().map(|value| value.get_name().to_owned()),
                "output": self.out.as_ref().map(|out| out.display().to_string()),
                "warnings": subject.losses,
            });
            if self.out.is_none() {
                object["text"] = json!(text);
            }
            output.object(&object);
        } else if let Some(out) = &self.out {
            output.progress(&format!("wrote {}", out.display()));
        } else {
            output.text(&text);
        }
        Ok(Exit::Done)
    }

    fn subject(&self) -> Result<Subject, Failure> {
        let is_stdin = self.source.as_os_str() == "-";
        if is_stdin || self.from.is_some() || is_file(&self.source) {
            return self.file();
        }
        let wanted = self.source.display().to_string();
        let past = Past::find(&self.state.state_dir, &wanted).map_err(|failure| {
            let hint = failure.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
            failure.with_hint(format!("there is no file of that name either{hint}"))
        })?;
        let mut workflow = past.workflow();
        if self.to == To::Native {
            measure(&mut workflow, &past.outcome);
        }
        Ok(Subject {
            name: wanted,
            workflow,
            outcome: Some(past.outcome),
            devices: past.devices,
            losses: Vec::new(),
        })
    }

    fn file(&self) -> Result<Subject, Failure> {
        let source = Source::read(&self.source)?;
        let (workflow, devices, losses) = match self.from.unwrap_or(From::Native) {
            From::Native => {
                let context = Context { partial_inputs: true, without_files: true, ..Context::default() };
                (load::workflow(&source, context)?, Vec::new(), Vec::new())
            }
            From::Galaxy => {
                let read = constellation(&source)?;
                (read.workflow, read.devices, read.losses)
            }
            From::Wfformat => {
                let read = record(&source, false)?;
                (read.workflow, read.devices, read.losses)
            }
        };
        Ok(Subject { name: source.name, workflow, outcome: None, devices, losses })
    }

    fn text(&self, subject: &mut Subject) -> Result<String, Failure> {
        let Subject { name, workflow, outcome, devices, losses } = subject;
        let states = outcome.as_ref().map(readings);
        let graph = &workflow.graph;
        Ok(match self.to {
            To::Native => {
                let as_json = self.out.as_deref().is_some_and(foreign::is_json);
                native(workflow, as_json).map_err(|error| unwritable(name, &error))?
            }
            To::Galaxy => {
                let options = GalaxyExport {
                    outcome: outcome.as_ref(),
                    seed: 0,
                    now: foreign::now(),
                    ..GalaxyExport::default()
                };
                let exported = export_galaxy(workflow, &options).map_err(|error| unwritable(name, &error))?;
                losses.extend(exported.warnings.into_iter().map(Loss::from));
                exported.json
            }
            To::Wfformat => {
                let version = match self.schema {
                    Version::V1_5 => WfVersion::V1_5,
                    Version::V1_6 => WfVersion::V1_6,
                };
                let options = ExportOptions { version, devices, description: &workflow.description };
                let exported = export_wfformat(graph, outcome.as_ref(), &options);
                losses.extend(exported.warnings.into_iter().map(Loss::from));
                exported.json
            }
            To::Dot => to_dot(graph, states.as_ref()),
            To::Mermaid => to_mermaid(graph, states.as_ref()),
            To::Svg => to_svg_with(graph, &SvgOptions { states: states.as_ref(), standalone: true }),
        })
    }
}

/// Whether a name is that of a file, and not of a run that happens to have a folder here.
fn is_file(path: &Path) -> bool {
    let is_path = path.components().count() > 1 || path.extension().is_some();
    path.is_file() || is_path
}

fn readings(outcome: &RunOutcome) -> BTreeMap<TaskId, Reading> {
    outcome.results.iter().map(|(id, result)| (id.clone(), result.status)).collect()
}

/// Puts the times of a run in the place of estimates.
fn measure(workflow: &mut Workflow, outcome: &RunOutcome) {
    let graph = std::sync::Arc::make_mut(&mut workflow.graph);
    for task in &mut graph.tasks {
        let result = outcome.results.get(&task.id).filter(|result| result.status == Reading::Completed);
        if let Some(duration) = result.and_then(|result| result.duration_ms) {
            let known = task.estimate.as_deref().cloned().unwrap_or_default();
            let estimate = Estimate { duration: Some(duration), ..known };
            std::sync::Arc::make_mut(task).estimate = Some(std::sync::Arc::new(estimate));
        }
    }
}
