//! `starline ls`

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args};
use serde_json::json;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::line::{counted, shortened};
use crate::moment::utc;
use crate::options::{FolderOption, OutputOptions};
use crate::output::Output;
use crate::paint::{Tone, printable};
use crate::past::{Dead, dead};
use crate::remote::{block_on, live};
use crate::table::{Cell, Table};

pub(crate) const ABOUT: &str = "List runs that can be watched and edited now, or tasks that failed for good";

pub(crate) const HELP: &str = "\
These are runs that processes of this state folder carry out, by `starline run` or `starline serve`.
`starline show` lists those that are over as well.

With --dead: tasks of all runs that failed and will not be tried again, after all of their attempts. In a run
that is under way `starline retry RUN TASK` tries one again.

Exit codes: 0 listed, also if there is none, 4 the state folder cannot be used.

Examples:
  starline ls
  starline ls --json
  starline ls --dead";

/// Wall clocks are beyond 2001; earlier times are virtual.
const WALL: u64 = 1_000_000_000_000;

/// Flags of `starline ls`.
#[derive(Clone, Debug, Args)]
#[command(about = ABOUT, after_help = HELP)]
pub(crate) struct LsArgs {
    /// List tasks that failed for good, of all runs
    #[arg(long, env = "STARLINE_DEAD", hide_env_values = true)]
    #[arg(action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    dead: bool,

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
        if self.dead {
            return self.list_dead(output);
        }
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

    /// Lists tasks that failed for good.
    fn list_dead(&self, output: &Output) -> Result<Exit, Failure> {
        let (dead, unreadable) = dead(&self.state.state_dir)?;
        for (run, failure) in &unreadable {
            output.warning(&printable(&format!("run {run} cannot be read: {}", failure.reason())));
        }
        if output.is_json() {
            output.object(&json!({ "dead": dead }));
            return Ok(Exit::Done);
        }
        if dead.is_empty() {
            output.result("no task has failed for good");
            return Ok(Exit::Done);
        }
        let mut table = Table::with_head(&["run", "task", "device", "attempts", "failed", "error"]);
        for Dead { run_id, task, device, attempts, error, failed_at, .. } in &dead {
            let error = error.as_ref().map(|error| shortened(&error.to_string())).unwrap_or_default();
            let failed = match failed_at {
                None => "-".to_owned(),
                Some(at) if *at < WALL => "simulated".to_owned(),
                Some(at) => utc(*at),
            };
            table.row([
                Cell::text(run_id),
                Cell::text(task.as_str()),
                Cell::text(device.as_ref().map_or("-", |device| device.as_str())),
                Cell::figure(attempts.to_string()),
                Cell::text(failed),
                Cell::text(error).in_tone(Tone::Bad),
            ]);
        }
        table.lines(output.result_colour()).for_each(|line| output.result(&line));
        if let Some(Dead { run_id, task, .. }) = dead.iter().find(|dead| dead.live) {
            output.progress(&printable(&format!("try one again with `starline retry {run_id} {task}`")));
        }
        Ok(Exit::Done)
    }
}
