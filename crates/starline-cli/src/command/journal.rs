//! `starline journal`

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use starline::journal::JournalFault;
use starline::journal_redb::{Repair, Report, repair, verify};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::journal::JOURNAL;
use crate::options::{FolderOption, OutputOptions};
use crate::output::Output;
use crate::paint::printable;
use crate::past::{choose, facts, names};

pub(crate) const ABOUT: &str = "Check, export or repair the journal of a run";

pub(crate) const HELP: &str = "\
The journal of a run is .starline/runs/<id>/journal.redb: every fact, durable before anything was done because
of it. Its records are numbered without gaps, and each has a checksum.

Exit codes: 0 done and sound, 2 no such run, 74 the journal is damaged or cannot be read.

Examples:
  starline journal verify last
  starline journal export last | jq -c 'select(.kind == \"task_failed\")'
  starline journal repair last";

const VERIFY_HELP: &str = "\
Exit codes: 0 all sound, 2 no such run, 74 damaged.

Examples:
  starline journal verify last
  starline journal verify last --json";

const EXPORT_HELP: &str = "\
Of a run that another process carries out it has the facts so far.

Examples:
  starline journal export last > facts.jsonl
  starline journal export last -o facts.jsonl";

const REPAIR_HELP: &str = "\
The damaged file is kept as journal.redb.damaged, and what is cut stands in a file of JSON lines beside it. A journal
that is sound is left alone.

Examples:
  starline journal repair last";

/// Flags of `starline journal`.
#[derive(Clone, Debug, Args)]
#[command(about = ABOUT, after_help = HELP, arg_required_else_help = true)]
pub(crate) struct JournalArgs {
    #[command(subcommand)]
    verb: JournalVerb,
}

#[derive(Clone, Debug, Subcommand)]
enum JournalVerb {
    /// Check every record and every page, and change nothing
    #[command(after_help = VERIFY_HELP)]
    Verify(OfRun),
    /// Write every record as a line of JSON
    #[command(after_help = EXPORT_HELP)]
    Export(ExportArgs),
    /// Keep the longest sound beginning of a damaged journal; what is cut is kept beside it
    #[command(after_help = REPAIR_HELP)]
    Repair(OfRun),
}

#[derive(Clone, Debug, Args)]
struct OfRun {
    /// Id of a run, the beginning of one, or `last`
    #[arg(value_name = "RUN")]
    run: String,

    #[command(flatten)]
    state: FolderOption,

    #[command(flatten)]
    output: OutputOptions,
}

#[derive(Clone, Debug, Args)]
struct ExportArgs {
    /// Id of a run, the beginning of one, or `last`
    #[arg(value_name = "RUN")]
    run: String,

    /// File to write, in place of standard output
    #[arg(
        long = "output",
        short = 'o',
        env = "STARLINE_OUTPUT",
        hide_env_values = true,
        value_name = "FILE"
    )]
    file: Option<PathBuf>,

    #[command(flatten)]
    state: FolderOption,

    #[command(flatten)]
    output: OutputOptions,
}

impl JournalArgs {
    /// How results are written.
    pub(crate) fn output(&self) -> &OutputOptions {
        match &self.verb {
            JournalVerb::Verify(of) | JournalVerb::Repair(of) => &of.output,
            JournalVerb::Export(args) => &args.output,
        }
    }

    /// Does what is asked for.
    ///
    /// # Errors
    /// There is no such run, another process carries it out, or its journal cannot be read.
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        match self.verb {
            JournalVerb::Verify(of) => of.verify(output),
            JournalVerb::Export(args) => args.export(),
            JournalVerb::Repair(of) => of.repair(output),
        }
    }
}

impl OfRun {
    fn store(&self) -> Result<(String, PathBuf), Failure> {
        let names = names(&self.state.state_dir)?;
        let name = choose(&names, &self.run)?;
        Ok((name.to_owned(), self.state.state_dir.join("runs").join(name).join(JOURNAL)))
    }

