//! Names that a mistyped one may have meant.

use crate::excerpt;

/// Names listed in a hint.
const CHOICES: usize = 20;
/// Bytes of a name that are compared.
const COMPARED: usize = 64;

/// Steps of comparison that the hints over names of one file may cost: a tenth of a second.
const BUDGET: usize = 20_000_000;

/// Gives hints over names that a file chose itself, as long as they cost less than reading it. A file with so many
/// wrong names that the budget is used up gets its other problems without hints.
#[derive(Debug)]
pub(crate) struct Hints {
    left: usize,
}

impl Default for Hints {
    fn default() -> Self {
        Self { left: BUDGET }
    }
}

impl Hints {
    /// As [`choices`].
    pub(crate) fn choices<'n>(
        &mut self,
        wrong: &str,
        names: impl Iterator<Item = &'n str>,
    ) -> Option<String> {
        let mut known = Vec::new();
        for name in names {
            let cost = (wrong.len().min(COMPARED) + 1) * (name.len().min(COMPARED) + 1);
            self.left = self.left.checked_sub(cost)?;
            known.push(name);
        }
        choices(wrong, &known)
    }
}

/// A hint for a wrong name: what it may have meant, and what there is, nearest first.
pub(crate) fn choices(wrong: &str, names: &[&str]) -> Option<String> {
    let mut known: Vec<_> = names.iter().map(|name| ranked(wrong, name)).collect();
    known.sort_unstable();
    let ((near, _), best) = *known.first()?;
    let listed: Vec<String> = known.iter().take(CHOICES).map(|(_, name)| excerpt::name(name)).collect();
    let best_shown = excerpt::name(best);
    let more = known.len().saturating_sub(CHOICES);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    let meant = if is_near(near, best) { format!("did you mean `{best_shown}`? ") } else { String::new() };
    Some(format!("{meant}valid are {}{rest}", listed.join(", ")))
}

/// A hint for a wrong word, if it is near one of a few.
pub(crate) fn meant(wrong: &str, names: &[&str]) -> Option<String> {
    let ((near, _), best) = names.iter().map(|name| ranked(wrong, name)).min()?;
    is_near(near, best).then(|| format!("did you mean `{}`?", excerpt::name(best)))
}

/// Whether a wrong name may have meant this one.
pub(crate) fn may_mean(wrong: &str, name: &str) -> bool {
    let ((near, _), _) = ranked(wrong, name);
    is_near(near, name)
}

/// A name behind how near it is. Names of which one begins or ends with the other are as near as a slip of the pen;
/// among equals the distance decides.
fn ranked<'n>(wrong: &str, name: &'n str) -> ((usize, usize), &'n str) {
    let begins = (name.len() > 1 && wrong.starts_with(name)) || (wrong.len() > 2 && name.starts_with(wrong));
    let ends = (name.len() > 3 && wrong.ends_with(name)) || (wrong.len() > 3 && name.ends_with(wrong));
    let distance = distance(wrong, name);
    ((if begins || ends { distance.min(1) } else { distance }, distance), name)
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
        for (wrong, name) in
            [("int", "integer"), ("shell", "sh"), ("timeout", "run_timeout"), ("enviroment", "env")]
        {
            assert!(may_mean(wrong, name), "{wrong}");
        }
        assert!(!may_mean("o", "outputs") && !may_mean("scan", "merge"));
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("LOW", "low"), 0);
    }

    #[test]
    fn hints_have_a_budget() {
        let mut hints = Hints::default();
        let names: Vec<String> = (0..3_000).map(|n| format!("{n:x>64}")).collect();
        let wrong = "y".repeat(64);
        assert!(hints.choices(&wrong, names.iter().map(String::as_str)).is_some());
        assert_eq!(hints.choices(&wrong, names.iter().map(String::as_str)), None);
        assert_eq!(hints.choices("x", std::iter::empty()), None);
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..30).map(|n| format!("name_{n:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert!(choices("x", &names).expect("names").ends_with("name_19 and 10 more"));
    }
}
