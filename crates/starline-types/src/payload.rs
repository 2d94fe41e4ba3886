//! What a task does on its device.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Millis, Value};

/// What a task does on its device. Texts may be templates until the attempt is dispatched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
    /// Nothing: ends at once.
    #[default]
    Noop,
    /// Waits for the given time.
    Sleep(Millis),
    /// A script for `sh`.
    Sh(Arc<Shell>),
    /// A program with its arguments, without a shell.
    Exec(Arc<Exec>),
    /// Text for a device that takes one text.
    Prompt(Arc<Prompt>),
    /// A kind that only certain devices know; in-process functions are called this way.
    Call {
        /// Name of the function or tool.
        name: Arc<str>,
        /// Its arguments.
        arguments: Arc<Value>,
    },
}

impl Payload {
    /// Word for the kind, as policies and devices name it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.tag().as_str()
    }

    /// The kind.
    #[must_use]
    pub fn tag(&self) -> PayloadKind {
        match self {
            Self::Noop => PayloadKind::Noop,
            Self::Sleep(_) => PayloadKind::Sleep,
            Self::Sh(_) => PayloadKind::Sh,
            Self::Exec(_) => PayloadKind::Exec,
            Self::Prompt(_) => PayloadKind::Prompt,
            Self::Call { .. } => PayloadKind::Call,
        }
    }

    /// The program of `exec`, as the task names it.
    #[must_use]
    pub fn program(&self) -> Option<&str> {
        match self {
            Self::Exec(exec) => exec.argv.first().map(String::as_str),
            Self::Noop | Self::Sleep(_) | Self::Sh(_) | Self::Prompt(_) | Self::Call { .. } => None,
        }
    }
}

/// The kind of a payload.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum PayloadKind {
    /// Nothing: ends at once.
    Noop,
    /// Waits.
    Sleep,
    /// A script for `sh`.
    Sh,
    /// A program.
    Exec,
    /// One text.
    Prompt,
    /// A function or tool.
    Call,
}

impl PayloadKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [Self::Noop, Self::Sleep, Self::Sh, Self::Exec, Self::Prompt, Self::Call];

    /// The word, as policies and devices name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Noop => "noop",
            Self::Sleep => "sleep",
            Self::Sh => "sh",
            Self::Exec => "exec",
            Self::Prompt => "prompt",
            Self::Call => "call",
        }
    }
}

/// A script for `sh`.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Shell {
    /// The script.
    pub script: String,
    /// Environment variables set beside the ones the device passes on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Folder to run in, relative to the folder of the attempt's device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Text for standard input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<String>,
    /// Environment variables whose values are secrets, by the names of the secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, String>,
    /// Paths of files that are kept when the work is done, relative to the folder it runs in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collect: Vec<String>,
}

/// A program with its arguments.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Exec {
    /// Program, then arguments; never empty in a valid task.
    pub argv: Vec<String>,
    /// Environment variables set beside the ones the device passes on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Folder to run in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Text for standard input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdin: Option<String>,
    /// Environment variables whose values are secrets, by the names of the secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, String>,
    /// Paths of files that are kept when the work is done, relative to the folder it runs in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collect: Vec<String>,
}

/// Text for a device that takes one text.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Prompt {
    /// The text.
    pub text: String,
}
