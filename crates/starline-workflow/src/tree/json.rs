//! The parts of a JSON text (RFC 8259), one after the other, each with its place. Takes nothing that is not JSON.

use std::borrow::Cow;

use crate::problem::Mark;

/// One part of a JSON text.
#[derive(Debug)]
pub(crate) enum Token<'s> {
    OpenMap,
    OpenList,
    Close,
    Key(Cow<'s, str>),
    Text(Cow<'s, str>),
    /// A number, `true`, `false` or `null`, as written.
    Bare(&'s str),
}

/// Why a text is not JSON, and where.
#[derive(Debug)]
pub(crate) struct NotJson {
    pub(crate) at: Mark,
    pub(crate) message: String,
    pub(crate) hint: &'static str,
}

/// What may come next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Next {
    Value,
    FirstItem,
    FirstKey,
    Key,
    Separator,
}

/// Reads a JSON text part by part. Keeps no more than the brackets that are open, so that depth costs no stack.
#[derive(Debug)]
pub(crate) struct Json<'s> {
    source: &'s str,
    at: usize,
    next: Next,
    /// Whether each open bracket is one of a mapping.
    open: Vec<bool>,
    /// Offset whose line and column are known.
    known: usize,
    mark: Mark,
}

const CUT_OFF: &str = "close it; the file may be cut off";

impl<'s> Json<'s> {
    pub(crate) fn new(source: &'s str) -> Self {
        let start = if source.starts_with('\u{FEFF}') { '\u{FEFF}'.len_utf8() } else { 0 };
        Self { source, at: start, next: Next::Value, open: Vec::new(), known: start, mark: Mark::START }
    }

    /// The next part, or nothing at the end of the text.
    pub(crate) fn token(&mut self) -> Result<Option<(Token<'s>, Mark)>, NotJson> {
        loop {
            self.skip_space();
            let at = self.here();
            let byte = self.byte();
            let token = match (self.next, byte) {
                (Next::Separator, None) if self.open.is_empty() => return Ok(None),
                (Next::Separator, Some(_)) if self.open.is_empty() => {
                    return Err(self.fault("more text stands behind the value", "a file holds one value"));
                }
                (Next::Separator, Some(b',')) => {
                    self.at += 1;
                    self.next = if self.in_map() { Next::Key } else { Next::Value };
                    continue;
                }
                (Next::FirstKey, Some(b'}')) => self.close(),
                (Next::Separator, Some(b'}')) if self.in_map() => self.close(),
                (Next::FirstItem, Some(b']')) => self.close(),
                (Next::Separator, Some(b']')) if !self.in_map() => self.close(),
                (_, None) if self.open.is_empty() => return Err(self.fault("the file is empty", "")),
                (_, None) => return Err(self.fault("the file ends within a value", CUT_OFF)),
                (Next::FirstKey | Next::Key, Some(b'"')) => self.key()?,
                (Next::FirstKey | Next::Key, Some(_)) => {
                    return Err(self.unexpected("a key in double quotes"));
                }
                (Next::Separator, Some(_)) => {
                    let expected = if self.in_map() { "`,` or `}`" } else { "`,` or `]`" };
                    return Err(self.unexpected(expected));
                }
                (Next::Value | Next::FirstItem, Some(byte)) => self.value(byte)?,
            };
            return Ok(Some((token, at)));
        }
    }

    fn byte(&self) -> Option<u8> {
        self.source.as_bytes().get(self.at).copied()
    }

    fn in_map(&self) -> bool {
        self.open.last() == Some(&true)
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte() {
            self.at += 1;
        }
    }

    /// Line and column of the next byte.
    fn here(&mut self) -> Mark {
        let passed = self.source.get(self.known..self.at).unwrap_or_default();
        for (at, c) in passed.char_indices() {
            let ends = match c {
                '\n' => true,
                '\r' => !self.source[self.known + at + 1..].starts_with('\n'),
                _ => false,
            };
            if ends {
                self.mark = Mark { line: self.mark.line.saturating_add(1), column: 1 };
            } else {
                self.mark.column = self.mark.column.saturating_add(1);
            }
        }
        self.known = self.at;
        self.mark
    }

