//! A Markdown text under construction: what comes from outside can get in as plain text or code only.

use std::fmt::{Display, Write as _};

use crate::text::{clean, line};

/// Characters of one cell that are shown.
const CELL: usize = 400;

/// A Markdown text under construction.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    out: String,
}

impl Sheet {
    /// Adds markup.
    pub(crate) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.out.push_str(markup);
        self
    }

    /// Adds text in one line, without any meaning for Markdown.
    pub(crate) fn text(&mut self, text: impl Display) -> &mut Self {
        let text = line(&text.to_string(), CELL);
        self.out.push_str(&plain(&text));
        self
    }

    /// Adds words of ours that were put together, such as dates.
    pub(crate) fn words(&mut self, words: &str) -> &mut Self {
        self.out.push_str(words);
        self
    }

    /// Adds text in one line as code.
    pub(crate) fn code(&mut self, text: impl Display) -> &mut Self {
        let text = line(&text.to_string(), CELL);
        self.out.push_str(&code(&text));
        self
    }

    /// Adds a block of code.
    pub(crate) fn block(&mut self, language: &'static str, text: &str) -> &mut Self {
        let text = clean(text);
        let fence = "`".repeat(longest_run(&text, '`').max(2) + 1);
        // Writing to a string cannot fail.
        let _ = write!(self.out, "{fence}{language}\n{}\n{fence}\n", text.trim_end_matches('\n'));
        self
    }

    /// Begins a table.
    pub(crate) fn head(&mut self, columns: &[&'static str]) -> &mut Self {
        self.out.push('|');
        for column in columns {
            let _ = write!(self.out, " {} |", column.trim_start_matches('>'));
        }
        self.out.push_str("\n|");
        for column in columns {
            // A column of numbers is written with `>` before its name.
            self.out.push_str(if column.starts_with('>') { " ---: |" } else { " --- |" });
        }
        self.out.push('\n');
        self
    }

    /// Adds a row of a table.
    pub(crate) fn row(&mut self, cells: &[Cell]) -> &mut Self {
        self.out.push('|');
        for cell in cells {
            self.out.push(' ');
            match cell {
                Cell::Text(text) => self.text(text),
                Cell::Code(text) => self.code(text),
            };
            self.out.push_str(" |");
        }
        self.out.push('\n');
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    pub(crate) fn append(&mut self, other: &Self) -> &mut Self {
        self.out.push_str(&other.out);
        self
    }

    pub(crate) fn finish(self) -> String {
        self.out
    }
}

/// A cell of a table.
#[derive(Debug)]
pub(crate) enum Cell {
    /// Plain text.
    Text(String),
    /// Code, such as ids.
    Code(String),
}

impl Cell {
    pub(crate) fn text(text: impl Display) -> Self {
        Self::Text(text.to_string())
    }

    pub(crate) fn code(text: impl Display) -> Self {
        Self::Code(text.to_string())
    }
}

/// Text of one line in which no character means anything to Markdown or to GitHub.
fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let next = chars.peek().copied().unwrap_or(' ');
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // Inside a table even code is split at a bar: an entity is not.
            '|' => escaped.push_str("&#124;"),
            '`' => escaped.push_str("&#96;"),
            // Names of people and issues would be turned into links.
            '@' => escaped.push_str("&#64;"),
            '#' => escaped.push_str("&#35;"),
            // Within a word it means nothing.
            '_' if before.is_alphanumeric() && next.is_alphanumeric() => escaped.push('_'),
            '\\' | '*' | '_' | '[' | ']' | '!' | '~' | '$' | '{' | '}' => {
                escaped.push('\\');
                escaped.push(c);
            }
            // A list or a heading at the beginning of a line.
            '-' | '+' | '=' if escaped.is_empty() => {
                escaped.push('\\');
                escaped.push(c);
            }
            // A numbered list.
            '.' | ')' if next == ' ' && escaped.bytes().all(|byte| byte.is_ascii_digit()) => {
                escaped.push('\\');
                escaped.push(c);
            }
            // So that no address becomes a link.
            ':' if next != ' ' => escaped.push_str("&#58;"),
            '.' if escaped.ends_with("www") => escaped.push_str("&#46;"),
            c => escaped.push(c),
        }
        before = c;
    }
    escaped
}

/// Text of one line as code; as plain text where code cannot hold it, which is at bars in tables.
fn code(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    if text.contains('|') || text.contains('`') {
        return plain(text);
    }
    format!("`{text}`")
}

fn longest_run(text: &str, of: char) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == of { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_means_anything() {
        assert_eq!(
            plain("<script>|`a`|**b** https://x @me #1"),
            "&lt;script&gt;&#124;&#96;a&#96;&#124;\\*\\*b\\*\\* https&#58;//x &#64;me &#35;1"
        );
        assert_eq!(
            (plain("1. a: b_c_"), plain("- a-b")),
            ("1\\. a: b_c\\_".to_owned(), "\\- a-b".to_owned())
        );
        assert_eq!(
            (code("a b").as_str(), code("a`b").as_str(), code("")),
            ("`a b`", "a&#96;b", String::new())
        );
        let mut sheet = Sheet::default();
        sheet.block("text", "```\n\u{1b}[31mred");
        assert_eq!(sheet.finish(), "````text\n```\nred\n````\n");
    }
}
