//! The command line as a whole.

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use serde_json::json;

use crate::command::{demo, import, run, validate};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::options::OutputOptions;
use crate::output::Output;

const HELP: &str = "\
Every flag --some-flag is also read from the environment variable STARLINE_SOME_FLAG.

Start here:
  starline demo                                     # see what it does, in a few seconds
  starline validate nightly.yaml                    # check a file of your own
  starline run nightly.yaml                         # run it on this machine
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
    Run(Box<run::RunArgs>),
    Validate(validate::ValidateArgs),
    Import(import::ImportArgs),
}

impl Verb {
    fn output(&self) -> &OutputOptions {
        match self {
            Self::Demo(args) => &args.output,
            Self::Run(args) => &args.output,
            Self::Validate(args) => &args.output,
            Self::Import(args) => &args.output,
        }
    }

    fn execute(self, output: &Output) -> Result<Exit, Failure> {
        match self {
            Self::Demo(args) => args.execute(output),
            Self::Run(args) => args.execute(output),
            Self::Validate(args) => args.execute(output),
            Self::Import(args) => args.execute(output),
        }
    }
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
    if let (Verb::Run(args), Some(matches)) = (&mut cli.verb, matches.subcommand_matches("run")) {
        args.inputs = inputs(matches, std::mem::take(&mut args.inputs));
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
            let verbs = (kind == ErrorKind::InvalidSubcommand).then(verbs);
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

fn verbs() -> String {
    let command = Cli::command();
    let names: Vec<_> = command.get_subcommands().map(clap::Command::get_name).collect();
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

    #[test]
    fn the_parser_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn verbs_and_flags_are_these() {
        let mut listed = Vec::new();
        for verb in Cli::command().get_subcommands() {
            let name = |argument: &Arg| match argument.get_long() {
                Some(long) => format!("--{long}"),
                None => argument.get_id().to_string().to_uppercase(),
            };
            let flags: Vec<_> = verb.get_arguments().map(name).collect();
            listed.push(format!("{} {}", verb.get_name(), flags.join(" ")));
        }
        let expected = [
            "demo --seed --state-dir --ephemeral --json --quiet --verbose --color",
            "run FILE --devices --strategy --input --seed --simulate --time-scale --state-dir --ephemeral \
             --json --quiet --verbose --color",
            "validate FILE --devices --json --quiet --verbose --color",
            "import FILE --from --output --json --quiet --verbose --color",
        ];
        assert_eq!(listed, expected);
    }

    #[test]
    fn every_flag_has_its_variable_and_every_verb_its_examples() {
        for verb in Cli::command().get_subcommands() {
            let flags = verb.get_arguments().filter_map(|argument| Some((argument, argument.get_long()?)));
            for (argument, long) in flags {
                let expected = format!("STARLINE_{}", long.to_uppercase().replace('-', "_"));
                let variable = argument.get_env().map(|name| name.to_string_lossy().into_owned());
                assert_eq!(variable, Some(expected), "{} --{long}", verb.get_name());
                assert!(argument.get_help().is_some(), "{} --{long}", verb.get_name());
            }
            let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
            let example = format!("starline {}", verb.get_name());
            assert!(help.contains(&example), "{example}: {help}");
            assert!(verb.get_about().is_some());
        }
    }

    /// Every example in a help text is a command line that the parser takes.
    #[test]
    fn examples_are_command_lines() {
        let command = Cli::command();
        let texts =
            command.get_subcommands().map(|verb| verb.get_after_help()).chain([command.get_after_help()]);
        let mut count = 0;
        for text in texts.flatten().map(ToString::to_string) {
            for line in text.lines().filter_map(|line| line.strip_prefix("  starline ")) {
                let line = line
                    .split(['#', '|'])
                    .next()
                    .unwrap_or_default()
                    .replace("'limits=[1, 2]'", "limits=[1]");
                let arguments = ["starline"].into_iter().chain(line.split_whitespace()).map(OsString::from);
                let parsed = parse(&arguments.collect::<Vec<_>>());
                let helps = |error: clap::Error| error.kind() == ErrorKind::DisplayHelp;
                assert!(parsed.is_ok() || parsed.is_err_and(helps), "{line}");
                count += 1;
            }
        }
        assert!(count >= 12, "{count} examples");
    }
}
