//! Finds the JSON in the answer of a model.

use serde::de::IgnoredAny;

/// Where values stand in a text.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Values that are whole.
    pub(super) values: Vec<(usize, usize)>,
    /// Beginning of the first that is not: nothing behind it is known not to be a part of it.
    pub(super) broken: Option<usize>,
}

/// Finds the objects and lists of objects in a text, whether a fence or prose is around them. Costs O(bytes).
pub(super) fn find(text: &str) -> Found {
    let mut found = Found::default();
    let mut at = 0;
    while let Some(start) = next(text, at) {
        let rest = text.get(start..).unwrap_or_default();
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        if !matches!(values.next(), Some(Ok(_))) {
            found.broken = Some(start);
            break;
        }
        at = start + values.byte_offset();
        found.values.push((start, at));
    }
    found
}

/// The next bracket that a value may begin with: prose has brackets too, and none that a key or another follows.
pub(super) fn next(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let opens = |at: usize| match bytes.get(at) {
        Some(b'{') => matches!(follower(bytes, at), Some(b'"' | b'}')),
        Some(b'[') => matches!(follower(bytes, at), Some(b'{')),
        _ => false,
    };
    (from..bytes.len()).find(|at| opens(*at))
}

/// What follows a byte and any white space.
fn follower(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at + 1..)?.iter().find(|byte| !byte.is_ascii_whitespace()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<&str> {
        find(text).values.into_iter().map(|(start, end)| &text[start..end]).collect()
    }

    #[test]
    fn values_are_found_within_prose() {
        assert_eq!(values("{\"a\": 1}"), ["{\"a\": 1}"]);
        assert_eq!(
            values("I see [1] and {x}.\n```json\n{ \"a\": \"}\" }\n```\nDone {}"),
            ["{ \"a\": \"}\" }", "{}"]
        );
        assert_eq!(values("[{\"op\": \"clear\"}] and {{ inputs.x }}"), ["[{\"op\": \"clear\"}]"]);
        assert!(values("nothing to do").is_empty());
        assert_eq!(find("well: {\"edits\": [").broken, Some(6));
    }

    #[test]
    fn nothing_is_found_within_what_is_broken() {
        let found = find("{} {\"edits\": [{\"op\": \"clear\"}, oops]}");
        assert_eq!((found.values.len(), found.broken), (1, Some(3)));
        let found = find(&"{\"a\":[".repeat(200_000));
        assert_eq!((found.values.len(), found.broken), (0, Some(0)));
    }
}
