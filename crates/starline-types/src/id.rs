//! Names: ids for people and files, dense indices for the owner of a graph.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

/// Largest id of a task, device, run or request, in bytes.
pub const MAX_ID_BYTES: usize = 256;
/// Largest id of a dependency, in bytes: two task ids, an arrow and a number.
pub const MAX_DEPENDENCY_ID_BYTES: usize = 520;

/// Why a text is not an id.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IdError {
    text: SmolStr,
    fault: IdFault,
}

/// What is wrong with a text that should have been an id.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IdFault {
    /// The text is empty.
    Empty,
    /// The text is longer than the limit.
    TooLong {
        /// Limit in bytes.
        max: usize,
        /// Length found, in bytes.
        got: usize,
    },
    /// The text has a character outside the alphabet.
    BadCharacter {
        /// The character.
        character: char,
        /// Its offset in bytes.
        at: usize,
    },
}

impl IdError {
    /// What is wrong.
    #[must_use]
    pub fn fault(&self) -> IdFault {
        self.fault
    }
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fault {
            IdFault::Empty => f.write_str("id is empty: use 1 to 256 of A-Z a-z 0-9 . _ : # -"),
            IdFault::TooLong { max, got } => {
                write!(f, "id {:?}… is {got} bytes long, the limit is {max}", self.text)
            }
            IdFault::BadCharacter { character, at } => {
                write!(f, "id {:?} has {character:?} at byte {at}: use A-Z a-z 0-9 . _ : # -", self.text)
            }
        }
    }
}

impl std::error::Error for IdError {}

