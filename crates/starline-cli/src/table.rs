//! Tables for people: columns of one width, and no more spaces at the end of a line.

use crate::paint::{Tone, paint, printable};

/// One cell: a text and what it means.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
    right: bool,
}

impl Cell {
    /// A text as the terminal has it. What comes from outside is made harmless here.
    pub(crate) fn text(text: impl AsRef<str>) -> Self {
        Self { text: printable(text.as_ref()), tone: Tone::Plain, right: false }
    }

    /// A figure, at the right of its column.
    pub(crate) fn figure(text: impl AsRef<str>) -> Self {
        Self { right: true, ..Self::text(text) }
    }

    /// The same cell in a colour.
    pub(crate) fn in_tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

/// Lines of cells under one head.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with a head.
    pub(crate) fn with_head(names: &[&str]) -> Self {
        let head = names.iter().map(|name| Cell::text(name).in_tone(Tone::Faint)).collect();
        Self { rows: vec![head] }
    }

    /// Adds a line.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The lines, one for each row.
    pub(crate) fn lines(&self, coloured: bool) -> impl Iterator<Item = String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut widths = vec![0; columns];
        let mut right = vec![false; columns];
        for (place, row) in self.rows.iter().enumerate() {
            for (column, cell) in row.iter().enumerate() {
                widths[column] = widths[column].max(cell.width());
                // The head follows what is below it.
                right[column] |= place > 0 && cell.right;
            }
        }
        self.rows.iter().map(move |row| line(row, &widths, &right, coloured))
    }
}

fn line(row: &[Cell], widths: &[usize], right: &[bool], coloured: bool) -> String {
    let mut line = String::new();
    // Spaces are owed, and paid when something follows.
    let mut owed = 0;
    for (column, cell) in row.iter().enumerate() {
        let space = widths[column] - cell.width();
        if right[column] {
            owed += space;
        }
        if !cell.text.is_empty() {
            line.extend(std::iter::repeat_n(' ', owed));
            line.push_str(&paint(&cell.text, cell.tone, coloured));
            owed = 0;
        }
        owed += if right[column] { 2 } else { space + 2 };
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_where_their_text_ends() {
        let mut table = Table::with_head(&["id", "n", "note"]);
        table.row([Cell::text("long name"), Cell::figure("7"), Cell::text("")]);
        table.row([Cell::text("b"), Cell::figure("1234"), Cell::text("x\u{1b}")]);
        table.row([Cell::text(""), Cell::figure(""), Cell::text("alone")]);
        let lines: Vec<_> = table.lines(false).collect();
        let expected = [
            "id            n  note",
            "long name     7",
            "b          1234  x\u{FFFD}",
            "                 alone",
        ];
        assert_eq!(lines, expected);
        let coloured: Vec<_> = table.lines(true).collect();
        assert!(coloured[0].starts_with("\u{1b}[2mid\u{1b}[0m            "), "{coloured:?}");
    }
}
