//! Texts of Galaxy, which has no templates, and texts of tasks, which may be templates.

use starline_types::Value;

use crate::wfformat::literal;

/// The text that a template renders to, if it is nothing but that text.
pub(super) fn plain(template: &str) -> Option<String> {
    if !template.contains("{{") && !template.contains("{%") {
        return Some(template.to_owned());
    }
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        let escaped = ["{{", "{%"].into_iter().find_map(|mark| {
            from.strip_prefix(&format!("{{{{ \"{mark}\" }}}}")).map(|behind| (mark, behind))
        });
        let (mark, behind) = escaped.unwrap_or_else(|| from.split_at(1));
        text.push_str(mark);
        rest = behind;
    }
    text.push_str(rest);
    (literal(&text) == template).then_some(text)
}

/// A value with every text in it as a template that renders to it. Recurses as deeply as the file, which is limited.
pub(super) fn literal_value(value: Value) -> Value {
    texts(value, &|text| literal(&text))
}

/// A value with every text in it as it would be rendered, where that is known.
pub(super) fn plain_value(value: Value) -> Value {
    texts(value, &|text| plain(&text).unwrap_or(text))
}

fn texts(value: Value, change: &dyn Fn(String) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => Value::Array(items.into_iter().map(|item| texts(item, change)).collect()),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(key, member)| (key, texts(member, change))).collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_survive_as_templates() {
        for text in ["", "plain {x}", "a {{ b }}", "{{{%", "{% if %}", "{{ \"{{\" }}", "{{{{", "{ {"] {
            assert_eq!(plain(&literal(text)).as_deref(), Some(text), "{text}");
        }
        for template in ["{{ inputs.x }}", "a {{ \"{{\" }} {{ tasks.a.result }}"] {
            assert_eq!(plain(template), None, "{template}");
        }
    }
}
