//! Lines of a file as a person is shown them.

/// Widest excerpt, in characters.
pub(crate) const WIDTH: usize = 100;
/// Characters shown before the column of interest, if the line is too long.
const BEFORE: usize = 60;
/// Longest text that a message repeats, in characters.
const QUOTED: usize = 60;

/// A text without characters that would move the cursor, change colours or turn the reading direction.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if is_harmful(c) { '\u{FFFD}' } else { c }).collect()
}

fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// The beginning of a text of the file, marked as such, for a message.
pub(crate) fn quoted(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let mut shown: String = line.chars().take(QUOTED).collect();
    if shown.len() < text.trim_end_matches(['\n', '\r']).len() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// A name of the file for a hint: without what [`printable`] takes out, and cut if it is long.
pub(crate) fn name(name: &str) -> String {
    let mut chars = name.chars();
    let mut shown: String = chars.by_ref().take(QUOTED).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    printable(&shown)
}

/// The part of a line around a column, and the column within it. Both columns count characters from 1.
pub(crate) fn window(line: &str, column: u32) -> (String, u32) {
    let column = column.max(1) as usize - 1;
    let at = line.chars().take(column).count();
    let start = at.saturating_sub(BEFORE);
    let mut chars = line.chars().skip(start);
    let mut shown = String::new();
    if start > 0 {
        shown.push('…');
        chars.next();
    }
    shown.extend(chars.by_ref().take(WIDTH - 2).map(|c| if c == '\t' { ' ' } else { c }));
    if chars.next().is_some() {
        shown.push('…');
    }
    let caret = u32::try_from(at - start + 1).unwrap_or(1);
    (printable(&shown), caret)
}

/// The lines of a text, asked for in rising order.
#[derive(Debug)]
pub(crate) struct Lines<'s> {
    rest: &'s str,
    current: &'s str,
    number: u32,
}

impl<'s> Lines<'s> {
    pub(crate) fn new(source: &'s str) -> Self {
        Self { rest: source.strip_prefix('\u{FEFF}').unwrap_or(source), current: "", number: 0 }
    }

    /// A line by its number, from 1; empty behind the end and for lines that are past.
    pub(crate) fn line(&mut self, number: u32) -> &'s str {
        while self.number < number && !(self.rest.is_empty() && self.number > 0) {
            let end = self.rest.find(['\n', '\r']).unwrap_or(self.rest.len());
            let (line, behind) = self.rest.split_at(end);
            self.current = line;
            self.rest = behind.strip_prefix("\r\n").or_else(|| behind.get(1..)).unwrap_or_default();
            self.number += 1;
        }
        if self.number == number { self.current } else { "" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_yaml_ends_them() {
        let mut lines = Lines::new("\u{FEFF}one\r\ntwo\rthree\n\nfive");
        let read: Vec<&str> = (1..=6).map(|number| lines.line(number)).collect();
        assert_eq!(read, ["one", "two", "three", "", "five", ""]);
        assert_eq!(Lines::new("").line(1), "");
    }

    #[test]
    fn long_lines_are_cut_around_the_column() {
        assert_eq!(window("a: b", 4), ("a: b".to_owned(), 4));
        let line: String = ('a'..='z').cycle().take(1_000).collect();
        let (shown, caret) = window(&line, 500);
        assert_eq!(shown.chars().count(), WIDTH);
        assert_eq!(shown.chars().nth(caret as usize - 1), line.chars().nth(499));
        assert!(shown.starts_with('…') && shown.ends_with('…'));
        assert_eq!(window("ab", 900), ("ab".to_owned(), 3));
    }

    #[test]
    fn messages_repeat_one_short_line() {
        assert_eq!(quoted("a\n"), "`a`");
        assert_eq!(quoted("a\nb"), "`a…`");
        assert_eq!(quoted(&"x".repeat(100)).chars().count(), 63);
        assert_eq!(printable("a\u{202E}b\u{7}"), "a\u{FFFD}b\u{FFFD}");
    }
}
