//! JSON, indented by two spaces, in the order of the document.

use super::document::Doc;

pub(crate) fn write(doc: &Doc) -> String {
    let mut out = String::new();
    node(doc, 0, &mut out);
    out.push('\n');
    out
}

fn node(doc: &Doc, indent: usize, out: &mut String) {
    match doc {
        Doc::Bare(bare) => out.push_str(bare),
        Doc::Word(text) | Doc::Text(text) => string(text, out),
        Doc::List(items) => {
            let each = |item: &Doc, out: &mut String| node(item, indent + 2, out);
            collection(['[', ']'], items, indent, out, each);
        }
        Doc::Map(entries) => {
            let each = |(key, value): &(String, Doc), out: &mut String| {
                string(key, out);
                out.push_str(": ");
                node(value, indent + 2, out);
            };
            collection(['{', '}'], entries, indent, out, each);
        }
    }
}

fn collection<T>(
    brackets: [char; 2],
    items: &[T],
    indent: usize,
    out: &mut String,
    each: impl Fn(&T, &mut String),
) {
    out.push(brackets[0]);
    for (at, item) in items.iter().enumerate() {
        out.push_str(if at == 0 { "\n" } else { ",\n" });
        out.extend(std::iter::repeat_n(' ', indent + 2));
        each(item, out);
    }
    if !items.is_empty() {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent));
    }
    out.push(brackets[1]);
}

/// JSON allows more bare characters than YAML does: what YAML would not take is escaped as well.
fn string(text: &str, out: &mut String) {
    out.push_str(&super::yaml::quoted(text));
}
