//! Patterns of names, as policies, rules and allow-lists have them.

/// Whether a whole text matches a pattern in which `*` stands for any text, also for none. There is no way to mean a
/// plain `*`. O(pattern × text) at worst, without an allocation.
///
/// ```
/// use starline_types::matches_pattern;
///
/// assert!(matches_pattern("host-*", "host-a") && matches_pattern("*", ""));
/// assert!(!matches_pattern("host-*", "my-host-a"));
/// ```
#[must_use]
pub fn matches_pattern(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|start| text.strip_prefix(start)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("abc", "ab", false),
            ("*", "", true),
            ("*", "any\nthing $(x)", true),
            ("--*", "--all", true),
            ("--*", "-all", false),
            ("*.csv", ".csv", true),
            ("*.csv", "a.csv.gz", false),
            ("scan_*", "scan_", true),
            ("scan_*", "rescan_a", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("ab*ba", "aba", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("s*n*a", "sa", false),
            ("**", "x", true),
            ("a**a", "aa", true),
            ("*.r2#*", "x.r2#1", true),
            ("ä*ö", "äö", true),
        ] {
            assert_eq!(matches_pattern(pattern, text), expected, "{pattern} {text}");
        }
    }
}
