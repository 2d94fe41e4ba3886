//! What an import or an export says beside its result.

use serde::Serialize;

use crate::excerpt::printable;

/// Something that could not be taken over, or not be written, as it is.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Warning {
    /// Stable word; the table is in the crate documentation.
    pub code: String,
    /// What was done, in one line.
    pub message: String,
    /// The place in the file that was read or written, as a JSON pointer (RFC 6901); empty for the whole file.
    pub pointer: String,
    /// The task, dependency or field that it is about; empty where the place says it all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub item: String,
}

impl Warning {
    pub(crate) fn new(code: &str, pointer: String, message: impl AsRef<str>) -> Self {
        Self { code: code.to_owned(), message: printable(message.as_ref()), pointer, item: String::new() }
    }
}
