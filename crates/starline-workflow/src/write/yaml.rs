//! YAML in block style, with short lists and mappings in one line.

use std::fmt::Write as _;

use super::document::Doc;
use crate::tree::{Meaning, meaning};

/// Widest line that a list or mapping is squeezed into, in bytes.
const WIDTH: usize = 100;
/// Levels that are always written in block style: the file, its sections, each task.
const OPEN_LEVELS: usize = 3;
/// Longest key written before its colon, in bytes. Readers need not look further than 1024 characters.
const SIMPLE_KEY: usize = 500;

pub(crate) fn write(doc: &Doc) -> String {
    let mut out = String::new();
    block(doc, 0, 0, &mut out);
    out
}

/// Writes a part of a section as it would stand there, without the indentation.
pub(crate) fn write_part(doc: &Doc) -> String {
    let mut out = String::new();
    block(doc, 0, 1, &mut out);
    out
}

/// Writes a node whose first line has been indented already.
fn block(doc: &Doc, indent: usize, level: usize, out: &mut String) {
    match doc {
        Doc::List(items) if !items.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    pad(indent, out);
                }
                out.push('-');
                child(item, indent, level + 1, true, out);
            }
        }
        Doc::Map(entries) if !entries.is_empty() => {
            for (at, (key, value)) in entries.iter().enumerate() {
                if at > 0 {
                    pad(indent, out);
                }
                let key = scalar(key);
                if key.len() > SIMPLE_KEY {
                    let _ = writeln!(out, "? {key}");
                    pad(indent, out);
                } else {
                    out.push_str(&key);
                }
                out.push(':');
                child(value, indent, level + 1, false, out);
            }
        }
        other => {
            let mut line = String::new();
            inline(other, usize::MAX, &mut line);
            out.push_str(&line);
            out.push('\n');
        }
    }
}

/// Writes what follows `-` or `key:`, with the line break at its end.
fn child(doc: &Doc, indent: usize, level: usize, listed: bool, out: &mut String) {
    let is_open = level < OPEN_LEVELS && matches!(doc, Doc::Map(entries) if !entries.is_empty());
    if let Doc::Text(text) = doc
        && let Some(mark) = literal(text)
    {
        let _ = writeln!(out, " {mark}");
        for line in text.lines() {
            if !line.is_empty() {
                pad(indent + 2, out);
            }
            out.push_str(line);
            out.push('\n');
        }
        return;
    }
    let used = out.len() - out.rfind('\n').map_or(0, |at| at + 1);
    let mut line = String::new();
    if !is_open && inline(doc, WIDTH.saturating_sub(used + 1), &mut line) {
        let _ = writeln!(out, " {line}");
        return;
    }
    match doc {
        Doc::List(_) | Doc::Map(_) => {
            if listed {
                out.push(' ');
            } else {
                out.push('\n');
                pad(indent + 2, out);
            }
            block(doc, indent + 2, level, out);
        }
        Doc::Bare(_) | Doc::Word(_) | Doc::Text(_) => {
            out.push(' ');
            block(doc, indent, level, out);
        }
    }
}

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// Writes a node in one line; `false` if it does not fit, or holds a text of several lines that is better read as
/// such.
fn inline(doc: &Doc, width: usize, out: &mut String) -> bool {
    match doc {
        Doc::Bare(text) | Doc::Word(text) => out.push_str(text),
        Doc::Text(text) => {
            if width < usize::MAX && literal(text).is_some() {
                return false;
            }
            out.push_str(&scalar(text));
        }
        Doc::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                if !inline(item, width, out) {
                    return false;
                }
            }
            out.push(']');
        }
        Doc::Map(entries) if entries.is_empty() => out.push_str("{}"),
        Doc::Map(entries) => {
            out.push('{');
            for (at, (key, value)) in entries.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { " " });
                out.push_str(&scalar(key));
                out.push_str(": ");
                if !inline(value, width, out) {
                    return false;
                }
            }
            out.push_str(" }");
        }
    }
    out.len() <= width
}

/// The mark of a literal block, if a text of several lines can be one.
fn literal(text: &str) -> Option<&'static str> {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let plain = |line: &str| !line.trim().is_empty() && !line.chars().any(is_hidden);
    let fits = body.contains('\n') && body.split('\n').all(plain) && !body.starts_with([' ', '\t']);
    fits.then_some(if text.ends_with('\n') { "|" } else { "|-" })
}

/// Characters that YAML 1.2 does not take as they are (section 5.1), that end lines, or that an editor would not keep.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{FEFF}') || u32::from(c) & 0xFFFE == 0xFFFE
}

/// Writes a character by its number, in the notation that YAML and JSON share.
pub(crate) fn escape(c: char, out: &mut String) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        let _ = write!(out, "\\u{unit:04x}");
    }
}

/// A text in one line: as it is if nothing can be misread, else in double quotes.
fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// Whether every YAML parser, of version 1.1 too, reads the bare text as this text, in lists and mappings as well.
fn is_plain(text: &str) -> bool {
    /// What YAML 1.1 takes for a boolean.
    const WORDS: [&str; 8] = ["y", "n", "yes", "no", "on", "off", "true", "false"];
    let bytes = text.as_bytes();
    let first = match bytes {
        [b'-', b'-', next, ..] | [b'-', next, ..] | [b'.', b'/', next, ..] | [b'.', next, ..] => *next,
        [first, ..] => *first,
        [] => return false,
    };
    let inner = |c: char| c.is_alphanumeric() || "_./+-@=% ".contains(c);
    (first.is_ascii_alphabetic() || b"_/".contains(&first) || first >= 0x80)
        && text.chars().all(inner)
        && !text.ends_with(' ')
        && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
        && meaning(text) == Meaning::Text
}

/// A text in double quotes, in the notation that YAML and JSON share.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_hidden(c) => escape(c, &mut out),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
