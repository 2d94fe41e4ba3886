//! Where a task stands in a workflow file, for what is found out about it after the file was read.

/// A line of a file, and the column of what is meant, both from 1.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    pub(crate) line: u32,
    pub(crate) column: u32,
    /// The line, without its end.
    pub(crate) text: String,
}

/// Longest line that is shown, in characters.
const WIDEST: usize = 160;

/// The place of the key of a task; `None` where it is not found by looking at lines. O(bytes).
///
/// A file is not read again for this: the first key of that name below `tasks` is taken, with the indentation of
/// the first task where tasks are written in block style.
pub(crate) fn of_task(source: &[u8], id: &str) -> Option<Place> {
    let source = std::str::from_utf8(source).ok()?;
    let mut indentation = None;
    let mut below = false;
    for (at, line) in source.lines().enumerate() {
        let content = line.trim_start();
        let indented = line.chars().count() - content.chars().count();
        let is_blank = content.is_empty() || content.starts_with('#');
        if !below {
            let rest = ["tasks:", "\"tasks\":", "'tasks':"].iter().find_map(|key| content.strip_prefix(key));
            let Some(rest) = rest.filter(|_| indented == 0 || content.starts_with('"')) else { continue };
            below = true;
            let flow = key(rest, id).map(|column| column + line.chars().count() - rest.chars().count());
            if let Some(column) = flow {
                return Some(place(at, column, line));
            }
            continue;
        }
        if is_blank {
            continue;
        }
        let is_block = !content.starts_with(['{', '}', '"']);
        let expected = *indentation.get_or_insert(indented);
        if indented == 0 && is_block {
            return None;
        }
        let found = if is_block && expected > 0 {
            (indented == expected && starts_with_key(content, id)).then_some(indented)
        } else {
            key(line, id)
        };
        if let Some(column) = found {
            return Some(place(at, column, line));
        }
    }
    None
}

/// Whether a text begins with a key, bare or in quotes.
fn starts_with_key(text: &str, id: &str) -> bool {
    let text = text.strip_prefix(['"', '\'']).unwrap_or(text);
    let Some(rest) = text.strip_prefix(id) else { return false };
    let rest = rest.strip_prefix(['"', '\'']).unwrap_or(rest).trim_start();
    rest.starts_with(':')
}

/// Characters before a key that stands anywhere in a line of flow style.
fn key(line: &str, id: &str) -> Option<usize> {
    let starts = line.char_indices().filter(|(at, _)| {
        let before = line[..*at].trim_end_matches(' ').chars().next_back();
        matches!(before, None | Some('{' | ',' | '\t'))
    });
    let found = starts.map(|(at, _)| at).find(|at| starts_with_key(&line[*at..], id));
    found.map(|at| line[..at].chars().count())
}

fn place(at: usize, column: usize, line: &str) -> Place {
    let number = |count: usize| u32::try_from(count + 1).unwrap_or(u32::MAX);
    Place { line: number(at), column: number(column), text: line.chars().take(WIDEST).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_found_in_block_style_and_in_flow_style() {
        for (source, id, line, column) in [
            (
                "version: 1\nname: b\ntasks:\n  a:\n    after: [b]\n    b: x\n  b: { run: { noop: {} } }\n",
                "b",
                7,
                3,
            ),
            ("version: 1\ntasks:\n  # a: no\n  \"a\" : {}\n", "a", 4, 3),
            ("version: 1\ntasks: { x: { run: { noop: {} } }, a: { run: { noop: {} } } }\n", "a", 2, 36),
            ("{\"version\": 1,\n \"tasks\": {\n  \"a\": {}}}\n", "a", 3, 3),
        ] {
            let place = of_task(source.as_bytes(), id);
            assert_eq!(place.map(|place| (place.line, place.column)), Some((line, column)), "{source}");
        }
        assert_eq!(of_task(b"tasks:\n  a: {}\nrun: { b: 1 }\n", "b"), None);
    }
}
