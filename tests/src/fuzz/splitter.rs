//! A small reader of shell scripts: words with their quotes taken away, and operators.
//!
//! It knows enough of the shell to tell whether a value that was filled into a script is still one word. It is written
//! apart from what fills values in, so that both would have to be wrong in the same manner.

/// What stands for a nested script in a word.
const OPEN: char = '\u{F0000}';
const CLOSE: char = '\u{F0001}';

/// A part of a script.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Piece {
    /// A word without its quotes; a nested script stands in it between two marks.
    Word(String),
    /// `;`, `|`, `>` and so on, one character each.
    Sign(char),
    /// Digits right before a redirection: a file descriptor.
    Descriptor(String),
}

/// The pieces of a script; `None` if it has a part that is not known here, such as here-documents and arithmetic.
pub(crate) fn pieces(script: &str) -> Option<Vec<Piece>> {
    let chars: Vec<char> = script.chars().collect();
    let mut reader = Reader { chars: &chars, at: 0, depth: 0 };
    let pieces = reader.script(false)?;
    (reader.at == chars.len()).then_some(pieces)
}

struct Reader<'c> {
    chars: &'c [char],
    at: usize,
    depth: usize,
}

/// A word that is not over yet.
#[derive(Default)]
struct Word {
    text: String,
    /// Whether there is one, which may be empty.
    begun: bool,
    quoted: bool,
}

impl Word {
    fn add(&mut self, c: char) {
        self.text.push(c);
        self.begun = true;
    }

    fn end(&mut self, before: Option<char>, pieces: &mut Vec<Piece>) {
        let word = std::mem::take(self);
        let digits = !word.quoted && !word.text.is_empty() && word.text.chars().all(|c| c.is_ascii_digit());
        if word.begun && digits && matches!(before, Some('<' | '>')) {
            pieces.push(Piece::Descriptor(word.text));
        } else if word.begun {
            pieces.push(Piece::Word(word.text));
        }
    }
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    /// Reads to the end, or to the parenthesis that closes a nested script.
    fn script(&mut self, nested: bool) -> Option<Vec<Piece>> {
        let (mut pieces, mut word, mut open) = (Vec::new(), Word::default(), 0_usize);
        while let Some(c) = self.peek(0) {
            match c {
                '#' if !word.begun => {
                    while self.peek(0).is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                    continue;
                }
                ' ' | '\t' => word.end(None, &mut pieces),
                '<' if self.peek(1) == Some('<') => return None,
                '(' if self.peek(1) == Some('(') => return None,
                ')' if nested && open == 0 => break,
                '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => {
                    word.end(Some(c), &mut pieces);
                    match c {
                        '(' => open += 1,
                        ')' => open = open.saturating_sub(1),
                        _ => {}
                    }
                    pieces.push(Piece::Sign(c));
                }
                _ => {
                    self.part(c, &mut word)?;
                    // Its patterns end in parentheses that close nothing.
                    if nested && word.text.ends_with("case") {
                        return None;
                    }
                    continue;
                }
            }
            self.at += 1;
        }
        word.end(None, &mut pieces);
        Some(pieces)
    }

    /// A part of a word outside quotes.
    fn part(&mut self, c: char, word: &mut Word) -> Option<()> {
        match c {
            '\\' => {
                match self.peek(1) {
                    Some('\n') => {}
                    Some(next) => {
                        word.add(next);
                        word.quoted = true;
                    }
                    None => word.add('\\'),
                }
                self.at += 2;
                self.at = self.at.min(self.chars.len());
            }
            '\'' => {
                (word.begun, word.quoted) = (true, true);
                self.at += 1;
                loop {
                    let c = self.peek(0)?;
                    self.at += 1;
                    if c == '\'' {
                        break;
                    }
                    word.add(c);
                }
            }
            '"' => {
                (word.begun, word.quoted) = (true, true);
                self.at += 1;
                self.double(word)?;
            }
            '`' => return None,
            '$' => self.dollar(word)?,
            c => {
                word.add(c);
                self.at += 1;
            }
        }
        Some(())
    }

    /// The rest of a text in double quotes.
    fn double(&mut self, word: &mut Word) -> Option<()> {
        loop {
            match self.peek(0)? {
                '"' => {
                    self.at += 1;
                    return Some(());
                }
                '\\' => {
                    match self.peek(1)? {
                        '\n' => {}
                        next @ ('$' | '`' | '"' | '\\') => word.add(next),
                        next => {
                            word.add('\\');
                            word.add(next);
                        }
                    }
                    self.at += 2;
                }
                '`' => return None,
                '$' if matches!(self.peek(1), Some('\'' | '"')) => {
                    word.add('$');
                    self.at += 1;
                }
                '$' => self.dollar(word)?,
                c => {
                    word.add(c);
                    self.at += 1;
                }
            }
        }
    }

    fn dollar(&mut self, word: &mut Word) -> Option<()> {
        match (self.peek(1), self.peek(2)) {
            (Some('{' | '\'' | '"'), _) | (Some('('), Some('(')) => None,
            (Some('('), _) if self.depth > 20 => None,
            (Some('('), _) => {
                self.at += 2;
                self.depth += 1;
                let nested = self.script(true)?;
                self.depth -= 1;
                if self.peek(0)? != ')' {
                    return None;
                }
                self.at += 1;
                word.add(OPEN);
                for piece in nested {
                    match piece {
                        Piece::Word(text) => word.text.push_str(&format!("{OPEN}{text}{CLOSE}")),
                        Piece::Sign(sign) => word.add(sign),
                        Piece::Descriptor(digits) => word.text.push_str(&digits),
                    }
                }
                word.add(CLOSE);
                Some(())
            }
            // Arithmetic of old, and a line break that some shells take away first.
            (Some('[' | '\\'), _) => None,
            // The character behind it belongs to it: `$#` begins no comment, and `$$(` no nested script.
            (Some(special @ ('#' | '$' | '!' | '?' | '-' | '@' | '*' | '0'..='9')), _) => {
                word.add('$');
                word.add(special);
                self.at += 2;
                Some(())
            }
            _ => {
                word.add('$');
                self.at += 1;
                Some(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_without_their_quotes() {
        let word = |text: &str| Piece::Word(text.to_owned());
        assert_eq!(
            pieces("echo 'a b'\"c\\\"$x\"\\ d '' # e 'f"),
            Some(vec![word("echo"), word("a bc\"$x d"), word("")])
        );
        assert_eq!(
            pieces("a 2>b '2'>c;d"),
            Some(vec![
                word("a"),
                Piece::Descriptor("2".to_owned()),
                Piece::Sign('>'),
                word("b"),
                word("2"),
                Piece::Sign('>'),
                word("c"),
                Piece::Sign(';'),
                word("d"),
            ])
        );
        assert_eq!(
            pieces("a\"$$(b\" $$(c)"),
            Some(vec![word("a$$(b"), word("$$"), Piece::Sign('('), word("c"), Piece::Sign(')')])
        );
        assert_eq!(
            pieces("x$(y 'z)')"),
            Some(vec![word("x\u{F0000}\u{F0000}y\u{F0001}\u{F0000}z)\u{F0001}\u{F0001}")])
        );
        for unknown in
            ["$[1]", "\"$\\\n(x)\"", "`x`", "${x}", "$((1))", "cat <<E", "'open", "\"open", "$(open", "$'a'"]
        {
            assert_eq!(pieces(unknown), None, "{unknown}");
        }
    }
}
