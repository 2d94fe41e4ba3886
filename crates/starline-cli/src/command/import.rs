//! `starline import`

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use starline::workflow::{Imported, Workflow, import_wfformat, to_json, to_yaml};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::issue::Issue;
use crate::line::tasks;
use crate::options::OutputOptions;
use crate::output::Output;
use crate::source::Source;

pub(crate) const ABOUT: &str = "Turn a workflow of another format into a workflow file";

pub(crate) const HELP: &str = "\
Formats:
  wfformat   recorded workflows in WfFormat 1.5 and 1.6 (WfCommons): recorded times become estimates, so
             that the workflow can be simulated

What could not be taken over as it is, is said on standard error. OUT is written as JSON if its name
ends in .json, else as YAML.

Examples:
  starline import montage.json --from wfformat -o montage.yaml
  starline import montage.json --from wfformat --json
  starline run montage.yaml --simulate --quiet
";

/// Warnings shown at most.
const LISTED: usize = 20;

/// Formats that can be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    /// Recorded workflows in WfFormat 1.5 or 1.6
    Wfformat,
}

/// Flags of `starline import`.
#[derive(Clone, Debug, Args)]
#[command(about = ABOUT, after_help = HELP)]
pub(crate) struct ImportArgs {
    /// File to read; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Format of the file
    #[arg(long, env = "STARLINE_FROM", hide_env_values = true, value_name = "FORMAT")]
    #[arg(value_enum)]
    from: Format,

    /// File to write; standard output by default
    #[arg(long = "output", short, env = "STARLINE_OUTPUT", hide_env_values = true, value_name = "OUT")]
    out: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

impl ImportArgs {
    /// Reads one format and writes the other.
    ///
    /// # Errors
    /// The file cannot be read, every problem in it, or the other file cannot be written.
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        let source = Source::read(&self.file)?;
        let Format::Wfformat = self.from;
        let imported = import_wfformat(&source.bytes).map_err(|problems| {
            Failure::issues(&source.name, problems.into_iter().map(Issue::from).collect())
        })?;
        if let Some(out) = &self.out {
            let as_json = out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
            let text = written(&imported.workflow, if as_json { to_json } else { to_yaml }, &source)?;
            fs::write(out, text).map_err(|error| {
                let what = format!("failed to write {}", out.display());
                Failure::infrastructure("unwritable_file", what, &error)
            })?;
        }
        if output.is_json() {
            let object = report(&imported, self.out.as_deref(), &source)?;
            output.object(&object);
            return Ok(Exit::Done);
        }
        warn(&imported, output);
        let graph = &imported.workflow.graph;
        let count = format!("{}, {} dependencies", tasks(graph.tasks.len()), graph.dependencies.len());
        match &self.out {
            Some(out) => output.progress(&format!("wrote {}: {count}", out.display())),
            None => output.text(&written(&imported.workflow, to_yaml, &source)?),
        }
        Ok(Exit::Done)
    }
}

type Writer = fn(&Workflow) -> Result<String, starline::workflow::WriteError>;

fn written(workflow: &Workflow, write: Writer, source: &Source) -> Result<String, Failure> {
    write(workflow).map_err(|error| Failure::file(&source.name, "not_writable", error.to_string()))
}

fn report(imported: &Imported, out: Option<&Path>, source: &Source) -> Result<Value, Failure> {
    let graph = &imported.workflow.graph;
    let mut object = json!({
        "file": source.name,
        "from": "wfformat",
        "output": out.map(|out| out.display().to_string()),
        "name": graph.name,
        "total_tasks": graph.tasks.len(),
        "total_dependencies": graph.dependencies.len(),
        "warnings": imported.warnings,
    });
    if out.is_none() {
        let text = written(&imported.workflow, to_json, source)?;
        object["workflow"] = serde_json::from_str(&text)
            .map_err(|error| Failure::file(&source.name, "not_writable", error.to_string()))?;
    }
    Ok(object)
}

fn warn(imported: &Imported, output: &Output) {
    if output.is_quiet() {
        return;
    }
    for warning in imported.warnings.iter().take(LISTED) {
        output.warning(&format!("{}: {} at {}", warning.code, warning.message, warning.pointer));
    }
    let more = imported.warnings.len().saturating_sub(LISTED);
    if more > 0 {
        output.warning(&format!("{more} more, all of them with --json"));
    }
}