    fn fault(&mut self, message: impl Into<String>, hint: &'static str) -> NotJson {
        NotJson { at: self.here(), message: message.into(), hint }
    }

    fn unexpected(&mut self, expected: &str) -> NotJson {
        let found = self.source.get(self.at..).and_then(|rest| rest.chars().next()).unwrap_or(' ');
        let hint = match found {
            '\'' => "texts stand in double quotes",
            '/' | '#' => "JSON has no comments",
            '}' | ']' => "leave out the comma before it, or write what is missing",
            _ => "",
        };
        self.fault(format!("`{found}` where {expected} should be"), hint)
    }

    fn close(&mut self) -> Token<'s> {
        self.at += 1;
        self.open.pop();
        self.next = Next::Separator;
        Token::Close
    }

    fn key(&mut self) -> Result<Token<'s>, NotJson> {
        let key = self.text()?;
        self.skip_space();
        match self.byte() {
            Some(b':') => self.at += 1,
            Some(_) => return Err(self.unexpected("`:`")),
            None => return Err(self.fault("the file ends behind a key", CUT_OFF)),
        }
        self.next = Next::Value;
        Ok(Token::Key(key))
    }

    fn value(&mut self, byte: u8) -> Result<Token<'s>, NotJson> {
        match byte {
            b'{' | b'[' => {
                self.at += 1;
                let is_map = byte == b'{';
                self.open.push(is_map);
                self.next = if is_map { Next::FirstKey } else { Next::FirstItem };
                Ok(if is_map { Token::OpenMap } else { Token::OpenList })
            }
            b'"' => {
                let text = self.text()?;
                self.next = Next::Separator;
                Ok(Token::Text(text))
            }
            _ => {
                let rest = &self.source[self.at..];
                let word = ["true", "false", "null"].into_iter().find(|word| rest.starts_with(word));
                let Some(length) = word.map(str::len).or_else(|| number(rest)) else {
                    return Err(self.unexpected("a value"));
                };
                self.at += length;
                self.next = Next::Separator;
                Ok(Token::Bare(&rest[..length]))
            }
        }
    }

    /// A text in double quotes; borrowed if nothing in it is escaped.
    fn text(&mut self) -> Result<Cow<'s, str>, NotJson> {
        let begin = self.at;
        let source = self.source;
        self.at += 1;
        let mut decoded: Option<String> = None;
        let mut start = self.at;
        loop {
            match self.byte() {
                Some(b'"') => {
                    let piece = &source[start..self.at];
                    self.at += 1;
                    return Ok(match decoded {
                        Some(text) => Cow::Owned(text + piece),
                        None => Cow::Borrowed(piece),
                    });
                }
                Some(b'\\') => {
                    let text = decoded.get_or_insert_default();
                    text.push_str(&source[start..self.at]);
                    let c = self.escape()?;
                    decoded.get_or_insert_default().push(c);
                    start = self.at;
                }
                Some(byte) if byte < 0x20 => {
                    return Err(self.fault(
                        format!("the control character {byte} stands in a text"),
                        "write a line break as \\n, a tab as \\t",
                    ));
                }
                Some(_) => self.at += 1,
                None => {
                    self.at = begin;
                    return Err(self.fault("a text does not end", CUT_OFF));
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, NotJson> {
        let simple = match self.source.as_bytes().get(self.at + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unit(),
            _ => return Err(self.fault("an escape that JSON does not have", "write a backslash as \\\\")),
        };
        self.at += 2;
        Ok(simple)
    }

    /// `\uXXXX`, or two of them for a character beyond the first 65,536.
    fn unit(&mut self) -> Result<char, NotJson> {
        let read = |at: usize| {
            let digits = self.source.get(at..at + 6)?.strip_prefix("\\u")?;
            let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            plain.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
        };
        let units = [read(self.at), read(self.at + 6)];
        let decoded = char::decode_utf16(units.into_iter().map_while(|unit| unit)).next();
        match decoded {
            Some(Ok(c)) => {
                self.at += 6 * c.len_utf16();
                Ok(c)
            }
            Some(Err(_)) => Err(self.fault("a half of a character stands alone in a text", "")),
            None => Err(self.fault("`\\u` without four digits", "")),
        }
    }
}

/// Bytes of the number that a text begins with.
fn number(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        let count = bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
        (count > 0).then_some(from + count)
    };
    let sign = usize::from(bytes.first() == Some(&b'-'));
    let mut end = digits(sign)?;
    // A zero is no prefix: what stands behind it is seen as the next part, and refused.
    if bytes.get(sign) == Some(&b'0') {
        end = sign + 1;
    }
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(end) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'-' | b'+')));
        end = digits(end + 1 + sign)?;
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(source: &str) -> Result<String, String> {
        let mut json = Json::new(source);
        let mut shown = String::new();
        loop {
            match json.token() {
                Ok(Some((token, at))) => {
                    let part = match token {
                        Token::OpenMap => "{".to_owned(),
                        Token::OpenList => "[".to_owned(),
                        Token::Close => "^".to_owned(),
                        Token::Key(key) => format!("{key}:"),
                        Token::Text(text) => format!("{text:?}"),
                        Token::Bare(bare) => bare.to_owned(),
                    };
                    shown.push_str(&format!("{}:{} {part} ", at.line, at.column));
                }
                Ok(None) => return Ok(shown.trim_end().to_owned()),
                Err(fault) => return Err(format!("{}:{} {}", fault.at.line, fault.at.column, fault.message)),
            }
        }
    }

    #[test]
    fn parts_come_with_their_places() {
        let source = "\u{FEFF}{\"é\": [1.5e3,\r\n\t-0, true],\r\"b\":\"x\\ud83e\\udd80\\/\"}\n";
        let expected = "1:1 { 1:2 é: 1:7 [ 1:8 1.5e3 2:2 -0 2:6 true 2:10 ^ 3:1 b: 3:5 \"x🦀/\" 3:22 ^";
        assert_eq!(parts(source).as_deref(), Ok(expected));
    }

    #[test]
    fn what_is_not_json_is_refused_at_its_place() {
        for (source, expected) in [
            ("", "1:1 the file is empty"),
            ("nonsense", "1:1 `n` where a value should be"),
            ("a: 1", "1:1 `a` where a value should be"),
            ("{", "1:2 the file ends within a value"),
            ("{\"a\"", "1:5 the file ends behind a key"),
            ("{\"a\" 1}", "1:6 `1` where `:` should be"),
            ("{a: 1}", "1:2 `a` where a key in double quotes should be"),
            ("[1,]", "1:4 `]` where a value should be"),
            ("{\"a\": 1,\n}", "2:1 `}` where a key in double quotes should be"),
            ("[1 2]", "1:4 `2` where `,` or `]` should be"),
            ("[01]", "1:3 `1` where `,` or `]` should be"),
            ("[NaN]", "1:2 `N` where a value should be"),
            ("[1.]", "1:2 `1` where a value should be"),
            ("[\"a\nb\"]", "1:4 the control character 10 stands in a text"),
            ("[\"ab", "1:2 a text does not end"),
            ("[\"\\x\"]", "1:3 an escape that JSON does not have"),
            ("[\"\\u12\"]", "1:3 `\\u` without four digits"),
            ("[\"\\ud800\"]", "1:3 a half of a character stands alone in a text"),
            ("{} {}", "1:4 more text stands behind the value"),
            ("[}", "1:2 `}` where a value should be"),
            ("{]", "1:2 `]` where a key in double quotes should be"),
        ] {
            assert_eq!(parts(source).expect_err(source), expected, "{source:?}");
        }
    }
}
