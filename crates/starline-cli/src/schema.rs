//! The schemas of files: the one place that asks the library for them.

use clap::ValueEnum;
use serde_json::Value;
use starline::workflow::{self, SchemaKind};

/// What there is a schema of.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum SchemaOf {
    /// Workflow files
    Workflow,
    /// Device files
    Devices,
    /// Batches of edits
    Edit,
}

impl SchemaOf {
    /// All of them, in the order of the help.
    pub(crate) const ALL: [Self; 3] = [Self::Workflow, Self::Devices, Self::Edit];

    /// The word on the command line and in names of files.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Workflow => "workflow",
            Self::Devices => "devices",
            Self::Edit => "edit",
        }
    }
}

/// The JSON Schema of a kind of file.
pub(crate) fn schema(of: SchemaOf) -> Value {
    workflow::schema(match of {
        SchemaOf::Workflow => SchemaKind::Workflow,
        SchemaOf::Devices => SchemaKind::Devices,
        SchemaOf::Edit => SchemaKind::Edit,
    })
}
