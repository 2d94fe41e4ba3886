//! The command line as a whole.

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use serde_json::json;

use crate::command::{
    completions, control, demo, devices, doctor, edit, explain, export, import, init, journal, ls, plan,
    replay, report, resume, rollback, run, schema, serve, show, undo, validate, watch,
};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::options::OutputOptions;
use crate::output::Output;

const HELP: &str = "\
Every flag --some-flag is also read from the environment variable STARLINE_SOME_FLAG.

Start here:
  starline demo                                     # see what it does, in a few seconds
  starline init                                     # a workflow file to begin with
  starline validate workflow.yaml                   # check it
  starline plan workflow.yaml                       # what would run where, and for how long
  starline run workflow.yaml                        # run it on this machine
  starline show last                                # what became of it; `report` and `export` too
  starline help run                                 # devices, inputs, simulation, exit codes
";

/// Runs graphs of tasks over devices
#[derive(Debug, Parser)]
#[command(name = "starline", version, about, after_help = HELP, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Demo(demo::DemoArgs),
    Init(init::InitArgs),
    Doctor(doctor::DoctorArgs),
    Validate(validate::ValidateArgs),
    Plan(Box<plan::PlanArgs>),
    Run(Box<run::RunArgs>),
    Serve(serve::ServeArgs),
    Ls(ls::LsArgs),
    Watch(watch::WatchArgs),
    Explain(explain::ExplainArgs),
    Edit(Box<edit::EditArgs>),
    #[command(about = undo::UNDO, after_help = undo::UNDO_HELP)]
    Undo(undo::UndoArgs),
    #[command(about = undo::REDO, after_help = undo::REDO_HELP)]
    Redo(undo::UndoArgs),
    #[command(about = control::PAUSE, after_help = control::PAUSE_HELP)]
    Pause(control::RunCommand),
    Resume(resume::ResumeArgs),
    #[command(about = control::CANCEL, after_help = control::CANCEL_HELP)]
    Cancel(control::CancelCommand),
    Rollback(Box<rollback::RollbackArgs>),
    #[command(about = control::RETRY, after_help = control::RETRY_HELP)]
    Retry(control::TaskCommand),
    #[command(about = control::SKIP, after_help = control::SKIP_HELP)]
    Skip(control::TaskCommand),
    #[command(about = control::RELEASE, after_help = control::RELEASE_HELP)]
    Release(control::ReleaseCommand),
    #[command(about = control::APPROVE, after_help = control::APPROVE_HELP)]
    Approve(control::TaskCommand),
    #[command(about = control::REJECT, after_help = control::REJECT_HELP)]
    Reject(control::TaskCommand),
    Show(show::ShowArgs),
    Report(report::ReportArgs),
    Replay(replay::ReplayArgs),
    Journal(journal::JournalArgs),
    Export(Box<export::ExportArgs>),
    Import(Box<import::ImportArgs>),
    Devices(devices::DevicesArgs),
    Schema(schema::SchemaArgs),
    Completions(completions::CompletionsArgs),
}

impl Verb {
    fn output(&self) -> &OutputOptions {
        match self {
            Self::Demo(args) => &args.output,
            Self::Init(args) => &args.output,
            Self::Doctor(args) => &args.output,
            Self::Validate(args) => &args.output,
            Self::Plan(args) => &args.output,
            Self::Run(args) => &args.output,
            Self::Serve(args) => &args.output,
            Self::Ls(args) => &args.output,
            Self::Watch(args) => &args.output,
            Self::Explain(args) => &args.output,
            Self::Edit(args) => &args.output,
            Self::Undo(args) | Self::Redo(args) => &args.output,
            Self::Pause(args) => &args.output,
            Self::Resume(args) => &args.output,
            Self::Cancel(args) => &args.output,
            Self::Rollback(args) => &args.output,
            Self::Retry(args) | Self::Skip(args) | Self::Approve(args) | Self::Reject(args) => &args.output,
            Self::Release(args) => &args.output,
            Self::Show(args) => &args.output,
            Self::Report(args) => &args.output,
            Self::Replay(args) => &args.output,
            Self::Journal(args) => args.output(),
            Self::Export(args) => &args.output,
            Self::Import(args) => &args.output,
            Self::Devices(args) => args.output(),
            Self::Schema(args) => &args.output,
            Self::Completions(args) => &args.output,
        }
    }

