//! Valid choices for a wrong name.

use starline_graph::TaskGraph;

/// Names listed in a hint.
const CHOICES: usize = 20;

/// Up to twenty names, those nearest to the wrong one first.
pub(crate) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    // Only so many are compared: a hint must not cost more than the graph it speaks of.
    let mut known: Vec<(usize, &str)> =
        names.take(10_000).map(|name| (distance(wrong, name), name)).collect();
    if known.is_empty() {
        return None;
    }
    known.sort();
    let more = known.len().saturating_sub(CHOICES);
    let listed: Vec<&str> = known.iter().take(CHOICES).map(|(_, name)| *name).collect();
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!("known are {}{rest}", listed.join(", ")))
}

pub(crate) fn nearest_task(wrong: &str, graph: &TaskGraph) -> Option<String> {
    nearest(wrong, graph.indices().map(|task| graph.id(task).as_str()))
}

/// Edit distance (V. I. Levenshtein, 1966), on the first 64 bytes.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (&a.as_bytes()[..a.len().min(64)], &b.as_bytes()[..b.len().min(64)]);
    let mut row: Vec<usize> = (0..=b.len()).collect();
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
        let names = ["merge", "scan_a", "scan_b"];
        assert_eq!(nearest("scan_c", names.into_iter()).expect("names"), "known are scan_a, scan_b, merge");
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(nearest("x", std::iter::empty()), None);
    }
}
