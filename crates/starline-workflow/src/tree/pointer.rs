//! Where in a JSON text a line and column are, as JSON pointers (RFC 6901).

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::MAX_DEPTH;
use super::json::{Json, Token};
use crate::problem::Mark;

/// Length in bytes from which on a pointer takes no more of a key: a hostile file may have very long ones.
const MAX_POINTER: usize = 1024;

/// One step from a collection to its member.
enum Step<'s> {
    Key(Cow<'s, str>),
    Index(usize),
    /// A mapping whose next key is not read yet.
    Open,
}

/// The pointers of places; of keys, that of the value behind them. Reads the text once.
///
/// A place that begins no value has none, but for the end of a text that is cut off: it has that of the collection
/// it stands in.
pub(crate) fn pointers(source: &str, marks: impl IntoIterator<Item = Mark>) -> BTreeMap<Mark, String> {
    let mut found: BTreeMap<Mark, Option<String>> = marks.into_iter().map(|mark| (mark, None)).collect();
    let mut missing = found.len();
    let mut json = Json::new(source);
    let mut path: Vec<Step<'_>> = Vec::new();
    while missing > 0 && path.len() <= MAX_DEPTH {
        let (token, at) = match json.token() {
            Ok(Some(part)) => part,
            Ok(None) => break,
            Err(fault) => {
                if let Some(slot) = found.get_mut(&fault.at) {
                    slot.get_or_insert_with(|| written(&path));
                }
                break;
            }
        };
        if !matches!(token, Token::Close | Token::Key(_))
            && let Some(Step::Index(at)) = path.last_mut()
        {
            *at = at.wrapping_add(1);
        }
        let opened = match token {
            Token::Close => {
                path.pop();
                continue;
            }
            Token::Key(key) => {
                path.pop();
                path.push(Step::Key(key));
                None
            }
            Token::OpenMap => Some(Step::Open),
            // The first member counts up to zero.
            Token::OpenList => Some(Step::Index(usize::MAX)),
            Token::Text(_) | Token::Bare(_) => None,
        };
        if let Some(slot @ None) = found.get_mut(&at) {
            *slot = Some(written(&path));
            missing -= 1;
        }
        path.extend(opened);
    }
    found.into_iter().filter_map(|(mark, pointer)| Some((mark, pointer?))).collect()
}

fn written(path: &[Step<'_>]) -> String {
    let mut pointer = String::new();
    for step in path {
        match step {
            Step::Key(key) => {
                pointer.push('/');
                if !push_key(key, &mut pointer) {
                    return pointer;
                }
            }
            Step::Index(usize::MAX) | Step::Open => break,
            Step::Index(at) => pointer.push_str(&format!("/{at}")),
        }
    }
    pointer
}

/// Whether all of a key still fits.
fn push_key(key: &str, pointer: &mut String) -> bool {
    for c in key.chars() {
        match c {
            _ if pointer.len() >= MAX_POINTER => return false,
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
    true
}

/// A key as a step of a pointer.
pub(crate) fn pointer_step(key: &str) -> String {
    let mut step = String::new();
    push_key(key, &mut step);
    step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_their_keys_have_one_pointer() {
        let source = "{\"a/b\": [1, {\"~\": 2}],\n \"c\": {}, \"d\": [[], 3]}";
        let mark = |line, column| Mark { line, column };
        let asked = [(1, 1), (1, 2), (1, 9), (1, 10), (1, 14), (1, 19), (2, 2), (2, 7), (2, 17), (2, 21)];
        let found = pointers(source, asked.map(|(line, column)| mark(line, column)));
        let shown: Vec<&str> = found.values().map(String::as_str).collect();
        assert_eq!(
            shown,
            ["", "/a~1b", "/a~1b", "/a~1b/0", "/a~1b/1/~0", "/a~1b/1/~0", "/c", "/c", "/d/0", "/d/1"]
        );
        assert_eq!(pointers("{\"a\": [1,\n x", [mark(2, 2)])[&mark(2, 2)], "/a/0");
    }
}
