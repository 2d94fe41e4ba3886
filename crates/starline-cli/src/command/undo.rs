//! `starline undo` and `starline redo`

use clap::Args;
use serde_json::json;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::options::{FolderOption, OutputOptions};
use crate::output::Output;
use crate::remote::{block_on, find};

pub(crate) const UNDO: &str = "Take the last edit of a run back";
pub(crate) const UNDO_HELP: &str = "\
An edit of its own that makes the opposite change, checked like any other: what has started meanwhile
stays. The last 100 edits of a run can be taken back, the latest first.

RUN is the id of a run that another process carries out, the beginning of one, or `last`.
Exit codes: 0 done, 2 no such run, 3 refused, 4 no such process.

Examples:
  starline undo last
  starline undo last --expect-revision 4      # only if nobody has edited since";
pub(crate) const REDO: &str = "Bring an edit back that was taken back";
pub(crate) const REDO_HELP: &str = "\
Possible until somebody makes another edit.

RUN is the id of a run that another process carries out, the beginning of one, or `last`.
Exit codes: 0 done, 2 no such run, 3 refused, 4 no such process.

Examples:
  starline redo last";

/// Flags of `starline undo` and `starline redo`.
#[derive(Clone, Debug, Args)]
pub(crate) struct UndoArgs {
    /// Id of a run, the beginning of one, or `last`
    #[arg(value_name = "RUN")]
    run: String,

    /// Refuse unless the run is at this revision
    #[arg(long, env = "STARLINE_EXPECT_REVISION", hide_env_values = true, value_name = "N")]
    expect_revision: Option<u64>,

    #[command(flatten)]
    state: FolderOption,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

impl UndoArgs {
    /// Does what the verb says.
    ///
    /// # Errors
    /// There is no such run, nothing to take back, or the run refuses.
    pub(crate) fn execute(self, verb: &str, output: &Output) -> Result<Exit, Failure> {
        let (run, answer) = block_on(async {
            let remote = find(&self.state.state_dir, &self.run).await?;
            let body = json!({ "expect_revision": self.expect_revision });
            let answer = remote.client.post(&remote.path(&format!("/{verb}")), &body).await?;
            Ok((remote.run, answer))
        })?;
        super::edit::tell(&answer, &run, output);
        Ok(Exit::Done)
    }
}
