//! Secrets found in texts, values and reports, and taken out of them.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use starline_types::{TaskReport, Value};

use crate::secret::{REDACTED, SHORTEST_SECRET, Secret};

/// Characters without a picture that may stand between two of a secret: whoever shows a text may leave them out.
const UNSEEN: usize = 4;
/// Bytes of a character at most, as a text of JSON may write it, for each of its units of UTF-16.
const ESCAPED: usize = 6;

/// Finds secrets in texts and puts [`REDACTED`] in their place.
///
/// A secret is found as it is, and as any text of JSON may write it: `\u00e4` for `ä`, `\/` for `/`. What a program
/// has encoded in other ways is not found.
#[derive(Clone, Default)]
pub struct Mask {
    texts: Arc<[String]>,
}

impl Mask {
    /// A mask for some secrets. A secret of several lines is looked for as a whole and line by line, since outputs
    /// are passed on by line; a text of fewer than [`SHORTEST_SECRET`] characters is not looked for.
    #[must_use]
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut texts: Vec<String> = secrets
            .into_iter()
            .flat_map(|secret| std::iter::once(secret.expose()).chain(secret.expose().lines()))
            .map(str::trim)
            .filter(|text| text.chars().count() >= SHORTEST_SECRET)
            .map(str::to_owned)
            .collect();
        texts.sort_unstable();
        texts.dedup();
        Self { texts: texts.into() }
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Bytes that a secret takes in a text at most, however it is written there; 0 if there is none.
    #[must_use]
    pub fn reach(&self) -> usize {
        let reach = |text: &String| text.chars().map(|c| ESCAPED * c.len_utf16() + UNSEEN).sum();
        self.texts.iter().map(reach).max().unwrap_or_default()
    }

