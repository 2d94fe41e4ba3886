//! Lines of a scenario as words.

/// A word: bare, or with a name before an equals sign.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Word {
    pub(super) name: Option<String>,
    pub(super) text: String,
}

/// Splits a line at white space outside quotes. A quote is ' or ", and holds everything up to the next of its
/// kind; what follows # outside quotes is a comment.
pub(super) fn words(line: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        let (mut text, mut name) = (String::new(), None);
        while let Some(next) = rest.chars().next() {
            if next.is_whitespace() {
                break;
            }
            rest = &rest[next.len_utf8()..];
            match next {
                '\'' | '"' => {
                    let end = rest.find(next).ok_or_else(|| format!("{next} without a second one"))?;
                    text.push_str(&rest[..end]);
                    rest = &rest[end + 1..];
                }
                '=' if name.is_none() => name = Some(std::mem::take(&mut text)),
                other => text.push(other),
            }
        }
        words.push(Word { name, text });
        rest = rest.trim_start();
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_comments_and_names_are_read() {
        let read = words(r#"task a when=b:'x > "1"' takes=2s idempotent  # not read"#).expect("it is fine");
        let shown: Vec<_> = read.iter().map(|word| (word.name.as_deref(), word.text.as_str())).collect();
        assert_eq!(
            shown,
            [
                (None, "task"),
                (None, "a"),
                (Some("when"), r#"b:x > "1""#),
                (Some("takes"), "2s"),
                (None, "idempotent")
            ]
        );
        assert!(words("a 'b").is_err());
        assert_eq!(words("  # all of it"), Ok(vec![]));
    }
}
