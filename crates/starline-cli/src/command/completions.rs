//! `starline completions`

use clap::Args;
use clap_complete::Shell;
use serde_json::json;

use crate::cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::options::OutputOptions;
use crate::output::Output;

pub(crate) const ABOUT: &str = "Print what a shell needs to complete verbs and flags";

pub(crate) const HELP: &str = "\
The script goes to standard output; where it belongs depends on the shell.

Examples:
  starline completions bash > ~/.local/share/bash-completion/completions/starline
  starline completions zsh > ~/.zfunc/_starline       # with `fpath+=~/.zfunc` before compinit
  starline completions fish > ~/.config/fish/completions/starline.fish
";

/// Flags of `starline completions`.
#[derive(Clone, Debug, Args)]
#[command(about = ABOUT, after_help = HELP)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

impl CompletionsArgs {
    /// Writes the script.
    ///
    /// # Errors
    /// None: every shell that can be named has its script.
    #[expect(clippy::unnecessary_wraps, reason = "as all verbs")]
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut cli::command(), "starline", &mut script);
        let script = String::from_utf8_lossy(&script);
        if output.is_json() {
            output.object(&json!({"shell": self.shell.to_string(), "script": script}));
        } else {
            output.text(&script);
        }
        Ok(Exit::Done)
    }
}
