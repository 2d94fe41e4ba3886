//! Well-formed markup, whatever the texts are.

use std::fmt::Write as _;

use crate::excerpt::printable;

/// Writes a number of pixels, rounded to tenths.
pub(super) fn px(value: f64) -> String {
    let tenths = (value * 10.0).round() as i64;
    let (sign, size) = (if tenths < 0 { "-" } else { "" }, tenths.unsigned_abs());
    if size % 10 == 0 { format!("{sign}{}", size / 10) } else { format!("{sign}{}.{}", size / 10, size % 10) }
}

/// A text of the graph in one line, without characters that move or turn anything, and of bounded length.
pub(super) fn one_line(text: &str, longest: usize) -> String {
    let mut line: String = text
        .chars()
        .take(longest)
        .map(|c| if matches!(c, '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}') { ' ' } else { c })
        .collect();
    if text.chars().nth(longest).is_some() {
        line.push('…');
    }
    printable(&line)
}

/// A text as content or as the value of an attribute; characters that XML does not know are replaced.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' => safe.push('\n'),
            '\u{FFFE}' | '\u{FFFF}' => safe.push('\u{FFFD}'),
            c if c.is_control() => safe.push('\u{FFFD}'),
            c => safe.push(c),
        }
    }
    safe
}

/// An element that holds a text and nothing else.
pub(super) fn text(out: &mut String, class: &str, x: f64, y: f64, content: &str) {
    let (x, y) = (px(x), px(y));
    let _ = writeln!(out, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escaped(content));
}

/// A title, which readers see on hover.
pub(super) fn title(out: &mut String, content: &str) {
    let _ = writeln!(out, "<title>{}</title>", escaped(content));
}

/// A rectangle with round corners.
pub(super) fn rect(out: &mut String, class: &str, [x, y, width, height]: [f64; 4], round: f64) {
    let [x, y, width, height, round] = [x, y, width, height, round].map(px);
    let _ = writeln!(
        out,
        "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{round}\"/>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_tenths() {
        let written = [0.0, -0.04, 12.0, 12.34, -7.25, 0.05, 99.96].map(px);
        assert_eq!(written, ["0", "0", "12", "12.3", "-7.3", "0.1", "100"]);
    }

    #[test]
    fn texts_stay_texts() {
        assert_eq!(escaped("a<b>&\"'\u{0}\u{FFFF}é"), "a&lt;b&gt;&amp;&quot;&#39;\u{FFFD}\u{FFFD}é");
        assert_eq!(one_line("a\r\nb\u{202E}c", 4), "a  b…");
        assert_eq!(one_line("a\u{202E}\u{1b}c", 9), "a\u{FFFD}\u{FFFD}c");
    }
}
