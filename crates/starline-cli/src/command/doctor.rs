//! `starline doctor`

use std::path::PathBuf;

use clap::Args;

use crate::doctor::{self, Examination, Health};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::options::OutputOptions;
use crate::output::Output;
use crate::paint::Tone;
use crate::table::{Cell, Table};

pub(crate) const ABOUT: &str = "Say which kinds of devices can work here, and what is missing";

pub(crate) const HELP: &str = "\
Each line begins with a word: ok, limited (it works in part), or missing. After the arrow stands what
to do about it. Nothing is changed on this machine.

Exit codes: 0 tasks can run here as processes, 4 they cannot.

Examples:
  starline doctor
  starline doctor --state-dir /var/lib/starline
  starline doctor --json
";

/// Flags of `starline doctor`.
#[derive(Clone, Debug, Args)]
#[command(about = ABOUT, after_help = HELP)]
pub(crate) struct DoctorArgs {
    /// State folder to look at
    #[arg(long, env = "STARLINE_STATE_DIR", hide_env_values = true, value_name = "DIR")]
    #[arg(default_value = ".starline")]
    state_dir: PathBuf,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

impl DoctorArgs {
    /// Looks at this machine, and writes what it found.
    ///
    /// # Errors
    /// The system does not even start a runtime.
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        let examination = doctor::examine(&self.state_dir)?;
        if output.is_json() {
            output.object(&examination);
        } else {
            show(&examination, output);
        }
        Ok(if examination.works { Exit::Done } else { Exit::Infrastructure })
    }
}

fn show(examination: &Examination, output: &Output) {
    let mut table = Table::default();
    for check in &examination.checks {
        let tone = match check.status {
            Health::Ok => Tone::Good,
            Health::Limited => Tone::Attention,
            Health::Missing => Tone::Bad,
        };
        let fix = check.fix.as_ref().map(|fix| format!("  ->  {fix}")).unwrap_or_default();
        table.row([
            Cell::text(check.status.word()).in_tone(tone),
            Cell::text(check.name),
            Cell::text(format!("{}{fix}", check.found)),
        ]);
    }
    if !output.is_quiet() {
        table.lines(output.result_colour()).for_each(|line| output.result(&line));
    }
    output.result(if examination.works {
        "tasks can run on this machine"
    } else {
        "tasks cannot run on this machine: see the first line"
    });
}
