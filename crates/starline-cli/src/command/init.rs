//! `starline init`

use std::path::{Path, PathBuf};

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::options::OutputOptions;
use crate::output::Output;
use crate::paint::{Tone, paint, printable};
use crate::starter::{self, Fate};

pub(crate) const ABOUT: &str = "Write example files to begin with, and settings for editors";

pub(crate) const HELP: &str = "\
Writes workflow.yaml, which runs on this machine as it is, devices.yaml, the schemas of both with the one of
edits into .starline-schema, and .vscode/settings.json, so that editors complete and check what is written.

Files that are there are named and left as they are; with --force they are written again. Settings of
others in .vscode/settings.json stay in any case.

Exit codes: 0 everything was written, 2 some files were there.

Examples:
  starline init
  starline init nightly
  starline init nightly --force
";

/// Flags of `starline init`.
#[derive(Clone, Debug, Args)]
#[command(about = ABOUT, after_help = HELP)]
pub(crate) struct InitArgs {
    /// Folder to write into; it is made if it is not there
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,

    /// Write files that are there again
    #[arg(long, env = "STARLINE_FORCE", hide_env_values = true)]
    #[arg(action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    force: bool,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// What became of the files, by their paths.
#[derive(Debug, Default)]
struct Done {
    written: Vec<String>,
    kept: Vec<String>,
}

impl InitArgs {
    /// Writes the files.
    ///
    /// # Errors
    /// A file cannot be written, or files were there.
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        let mut done = Done::default();
        for file in starter::starters() {
            let shown = shown(&self.folder.join(&file.path));
            let fate = file.write(&self.folder, self.force).map_err(|error| {
                Failure::infrastructure("unwritable_file", format!("failed to write {shown}"), &error)
            })?;
            match fate {
                Fate::Written => done.written.push(shown),
                Fate::Kept => done.kept.push(shown),
            }
        }
        let exit = if done.kept.is_empty() { Exit::Done } else { Exit::Invalid };
        let next = next(&self.folder);
        if output.is_json() {
            output.object(&report(&self.folder, &done, &next));
            return Ok(exit);
        }
        show(&done, &next, output);
        Ok(exit)
    }
}

/// What to do next: a command and what it does.
fn next(folder: &Path) -> Vec<(String, &'static str)> {
    let file = |name: &str| shown(&folder.join(name));
    let (workflow, devices) = (file("workflow.yaml"), file("devices.yaml"));
    vec![
        (format!("starline validate {workflow}"), "every problem at its line"),
        (format!("starline plan {workflow}"), "what would run where, and how long it would take"),
        (format!("starline run {workflow}"), "on this machine"),
        (format!("starline run {workflow} --devices {devices}"), "on the devices of the file"),
    ]
}

/// A path as people write it: without the dot of the folder they are in.
fn shown(path: &Path) -> String {
    printable(&path.strip_prefix(".").unwrap_or(path).display().to_string())
}

const HINT: &str = "write them again with --force, or name another folder";

fn told(kept: usize) -> String {
    if kept == 1 {
        "1 file was there, and is as it was".to_owned()
    } else {
        format!("{kept} files were there, and are as they were")
    }
}

fn report(folder: &Path, done: &Done, next: &[(String, &str)]) -> Value {
    let next: Vec<&String> = next.iter().map(|(command, _)| command).collect();
    let mut object = json!({
        "folder": folder.display().to_string(),
        "written": done.written,
        "kept": done.kept,
        "next": next,
    });
    if !done.kept.is_empty() {
        object["error"] = json!({
            "code": "file_exists",
            "message": told(done.kept.len()),
            "hint": HINT,
            "exit_code": Exit::Invalid.code(),
        });
    }
    object
}

fn show(done: &Done, next: &[(String, &str)], output: &Output) {
    let coloured = output.result_colour();
    for (word, tone, files) in [("wrote", Tone::Good, &done.written), ("kept ", Tone::Attention, &done.kept)]
    {
        for file in files {
            output.result(&format!("{}  {file}", paint(word, tone, coloured)));
        }
    }
    output.flush();
    if !done.kept.is_empty() {
        output.error(&told(done.kept.len()));
        output.notice(&format!("  = {HINT}"));
    }
    if output.is_quiet() {
        return;
    }
    output.result("\nNext:");
    let widest = next.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
    for (command, what) in next {
        output.result(&format!("  {command:<widest$}  # {what}"));
    }
}
