//! Flags that several verbs share.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args};

use crate::paint::ColorChoice;

/// How results and progress are written.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputOptions {
    /// Write JSON for programs instead of text for people
    #[arg(long, env = "STARLINE_JSON", hide_env_values = true)]
    #[arg(action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,

    /// Write the result only, no progress; stronger than --verbose
    #[arg(long, short, env = "STARLINE_QUIET", hide_env_values = true)]
    #[arg(action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    pub(crate) quiet: bool,

    /// Write what tasks print as well
    #[arg(long, short, env = "STARLINE_VERBOSE", hide_env_values = true)]
    #[arg(action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    pub(crate) verbose: bool,

    /// When to use colours
    #[arg(long, env = "STARLINE_COLOR", hide_env_values = true, value_name = "WHEN")]
    #[arg(value_enum, default_value_t)]
    pub(crate) color: ColorChoice,
}

/// Where runs have left their files.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "State")]
pub(crate) struct FolderOption {
    /// Folder that keeps what runs leave behind
    #[arg(long, env = "STARLINE_STATE_DIR", hide_env_values = true, value_name = "DIR")]
    #[arg(default_value = ".starline")]
    pub(crate) state_dir: PathBuf,
}

/// Where runs leave their files.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "State")]
pub(crate) struct StateOptions {
    /// Folder that keeps what runs leave behind
    #[arg(long, env = "STARLINE_STATE_DIR", hide_env_values = true, value_name = "DIR")]
    #[arg(default_value = ".starline")]
    pub(crate) state_dir: PathBuf,

    /// Leave no files behind
    #[arg(long, env = "STARLINE_EPHEMERAL", hide_env_values = true)]
    #[arg(action = ArgAction::SetTrue, value_parser = FalseyValueParser::new())]
    pub(crate) ephemeral: bool,
}