    fn execute(self, output: &Output) -> Result<Exit, Failure> {
        match self {
            Self::Demo(args) => args.execute(output),
            Self::Init(args) => args.execute(output),
            Self::Doctor(args) => args.execute(output),
            Self::Validate(args) => args.execute(output),
            Self::Plan(args) => args.execute(output),
            Self::Run(args) => args.execute(output),
            Self::Serve(args) => args.execute(output),
            Self::Ls(args) => args.execute(output),
            Self::Watch(args) => args.execute(output),
            Self::Explain(args) => args.execute(output),
            Self::Edit(args) => args.execute(output),
            Self::Undo(args) => args.execute("undo", output),
            Self::Redo(args) => args.execute("redo", output),
            Self::Pause(args) => args.execute("pause", "starts nothing new", output),
            Self::Resume(args) => args.execute(output),
            Self::Cancel(args) => args.execute(output),
            Self::Rollback(args) => args.execute(output),
            Self::Retry(args) => args.execute("retry", "is tried again", output),
            Self::Skip(args) => args.execute("skip", "is skipped", output),
            Self::Release(args) => args.execute(output),
            Self::Approve(args) => args.execute("approve", "is approved", output),
            Self::Reject(args) => args.execute("reject", "is refused", output),
            Self::Show(args) => args.execute(output),
            Self::Report(args) => args.execute(output),
            Self::Replay(args) => args.execute(output),
            Self::Journal(args) => args.execute(output),
            Self::Export(args) => args.execute(output),
            Self::Import(args) => args.execute(output),
            Self::Devices(args) => args.execute(output),
            Self::Schema(args) => args.execute(output),
            Self::Completions(args) => args.execute(output),
        }
    }

    /// The values of `--input`, where a verb takes some.
    fn inputs(&mut self) -> Option<&mut Vec<String>> {
        match self {
            Self::Run(args) => Some(&mut args.inputs),
            Self::Plan(args) => Some(&mut args.inputs),
            _ => None,
        }
    }
}

/// The command line as a parser has it.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}

/// Does what the arguments of this process say.
pub(crate) fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().collect();
    match parse(&arguments) {
        Ok(cli) => execute(cli).into(),
        Err(error) => refuse(&error, &arguments).into(),
    }
}

fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let matches = Cli::command().try_get_matches_from(arguments)?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    if let (Some(given), Some((_, matches))) = (cli.verb.inputs(), matches.subcommand()) {
        *given = inputs(matches, std::mem::take(given));
    }
    Ok(cli)
}

/// A variable has room for several inputs, one on each line; a flag is one input, whatever is in it.
fn inputs(matches: &ArgMatches, inputs: Vec<String>) -> Vec<String> {
    if matches.value_source("inputs") != Some(ValueSource::EnvVariable) {
        return inputs;
    }
    let lines = inputs.iter().flat_map(|text| text.lines());
    lines.filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
}

fn execute(cli: Cli) -> Exit {
    let output = Output::new(cli.verb.output());
    if let Err(error) = starline::transport_process::adopt_orphans() {
        // Only slower: what attempts leave behind is then waited for by the first process of the system.
        output.error(&format!("failed to adopt orphans: {error}"));
    }
    let exit = cli.verb.execute(&output).unwrap_or_else(|failure| failure.report(&output));
    match output.take_fault() {
        Some(error) => {
            output.error(&format!("failed to write the output: {error}"));
            if exit == Exit::Done { Exit::Infrastructure } else { exit }
        }
        None => exit,
    }
}

