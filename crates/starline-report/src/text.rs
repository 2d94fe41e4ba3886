//! Texts of others: without what terminals, browsers and eyes could be fooled with.

use std::borrow::Cow;

/// A text without control characters and escape sequences; line breaks and tabs stay.
///
/// Carriage returns take back their line, as on a terminal. Characters that turn the direction of writing, and
/// those that XML forbids, are left out. O(n).
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_refused) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\r' if chars.peek() == Some(&'\n') || chars.peek().is_none() => {}
            '\r' => {
                let line = plain.rfind('\n').map_or(0, |at| at + 1);
                plain.truncate(line);
            }
            c if is_refused(c) => {}
            c => plain.push(c),
        }
    }
    Cow::Owned(plain)
}

/// A text in one line, cut after so many characters.
pub(crate) fn line(text: &str, max: usize) -> String {
    let plain = clean(text);
    let mut words = String::new();
    for word in plain.split_whitespace() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
        if words.len() > 4 * max {
            break;
        }
    }
    short(&words, max)
}

/// A text cut after so many characters.
pub(crate) fn short(text: &str, max: usize) -> String {
    if text.chars().nth(max).is_none() {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(max.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

fn is_refused(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        // Direction: an id that reads backwards is another id.
        '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        '\u{2028}' | '\u{2029}' | '\u{feff}' => true,
        '\u{fdd0}'..='\u{fdef}' => true,
        c => c.is_control() || u32::from(c) & 0xfffe == 0xfffe,
    }
}

/// Skips what follows an escape character: a control sequence, a string for the terminal, or one character.
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.next_if(|c| matches!(c, '[' | ']' | 'P' | 'X' | '^' | '_' | '(' | ')')) {
        Some('[') => {
            while chars.next_if(|c| matches!(c, '\u{20}'..='\u{3f}')).is_some() {}
            chars.next_if(|c| matches!(c, '\u{40}'..='\u{7e}'));
        }
        Some('(' | ')') => {
            chars.next_if(char::is_ascii_alphanumeric);
        }
        Some(_) => {
            // A string that nobody ends does not swallow the lines behind it.
            while let Some(c) = chars.next_if(|c| *c != '\n') {
                if c == '\u{7}' || c == '\u{1b}' && chars.next_if_eq(&'\\').is_some() {
                    break;
                }
            }
        }
        None => {
            chars.next_if(char::is_ascii_alphanumeric);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_terminal_is_left() {
        for (text, plain) in [
            ("plain", "plain"),
            ("\u{1b}[31;1mred\u{1b}[0m", "red"),
            ("\u{1b}]8;;http://x\u{7}link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{1b}]never ended\nnext", "\nnext"),
            ("a\r\nb\tc\n", "a\nb\tc\n"),
            ("10 %\r20 %\r100 %\nok", "100 %\nok"),
            ("a\u{0}\u{8}\u{7f}\u{9b}b\u{fffe}", "ab"),
            ("\u{202e}gnp.exe", "gnp.exe"),
            ("\u{1b}", ""),
            ("\u{1b}(Bx\u{1b}7y", "xy"),
        ] {
            assert_eq!(clean(text), plain, "{text:?}");
        }
        assert_eq!(line("a\n  b\r\n c", 80), "a b c");
        assert_eq!(line("abcdef", 4), "abc…");
    }
}
