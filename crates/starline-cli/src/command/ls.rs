//! `starline ls`

use clap::Args;
use serde_json::json;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::line::counted;
use crate::options::{FolderOption, OutputOptions};
use crate::output::Output;
use crate::remote::{block_on, live};
use crate::table::{Cell, Table};

pub(crate) const ABOUT: &str = "List runs that can be watched and edited now";

pub(crate) const HELP: &str = "\
These are runs that processes of this state folder carry out, by `starline run` or `starline serve`.
`starline show` lists those that are over as well.

Exit codes: 0 listed, also if there is none, 4 the state folder cannot be used.

Examples:
  starline ls
  starline ls --json";

/// Flags of `starline ls`.
#[derive(Clone, Debug, Args)]
#[command(about = ABOUT, after_help = HELP)]
pub(crate) struct LsArgs {
    #[command(flatten)]
    state: FolderOption,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

impl LsArgs {
    /// Lists the runs.
    ///
    /// # Errors
    /// The state folder cannot be used.
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        let runs = block_on(live(&self.state.state_dir))?;
        if output.is_json() {
            let runs: Vec<_> = runs.into_iter().map(|(_, run)| run).collect();
            output.object(&json!({ "runs": runs }));
            return Ok(Exit::Done);
        }
        if runs.is_empty() {
            output.result("no run is under way; `starline show` lists those that are over");
            return Ok(Exit::Done);
        }
        let mut table = Table::with_head(&["run", "state", "revision", "name", "tasks"]);
        for (_, run) in runs.iter().rev() {
            let total: u32 = run.counts.occurring().map(|(_, count)| count).sum();
            table.row([
                Cell::text(&run.run_id),
                Cell::text(&run.state),
                Cell::figure(run.revision.to_string()),
                Cell::text(if run.name.is_empty() { "-" } else { &run.name }),
                Cell::text(counted(total as usize, &run.counts)),
            ]);
        }
        table.lines(output.result_colour()).for_each(|line| output.result(&line));
        Ok(Exit::Done)
    }
}