fn check(text: &str, max: usize, extra: &str) -> Result<(), IdError> {
    // Only the beginning of a hostile text is kept for the message.
    let excerpt = |text: &str| SmolStr::from_iter(text.chars().take(32));
    if text.is_empty() {
        return Err(IdError { text: SmolStr::default(), fault: IdFault::Empty });
    }
    if text.len() > max {
        return Err(IdError { text: excerpt(text), fault: IdFault::TooLong { max, got: text.len() } });
    }
    let allowed =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '#' | '-') || extra.contains(c);
    match text.char_indices().find(|(_, c)| !allowed(*c)) {
        Some((at, character)) => {
            Err(IdError { text: excerpt(text), fault: IdFault::BadCharacter { character, at } })
        }
        None => Ok(()),
    }
}

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident, $max:expr, $extra:expr) => {
        $(#[$doc])*
        #[derive(Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
        #[serde(try_from = "SmolStr", into = "SmolStr")]
        pub struct $name(SmolStr);

        impl $name {
            /// Takes a text as id.
            ///
            /// # Errors
            /// The text is empty, too long, or has a character outside the alphabet.
            pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
                check(text.as_ref(), $max, $extra)?;
                Ok(Self(SmolStr::new(text)))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<SmolStr> for $name {
            type Error = IdError;
            fn try_from(text: SmolStr) -> Result<Self, IdError> {
                check(&text, $max, $extra)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for SmolStr {
            fn from(id: $name) -> SmolStr {
                id.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.0.as_str(), f)
            }
        }
    };
}

string_id!(
    /// Id of a task: `[A-Za-z0-9._:#-]{1,256}`, unique in its graph. Never used as a file path.
    ///
    /// Ids of up to 23 bytes live inline; a clone allocates nothing.
    TaskId, MAX_ID_BYTES, ""
);
string_id!(
    /// Id of a device, unique in a fleet.
    DeviceId, MAX_ID_BYTES, ""
);
string_id!(
    /// Id of a run, unique in a journal.
    RunId, MAX_ID_BYTES, ""
);
string_id!(
    /// Id that the sender of a request chose; a repeat gets the first answer.
    RequestId, MAX_ID_BYTES, ""
);
string_id!(
    /// Id of a dependency: the alphabet of task ids and `>`, at most 520 bytes. The default is `from->to`.
    DependencyId, MAX_DEPENDENCY_ID_BYTES, ">"
);

impl RunId {
    /// The reserved stream of facts that belong to no run, such as those about devices.
    #[must_use]
    pub fn system() -> Self {
        Self(SmolStr::new_static("system"))
    }
}

/// Dense index of a task in its graph. Stable for the life of the task.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct TaskIx(pub u32);

/// Dense index of a device in its fleet, in order of registration.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct DeviceIx(pub u32);

impl TaskIx {
    /// The index as a position in a table.
    #[must_use]
    pub fn at(self) -> usize {
        self.0 as usize
    }
}

impl DeviceIx {
    /// The index as a position in a table.
    #[must_use]
    pub fn at(self) -> usize {
        self.0 as usize
    }
}

macro_rules! named_index {
    ($(#[$doc:meta])* $name:ident, $id:ident, $ix:ident, $text:literal) => {
        $(#[$doc])*
        ///
        /// Written as the id alone. The index is a hint of the process that made it: two references are
        /// equal if their ids are.
        #[derive(Clone, Serialize, Deserialize)]
        #[serde(from = $text, into = $text)]
        pub struct $name {
            id: $id,
            hint: u32,
        }

        impl From<$id> for $name {
            fn from(id: $id) -> Self {
                Self::unresolved(id)
            }
        }

        impl From<$name> for $id {
            fn from(reference: $name) -> $id {
                reference.id
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.id == other.id
            }
        }

        impl Eq for $name {}

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.id, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.id, f)
            }
        }

        impl $name {
            /// A reference with a known index.
            #[must_use]
            pub fn new(id: $id, ix: $ix) -> Self {
                Self { id, hint: ix.0 }
            }

            /// A reference by id alone, as a reader of a file has it.
            #[must_use]
            pub fn unresolved(id: $id) -> Self {
                Self { id, hint: u32::MAX }
            }

            /// The id.
            #[must_use]
            pub fn id(&self) -> &$id {
                &self.id
            }

            /// The index at the time the reference was made, if it was made by the owner.
            #[must_use]
            pub fn hint(&self) -> Option<$ix> {
                (self.hint != u32::MAX).then_some($ix(self.hint))
            }
        }
    };
}

named_index!(
    /// A task as facts name it: its id for readers, its dense index for the owner of the graph.
    TaskRef, TaskId, TaskIx, "TaskId"
);
named_index!(
    /// A device as facts name it: its id for readers, its dense index for the owner of the fleet.
    DeviceRef, DeviceId, DeviceIx, "DeviceId"
);

/// Number of a hold within its run, written `h-N`, in JSON as well.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct HoldId(pub u64);

impl HoldId {
    /// Reads `h-N`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number =
            text.strip_prefix("h-").filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
        number?.parse().ok().map(Self)
    }
}

impl Serialize for HoldId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HoldId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&text), &"a hold such as h-7"))
    }
}

impl fmt::Display for HoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "h-{}", self.0)
    }
}

/// Number of commits a graph has seen. The submitted graph is revision 0.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Number of a record in the stream of its run: dense, starting at 1.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    /// The number after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_to_their_alphabet_and_length() {
        assert!(TaskId::new("scan_a.r2#1:x-y").is_ok());
        for bad in ["", "../x", "a b", "a\n", "\0", "é"] {
            assert!(TaskId::new(bad).is_err(), "{bad:?} is no id");
        }
        assert!(TaskId::new("x".repeat(MAX_ID_BYTES)).is_ok());
        let error = TaskId::new("x".repeat(MAX_ID_BYTES + 1)).expect_err("too long");
        assert_eq!(error.fault(), IdFault::TooLong { max: 256, got: 257 });
        assert!(DependencyId::new("a->b#2").is_ok());
        assert!(TaskId::new("a->b").is_err());
    }

    #[test]
    fn references_are_written_as_their_id() {
        let task = TaskRef::new(TaskId::new("a").expect("id"), TaskIx(7));
        let text = serde_json::to_string(&task).expect("json");
        assert_eq!(text, "\"a\"");
        let read: TaskRef = serde_json::from_str(&text).expect("json");
        assert_eq!((read.hint(), &read), (None, &task));
        assert!(serde_json::from_str::<TaskRef>("\"a b\"").is_err());
    }
}
