//! The last lines of an output.

use crate::text::clean;

/// Lines that are kept.
const LINES: usize = 20;
/// Bytes that are kept.
const BYTES: usize = 4096;

/// The last lines of an output: at most 20 lines and 4 KiB, of however much there was.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tail {
    text: String,
    cut: bool,
}

impl Tail {
    /// The tail of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut tail = Self::default();
        tail.add(text);
        tail
    }

    /// Adds text; it ends its line.
    pub(crate) fn add(&mut self, text: &str) {
        let from = ceil_boundary(text, text.len().saturating_sub(2 * BYTES));
        self.cut |= from > 0;
        self.text.push_str(&text[from..]);
        if !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        // Trimmed now and then, so that a byte is moved a bounded number of times.
        if self.text.len() > 4 * BYTES {
            let from = ceil_boundary(&self.text, self.text.len() - 2 * BYTES);
            self.text.drain(..from);
            self.cut = true;
        }
    }

    /// Whether there is nothing to read in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// The text without control characters, and whether more came before it.
    ///
    /// Of a line that overwrites itself, as progress bars do, the last state is kept.
    #[must_use]
    pub fn read(&self) -> (String, bool) {
        let plain = clean(&self.text);
        let mut lines: Vec<&str> = plain.trim_end().lines().map(str::trim_end).collect();
        let mut cut = self.cut;
        if lines.len() > LINES {
            lines.drain(..lines.len() - LINES);
            cut = true;
        }
        let mut text = lines.join("\n");
        if text.len() > BYTES {
            text.drain(..ceil_boundary(&text, text.len() - BYTES));
            cut = true;
        }
        (text, cut)
    }
}

fn ceil_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_outputs_keep_their_end() {
        let mut tail = Tail::default();
        for line in 0..100_000 {
            tail.add(&format!("line {line}"));
        }
        let (text, cut) = tail.read();
        assert!(cut && text.ends_with("line 99999"));
        assert_eq!(text.lines().count(), LINES);
        let (text, cut) = Tail::of(&"é".repeat(100_000)).read();
        assert!(cut && text.len() <= BYTES && text.chars().all(|c| c == 'é'));
        assert_eq!(Tail::of("a\nb\n").read(), ("a\nb".to_owned(), false));
        assert!(Tail::of(" \n").is_empty() && Tail::default().is_empty());
    }
}