    fn verify(&self, output: &Output) -> Result<Exit, Failure> {
        let (name, path) = self.store()?;
        let empty = std::fs::metadata(&path).is_ok_and(|found| found.len() == 0);
        let mut report = verify(&path)
            .map_err(|error| Failure::journal(format!("failed to check {}", path.display()), &error))?;
        if empty {
            report.store = Some("the file is empty".to_owned());
        }
        let clean = report.is_clean();
        if output.is_json() {
            output.object(&json!({
                "run_id": name,
                "clean": clean,
                "records": report.sound(),
                "faults": faults(&report),
            }));
        } else if clean {
            output.result(&format!("run {name}: {} records, all sound", report.sound()));
        } else {
            output.result(&format!("run {name}: damaged; {} records are sound", report.sound()));
            for fault in faults(&report) {
                output.result(&printable(&format!("  {fault}")));
            }
            output.notice(&format!("`starline journal repair {name}` keeps what is sound"));
        }
        Ok(if clean { Exit::Done } else { Exit::Journal })
    }

    fn repair(&self, output: &Output) -> Result<Exit, Failure> {
        let (name, path) = self.store()?;
        let Repair { before, after, done } = repair(&path).map_err(|error| {
            let failure = Failure::journal(format!("failed to repair {}", path.display()), &error);
            if !matches!(error.kind(), JournalFault::Corrupt { .. }) {
                return failure;
            }
            failure.with_hint(
                "nothing of the file can be read, and it is left as it was; put a copy of it in its place, or carry the \
                 workflow out again with `starline run FILE`",
            )
        })?;
        if output.is_json() {
            output.object(&json!({
                "run_id": name,
                "records": after.sound(),
                "faults": faults(&before),
                "damaged": done.as_ref().map(|done| &done.damaged),
                "cut": done.as_ref().map(|done| &done.cut),
                "cut_records": done.as_ref().map_or(0, |done| done.lines),
            }));
            return Ok(Exit::Done);
        }
        match done {
            None => output.result(&format!("run {name}: {} records, all sound", after.sound())),
            Some(done) => {
                for fault in faults(&before) {
                    output.result(&printable(&format!("  {fault}")));
                }
                let (damaged, cut) = (done.damaged.display(), done.cut.display());
                output.result(&printable(&format!(
                    "run {name}: {} records are kept, {} are cut and stand in {cut}; the damaged file is {damaged}",
                    after.sound(),
                    done.lines
                )));
            }
        }
        Ok(Exit::Done)
    }
}

/// What is damaged, a line for each thing.
fn faults(report: &Report) -> Vec<String> {
    let runs = report.runs.iter();
    let records = runs
        .clone()
        .filter_map(|run| run.fault.as_ref())
        .map(|(seq, fault)| format!("record {}: {fault}", seq.0));
    let checkpoints = runs.filter(|run| run.unsound_checkpoints > 0);
    let checkpoints = checkpoints
        .map(|run| format!("{} checkpoints are damaged, and are not used", run.unsound_checkpoints));
    report.store.iter().cloned().chain(records).chain(checkpoints).collect()
}

impl ExportArgs {
    fn export(self) -> Result<Exit, Failure> {
        let names = names(&self.state.state_dir)?;
        let name = choose(&names, &self.run)?;
        let told = |error: io::Error| {
            Failure::new(Exit::Infrastructure, "unwritable_file", format!("failed to write facts: {error}"))
        };
        let mut out: Box<dyn Write> = match &self.file {
            Some(path) => Box::new(BufWriter::new(File::create(path).map_err(told)?)),
            None => Box::new(BufWriter::new(io::stdout().lock())),
        };
        facts(&self.state.state_dir, name, |fact| {
            let line = serde_json::to_writer(&mut out, fact).map_err(io::Error::from);
            match line.and_then(|()| out.write_all(b"\n")) {
                Ok(()) => Ok(true),
                // Whoever reads has seen enough.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
                Err(error) => Err(told(error)),
            }
        })?;
        match out.flush() {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(told(error)),
            _ => Ok(Exit::Done),
        }
    }
}
