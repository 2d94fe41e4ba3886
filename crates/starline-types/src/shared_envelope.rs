//! Envelopes as readers share them.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::Envelope;

/// An envelope that its readers share; a clone copies nothing.
///
/// Facts of one burst lie together, up to [`SharedEnvelope::TOGETHER`] of them: one allocation serves them
/// all, and a reader that keeps one of them keeps those.
#[derive(Clone)]
pub struct SharedEnvelope {
    together: Arc<[Envelope]>,
    at: u32,
}

impl SharedEnvelope {
    /// Envelopes that share an allocation, at the most.
    pub const TOGETHER: usize = 16;

    /// Shares envelopes, at most [`TOGETHER`](Self::TOGETHER) of them; more are left to the next call.
    pub fn share(envelopes: impl ExactSizeIterator<Item = Envelope>) -> impl Iterator<Item = Self> {
        let together: Arc<[Envelope]> = envelopes.take(Self::TOGETHER).collect();
        let count = u32::try_from(together.len()).unwrap_or(u32::MAX);
        (0..count).map(move |at| Self { together: Arc::clone(&together), at })
    }
}

impl SharedEnvelope {
    /// Clones of this envelope, and of those that lie together with it, that somebody holds.
    #[must_use]
    pub fn holders(&self) -> usize {
        Arc::strong_count(&self.together)
    }
}

impl From<Envelope> for SharedEnvelope {
    fn from(envelope: Envelope) -> Self {
        Self { together: Arc::new([envelope]), at: 0 }
    }
}

impl Deref for SharedEnvelope {
    type Target = Envelope;

    fn deref(&self) -> &Envelope {
        &self.together[self.at as usize]
    }
}

impl AsRef<Envelope> for SharedEnvelope {
    fn as_ref(&self) -> &Envelope {
        self
    }
}

impl PartialEq for SharedEnvelope {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl fmt::Debug for SharedEnvelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl Serialize for SharedEnvelope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}
