//! Words for `sh`: how a value becomes one. Where in a script one may stand is judged by [`check`].

pub(crate) use crate::scan::{MARK, Misplaced, check};

/// Words that mean something to the shell when they stand bare at the beginning of a command.
const RESERVED: [&str; 17] = [
    "if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for", "in",
    "function", "select", "time", "coproc",
];

/// A text as one word of a script, or as a part of the word that `before` ends with and `after` begins with: the script
/// so far, and its text up to the next interpolation, for which [`MARK`] stands.
///
/// A plain word stays bare, so that `echo 3` reads as it was meant, unless it would mean something with what stands
/// beside it: `3>` would be a file descriptor, `$a3` another variable, `~root` a folder.
pub(crate) fn word(text: &str, before: &str, after: &str) -> String {
    quote(text, redirects(after) || joins(text, before, after) || continues(before))
}

fn quote(text: &str, surely: bool) -> String {
    // A comma, or two dots, would separate words between braces.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./:@%+-".contains(&byte);
    let is_plain = !text.is_empty() && text.bytes().all(plain) && !text.contains("..");
    if is_plain && !surely && !RESERVED.contains(&text) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Whether a plain value would be one word with what stands beside it that means something to the shell: reserved words
/// are made of small letters.
fn joins(value: &str, before: &str, after: &str) -> bool {
    let small = |c: char| c.is_ascii_lowercase() || c == MARK;
    let mut behind = after;
    while let Some(rest) = behind.strip_prefix("\\\n") {
        behind = rest;
    }
    value.chars().all(small)
        && (before.ends_with(small)
            || before.ends_with("\\\n")
            || behind.starts_with(small)
            || behind.starts_with("{{"))
}

/// Whether digits before this text would be a file descriptor: a redirection follows, maybe after more digits.
fn redirects(text: &str) -> bool {
    let mut rest = text;
    loop {
        let next = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let next = next.strip_prefix("\\\n").unwrap_or(next);
        if next.len() == rest.len() {
            return rest.starts_with(['<', '>']);
        }
        rest = next;
    }
}

/// Whether a value would continue the name of a variable or of a user.
fn continues(before: &str) -> bool {
    let ends = |c: char| c.is_ascii_whitespace() || ";&|()<>".contains(c);
    let own = before.strip_suffix("\\\n").unwrap_or(before);
    own.rsplit(ends).next().is_some_and(|word| word.contains(['$', '~']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_stay_bare_and_others_are_quoted() {
        for (text, word) in [
            ("3", "3"),
            ("logs/app-1.log", "logs/app-1.log"),
            ("-rf", "-rf"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", "'it'\\''s'"),
            ("$(id)", "'$(id)'"),
            ("A=b", "'A=b'"),
            ("~", "'~'"),
            ("if", "'if'"),
            ("a\nb", "'a\nb'"),
            ("é", "'é'"),
            ("a,b", "'a,b'"),
            ("1..3", "'1..3'"),
        ] {
            assert_eq!(quote(text, false), word);
        }
        assert_eq!(quote("3", true), "'3'");
        for (before, after, one) in [
            ("ca", " x", true),
            (" ", "f", true),
            ("a/", ".log", false),
            ("", "", false),
            ("", "\\\n\\\nf", true),
        ] {
            assert_eq!(joins("se", before, after), one, "{before:?} {after:?}");
        }
        for (before, word) in [
            ("echo $a", "'b'"),
            ("echo $a_\\\n", "'b'"),
            ("echo ~", "'b'"),
            ("echo $a ", "b"),
            ("echo $a;", "b"),
            ("echo a/", "b"),
        ] {
            assert_eq!(super::word("b", before, ""), word, "{before:?}");
        }
        for (text, follows) in
            [(">x", true), ("2<", true), ("\\\n1\\\n>", true), (" >", false), ("x>", false), ("", false)]
        {
            assert_eq!(redirects(text), follows, "{text:?}");
        }
    }
}
