//! Ids and seeds of runs.

use std::hash::{BuildHasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

use starline::types::RunId;
use ulid::Ulid;

/// Characters of an id: enough to be unique, and few enough to be kept without an allocation.
const LENGTH: usize = 23;

/// An id for a run, known before the run is: its folder is named after it. Ids sort by time.
pub(crate) fn fresh() -> RunId {
    #[expect(clippy::disallowed_methods, reason = "names of folders that sort by time; no decision reads it")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let epoch_ms = u64::try_from(since.as_millis()).unwrap_or_default();
    let mut text = Ulid::from_parts(epoch_ms, u128::from(random()) << 64 | u128::from(random())).to_string();
    text.truncate(LENGTH);
    // The alphabet of these ids is within that of all ids.
    RunId::new(&text).unwrap_or_else(|_| RunId::system())
}

/// A number that nobody chose, for runs without a seed.
///
/// The keys of the standard hasher are random for each process and differ with each instance.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(0_u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_are_ids() {
        let (first, second) = (fresh(), fresh());
        assert_ne!(first, second);
        assert_eq!(first.as_str().len(), LENGTH);
        assert_ne!(first, RunId::system());
    }
}
