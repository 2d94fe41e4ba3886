//! `starline import`

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args, ValueEnum};
use serde_json::{Value, json};
use starline::workflow::GalaxyOptions;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::foreign::{
    self, Foreign, constellation, device_file, misplaced, native, record, settle, unwritable,
};
use crate::line::tasks;
use crate::options::{FolderOption, OutputOptions};
use crate::output::Output;
use crate::past::{IMPORTED, Marker, ORIGINAL};
use crate::records::RESULT;
use crate::run_id;
use crate::source::Source;
use crate::state::{State, unusable, write_private};

pub(crate) const ABOUT: &str = "Turn a workflow of another format into a workflow file";

pub(crate) const HELP: &str = "\
Formats:
  galaxy     constellations of Galaxy, the graph system of UFO, in JSON: the structure is taken and what has
             happened is dropped; with --inspect what has happened is kept as a run that `show` and `export`
             take and nobody can start
  wfformat   recorded workflows in WfFormat 1.5 and 1.6 (WfCommons): recorded times become estimates, so
             that the workflow can be simulated, and the machines become a device file

What could not be taken over as it is, is said on standard error; with --strict it is an error. OUT is
written as JSON if its name ends in .json, else as YAML.

Exit codes: 0 imported, 2 the file is not valid, or something was lost and --strict was given, 4 a file cannot be
read or written.

Examples:
  starline import montage.json --from wfformat -o montage.yaml --devices-out machines.yaml
  starline import montage.json --from wfformat --pin --json
  starline import constellation.json --from galaxy -o constellation.yaml --strict
  starline import constellation.json --from galaxy --inspect
  starline run montage.yaml --simulate --quiet
";

/// Formats that can be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    /// Constellation of Galaxy, in JSON
    Galaxy,
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

    /// Import nothing if something would be lost
    #[arg(long, env = "STARLINE_STRICT", hide_env_values = true)]
    #[arg(action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    strict: bool,

    /// Pin tasks to the machines that ran them, which they merely prefer otherwise (wfformat)
    #[arg(long, env = "STARLINE_PIN", hide_env_values = true)]
    #[arg(action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    pin: bool,

    /// Device file to write with the recorded machines (wfformat)
    #[arg(long, env = "STARLINE_DEVICES_OUT", hide_env_values = true, value_name = "FILE")]
    devices_out: Option<PathBuf>,

    /// Keep states, results and times as a run that can be looked at (galaxy)
    #[arg(long, env = "STARLINE_INSPECT", hide_env_values = true, conflicts_with = "out")]
    #[arg(action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    inspect: bool,

    #[command(flatten)]
    state: FolderOption,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

