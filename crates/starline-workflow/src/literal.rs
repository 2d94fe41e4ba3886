//! Texts of formats that have no templates, and texts of tasks, which may be templates.

use starline_types::Value;

/// What begins something in a template.
const MARKS: [&str; 2] = ["{{", "{%"];

fn escaped(mark: &str) -> String {
    format!("{{{{ \"{mark}\" }}}}")
}

/// A text with each piece that `piece` finds at a `{` put in another way; it gives what stands there instead, and the
/// length of what it stands for.
fn rewritten<'t>(text: &'t str, piece: impl Fn(&'t str) -> Option<(String, usize)>) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let (put, length) = piece(from).unwrap_or_else(|| ("{".to_owned(), 1));
        out.push_str(&put);
        rest = from.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// A text as a template that renders to it.
pub(crate) fn literal(text: &str) -> String {
    let mark = |from: &str| MARKS.into_iter().find(|mark| from.starts_with(mark));
    rewritten(text, |from| mark(from).map(|mark| (escaped(mark), mark.len())))
}

/// The text that a template renders to, if it is nothing but that text; else the template as it is.
pub(crate) fn plain(template: &str) -> String {
    let marks = MARKS.map(|mark| (mark, escaped(mark)));
    let found = |from: &str| marks.iter().find(|(_, escaped)| from.starts_with(escaped.as_str()));
    let text =
        rewritten(template, |from| found(from).map(|(mark, escaped)| ((*mark).to_owned(), escaped.len())));
    if literal(&text) == template { text } else { template.to_owned() }
}

/// A value with every text in it as a template that renders to it. Recurses as deeply as the file, which is limited.
pub(crate) fn literal_value(value: &Value) -> Value {
    texts(value, &literal)
}

/// A value with every text in it as [`plain`] gives it.
pub(crate) fn plain_value(value: &Value) -> Value {
    texts(value, &plain)
}

fn texts(value: &Value, change: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => Value::Array(items.iter().map(|item| texts(item, change)).collect()),
        Value::Object(members) => {
            let member = |(key, member): (&String, &Value)| (key.clone(), texts(member, change));
            Value::Object(members.iter().map(member).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_no_templates() {
        for (text, template) in [
            ("plain {x}", "plain {x}"),
            ("a {{ b }}", "a {{ \"{{\" }} b }}"),
            ("{{{%", "{{ \"{{\" }}{{ \"{%\" }}"),
            ("{% if %}", "{{ \"{%\" }} if %}"),
        ] {
            assert_eq!(literal(text), template);
        }
    }

    #[test]
    fn texts_survive_as_templates() {
        for text in ["", "plain {x}", "a {{ b }}", "{{{%", "{% if %}", "{{ \"{{\" }}", "{{{{", "{ {", "é{"] {
            assert_eq!(plain(&literal(text)), text);
        }
        for template in ["{{ inputs.x }}", "a {{ \"{{\" }} {{ tasks.a.result }}"] {
            assert_eq!(plain(template), template);
        }
    }
}
