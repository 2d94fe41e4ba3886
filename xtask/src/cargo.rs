//! Running cargo and other programs from the root of the workspace.

use std::process::{Command, ExitStatus};

use anyhow::Context as _;

use crate::metadata;

/// The cargo that started this tool, in the root of the workspace.
pub(crate) fn command() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(metadata::root());
    // What cargo told this tool about itself must not reach the builds it starts: build scripts and
    // `env!` would see another package, and cargo would rebuild for nothing.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "CARGO_CRATE_NAME"
        {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs a program to its end with its output on this terminal.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<ExitStatus> {
    println!("$ {}", line(command));
    command.status().with_context(|| format!("failed to start {}", command.get_program().to_string_lossy()))
}

/// The command as a person would type it.
pub(crate) fn line(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let mut words = vec![program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| {
        let word = word.to_string_lossy();
        if word.is_empty() || word.contains(char::is_whitespace) {
            format!("'{word}'")
        } else {
            word.into_owned()
        }
    }));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_reads_as_typed() {
        let mut command = Command::new("/usr/bin/cargo");
        command.args(["test", "--", "two words"]);
        assert_eq!(line(&command), "cargo test -- 'two words'");
    }
}
