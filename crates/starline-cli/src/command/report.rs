//! `starline report`

use std::fs;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::chronicle;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::options::{FolderOption, OutputOptions};
use crate::output::Output;
use crate::past::Past;
use crate::records::write_reports;

pub(crate) const ABOUT: &str = "Write the report of a run again: page, Markdown, trace and graph";

pub(crate) const HELP: &str = "\
Reads the journal of the run and writes report.html, report.md, trace.json (for Perfetto) and graph.mmd:
into the folder of the run, or into DIR. Also for a run that goes on or was killed, as far as it got.
What attempts printed that were tried again is no part of a journal, and is missing then.

Exit codes: 0 written, 2 no such run, 4 its files cannot be read or written.

Examples:
  starline report last
  starline report last -o report
  starline report 01KA --json
";

/// Flags of `starline report`.
#[derive(Clone, Debug, Args)]
#[command(about = ABOUT, after_help = HELP)]
pub(crate) struct ReportArgs {
    /// Id of a run, the beginning of one, or `last`
    #[arg(value_name = "RUN")]
    run: String,

    /// Folder to write into; it is made if it is not there. By default the folder of the run
    #[arg(long = "output", short, env = "STARLINE_OUTPUT", hide_env_values = true, value_name = "DIR")]
    out: Option<PathBuf>,

    #[command(flatten)]
    state: FolderOption,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

impl ReportArgs {
    /// Writes the files.
    ///
    /// # Errors
    /// There is no such run, it was imported, or a file cannot be read or written.
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        let past = Past::find(&self.state.state_dir, &self.run)?;
        let Some(history) = &past.history else {
            let message = format!("run {} was imported: nothing is known of its course", past.outcome.run_id);
            return Err(Failure::new(Exit::Invalid, "imported_run", message)
                .with_hint("look at it with `show`, or draw it with `export --to svg`"));
        };
        let folder = self.out.as_ref().unwrap_or(&past.folder);
        let written = match &self.out {
            // What goes elsewhere is for others as well.
            Some(folder) => fs::create_dir_all(folder).and_then(|()| {
                let mut files = chronicle::FILES.iter();
                files.try_for_each(|name| fs::write(folder.join(name), chronicle::file(name, history)))
            }),
            None => write_reports(folder, history),
        };
        written.map_err(|error| {
            let what = format!("failed to write into {}", folder.display());
            Failure::infrastructure("unwritable_file", what, &error)
        })?;
        let paths: Vec<String> =
            chronicle::FILES.iter().map(|name| folder.join(name).display().to_string()).collect();
        if output.is_json() {
            output.object(&json!({"run_id": past.outcome.run_id, "written": paths}));
        } else {
            paths.iter().for_each(|path| output.result(path));
        }
        Ok(Exit::Done)
    }
}