/// Answers arguments that are none: with help where that was asked for, else with what is wrong.
fn refuse(error: &clap::Error, arguments: &[OsString]) -> Exit {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Whoever asked may not read to the end.
            let _ = error.print();
            Exit::Done
        }
        kind => {
            let text = error.to_string();
            let message = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
            let verbs = (kind == ErrorKind::InvalidSubcommand).then(|| verbs(arguments));
            if wants_json(arguments) {
                let mut fault =
                    json!({"code": "usage", "message": message, "exit_code": Exit::Invalid.code()});
                if let Some(verbs) = verbs {
                    fault["hint"] = json!(verbs);
                }
                Output::plain(true).object(&json!({ "error": fault }));
            } else {
                let _ = error.print();
                if let Some(verbs) = verbs {
                    Output::plain(false).notice(&verbs);
                }
            }
            Exit::Invalid
        }
    }
}

/// The verbs there are, below the one that was meant where it has some of its own.
fn verbs(arguments: &[OsString]) -> String {
    let command = Cli::command();
    let first = arguments.iter().skip(1).find_map(|argument| command.find_subcommand(argument));
    let above = first.filter(|verb| verb.has_subcommands()).unwrap_or(&command);
    let names: Vec<_> = above.get_subcommands().map(clap::Command::get_name).collect();
    format!("verbs are {}", names.join(", "))
}

