//! Names that a mistyped one may have meant.

/// Names listed in a hint.
const CHOICES: usize = 20;
/// Bytes of a name that are compared.
const COMPARED: usize = 64;

/// A hint for a wrong name: what it may have meant, and what there is, nearest first.
pub(crate) fn choices(wrong: &str, names: &[&str]) -> Option<String> {
    let mut known: Vec<(usize, &str)> = names.iter().map(|name| (distance(wrong, name), *name)).collect();
    known.sort_unstable();
    let (near, best) = *known.first()?;
    let listed: Vec<&str> = known.iter().take(CHOICES).map(|(_, name)| *name).collect();
    let more = known.len().saturating_sub(CHOICES);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    let meant = if is_near(near, best) { format!("did you mean `{best}`? ") } else { String::new() };
    Some(format!("{meant}valid are {}{rest}", listed.join(", ")))
}

/// A hint for a wrong word, if it is near one of a few.
pub(crate) fn meant(wrong: &str, names: &[&str]) -> Option<String> {
    let (near, best) = names.iter().map(|name| (distance(wrong, name), *name)).min()?;
    is_near(near, best).then(|| format!("did you mean `{best}`?"))
}

fn is_near(distance: usize, name: &str) -> bool {
    distance <= 1 + name.len() / 4
}

/// Edit distance without regard to case (V. I. Levenshtein, 1966), on the first bytes.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (&a.as_bytes()[..a.len().min(COMPARED)], &b.as_bytes()[..b.len().min(COMPARED)]);
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = corner + usize::from(!x.eq_ignore_ascii_case(y));
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
    fn the_nearest_name_is_offered_first() {
        let names = ["after", "run", "retry"];
        assert_eq!(
            choices("afer", &names).expect("names"),
            "did you mean `after`? valid are after, retry, run"
        );
        assert_eq!(choices("zzzzzz", &names).expect("names"), "valid are after, retry, run");
        assert_eq!(choices("x", &[]), None);
        assert_eq!(meant("Retry", &names).expect("near"), "did you mean `retry`?");
        assert_eq!(meant("priority", &names), None);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("LOW", "low"), 0);
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..30).map(|n| format!("name_{n:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert!(choices("x", &names).expect("names").ends_with("name_19 and 10 more"));
    }
}
