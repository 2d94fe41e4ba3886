//! How far an attempt has come, in its own words.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Largest checkpoint of a task, in bytes: 1 MiB.
pub const MAX_CHECKPOINT_BYTES: usize = 1 << 20;

/// What a task has put down to go on from, should its attempt end early. Only the task knows what it means.
///
/// A copy costs O(1). As JSON it is a text, or a list of bytes if it is none.
#[derive(Clone, Eq, PartialEq)]
pub struct Checkpoint(Arc<[u8]>);

impl Checkpoint {
    /// A checkpoint of these bytes; `None` if there are more than [`MAX_CHECKPOINT_BYTES`].
    #[must_use]
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Option<Self> {
        let bytes = bytes.into();
        (bytes.len() <= MAX_CHECKPOINT_BYTES).then_some(Self(bytes))
    }

    /// The bytes, as the task has written them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Shows the size alone: the contents may be long, and are nobody else's business.
impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checkpoint({} bytes)", self.0.len())
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Form {
    Text(String),
    Bytes(Vec<u8>),
}

impl Serialize for Checkpoint {
    fn serialize<S: Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => writer.serialize_str(text),
            Err(_) => writer.collect_seq(self.0.iter()),
        }
    }
}

impl<'de> Deserialize<'de> for Checkpoint {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let bytes = match Form::deserialize(reader)? {
            Form::Text(text) => text.into_bytes(),
            Form::Bytes(bytes) => bytes,
        };
        let length = bytes.len();
        Self::new(bytes).ok_or_else(|| {
            let message =
                format!("a checkpoint has at most {MAX_CHECKPOINT_BYTES} bytes, and this one {length}");
            serde::de::Error::custom(message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written() {
        for (bytes, form) in [(&b""[..], "\"\""), (b"page 7\n", "\"page 7\\n\""), (b"\xff\0", "[255,0]")] {
            let checkpoint = Checkpoint::new(bytes).expect("small");
            assert_eq!(serde_json::to_string(&checkpoint).expect("a text"), form);
            assert_eq!(serde_json::from_str::<Checkpoint>(form).expect("a checkpoint"), checkpoint);
            assert_eq!(checkpoint.as_bytes(), bytes);
        }
    }

    #[test]
    fn it_has_a_largest_size() {
        let largest = vec![b'x'; MAX_CHECKPOINT_BYTES];
        assert_eq!(format!("{:?}", Checkpoint::new(largest.clone())), "Some(Checkpoint(1048576 bytes))");
        let larger = [largest, vec![b'x']].concat();
        assert_eq!(Checkpoint::new(larger.clone()), None);
        let text = serde_json::to_string(std::str::from_utf8(&larger).expect("a text")).expect("a text");
        assert!(serde_json::from_str::<Checkpoint>(&text).is_err());
    }
}
