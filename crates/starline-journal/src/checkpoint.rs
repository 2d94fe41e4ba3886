//! The state of a run at one of its records.

use std::fmt;

use starline_types::Seq;

/// The state of a run after one of its records, so that a restart need not read what led to it.
///
/// What the bytes mean is up to the owner of the run. The hash is that of the bytes: whoever reads a checkpoint
/// back asks [`is_sound`](Self::is_sound) before it is used.
#[derive(Clone, Eq, PartialEq)]
pub struct Checkpoint {
    /// The last record that is part of the state.
    pub seq: Seq,
    /// Hash of the state.
    pub hash: StateHash,
    /// The state, in the owner's own form.
    pub state: Vec<u8>,
}

impl Checkpoint {
    /// A checkpoint with the hash of its state. O(length of the state).
    #[must_use]
    pub fn new(seq: Seq, state: Vec<u8>) -> Self {
        Self { seq, hash: StateHash::of(&state), state }
    }

    /// Whether the state is the one that was hashed. O(length of the state).
    #[must_use]
    pub fn is_sound(&self) -> bool {
        StateHash::of(&self.state) == self.hash
    }
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seq, hash, state } = self;
        write!(f, "Checkpoint {{ seq: {}, hash: {hash}, state: {} bytes }}", seq.0, state.len())
    }
}

/// BLAKE3 of a serialised state; shown in hexadecimal digits.
#[derive(Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct StateHash(pub [u8; 32]);

impl StateHash {
    /// The hash of some bytes.
    #[must_use]
    pub fn of(state: &[u8]) -> Self {
        Self(*blake3::hash(state).as_bytes())
    }
}

impl fmt::Display for StateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for StateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
