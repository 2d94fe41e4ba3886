//! Here-documents: where one ends, and whether shells agree on that.

use crate::scan::is_special;

/// A here-document whose body is to come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Document {
    /// The line that ends it.
    end: Vec<char>,
    /// Whether tabs before a line are taken away.
    tabs: bool,
    quoted: bool,
}

impl Document {
    /// Whether its body is taken as it is.
    pub(crate) fn is_quoted(&self) -> bool {
        self.quoted
    }

    /// Whether a line is the end of it.
    pub(crate) fn ends_with(&self, line: &[char]) -> bool {
        let tabs = if self.tabs { line.iter().take_while(|c| **c == '\t').count() } else { 0 };
        line[tabs..] == self.end
    }
}

/// Reads what stands behind `<<`: the document, unless its end is no plain word, and how many characters announce it.
pub(crate) fn announced(text: &[char]) -> (Option<Document>, usize) {
    let tabs = text.first() == Some(&'-');
    let mut at = usize::from(tabs);
    while matches!(text.get(at), Some(' ' | '\t')) {
        at += 1;
    }
    let (mut end, mut quoted, mut open, mut plain) = (Vec::new(), false, None, true);
    while let Some(c) = text.get(at).copied() {
        match (c, open) {
            ('\n', _) => break,
            (c, Some(quote)) if c == quote => open = None,
            (c, Some(_)) => {
                plain &= is_letter(c) || c == ' ';
                end.push(c);
            }
            (' ' | '\t' | ';' | '&' | '|' | '<' | '>' | '(' | ')', None) => break,
            ('\'' | '"', None) => (quoted, open) = (true, Some(c)),
            ('\\', None) if text.get(at + 1).is_some_and(|next| is_letter(*next)) => quoted = true,
            (c, None) => {
                plain &= is_letter(c);
                end.push(c);
            }
        }
        at += 1;
    }
    let known = plain && open.is_none() && !end.is_empty();
    (known.then_some(Document { end, tabs, quoted }), at)
}

fn is_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.:!%@+,/-".contains(c)
}

/// Whether the body of a document that is not quoted has nothing in it that could hide its end from some shell: line
/// breaks that are taken away, and expansions that go on in another line or hold quotes.
pub(crate) fn is_plain(body: &[char]) -> bool {
    let mut at = 0;
    while let Some(c) = body.get(at).copied() {
        let next = body.get(at + 1).copied();
        match (c, next) {
            ('\\', Some('\n') | None) | ('$', Some('[')) => return false,
            ('\\', _) => at += 2,
            ('`', _) => match expansion(&body[at + 1..], None, '`') {
                Some(length) => at += 1 + length,
                None => return false,
            },
            ('$', Some(open @ ('(' | '{'))) => {
                let close = if open == '(' { ')' } else { '}' };
                match expansion(&body[at + 2..], Some(open), close) {
                    Some(length) => at += 2 + length,
                    None => return false,
                }
            }
            ('$', Some(special)) if is_special(special) => at += 2,
            _ => at += 1,
        }
    }
    true
}

/// Length of the rest of a simple expansion, in which there is nothing but words, variables and operators.
fn expansion(text: &[char], open: Option<char>, close: char) -> Option<usize> {
    let mut depth = 0_usize;
    let mut length = 0;
    for (at, c) in text.iter().copied().enumerate() {
        let next = text.get(at + 1).copied();
        if c == close && depth == 0 {
            length = at + 1;
            break;
        }
        match c {
            _ if c == close => depth -= 1,
            _ if Some(c) == open => depth += 1,
            '$' if next.is_some_and(|next| next.is_ascii_alphanumeric() || next == '_') => {}
            '<' if next == Some('<') => return None,
            c if c.is_ascii_alphanumeric() || " _./:+%=,-@*?<>|&;".contains(c) => {}
            _ => return None,
        }
    }
    let inner: String = text.get(..length)?.iter().collect();
    (length > 0 && !inner.contains("case")).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_plain_words() {
        let read = |text: &str| {
            let (document, length) = announced(&text.chars().collect::<Vec<_>>());
            (document.map(|document| (document.end.iter().collect::<String>(), document.quoted)), length)
        };
        for (text, end, quoted, length) in [
            ("E\n", "E", false, 1),
            ("- 'E F' x", "E F", true, 7),
            ("\\E;", "E", true, 2),
            ("!|x", "!", false, 1),
        ] {
            assert_eq!(read(text), (Some((end.to_owned(), quoted)), length), "{text}");
        }
        for text in ["\n", "'E", "$x", "E\\\nF", "\\'E", "`a`", "#E", "\"a\\\"b\"", "E\u{e9}"] {
            assert_eq!(read(text).0, None, "{text}");
        }
    }

    #[test]
    fn bodies_are_plain_if_every_shell_sees_their_end() {
        let plain = |text: &str| is_plain(&text.chars().collect::<Vec<_>>());
        for body in ["it's \"$x\" $$( $#{ \\$( \\` \\\\\n", "${x:-y} $(date +%s) `id -u` $((1 + (2 * $n)))"] {
            assert!(plain(body), "{body}");
        }
        for body in [
            "a\\\nE",
            "$(\nE\n)",
            "$('",
            "${x:-'}",
            "`\n`",
            "$[1]",
            "$(case x in a) ')",
            "$(cat <<F)",
            "a\\",
            "$(x",
        ] {
            assert!(!plain(body), "{body}");
        }
    }
}
