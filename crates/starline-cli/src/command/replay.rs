//! `starline replay`

use std::time::Duration;

use clap::Args;
use starline::types::{Envelope, Event, GraphSpec, Timestamp};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::line::{Lines, counted};
use crate::moment::pause;
use crate::options::{FolderOption, OutputOptions};
use crate::output::Output;
use crate::past::{choose, facts, names};

pub(crate) const ABOUT: &str = "Show what happened in a run, step by step";

pub(crate) const HELP: &str = "\
Every fact of the journal, in order, as `run` shows them while they happen: as fast as they can be read, or at
the pace at which they happened with --speed. At the end it says how far the run was then.

Exit codes: 0 shown, 2 no such run, 74 the journal cannot be read.

Examples:
  starline replay last
  starline replay last --until 42        # how did it look after fact 42?
  starline replay last --speed 10        # ten times as fast as it was
  starline replay last --json";

/// Flags of `starline replay`.
#[derive(Clone, Debug, Args)]
#[command(about = ABOUT, after_help = HELP)]
pub(crate) struct ReplayArgs {
    /// Id of a run, the beginning of one, or `last`
    #[arg(value_name = "RUN")]
    run: String,

    /// Stop behind the fact of this number
    #[arg(long, env = "STARLINE_UNTIL", hide_env_values = true, value_name = "SEQ")]
    until: Option<u64>,

    /// So many times as fast as it happened; without it, as fast as it can be read
    #[arg(long, env = "STARLINE_SPEED", hide_env_values = true, value_name = "X", value_parser = speed)]
    speed: Option<f64>,

    #[command(flatten)]
    state: FolderOption,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok().filter(|speed: &f64| speed.is_finite() && *speed > 0.0);
    speed.ok_or_else(|| "expected a number above 0, such as 10".to_owned())
}

impl ReplayArgs {
    /// Shows the run.
    ///
    /// # Errors
    /// There is no such run, or its journal cannot be read.
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        let names = names(&self.state.state_dir)?;
        let name = choose(&names, &self.run)?;
        let mut lines = None;
        let mut last: Option<Timestamp> = None;
        let mut history = None;
        facts(&self.state.state_dir, name, |fact| {
            if self.until.is_some_and(|until| fact.seq.0 > until) || output.is_closed() {
                return Ok(false);
            }
            if let (Some(speed), Some(last)) = (self.speed, last) {
                output.flush();
                pause(Duration::from_secs_f64(fact.t.since(last).0 as f64 / 1000.0 / speed));
            }
            last = Some(fact.t);
            show(fact, &mut lines, output);
            crate::past::fold(&mut history, fact)?;
            Ok(true)
        })?;
        output.flush();
        if let Some(history) = history
            && !output.is_json()
        {
            let counts = history.graph().counts();
            let tasks = counted(history.graph().len(), &counts);
            output.result(&format!(
                "after fact {}: run {name} is {}; {tasks}",
                history.seq().0,
                history.state()
            ));
        }
        Ok(Exit::Done)
    }
}

fn show(fact: &Envelope, lines: &mut Option<Lines>, output: &Output) {
    if output.is_json() {
        return output.object(fact);
    }
    let lines = lines.get_or_insert_with(|| {
        let nothing = GraphSpec::default();
        let graph = match &fact.event {
            Event::RunCreated { graph, .. } => graph,
            _ => &nothing,
        };
        Lines::new(graph, output.result_colour())
    });
    if !output.is_quiet() {
        output.result(&lines.line(fact));
    }
}
