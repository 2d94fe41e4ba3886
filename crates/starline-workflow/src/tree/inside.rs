//! Places inside a text of the file, which may be written differently from what it means.

use super::{Body, View};
use crate::problem::Mark;

/// Bytes of a line that are looked at for a column. The longer lines are no work of people.
const MAX_COLUMN: usize = 16 << 10;

/// Finds where interpolations of one text stand in the file, asked for in rising order.
///
/// All questions together cost one pass over the text.
#[derive(Debug)]
pub(crate) struct Inside<'t> {
    view: View<'t>,
    text: &'t str,
    source: &'t str,
    /// Whether the text stands in the source as it is.
    verbatim: bool,
    /// Bytes of the text and of the source that have been passed.
    read: usize,
    raw: usize,
    line: u32,
}

impl<'t> Inside<'t> {
    pub(crate) fn new(view: View<'t>) -> Self {
        let tree = view.tree;
        let (verbatim, raw) = match view.node().body {
            Body::Scalar { start, decoded: false, .. } => (true, start),
            Body::Scalar { .. } | Body::List { .. } | Body::Map { .. } => {
                let found = tree.raw.binary_search_by_key(&view.id, |(node, _)| *node);
                (false, found.map_or(0, |at| tree.raw[at].1))
            }
        };
        let text = view.scalar().map_or("", |scalar| scalar.text);
        let line = view.mark().line;
        Self { view, text, source: tree.source, verbatim, read: 0, raw: raw as usize, line }
    }

    /// Where the `{{` or `{%` stands that the text has at a byte, else where the text begins.
    pub(crate) fn mark(&mut self, at: usize) -> Mark {
        self.find(at).unwrap_or_else(|| self.view.mark())
    }

    fn find(&mut self, at: usize) -> Option<Mark> {
        let passed = self.text.get(self.read..at)?;
        let raw = if self.verbatim {
            self.raw + passed.len()
        } else {
            // The same sign as often before it in the source as in the text: nobody escapes braces.
            let sign = self.text.get(at..at + 2)?;
            let before = passed.matches(sign).count();
            let reach = self.source.len().min(self.raw + 4 * (passed.len() + 2) + MAX_COLUMN);
            let reach = (self.raw..=reach).rev().find(|end| self.source.is_char_boundary(*end))?;
            let window = self.source.get(self.raw..reach)?;
            self.raw + window.match_indices(sign).nth(before)?.0
        };
        let skipped = self.source.get(self.raw..raw)?;
        let breaks = skipped.matches('\n').count() + lone_returns(skipped);
        self.line = self.line.saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
        (self.read, self.raw) = (at, raw);
        let nearest =
            (raw.saturating_sub(MAX_COLUMN)..=raw).find(|from| self.source.is_char_boundary(*from))?;
        let before = self.source.get(nearest..raw)?;
        let line = match before.rfind('\n').max(before.rfind('\r')) {
            Some(end) => &before[end + 1..],
            None if nearest == 0 => before.trim_start_matches('\u{FEFF}'),
            None => return None,
        };
        let column = u32::try_from(line.chars().count() + 1).unwrap_or(u32::MAX);
        Some(Mark { line: self.line, column })
    }
}

/// Line breaks that are a carriage return alone.
fn lone_returns(text: &str) -> usize {
    text.matches('\r').count() - text.matches("\r\n").count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Report;
    use crate::tree::Tree;

    /// The places of all `{{` of the first value of a mapping.
    fn marks(source: &str) -> Vec<(u32, u32)> {
        let tree = Tree::read(source, &mut Report::default()).expect("YAML");
        let view = tree.root().map().and_then(|map| map.entries().next()).expect("an entry").value;
        let text = view.scalar().expect("a text").text;
        let mut inside = Inside::new(view);
        let found = text.match_indices("{{").map(|(at, _)| inside.mark(at));
        found.map(|mark| (mark.line, mark.column)).collect()
    }

    #[test]
    fn interpolations_are_found_where_they_are_written() {
        for (source, places) in [
            ("a: x {{ y }} {{ z }}\n", vec![(1, 6), (1, 14)]),
            ("a: 'é {{ y }}'\n", vec![(1, 7)]),
            ("\u{FEFF}a: 'it''s {{ y }}'\n", vec![(1, 11)]),
            ("a: \"\\t{{ y }} \\\"{{ z }}\\\"\"\n", vec![(1, 7), (1, 17)]),
            ("# c\na: |\n  one {{ y }}\n\n  é {{ z }}\n  {{ y }}\n", vec![(3, 7), (5, 5), (6, 3)]),
            ("# c\r\na: |\r\n  one\r\n  {{ z }}\r\n", vec![(4, 3)]),
            ("# c\ra: |\r  one\r  {{ z }}\r", vec![(4, 3)]),
            ("a: >-\n  x\n  {{ y }}\n", vec![(3, 3)]),
            ("a: x\n  {{ y }}\n", vec![(2, 3)]),
            ("{\"a\": \"x\\n{{ y }}\"}", vec![(1, 11)]),
            // What is escaped is not found: the place of the whole text is told.
            ("a: \"\\x7b{ y }}\"\n", vec![(1, 4)]),
        ] {
            assert_eq!(marks(source), places, "{source:?}");
        }
    }
}
