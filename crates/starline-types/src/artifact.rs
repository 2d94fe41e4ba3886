//! Artefacts: contents too large for a value, kept by their hash.

use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{TaskId, Value};

/// Digits of a hash.
const DIGITS: usize = 64;
/// Longest extension that a copy keeps, in bytes.
const MAX_EXTENSION: usize = 16;

/// Longest value that is kept as it is, in bytes: 64 KiB. Longer ones are artefacts.
pub const MAX_INLINE_BYTES: usize = 64 << 10;

/// The key in a result under which the whole of a stream is found that is in the result only in part: for `stdout`
/// it is `stdout_artifact`.
#[must_use]
pub fn stream_artifact_key(stream: &str) -> String {
    format!("{stream}_artifact")
}

/// BLAKE3 hash of contents, 64 lower-case hexadecimal digits.
#[derive(Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(try_from = "SmolStr", into = "SmolStr")]
pub struct BlobHash(SmolStr);

impl BlobHash {
    /// The hash that these digits write.
    ///
    /// # Errors
    /// The text is anything but 64 lower-case hexadecimal digits.
    pub fn from_hex(digits: &str) -> Result<Self, String> {
        let hexadecimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if digits.len() == DIGITS && digits.bytes().all(hexadecimal) {
            return Ok(Self(SmolStr::new(digits)));
        }
        let shown: String = digits.chars().take(DIGITS).collect();
        Err(format!("hash {shown:?} has not 64 digits of 0-9 a-f"))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<SmolStr> for BlobHash {
    type Error = String;
    fn try_from(digits: SmolStr) -> Result<Self, String> {
        Self::from_hex(&digits)
    }
}

impl From<BlobHash> for SmolStr {
    fn from(hash: BlobHash) -> Self {
        hash.0
    }
}

impl fmt::Display for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Contents that are kept by their hash: what an output of the type `artifact` is.
///
/// As a value it is `{"artifact": "<64 digits>", "bytes": 12, "name": "report.csv"}`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// Hash of the contents.
    #[serde(rename = "artifact")]
    pub hash: BlobHash,
    /// Size in bytes.
    pub bytes: u64,
    /// Name of the file it was, for people.
    pub name: String,
}

impl Artifact {
    /// The artefact that a value is, if it is one.
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Self> {
        value.as_object().filter(|members| members.contains_key("artifact"))?;
        Self::deserialize(value).ok()
    }

    /// The artefact as a value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        serde_json::json!({ "artifact": self.hash.as_str(), "bytes": self.bytes, "name": self.name })
    }
}

/// A file that is sent along with a task.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileInput {
    /// A file beside the workflow file.
    File {
        /// Its path, relative to the folder of the workflow file.
        path: String,
        /// Its contents, once they have been read. Nothing runs without them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        artifact: Option<Artifact>,
    },
    /// An output of the type `artifact` of a task upstream.
    Output {
        /// The task.
        task: TaskId,
        /// Name of the output.
        output: String,
    },
}

/// A file as an attempt gets it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct AttemptFile {
    /// Where it is put, relative to the folder of the attempt: `inputs/NAME` with the extension of the original.
    pub path: String,
    /// What is in it.
    pub artifact: Artifact,
}

impl AttemptFile {
    /// Places an artefact for the input of a name.
    #[must_use]
    pub fn new(input: &str, artifact: Artifact) -> Self {
        let plain = |extension: &str| {
            (1..=MAX_EXTENSION).contains(&extension.len())
                && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let extension = artifact.name.rsplit_once('.').map(|(_, extension)| extension);
        let path = match extension.filter(|extension| plain(extension)) {
            Some(extension) => format!("inputs/{input}.{extension}"),
            None => format!("inputs/{input}"),
        };
        Self { path, artifact }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artefacts_are_values_and_are_told_from_others() {
        let hash = BlobHash::from_hex(&"0a".repeat(32)).expect("a hash");
        let artifact = Artifact { hash, bytes: 3, name: "a.csv".to_owned() };
        assert_eq!(Artifact::from_value(&artifact.to_value()), Some(artifact.clone()));
        assert_eq!(serde_json::to_value(&artifact).expect("json"), artifact.to_value());
        for other in [Value::Null, serde_json::json!({"artifact": "x"}), serde_json::json!({"bytes": 3})] {
            assert_eq!(Artifact::from_value(&other), None, "{other}");
        }
        assert!(BlobHash::from_hex(&"0A".repeat(32)).is_err());
        assert!(BlobHash::from_hex("é").is_err());
    }

    #[test]
    fn copies_keep_a_plain_extension_alone() {
        let hash = BlobHash::from_hex(&"00".repeat(32)).expect("a hash");
        for (name, path) in [
            ("a.csv", "inputs/x.csv"),
            ("a", "inputs/x"),
            ("a.", "inputs/x"),
            ("a.c/../b", "inputs/x"),
            ("a.tar.gz", "inputs/x.gz"),
        ] {
            let artifact = Artifact { hash: hash.clone(), bytes: 0, name: name.to_owned() };
            assert_eq!(AttemptFile::new("x", artifact).path, path);
        }
    }
}
