//! Valid choices for a wrong name.

use std::cell::Cell;
use std::fmt;

use starline_graph::TaskGraph;

/// Names listed in a hint.
const CHOICES: usize = 20;
/// Bytes of a name that are compared.
const COMPARED: usize = 64;
/// Steps of comparison that a batch may cost: some tenths of a second.
const BUDGET: usize = 50_000_000;
/// Steps of comparison that a single wrong name may cost: some milliseconds.
const SMALL_BUDGET: usize = 2_000_000;

/// Known names that come near to a wrong one: see [`nearest`].
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Nearest {
    /// Up to twenty of them, the nearest first.
    pub names: Vec<String>,
    /// How many others there are.
    pub more: usize,
}

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.names.is_empty() {
            return f.write_str("none");
        }
        f.write_str(&self.names.join(", "))?;
        if self.more > 0 { write!(f, " and {} more", self.more) } else { Ok(()) }
    }
}

/// The known names that come nearest to a wrong one, for whoever is told that it is wrong.
///
/// It takes some milliseconds at most: of very many names the first ones alone are compared, which are 10,000 at the
/// least where names are shorter than 14 bytes. The others are counted.
///
/// ```
/// let nearest = starline_edit::nearest("scan_c", ["merge", "scan_a"]);
/// assert_eq!(nearest.to_string(), "scan_a, merge");
/// ```
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Nearest {
    let (mut row, mut compared) = (Vec::new(), Vec::new());
    let (mut left, mut uncompared) = (SMALL_BUDGET, 0);
    for name in known {
        match left.checked_sub(cost(wrong, name)) {
            Some(rest) if uncompared == 0 => {
                left = rest;
                compared.push((distance(wrong, name, &mut row), name));
            }
            _ => uncompared += 1,
        }
    }
    let (names, more) = choose(compared);
    Nearest { names: names.into_iter().map(str::to_owned).collect(), more: more + uncompared }
}

/// The names with the smallest distances, and how many others there are.
fn choose(mut known: Vec<(usize, &str)>) -> (Vec<&str>, usize) {
    let more = known.len().saturating_sub(CHOICES);
    if more > 0 {
        known.select_nth_unstable(CHOICES);
        known.truncate(CHOICES);
    }
    known.sort_unstable();
    (known.into_iter().map(|(_, name)| name).collect(), more)
}

/// Gives hints as long as they cost less than the batch they speak of. A batch with so many wrong names that
/// the budget is used up gets the other faults without hints.
#[derive(Debug)]
pub(crate) struct Hints {
    budget: Cell<usize>,
}

impl Default for Hints {
    fn default() -> Self {
        Self { budget: Cell::new(BUDGET) }
    }
}

impl Hints {
    /// Up to twenty names, those nearest to the wrong one first.
    pub(crate) fn nearest<'a>(&self, wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
        let mut row = Vec::new();
        let mut known: Vec<(usize, &str)> = Vec::new();
        for name in names {
            let left = self.budget.get().checked_sub(cost(wrong, name))?;
            self.budget.set(left);
            known.push((distance(wrong, name, &mut row), name));
        }
        if known.is_empty() {
            return None;
        }
        let (listed, more) = choose(known);
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        Some(format!("known are {}{rest}", listed.join(", ")))
    }

    pub(crate) fn nearest_task(&self, wrong: &str, graph: &TaskGraph) -> Option<String> {
        self.nearest(wrong, graph.indices().map(|task| graph.id(task).as_str()))
    }
}

/// Steps of a comparison.
fn cost(a: &str, b: &str) -> usize {
    (a.len().min(COMPARED) + 1) * (b.len().min(COMPARED) + 1)
}

/// Edit distance (V. I. Levenshtein, 1966), on the first bytes. The row is for reuse.
fn distance(a: &str, b: &str, row: &mut Vec<usize>) -> usize {
    let (a, b) = (&a.as_bytes()[..a.len().min(COMPARED)], &b.as_bytes()[..b.len().min(COMPARED)]);
    row.clear();
    row.extend(0..=b.len());
    for (i, x) in a.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = substituted.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_comes_first() {
        let hints = Hints::default();
        let names = ["merge", "scan_a", "scan_b"];
        let nearest = |names: &[&str]| hints.nearest("scan_c", names.iter().copied());
        assert_eq!(nearest(&names).expect("names"), "known are scan_a, scan_b, merge");
        assert_eq!(distance("kitten", "sitting", &mut Vec::new()), 3);
        assert_eq!(nearest(&[]), None);
    }

    #[test]
    fn the_nearest_name_is_found_in_any_place() {
        let names: Vec<String> = (0..30_000).map(|n| format!("task_{n}")).chain(["merge".into()]).collect();
        let hint = Hints::default().nearest("merg", names.iter().map(String::as_str)).expect("names");
        assert!(hint.starts_with("known are merge, task_"), "{hint}");
        assert!(hint.ends_with(" and 29981 more"), "{hint}");
    }

    #[test]
    fn a_single_wrong_name_has_a_small_budget() {
        let names: Vec<String> = (0..100_000).map(|n| format!("{n:x>64}")).collect();
        let all = || names.iter().map(String::as_str);
        let found = nearest(&names[0], all());
        assert_eq!((found.names.len(), found.more, &found.names[0]), (20, 99_980, &names[0]));
        let text = nearest(&"y".repeat(64), all().chain(["y"])).to_string();
        assert!(text.ends_with(" and 99981 more"), "{text}");
        assert_eq!(
            (nearest("a", []).to_string(), nearest("a", ["b"]).to_string()),
            ("none".into(), "b".into())
        );
    }

    #[test]
    fn hints_have_a_budget() {
        let hints = Hints::default();
        let names: Vec<String> = (0..10_000).map(|n| format!("{n:x>64}")).collect();
        let given = |wrong: &str| hints.nearest(wrong, names.iter().map(String::as_str)).is_some();
        let wrong = "y".repeat(64);
        assert!(given(&wrong));
        assert!(!given(&wrong), "the budget is not for two such hints");
    }
}
