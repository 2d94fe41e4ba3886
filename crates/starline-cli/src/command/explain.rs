//! `starline explain`

use clap::Args;
use starline::types::Explanation;

use crate::exit::Exit;
use crate::explain::lines;
use crate::failure::Failure;
use crate::options::{FolderOption, OutputOptions};
use crate::output::Output;
use crate::remote::{block_on, find};

pub(crate) const ABOUT: &str = "Say why a task of a run that is under way is where it is";

pub(crate) const HELP: &str = "\
Every reason that holds, and what comes next: which dependencies it waits for, which hold covers it and
for how long, which devices it fits and what they run, or what each of them lacks.

RUN is the id of a run that another process carries out, the beginning of one, or `last`.
Exit codes: 0 explained, 2 no such run or task, 4 no such process.

Examples:
  starline explain last merge
  starline explain last merge --json";

/// Flags of `starline explain`.
#[derive(Clone, Debug, Args)]
#[command(about = ABOUT, after_help = HELP)]
pub(crate) struct ExplainArgs {
    /// Id of a run, the beginning of one, or `last`
    #[arg(value_name = "RUN")]
    run: String,

    /// Id of a task
    #[arg(value_name = "TASK")]
    task: String,

    #[command(flatten)]
    state: FolderOption,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

impl ExplainArgs {
    /// Explains.
    ///
    /// # Errors
    /// There is no such run or task.
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        let answer = block_on(async {
            let remote = find(&self.state.state_dir, &self.run).await?;
            remote.client.get(&remote.task(&self.task, "/explain")).await
        })?;
        if output.is_json() {
            output.object(&answer);
            return Ok(Exit::Done);
        }
        let explanation: Explanation = serde_json::from_value(answer).map_err(|error| {
            Failure::infrastructure("answer", "the explanation is not of this version", &error)
        })?;
        lines(&explanation, output.result_colour()).iter().for_each(|line| output.result(line));
        Ok(Exit::Done)
    }
}