    /// The text without the secrets. O(secrets × bytes).
    #[must_use]
    pub fn apply<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut hits: Vec<(usize, usize)> =
            self.texts.iter().flat_map(|secret| occurrences(text, secret)).collect();
        if hits.is_empty() {
            return Cow::Borrowed(text);
        }
        hits.sort_unstable();
        let (mut masked, mut end) = (String::with_capacity(text.len()), 0);
        for (from, to) in hits {
            // Those that overlap are one, so that no rest of the longer one is left.
            if from >= end {
                masked.push_str(&text[end..from]);
                masked.push_str(REDACTED);
            }
            end = end.max(to);
        }
        masked.push_str(&text[end..]);
        Cow::Owned(masked)
    }

    /// Takes the secrets out of every text of a value, names of members included. Recurses as deeply as the value
    /// does, which a parser of JSON has limited.
    pub fn apply_to_value(&self, value: &mut Value) {
        self.value(value, false);
    }

    /// The report without the secrets. Standard output that is JSON is also read as such, and written anew if what it
    /// says has a secret in it: an output of a task may be taken out of it.
    #[must_use]
    pub fn apply_to_report(&self, report: TaskReport) -> TaskReport {
        if self.is_empty() {
            return report;
        }
        match report {
            TaskReport::Completed { mut result, stdout } => {
                self.value(&mut result, false);
                TaskReport::Completed { result, stdout: stdout.map(|text| self.output(text)) }
            }
            TaskReport::Failed { mut error, mut result } => {
                self.string(&mut error.message);
                self.value(&mut result, false);
                TaskReport::Failed { error, result }
            }
            TaskReport::Stopped => TaskReport::Stopped,
        }
    }

    fn output(&self, text: Arc<str>) -> Arc<str> {
        let read = text.trim().parse::<Value>().ok();
        let written = read.and_then(|mut value| self.value(&mut value, true).then(|| value.to_string()));
        match self.apply(written.as_deref().unwrap_or(&text)) {
            Cow::Borrowed(_) if written.is_none() => Arc::clone(&text),
            masked => masked.into(),
        }
    }

    /// Whether anything was masked. A number may be a secret where a program chose how to write it.
    fn value(&self, value: &mut Value, numbers: bool) -> bool {
        match value {
            Value::String(text) => self.string(text),
            Value::Array(items) => {
                // Every one of them, not only the first that has a secret.
                items.iter_mut().filter_map(|item| self.value(item, numbers).then_some(())).count() > 0
            }
            Value::Object(members) => {
                let mut masked = false;
                if members.keys().any(|name| matches!(self.apply(name), Cow::Owned(_))) {
                    let all = std::mem::take(members);
                    members
                        .extend(all.into_iter().map(|(name, value)| (self.apply(&name).into_owned(), value)));
                    masked = true;
                }
                for member in members.values_mut() {
                    masked |= self.value(member, numbers);
                }
                masked
            }
            Value::Number(number) if numbers && matches!(self.apply(&number.to_string()), Cow::Owned(_)) => {
                *value = Value::from(REDACTED);
                true
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    fn string(&self, text: &mut String) -> bool {
        let Cow::Owned(masked) = self.apply(text) else { return false };
        *text = masked;
        true
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mask({} texts)", self.texts.len())
    }
}

/// Where a secret begins and ends in a text.
fn occurrences<'t>(text: &'t str, secret: &'t str) -> impl Iterator<Item = (usize, usize)> + 't {
    let first = secret.chars().next();
    // Whatever is written in another way begins with a backslash or has one, or a character without a picture, later.
    let starts = text.char_indices().filter(move |(_, c)| *c == '\\' || Some(*c) == first);
    starts.filter_map(move |(at, _)| {
        let rest = &text[at..];
        let length = if rest.starts_with(secret) { Some(secret.len()) } else { written(rest, secret) };
        // A backslash behind others is one of JSON in JSON, which they belong to.
        let others = text[..at].bytes().rev().take_while(|byte| *byte == b'\\').count();
        let from = if rest.starts_with('\\') { at - others } else { at };
        length.map(|length| (from, at + length))
    })
}

/// Bytes at the beginning of a text in which JSON may say the secret.
fn written(text: &str, secret: &str) -> Option<usize> {
    let mut rest = text;
    for (nth, wanted) in secret.chars().enumerate() {
        let mut unseen = 0;
        loop {
            let (found, length) = character(rest)?;
            rest = &rest[length..];
            if found == wanted {
                break;
            }
            if nth == 0 || unseen == UNSEEN || !found.is_control() || found == '\n' {
                return None;
            }
            unseen += 1;
        }
    }
    Some(text.len() - rest.len())
}

/// The first character of a text of JSON, and the bytes that it takes. A backslash that begins no escape is itself.
fn character(text: &str) -> Option<(char, usize)> {
    let first = text.chars().next()?;
    let escape = text.as_bytes().get(1).filter(|_| first == '\\');
    Some(match escape {
        Some(b'"') => ('"', 2),
        Some(b'\\') => ('\\', 2),
        Some(b'/') => ('/', 2),
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(b'u') => numbered(text).unwrap_or((first, 1)),
        _ => (first, first.len_utf8()),
    })
}

/// A character written by its number, or by two if it has two units of UTF-16.
fn numbered(text: &str) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = text.get(at..at + ESCAPED)?.strip_prefix("\\u")?;
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
    };
    let first = unit(0)?;
    let units = [first, unit(ESCAPED).unwrap_or_default()];
    let found = char::decode_utf16(units).next()?.ok()?;
    Some((found, ESCAPED * found.len_utf16()))
}

#[cfg(test)]
mod tests {
    use starline_types::{ErrorKind, TaskError};

    use super::*;

