//! Ids of other systems in the alphabet of ours.

use std::collections::{BTreeMap, BTreeSet};

use starline_types::MAX_ID_BYTES;

/// Gives each foreign name an id of its own.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: BTreeSet<String>,
    /// The last number that was put behind a stem.
    numbers: BTreeMap<String, u32>,
}

impl Names {
    /// Keeps an id for the name that is one already, so that no rewritten name takes it.
    pub(super) fn keep(&mut self, id: &str) {
        self.taken.insert(id.to_owned());
    }

    /// An id that is not taken, as near to the name as the alphabet allows.
    pub(super) fn rewrite(&mut self, name: &str) -> String {
        // Room for a number behind the name.
        let mut stem: String =
            name.chars().map(|c| if fits(c) { c } else { '_' }).take(MAX_ID_BYTES - 8).collect();
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

fn fits(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._:#-".contains(c)
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
    }
}
