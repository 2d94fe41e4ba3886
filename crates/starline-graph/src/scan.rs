//! Where in a script for `sh` an interpolation may stand.
//!
//! A quoted word is safe only where the shell reads words. Inside quotes, comments, here-documents, arithmetic and
//! parameter expansions its quotes would be taken literally and its contents would be live, so an interpolation is
//! refused there. Where shells differ about what a text is, or it takes a whole shell to tell, the context is lost: every
//! interpolation behind it is refused as well.
//!
//! Source: IEEE Std 1003.1-2024, *Shell Command Language*, 2.2 (quoting), 2.3 (tokens), 2.6 (expansions), 2.7.4
//! (here-documents).

use crate::document::{self, Document};

/// Stands for an interpolation in a script that is scanned.
pub(crate) const MARK: char = '\0';

/// An interpolation where no word is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Misplaced {
    /// Line of the script, from 1.
    pub(crate) line: usize,
    /// Interpolations before it.
    pub(crate) nth: usize,
    /// What the interpolation stands in.
    pub(crate) inside: &'static str,
}

/// Checks that every [`MARK`] stands where a word is read.
pub(crate) fn check(script: &str) -> Result<(), Misplaced> {
    let mut scan = Scan {
        chars: script.chars().collect(),
        at: 0,
        frames: Vec::new(),
        word: false,
        bracket: None,
        conditional: false,
        documents: Vec::new(),
        lost: None,
    };
    scan.run().map_err(|inside| {
        let before = &scan.chars[..scan.at.min(scan.chars.len())];
        let count = |wanted: char| before.iter().filter(|c| **c == wanted).count();
        Misplaced { line: 1 + count('\n'), nth: count(MARK), inside }
    })
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Frame {
    /// Inside `$( )`, with the number of open parentheses of its own.
    Substitution { open: usize },
    /// Inside `" "`.
    Double,
    /// Inside `${ }`.
    Braces,
    /// Inside `$(( ))`, or the command `(( ))`, with the number of open parentheses of its own.
    Arithmetic { open: usize, command: bool },
}

struct Scan {
    chars: Vec<char>,
    at: usize,
    frames: Vec<Frame>,
    /// Whether what comes next would continue a word.
    word: bool,
    /// An open `[` in the present word: whether a name is before it.
    bracket: Option<bool>,
    /// Inside `[[ ]]`.
    conditional: bool,
    /// Here-documents whose bodies begin on the next line.
    documents: Vec<Document>,
    /// Why the context is not known any more.
    lost: Option<&'static str>,
}

const SINGLE: &str = "'...'";
const DOUBLE: &str = "\"...\"";
const BRACES: &str = "${...}";
const ARITHMETIC: &str = "((...))";
const BRACKETS: &str = "[...] in a word, which may be an expression";
const CONDITIONAL: &str = "[[...]], write [ ... ] instead";
const BACKTICKS: &str = "`...`, write $(...) instead";
const COMMENT: &str = "a comment";
const DOCUMENT: &str = "a here-document";

const BEHIND_CASE: &str = "or behind a `case` inside $(...)";
const BEHIND_ALIAS: &str = "or behind an alias";
const BEHIND_ARRAY: &str = "or behind an array";
const BEHIND_ARITHMETIC: &str = "or behind ((...)) that is more than arithmetic to some shells";
const BEHIND_OLD_ARITHMETIC: &str = "or behind $[...], write $((...)) instead";
const BEHIND_BRACES: &str = "or behind a ${...} that shells read in different ways";
const BEHIND_QUOTE: &str = "or behind a single quote inside \"${...}\"";
const BEHIND_ESCAPE: &str = "or behind an escaped quote inside $'...'";
const BEHIND_HALVES: &str = "or behind a word in two lines inside $(...)";
const BEHIND_JOIN: &str = "or behind an expansion or operator in two lines";
const BEHIND_COMMENT: &str = "or behind a comment that is none to some shells";
const BEHIND_CONDITIONAL: &str = "or behind a [[...]] that shells read in different ways";
const BEHIND_PATTERN: &str = "or behind a pattern with parentheses";
const BEHIND_BRACKET: &str = "or behind a [...] in more than one word";
const BEHIND_END: &str = "or behind a here-document whose end is no plain word";
const BEHIND_NESTED: &str = "or behind a here-document inside $(...)";
const BEHIND_LINES: &str = "or behind a line break between a here-document and its name";
const BEHIND_BODY: &str = "or behind a here-document that is more than plain text: quote its name";

impl Scan {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn before(&self) -> Option<char> {
        self.at.checked_sub(1).and_then(|at| self.chars.get(at)).copied()
    }

    /// The first reason is the one that is told.
    fn lose(&mut self, why: &'static str) {
        self.lost.get_or_insert(why);
    }

    fn run(&mut self) -> Result<(), &'static str> {
        while let Some(c) = self.peek(0) {
            if c == MARK
                && let Some(lost) = self.lost
            {
                return Err(lost);
            }
            if c == '\n' && !self.frames.is_empty() && !self.documents.is_empty() {
                self.lose(BEHIND_LINES);
            }
            match self.frames.last().copied() {
                None | Some(Frame::Substitution { .. }) => self.command(c)?,
                Some(Frame::Double) => self.double(c)?,
                Some(Frame::Braces) => self.braces(c)?,
                Some(Frame::Arithmetic { open, command }) => self.arithmetic(c, open, command)?,
            }
        }
        Ok(())
    }

    /// Where words are read.
    fn command(&mut self, c: char) -> Result<(), &'static str> {
        if c == '\\' && self.peek(1) == Some('\n') {
            self.continuation();
            return Ok(());
        }
        let begins = !self.word;
        self.word = !matches!(c, ' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>');
        if !self.word && self.bracket.take() == Some(true) {
            // To some shells it goes on to the bracket that closes it.
            self.lose(BEHIND_BRACKET);
        }
        if begins && self.word {
            self.begin_word();
        }
        if c == '(' {
            match self.before() {
                Some('=') => self.lose(BEHIND_ARRAY),
                Some('@' | '?' | '*' | '+' | '!') => self.lose(BEHIND_PATTERN),
                _ => {}
            }
        }
        match c {
            MARK if self.conditional => return Err(CONDITIONAL),
            MARK if self.bracket.is_some() => return Err(BRACKETS),
            '\\' if self.peek(1) == Some(MARK) => return Err("an escape, behind a backslash"),
            '\\' => self.at += 2,
            '\'' => self.skip_single()?,
            '"' => self.enter(Frame::Double, 1),
            '`' => self.skip_backticks()?,
            '$' => self.dollar()?,
            '#' if begins => self.comment()?,
            '<' if self.peek(1) == Some('<') && self.peek(2) == Some('<') => self.at += 3,
            '<' if self.peek(1) == Some('<') => self.document()?,
            '(' if self.peek(1) == Some('(') => {
                self.enter(Frame::Arithmetic { open: 0, command: true }, 2);
            }
            '(' | ')' => self.parenthesis(c),
            '[' => {
                let named = self.before().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
                self.bracket = Some(!begins && named);
                self.at += 1;
            }
            ']' => {
                self.bracket = None;
                self.at += 1;
            }
            '\n' => {
                self.at += 1;
                self.skip_documents()?;
            }
            _ => self.at += 1,
        }
        Ok(())
    }

    /// A backslash at the end of a line: it is taken away before the text is read, by some shells everywhere.
    fn continuation(&mut self) {
        if matches!(self.before(), Some('$' | '<' | '>' | '(' | '{' | '[')) {
            self.lose(BEHIND_JOIN);
        }
        if self.word && !self.frames.is_empty() {
            // It may join the halves of `case`.
            self.lose(BEHIND_HALVES);
        }
        self.at += 2;
    }

    fn begin_word(&mut self) {
        if !self.frames.is_empty() && self.word_is("case") {
            // Its patterns end in parentheses that close nothing.
            self.lose(BEHIND_CASE);
        } else if self.word_is("alias") {
            self.lose(BEHIND_ALIAS);
        } else if self.word_is("[[") {
            self.conditional = true;
        } else if self.word_is("]]") {
            self.conditional = false;
        }
    }

    fn word_is(&self, word: &str) -> bool {
        let length = word.chars().count();
        let same = word.chars().enumerate().all(|(ahead, c)| self.peek(ahead) == Some(c));
        same && self.peek(length).is_none_or(|c| !c.is_alphanumeric() && c != '_')
    }

    fn double(&mut self, c: char) -> Result<(), &'static str> {
        match c {
            MARK => return Err(DOUBLE),
            '\\' if self.peek(1) == Some(MARK) => return Err(DOUBLE),
            '\\' => {
                if self.peek(1) == Some('\n') && self.before() == Some('$') {
                    self.lose(BEHIND_JOIN);
                }
                self.at += 2;
            }
            '"' => self.leave(),
            '`' => self.skip_backticks()?,
            '$' if self.peek(1) == Some('\'') || self.peek(1) == Some('"') => self.at += 1,
            '$' => self.dollar()?,
            _ => self.at += 1,
        }
        Ok(())
    }

    fn braces(&mut self, c: char) -> Result<(), &'static str> {
        match c {
            MARK => return Err(BRACES),
            '\\' => {
                if self.peek(1) == Some('\n') {
                    self.lose(BEHIND_JOIN);
                }
                self.at += 1 + usize::from(self.peek(1) != Some(MARK));
            }
            '}' => self.leave(),
            '\'' if self.is_quoted() => {
                // A quote or not, depending on the operator and the shell.
                self.lose(BEHIND_QUOTE);
                self.at += 1;
            }
            '\'' => self.skip_single()?,
            '"' if !self.is_quoted() => self.enter(Frame::Double, 1),
            '`' => self.skip_backticks()?,
            '$' => self.dollar()?,
            '"' | '{' => {
                self.lose(BEHIND_BRACES);
                self.at += 1;
            }
            '<' | '>' if self.peek(1) == Some('(') => {
                self.lose(BEHIND_BRACES);
                self.at += 1;
            }
            _ => self.at += 1,
        }
        Ok(())
    }

    /// Whether what is read is quoted from the outside.
    fn is_quoted(&self) -> bool {
        self.frames.iter().any(|frame| matches!(frame, Frame::Double | Frame::Arithmetic { .. }))
    }

    fn arithmetic(&mut self, c: char, open: usize, command: bool) -> Result<(), &'static str> {
        match c {
            MARK => return Err(ARITHMETIC),
            '$' => return self.dollar(),
            '(' => self.replace(Frame::Arithmetic { open: open + 1, command }),
            ')' if open > 0 => self.replace(Frame::Arithmetic { open: open - 1, command }),
            ')' if self.peek(1) == Some(')') => {
                self.leave();
                // Behind the command begins another one.
                self.word = !command;
            }
            ')' => {
                // The end for one shell, and for another not.
                self.lose(BEHIND_ARITHMETIC);
                self.frames.pop();
            }
            '<' if command && self.peek(1) == Some('<') => self.lose(BEHIND_ARITHMETIC),
            ' ' | '\t' | '\n' => {}
            c if c.is_ascii_alphanumeric() || "_+-*/%<>=!&|^~?:,;.".contains(c) => {}
            // A quote, comment or anything else, if these are two subshells after all.
            _ => self.lose(BEHIND_ARITHMETIC),
        }
        self.at += 1;
        Ok(())
    }

    fn enter(&mut self, frame: Frame, length: usize) {
        self.word = !matches!(frame, Frame::Substitution { .. });
        self.frames.push(frame);
        self.at += length;
    }

    fn replace(&mut self, frame: Frame) {
        self.frames.pop();
        self.frames.push(frame);
    }

    fn leave(&mut self) {
        self.frames.pop();
        self.at += 1;
    }

    fn parenthesis(&mut self, c: char) {
        if self.conditional {
            self.lose(BEHIND_CONDITIONAL);
        }
        self.at += 1;
        let Some(Frame::Substitution { open }) = self.frames.last_mut() else { return };
        match (c, *open) {
            ('(', _) => *open += 1,
            (_, 0) => {
                self.frames.pop();
                self.word = true;
            }
            _ => *open -= 1,
        }
    }

    fn dollar(&mut self) -> Result<(), &'static str> {
        match (self.peek(1), self.peek(2)) {
            (Some(MARK), _) => return Err("an expansion, behind a dollar sign"),
            (Some('('), Some('(')) => self.enter(Frame::Arithmetic { open: 0, command: false }, 3),
            (Some('('), _) => self.enter(Frame::Substitution { open: 0 }, 2),
            (Some('{'), _) => {
                self.enter(Frame::Braces, 2);
                self.parameter();
            }
            (Some('['), _) => {
                self.lose(BEHIND_OLD_ARITHMETIC);
                self.at += 2;
            }
            (Some('\''), _) if !self.is_quoted() || self.in_substitution() => {
                self.at += 1;
                let from = self.at;
                self.skip_single()?;
                let quoted = self.chars.get(from..self.at).unwrap_or_default();
                if quoted.windows(2).any(|pair| pair == ['\\', '\'']) {
                    // The quote ends it for one shell and not for another.
                    self.lose(BEHIND_ESCAPE);
                }
            }
            // The character belongs to the dollar sign, so that nothing else begins with it.
            (Some(c), _) if is_special(c) => self.at += 2,
            _ => self.at += 1,
        }
        Ok(())
    }

    fn in_substitution(&self) -> bool {
        matches!(self.frames.last(), Some(Frame::Substitution { .. }))
    }

    /// Reads the parameter behind `${`, up to its operator.
    fn parameter(&mut self) {
        let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let follows = |c: Option<char>| c.is_some_and(|c| name(c) || is_special(c));
        let prefixed = match self.peek(0) {
            Some('#') => follows(self.peek(1)),
            Some('!') => self.peek(1).is_some_and(name),
            _ => false,
        };
        self.at += usize::from(prefixed);
        match self.peek(0) {
            Some(MARK) => return,
            Some(c) if name(c) => {
                while self.peek(0).is_some_and(name) {
                    self.at += 1;
                }
            }
            Some(c) if is_special(c) => self.at += 1,
            _ => self.lose(BEHIND_BRACES),
        }
        if !self.peek(0).is_some_and(|c| "}:-+=?#%/^,@[".contains(c)) {
            self.lose(BEHIND_BRACES);
        }
    }

    fn comment(&mut self) -> Result<(), &'static str> {
        let from = self.at;
        // Behind a parenthesis it may continue a word; between those of a condition it may be a pattern.
        let is_doubtful = self.conditional || self.before() == Some(')');
        self.skip_to('\n', COMMENT)?;
        let comment = self.chars.get(from..self.at).unwrap_or_default();
        let nested = !self.frames.is_empty();
        if is_doubtful || (nested && comment.iter().any(|c| "'\"`\\()".contains(*c))) {
            self.lose(BEHIND_COMMENT);
        }
        Ok(())
    }

    fn skip_single(&mut self) -> Result<(), &'static str> {
        self.at += 1;
        let from = self.at;
        self.skip_to('\'', SINGLE)?;
        self.look_for_lines(from);
        self.at += 1;
        Ok(())
    }

    fn skip_backticks(&mut self) -> Result<(), &'static str> {
        self.at += 1;
        let from = self.at;
        while let Some(c) = self.peek(0) {
            match c {
                MARK => return Err(BACKTICKS),
                '`' => break,
                '\\' if self.peek(1) != Some(MARK) => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.look_for_lines(from);
        self.at += 1;
        Ok(())
    }

    /// A line break in what was skipped, while a here-document is to come.
    fn look_for_lines(&mut self, from: usize) {
        let skipped = self.chars.get(from..self.at).unwrap_or_default();
        if !self.documents.is_empty() && skipped.contains(&'\n') {
            self.lose(BEHIND_LINES);
        }
    }

    fn skip_to(&mut self, end: char, inside: &'static str) -> Result<(), &'static str> {
        while let Some(c) = self.peek(0).filter(|c| *c != end) {
            if c == MARK {
                return Err(inside);
            }
            self.at += 1;
        }
        Ok(())
    }

    /// Reads `<<` and the word that will end the body.
    fn document(&mut self) -> Result<(), &'static str> {
        self.at += 2;
        let rest = self.chars.get(self.at..).unwrap_or_default();
        let (document, length) = document::announced(rest);
        if rest.get(..length).unwrap_or_default().contains(&MARK) {
            self.at += rest.iter().position(|c| *c == MARK).unwrap_or_default();
            return Err(DOCUMENT);
        }
        self.at += length;
        if !self.frames.is_empty() || self.conditional {
            self.lose(BEHIND_NESTED);
        }
        match document {
            Some(document) => self.documents.push(document),
            None => self.lose(BEHIND_END),
        }
        Ok(())
    }

    /// Skips the bodies of the here-documents that were announced on the line before.
    fn skip_documents(&mut self) -> Result<(), &'static str> {
        for document in std::mem::take(&mut self.documents) {
            let start = self.at;
            loop {
                let from = self.at;
                self.skip_to('\n', DOCUMENT)?;
                let line = &self.chars[from..self.at];
                let (over, ends) = (self.at >= self.chars.len(), document.ends_with(line));
                self.at += usize::from(!over);
                if over || ends {
                    break;
                }
            }
            if !document.is_quoted() && !document::is_plain(&self.chars[start..self.at]) {
                self.lose(BEHIND_BODY);
            }
        }
        Ok(())
    }
}

/// Whether a character behind a dollar sign is the name of a parameter by itself.
pub(crate) fn is_special(c: char) -> bool {
    c.is_ascii_digit() || "$!?-#@*".contains(c)
}

#[cfg(test)]
mod tests;
