//! The smallest parts of an expression: names, numbers, texts and signs, as the engine splits them.

use starline_types::MAX_CONDITION_BYTES;

/// What a token is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind<'s> {
    Name(&'s str),
    Number(&'s str),
    /// With its quotes.
    Text(&'s str),
    Sign(&'static str),
}

/// A token and the bytes of the source that it takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'s> {
    pub(crate) kind: Kind<'s>,
    pub(crate) at: usize,
    pub(crate) end: usize,
}

/// Longer signs before their beginnings.
const SIGNS: [&str; 25] = [
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "*", "/", "%", ".", ",", ":", "~", "|", "=", ">", "<", "(",
    ")", "[", "]", "{", "}",
];

/// Splits a source from a byte on; inside a template up to the `}}` that closes the interpolation.
pub(crate) fn tokens(source: &str, start: usize, template: bool) -> Result<(Vec<Token<'_>>, usize), String> {
    let bytes = source.as_bytes();
    let (mut found, mut at, mut open) = (Vec::new(), start, 0usize);
    while at < bytes.len() {
        if at - start > MAX_CONDITION_BYTES {
            return Err(format!("an expression is at most {MAX_CONDITION_BYTES} bytes long"));
        }
        let rest = &source[at..];
        if bytes[at].is_ascii_whitespace() {
            at += 1;
            continue;
        }
        if template && open == 0 && rest.starts_with("}}") {
            return Ok((found, at + 2));
        }
        let (kind, length) = if let Some(length) = name_length(rest) {
            (Kind::Name(&rest[..length]), length)
        } else if bytes[at].is_ascii_digit() {
            let length = number_length(rest);
            (Kind::Number(&rest[..length]), length)
        } else if matches!(bytes[at], b'"' | b'\'') {
            let length =
                text_length(rest).ok_or_else(|| format!("text at byte {at} has no closing quote"))?;
            (Kind::Text(&rest[..length]), length)
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            match sign {
                "(" | "[" | "{" => open += 1,
                ")" | "]" | "}" => open = open.saturating_sub(1),
                _ => {}
            }
            (Kind::Sign(sign), sign.len())
        } else {
            let c = rest.chars().next().unwrap_or_default();
            return Err(format!("unexpected {c:?} at byte {at}"));
        };
        found.push(Token { kind, at, end: at + length });
        at += length;
    }
    if template { Err("interpolation has no closing `}}`".to_owned()) } else { Ok((found, at)) }
}

fn name_length(text: &str) -> Option<usize> {
    let first = text.bytes().next()?;
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (inner(first) && !first.is_ascii_digit())
        .then(|| text.bytes().position(|byte| !inner(byte)).unwrap_or(text.len()))
}

/// Digits, then a fraction, then an exponent.
fn number_length(text: &str) -> usize {
    let digits = |from: usize| text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut length = digits(0);
    if text[length..].starts_with('.') && digits(length + 1) > 0 {
        length += 1 + digits(length + 1);
    }
    if text[length..].starts_with(['e', 'E']) {
        let sign = usize::from(text[length + 1..].starts_with(['+', '-']));
        let exponent = digits(length + 1 + sign);
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    length
}

fn text_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == bytes[0] => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}