    #[test]
    fn texts_are_masked_whole_by_line_and_escaped() {
        let secrets = [Secret::new("abcd"), Secret::new("abcdef\nsecond \"line\"\n"), Secret::new("xy")];
        let mask = Mask::new(&secrets);
        for (text, masked) in [
            ("nothing here", "nothing here"),
            ("an abcdef and an abcd", "an [redacted] and an [redacted]"),
            ("abcdef\nsecond \"line\"", "[redacted]"),
            ("only the second \"line\"", "only the [redacted]"),
            (r#"{"v":"second \"line\""}"#, r#"{"v":"[redacted]"}"#),
            (r#"{"v":"abcdef\nsecond \u0022line\""}"#, r#"{"v":"[redacted]"}"#),
            ("abcdabcd", "[redacted][redacted]"),
            ("xy is too short", "xy is too short"),
        ] {
            assert_eq!(mask.apply(text), masked, "{text}");
        }
        assert!(Mask::default().is_empty());
        assert_eq!((Mask::default().reach(), Mask::new(&[Secret::new("ab\u{1f980}cd")]).reach()), (0, 56));
    }

    #[test]
    fn a_secret_is_found_however_json_writes_it() {
        let secret = "p\u{e4}ss/w\u{f6}rd&\u{1f980}\\x";
        let mask = Mask::new([&Secret::new(secret)]);
        let all: String = secret.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
        for text in [
            secret,
            r"p\u00e4ss/w\u00f6rd&\ud83e\udd80\\x",
            r"p\u00E4ss\/w\u00f6rd\u0026\uD83E\uDD80\u005cx",
            &all,
            "p\u{e4}ss\u{1}/w\u{1b}\u{7f}\u{f6}rd&\u{1f980}\\x",
        ] {
            assert_eq!(mask.apply(&format!("a {text} b")), "a [redacted] b", "{text}");
            assert!(text.len() <= mask.reach());
        }
        for text in [r"p\u00e", r"p\u00e4ss", "\\", r"\u", r"\ud83e", r"\ud83e\u0041", r"C:\users\x"] {
            assert_eq!(mask.apply(text), text);
        }
    }

    #[test]
    fn secrets_that_overlap_leave_no_rest() {
        let mask = Mask::new(&[Secret::new("abcdef"), Secret::new("defghi"), Secret::new("cdef")]);
        assert_eq!(mask.apply("-abcdefghi-"), "-[redacted]-");
        let mask = Mask::new(&[Secret::new("abab")]);
        assert_eq!(mask.apply("ababab"), "[redacted]");
    }

    #[test]
    fn a_report_is_masked_in_every_place() {
        let mask = Mask::new(&[Secret::new("canary"), Secret::new("123456")]);
        let value = |text: &str| text.parse::<Value>().expect("JSON");
        let result =
            value(r#"{"stdout": "a canary", "files": {"canary.csv": {"name": ["a canary"]}}, "n": 123456}"#);
        let masked = value(
            r#"{"stdout": "a [redacted]", "files": {"[redacted].csv": {"name": ["a [redacted]"]}}, "n": 123456}"#,
        );
        for (stdout, expected) in [
            ("a canary\n", "a [redacted]\n"),
            ("{\"a\": \"c\\u0061nary\"}\n", "{\"a\":\"[redacted]\"}"),
            ("a c\\u0061nary", "a [redacted]"),
            // JSON in JSON, and a number in other words.
            (r#"{"a": "\"\\u0063anary\""}"#, r#"{"a":"\"[redacted]\""}"#),
            (r#"{"c\u0061nary": 1}"#, r#"{"[redacted]":1}"#),
            ("[1.23456e5, 7, 12345.6e1]", r#"["[redacted]",7,"[redacted]"]"#),
            ("{\"fine\" : 1}", "{\"fine\" : 1}"),
        ] {
            let report = TaskReport::Completed { result: result.clone(), stdout: Some(stdout.into()) };
            let expected = TaskReport::Completed { result: masked.clone(), stdout: Some(expected.into()) };
            assert_eq!(mask.apply_to_report(report.clone()), expected);
            assert_eq!(Mask::default().apply_to_report(report.clone()), report);
        }
        let error = |text: &str| TaskError::new(ErrorKind::ExitStatus, text);
        let report = TaskReport::Failed { error: error("said canary"), result };
        let expected = TaskReport::Failed { error: error("said [redacted]"), result: masked };
        assert_eq!(mask.apply_to_report(report), expected);
        assert_eq!(mask.apply_to_report(TaskReport::Stopped), TaskReport::Stopped);
    }
}
