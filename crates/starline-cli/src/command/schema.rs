//! `starline schema`

use clap::Args;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::options::OutputOptions;
use crate::output::Output;
use crate::schema::{self, SchemaOf};

pub(crate) const ABOUT: &str = "Print the JSON Schema of a kind of file";

pub(crate) const HELP: &str = "\
Editors use it to complete and check what is written; `starline init` sets one up. What a schema cannot
say, such as that there is no cycle, is checked by `starline validate`.

Examples:
  starline schema workflow > workflow.schema.json
  starline schema devices
  starline schema edit --json                  # in one line
";

/// Flags of `starline schema`.
#[derive(Clone, Debug, Args)]
#[command(about = ABOUT, after_help = HELP)]
pub(crate) struct SchemaArgs {
    /// What to print the schema of
    #[arg(value_name = "KIND", value_enum)]
    of: SchemaOf,

    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

impl SchemaArgs {
    /// Writes the schema.
    ///
    /// # Errors
    /// None in this version.
    #[expect(clippy::unnecessary_wraps, reason = "all verbs have one form")]
    pub(crate) fn execute(self, output: &Output) -> Result<Exit, Failure> {
        let schema = schema::schema(self.of);
        if output.is_json() {
            output.object(&schema);
        } else {
            output.result(&format!("{schema:#}"));
        }
        Ok(Exit::Done)
    }
}