impl ImportArgs {
    /// Reads one format and writes the other.
    ///
    /// # Errors
    /// The file cannot be read, every problem in it, or the other file cannot be written.
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        match self.from {
            Format::Galaxy if self.pin => return Err(misplaced("--pin", "wfformat")),
            Format::Galaxy if self.devices_out.is_some() => {
                return Err(misplaced("--devices-out", "wfformat"));
            }
            Format::Wfformat if self.inspect => return Err(misplaced("--inspect", "galaxy")),
            Format::Galaxy | Format::Wfformat => {}
        }
        let source = Source::read(&self.file)?;
        if self.inspect {
            return self.inspect(&source, output);
        }
        let read = match self.from {
            Format::Galaxy if self.strict => {
                // Told at their lines, which nothing else knows.
                foreign::galaxy(&source, &GalaxyOptions { strict: true, ..GalaxyOptions::default() })?;
                constellation(&source)?
            }
            Format::Galaxy => constellation(&source)?,
            Format::Wfformat => record(&source, self.pin)?,
        };
        let as_json =
            self.out.as_deref().is_some_and(foreign::is_json) || self.out.is_none() && output.is_json();
        let text = native(&read.workflow, as_json).map_err(|error| unwritable(&source.name, &error))?;
        settle(&read.losses, self.strict, &source.name, output)?;
        if let Some(out) = &self.out {
            foreign::write(out, &text)?;
        }
        if let Some(out) = &self.devices_out {
            let text = device_file(read.devices.clone()).map_err(|error| unwritable(&source.name, &error))?;
            foreign::write(out, &text)?;
        }
        if output.is_json() {
            output.object(&self.report(&read, &text, &source)?);
            return Ok(Exit::Done);
        }
        let graph = &read.workflow.graph;
        let count = format!("{}, {} dependencies", tasks(graph.tasks.len()), graph.dependencies.len());
        match &self.out {
            Some(out) => output.progress(&format!("wrote {}: {count}", out.display())),
            None => output.text(&text),
        }
        if let Some(out) = &self.devices_out {
            let count = read.devices.len();
            let word = if count == 1 { "device" } else { "devices" };
            output.progress(&format!("wrote {}: {count} {word}", out.display()));
        }
        Ok(Exit::Done)
    }

    fn report(&self, read: &Foreign, text: &str, source: &Source) -> Result<Value, Failure> {
        let graph = &read.workflow.graph;
        let mut object = json!({
            "file": source.name,
            "from": self.from.to_possible_value().map(|value| value.get_name().to_owned()),
            "output": self.out.as_ref().map(|out| out.display().to_string()),
            "name": graph.name,
            "total_tasks": graph.tasks.len(),
            "total_dependencies": graph.dependencies.len(),
            "warnings": read.losses,
        });
        if self.from == Format::Wfformat {
            object["devices"] = json!(read.devices);
        }
        if self.out.is_none() {
            object["workflow"] = serde_json::from_str(text)
                .map_err(|error| Failure::file(&source.name, "not_writable", error.to_string()))?;
        }
        Ok(object)
    }

    /// Keeps a constellation as a run that can be looked at.
    fn inspect(&self, source: &Source, output: &Output) -> Result<Exit, Failure> {
        let marker = Marker {
            format: "galaxy".to_owned(),
            file: source.name.clone(),
            seed: run_id::random(),
            now: foreign::now().0,
        };
        let options = GalaxyOptions { strict: self.strict, ..marker.options() };
        let imported = foreign::galaxy(source, &options)?;
        let losses: Vec<foreign::Loss> = imported.warnings.into_iter().map(Into::into).collect();
        settle(&losses, self.strict, &source.name, output)?;
        let state = State::make(&self.state.state_dir)?;
        let run = imported.run_id;
        if state.run(&run).exists() {
            let message = format!("there is a run {run} already");
            return Err(Failure::new(Exit::Invalid, "run_exists", message)
                .with_hint(format!("look at it with `starline show {run}`, or choose another --state-dir")));
        }
        let folder = state.make_run(&run)?;
        let json = |name: &str, value: &Value| {
            write_private(&folder.join(name), |file| {
                serde_json::to_writer_pretty(&mut *file, value)?;
                file.write_all(b"\n")
            })
        };
        write_private(&folder.join(ORIGINAL), |file| file.write_all(&source.bytes))
            .and_then(|()| json(RESULT, &json!(imported.outcome)))
            .and_then(|()| json(IMPORTED, &json!(marker)))
            .map_err(|error| unusable(&self.state.state_dir, &error))?;
        let graph = &imported.workflow.graph;
        if output.is_json() {
            output.object(&json!({
                "file": source.name,
                "from": "galaxy",
                "run_id": run,
                "folder": folder.display().to_string(),
                "name": graph.name,
                "total_tasks": graph.tasks.len(),
                "total_dependencies": graph.dependencies.len(),
                "warnings": losses,
            }));
        } else {
            output.result(&format!("run {run}: {}", tasks(graph.tasks.len())));
            output.progress(&format!("look at it with `starline show {run}`; it cannot be started"));
        }
        Ok(Exit::Done)
    }
}
