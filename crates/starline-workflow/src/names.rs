//! Ids of other systems in the alphabet of ours, and the way back.

use std::collections::{BTreeMap, BTreeSet};

use starline_types::MAX_ID_BYTES;

/// Room for a number behind a name.
const NUMBER: usize = 8;

/// Gives each foreign name an id of its own.
#[derive(Debug)]
pub(crate) struct Names {
    allowed: fn(char) -> bool,
    /// Longest id, in bytes.
    longest: usize,
    taken: BTreeSet<String>,
    /// The last number that was put behind a stem.
    numbers: BTreeMap<String, u32>,
}

impl Default for Names {
    /// Names in the alphabet of tasks and devices.
    fn default() -> Self {
        Self::new(|c| c.is_ascii_alphanumeric() || "._:#-".contains(c), MAX_ID_BYTES)
    }
}

impl Names {
    /// Names of allowed characters, which must all be ASCII.
    pub(crate) fn new(allowed: fn(char) -> bool, longest: usize) -> Self {
        Self { allowed, longest, taken: BTreeSet::new(), numbers: BTreeMap::new() }
    }

    /// Whether a name can stay as it is, leaving aside what is taken.
    pub(crate) fn fits(&self, name: &str) -> bool {
        !name.is_empty() && name.len() <= self.longest && name.chars().all(self.allowed)
    }

    /// Keeps an id for the name that is one already, so that no rewritten name takes it; `false` if it is taken.
    pub(crate) fn keep(&mut self, id: &str) -> bool {
        self.taken.insert(id.to_owned())
    }

    /// An id that is not taken, as near to the name as the alphabet allows.
    pub(crate) fn rewrite(&mut self, name: &str) -> String {
        let fitting = name.chars().map(|c| if (self.allowed)(c) { c } else { '_' });
        let mut stem: String = fitting.take(self.longest - NUMBER).collect();
        if stem.is_empty() {
            stem.push('_');
        }
        let number = self.numbers.entry(stem.clone()).or_insert(0);
        loop {
            *number += 1;
            let id = if *number == 1 { stem.clone() } else { format!("{stem}_{number}") };
            if self.taken.insert(id.clone()) {
                return id;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use starline_types::TaskId;

    #[test]
    fn rewritten_names_are_ids_of_their_own() {
        let mut names = Names::default();
        names.keep("a_b");
        let ids = ["a b", "a/b", "", "é", &"x y".repeat(200)].map(|name| names.rewrite(name));
        assert_eq!(ids[..4], ["a_b_2", "a_b_3", "_", "__2"]);
        assert!(ids.iter().all(|id| TaskId::new(id).is_ok()), "{ids:?}");
        assert!(ids.iter().all(|id| names.fits(id) && !names.keep(id)), "{ids:?}");
    }
}
