//! `starline watch`

use clap::Args;
use starline::types::{DeviceProfile, Event, GraphSpec, RunState};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::line::counted;
use crate::options::{FolderOption, OutputOptions};
use crate::output::Output;
use crate::paint::printable;
use crate::remote::{Fact, Facts, Remote, block_on, find};
use crate::view::view;

pub(crate) const ABOUT: &str = "Follow a run that another process carries out, to its end";

pub(crate) const HELP: &str = "\
Shows what has happened so far, and then what happens, as `run` does. Interrupt (Ctrl-C) to stop watching:
the run goes on.

RUN is the id of a run that another process carries out, the beginning of one, or `last`.
Exit codes: 0 completed, 1 failed or partially failed, 2 no such run, 4 its process is gone, 130 cancelled.

Examples:
  starline watch last
  starline watch last --after 120      # only what comes behind fact 120
  starline watch last --json           # one fact on each line";

/// Flags of `starline watch`.
#[derive(Clone, Debug, Args)]
#[command(about = ABOUT, after_help = HELP)]
pub(crate) struct WatchArgs {
    /// Id of a run, the beginning of one, or `last`
    #[arg(value_name = "RUN")]
    run: String,

    /// Begin behind the fact of this number
    #[arg(long, env = "STARLINE_AFTER", hide_env_values = true, value_name = "SEQ", default_value_t = 0)]
    after: u64,

    #[command(flatten)]
    state: FolderOption,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

impl WatchArgs {
    /// Follows the run.
    ///
    /// # Errors
    /// There is no such run, or its process is gone before the end.
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        block_on(async {
            let remote = find(&self.state.state_dir, &self.run).await?;
            follow(&remote, self.after, output).await
        })
    }
}

/// Shows the facts of a run behind a number until its end, and says what the exit code is.
pub(crate) async fn follow(remote: &Remote, after: u64, output: &Output) -> Result<Exit, Failure> {
    let snapshot = remote.client.get(&remote.path("")).await?;
    let unreadable = |error: serde_json::Error| {
        Failure::infrastructure("answer", "the state of the run is not of this version", &error)
    };
    let graph: GraphSpec = serde_json::from_value(snapshot["graph"].clone()).map_err(unreadable)?;
    let devices = remote.client.get("/v1/devices").await?;
    let devices: Vec<DeviceProfile> = devices["devices"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|device| serde_json::from_value(device["profile"].clone()).ok())
        .collect();
    let mut watcher = view(output, &graph, &devices);
    if after > 0 {
        // Lines count from the start, which is not among what is shown.
        let mut before = Facts::open(remote, 0).await?;
        while let Some(Fact::Event(envelope)) = before.next().await? {
            if envelope.seq.0 > after {
                break;
            }
            watcher.past(&envelope);
            if matches!(envelope.event, Event::RunStarted { .. }) {
                break;
            }
        }
    }
    let mut facts = Facts::open(remote, after).await?;
    let mut end = None;
    while let Some(fact) = facts.next().await? {
        match fact {
            Fact::Event(envelope) => {
                watcher.event(&envelope);
                end = envelope.event.run_end().cloned().or(end);
            }
            Fact::Gap { from, to } => {
                output.warning(&format!(
                    "facts {from} to {to} are not kept any more; what follows is complete"
                ));
            }
        }
        if !facts.has_more() {
            watcher.caught_up();
        }
        if output.is_closed() {
            return Ok(Exit::Done);
        }
    }
    watcher.caught_up();
    drop(watcher);
    let Some(end) = end else {
        // Behind its end there is nothing to follow.
        let state = remote.client.get(&remote.path("")).await.ok();
        let state: Option<RunState> =
            state.and_then(|state| serde_json::from_value(state["state"].clone()).ok());
        return match state.filter(|state| state.is_terminal()) {
            Some(state) => Ok(state.into()),
            None => {
                Err(Failure::new(Exit::Infrastructure, "no_orchestrator", "the process of the run is gone"))
            }
        };
    };
    if !output.is_json() {
        let total = counted(end.total_tasks as usize, &end.counts);
        output.result(&printable(&format!("run {} {}: {total}", remote.run, end.state)));
    }
    Ok(end.state.into())
}
