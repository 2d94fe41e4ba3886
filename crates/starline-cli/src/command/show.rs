//! `starline show`

use clap::Args;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::options::{FolderOption, OutputOptions};
use crate::output::Output;
use crate::past::{Past, listed};
use crate::show::{run_object, runs_object, show_run, show_runs, show_task, task_object};

pub(crate) const ABOUT: &str = "Look at runs: all of them, one, or one task of it";

pub(crate) const HELP: &str = "\
RUN is an id, the beginning of one that fits no other, or `last`. Without it all runs are listed, the
latest first. A run is shown stage by stage: a stage has the tasks that are as many steps away from the
beginning. A run whose process was killed is shown as far as it got.

Exit codes: 0 shown, 2 no such run or task, 4 its files cannot be read.

Examples:
  starline show                      # all runs
  starline show last                 # the graph with states, devices, times, outputs and causes
  starline show last count_b         # everything about one task
  starline show last --json
";

/// Flags of `starline show`.
#[derive(Clone, Debug, Args)]
#[command(about = ABOUT, after_help = HELP)]
pub(crate) struct ShowArgs {
    /// Id of a run, the beginning of one, or `last`
    #[arg(value_name = "RUN")]
    run: Option<String>,

    /// Id of a task
    #[arg(value_name = "TASK")]
    task: Option<String>,

    #[command(flatten)]
    state: FolderOption,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

impl ShowArgs {
    /// Shows what is asked for.
    ///
    /// # Errors
    /// There is no such run or task, or its files cannot be read.
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        let Some(run) = &self.run else {
            let runs = listed(&self.state.state_dir)?;
            if output.is_json() {
                output.object(&runs_object(&runs));
            } else {
                show_runs(&runs, output);
            }
            return Ok(Exit::Done);
        };
        let past = Past::find(&self.state.state_dir, run)?;
        match (&self.task, output.is_json()) {
            (None, true) => output.object(&run_object(&past)),
            (None, false) => show_run(&past, output),
            (Some(task), true) => output.object(&task_object(&past, task)?),
            (Some(task), false) => show_task(&past, task, output)?,
        }
        Ok(Exit::Done)
    }
}
