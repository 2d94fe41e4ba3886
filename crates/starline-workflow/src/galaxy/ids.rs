//! Ids of Galaxy, which may be any text, and ours.

use std::collections::{BTreeMap, BTreeSet};

use starline_types::{Dependency, DependencyId, MAX_DEPENDENCY_ID_BYTES, RunId, TaskId};

use crate::names::Names;

/// Ids for texts that differ from each other: the texts themselves where they can be.
pub(super) fn tasks<'t>(texts: impl IntoIterator<Item = &'t str> + Clone) -> Vec<TaskId> {
    let mut names = Names::default();
    for text in texts.clone() {
        if TaskId::new(text).is_ok() {
            names.keep(text);
        }
    }
    let id = |text: &str| TaskId::new(text).or_else(|_| TaskId::new(names.rewrite(text)));
    texts.into_iter().map(id).filter_map(Result::ok).collect()
}

/// Ids for texts of dependencies, as of [`tasks`].
pub(super) fn lines<'t>(
    texts: impl IntoIterator<Item = Option<&'t str>> + Clone,
) -> Vec<Option<DependencyId>> {
    let mut names =
        Names::new(|c| c.is_ascii_alphanumeric() || "._:#->".contains(c), MAX_DEPENDENCY_ID_BYTES);
    for text in texts.clone().into_iter().flatten() {
        if DependencyId::new(text).is_ok() {
            names.keep(text);
        }
    }
    let mut id = |text: &str| {
        let rewritten = |_| DependencyId::new(names.rewrite(text));
        DependencyId::new(text).or_else(rewritten).ok()
    };
    texts.into_iter().map(|text| text.and_then(&mut id)).collect()
}

/// The id of a run for a text.
pub(super) fn run(text: &str) -> Option<RunId> {
    RunId::new(text).or_else(|_| RunId::new(Names::default().rewrite(text))).ok()
}

/// Leaves ids out that a graph would give by itself, so that equal graphs have equal dependencies.
pub(super) fn drop_defaults(dependencies: &mut [Dependency]) {
    /// Dependencies of one pair so far.
    #[derive(Default)]
    struct Pair {
        named: usize,
        /// One without an id was there: what it is called depends on the others.
        unnamed: bool,
    }
    let mut pairs: BTreeMap<(TaskId, TaskId), Pair> = BTreeMap::new();
    for edge in dependencies {
        let pair = pairs.entry((edge.from.clone(), edge.to.clone())).or_default();
        match &edge.id {
            None => pair.unnamed = true,
            Some(id) if !pair.unnamed && *id.as_str() == default(&edge.from, &edge.to, pair.named + 1) => {
                pair.named += 1;
                edge.id = None;
            }
            Some(_) => {}
        }
    }
}

/// What a dependency is called that has no id, as the number so-and-so of its pair.
fn default(from: &TaskId, to: &TaskId, number: usize) -> String {
    if number == 1 { format!("{from}->{to}") } else { format!("{from}->{to}#{number}") }
}

/// What the dependencies of a graph are called: their ids, or the ids that the graph gives them.
pub(super) fn names(dependencies: &[Dependency]) -> Vec<String> {
    let mut taken: BTreeSet<String> =
        dependencies.iter().filter_map(|edge| edge.id.as_ref()).map(ToString::to_string).collect();
    let mut next: BTreeMap<(&TaskId, &TaskId), usize> = BTreeMap::new();
    let name = |edge| {
        let Dependency { id, from, to, .. }: &Dependency = edge;
        if let Some(id) = id {
            return id.to_string();
        }
        let number = next.entry((from, to)).or_insert(1);
        loop {
            let name = default(from, to, *number);
            *number += 1;
            if taken.insert(name.clone()) {
                return name;
            }
        }
    };
    dependencies.iter().map(name).collect()
}

/// A number of 64 bits that looks random: the generator of G. Steele, D. Lea and C. Flood, *Fast splittable
/// pseudorandom number generators*, 2014.
pub(super) fn mixed(seed: u64, counter: u64) -> u64 {
    let mut mixed = seed.wrapping_add(counter.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Eight hexadecimal digits.
pub(super) fn digits(seed: u64, counter: u64) -> String {
    format!("{:08x}", mixed(seed, counter) >> 32)
}