/// Arguments that cannot be read say all the same how to answer.
fn wants_json(arguments: &[OsString]) -> bool {
    let off = ["", "0", "false", "no", "off", "n", "f"];
    let variable = env::var("STARLINE_JSON").ok();
    arguments.iter().any(|argument| argument == "--json")
        || variable.is_some_and(|value| !off.contains(&value.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Arg;

    /// Verbs that do something, each with all of its words.
    fn leaves() -> Vec<(String, clap::Command)> {
        let mut leaves = Vec::new();
        for verb in Cli::command().get_subcommands() {
            let name = verb.get_name();
            if verb.has_subcommands() {
                let below = verb.get_subcommands();
                leaves.extend(below.map(|below| (format!("{name} {}", below.get_name()), below.clone())));
            } else {
                leaves.push((name.to_owned(), verb.clone()));
            }
        }
        leaves
    }

    #[test]
    fn the_parser_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn verbs_and_flags_are_these() {
        let mut listed = Vec::new();
        for (path, verb) in leaves() {
            let name = |argument: &Arg| match argument.get_long() {
                Some(long) => format!("--{long}"),
                None => argument.get_id().to_string().to_uppercase(),
            };
            let flags: Vec<_> = verb.get_arguments().map(name).collect();
            listed.push(format!("{path} {}", flags.join(" ")));
        }
        let expected = [
            "demo --seed --state-dir --ephemeral --json --quiet --verbose --color",
            "init FOLDER --force --json --quiet --verbose --color",
            "doctor --state-dir --json --quiet --verbose --color",
            "validate FILE --devices --json --quiet --verbose --color",
            "plan FILE --devices --strategy --compare --input --seed --json --quiet --verbose --color",
            "run FILE --devices --strategy --input --seed --simulate --time-scale --editor --hold-scope \
             --modification-timeout --yes --secret-file --trace --detach --state-dir --ephemeral --json --quiet \
             --verbose --color",
            "serve --devices --listen --secret-file --state-dir --json --quiet --verbose --color",
            "ls --dead --state-dir --json --quiet --verbose --color",
            "watch RUN --after --state-dir --json --quiet --verbose --color",
            "explain RUN TASK --state-dir --json --quiet --verbose --color",
            "edit RUN --file --add-task --update-task --remove-task --add-dependency --update-dependency \
             --remove-dependency --run --sh --exec --after --set --unset --kind --when --base --hold --reason \
             --check --request --state-dir --json --quiet --verbose --color",
            "undo RUN --expect-revision --state-dir --json --quiet --verbose --color",
            "redo RUN --expect-revision --state-dir --json --quiet --verbose --color",
            "pause RUN --state-dir --json --quiet --verbose --color",
            "resume RUN --devices --secret-file --state-dir --json --quiet --verbose --color",
            "cancel RUN TASK --force --state-dir --json --quiet --verbose --color",
            "rollback RUN --force --devices --yes --secret-file --state-dir --json --quiet --verbose --color",
            "retry RUN TASK --state-dir --json --quiet --verbose --color",
            "skip RUN TASK --state-dir --json --quiet --verbose --color",
            "release RUN HOLD --state-dir --json --quiet --verbose --color",
            "approve RUN TASK --state-dir --json --quiet --verbose --color",
            "reject RUN TASK --state-dir --json --quiet --verbose --color",
            "show RUN TASK --state-dir --json --quiet --verbose --color",
            "report RUN --output --state-dir --json --quiet --verbose --color",
            "replay RUN --until --speed --state-dir --json --quiet --verbose --color",
            "journal verify RUN --state-dir --json --quiet --verbose --color",
            "journal export RUN --output --state-dir --json --quiet --verbose --color",
            "journal repair RUN --state-dir --json --quiet --verbose --color",
            "export SOURCE --to --from --output --schema --strict --state-dir --json --quiet --verbose --color",
            "import FILE --from --output --strict --pin --devices-out --inspect --state-dir --json --quiet \
             --verbose --color",
            "devices ls --devices --json --quiet --verbose --color",
            "devices check --devices --json --quiet --verbose --color",
            "schema OF --json --quiet --verbose --color",
            "completions SHELL --json --quiet --verbose --color",
        ];
        assert_eq!(listed, expected);
    }

    #[test]
    fn every_flag_has_its_variable_and_every_verb_its_examples() {
        for (path, verb) in leaves() {
            let flags = verb.get_arguments().filter_map(|argument| Some((argument, argument.get_long()?)));
            for (argument, long) in flags {
                let expected = format!("STARLINE_{}", long.to_uppercase().replace('-', "_"));
                let variable = argument.get_env().map(|name| name.to_string_lossy().into_owned());
                assert_eq!(variable, Some(expected), "{path} --{long}");
                assert!(argument.get_help().is_some(), "{path} --{long}");
            }
            let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
            let example = format!("starline {path}");
            assert!(help.contains(&example), "{example}: {help}");
            assert!(verb.get_about().is_some());
        }
    }

    /// The words of a command line as a shell has them, up to a comment, a pipe or a redirection.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut quoted) = (vec![String::new()], false);
        for c in line.chars() {
            match c {
                '\'' => quoted = !quoted,
                '#' | '|' | '>' if !quoted => break,
                c if c.is_whitespace() && !quoted => words.push(String::new()),
                c => words.last_mut().expect("a word").push(c),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    /// Every example in a help text is a command line that the parser takes.
    #[test]
    fn examples_are_command_lines() {
        let command = Cli::command();
        let above = command.get_subcommands().chain([&command]);
        let mut texts: Vec<_> = above.filter_map(|verb| verb.get_after_help()).cloned().collect();
        texts.extend(leaves().iter().filter_map(|(_, verb)| verb.get_after_help().cloned()));
        let mut count = 0;
        for text in texts.iter().map(ToString::to_string) {
            for line in text.lines().filter_map(|line| line.strip_prefix("  starline ")) {
                let words = words(line);
                let arguments = ["starline"].into_iter().map(str::to_owned).chain(words).map(OsString::from);
                let parsed = parse(&arguments.collect::<Vec<_>>());
                let helps = |error: clap::Error| error.kind() == ErrorKind::DisplayHelp;
                assert!(parsed.is_ok() || parsed.is_err_and(helps), "{line}");
                count += 1;
            }
        }
        assert!(count >= 40, "{count} examples");
    }
}
