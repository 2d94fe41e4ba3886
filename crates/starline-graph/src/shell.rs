//! Words for `sh`: how a value becomes one, and where in a script one may stand.
//!
//! A quoted word is safe only where the shell reads words. Inside quotes, comments, here-documents, arithmetic and
//! parameter expansions its quotes would be taken literally and its contents would be live, so an interpolation is
//! refused there. Where the context cannot be told, it is refused as well.
//!
//! Source: IEEE Std 1003.1-2024, *Shell Command Language*, 2.2 (quoting), 2.3 (tokens), 2.6 (expansions).

/// Stands for an interpolation in a script that is scanned.
pub(crate) const MARK: char = '\0';

/// Words that mean something to the shell when they stand bare at the beginning of a command.
const RESERVED: [&str; 17] = [
    "if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for", "in",
    "function", "select", "time", "coproc",
];

/// A text as one word.
///
/// A plain word stays bare, so that `echo 3` reads as it was meant, unless it is `surely` to be quoted: `3>` would be a
/// file descriptor.
pub(crate) fn quote(text: &str, surely: bool) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./:@%+,-".contains(&byte);
    if !text.is_empty() && !surely && text.bytes().all(plain) && !RESERVED.contains(&text) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Whether a plain value would be one word with what stands beside it that means something to the shell: reserved words
/// are made of small letters.
pub(crate) fn joins(value: &str, before: &str, after: &str) -> bool {
    let small = |c: char| c.is_ascii_lowercase() || c == MARK;
    let behind = after.strip_prefix("\\\n").unwrap_or(after);
    value.chars().all(small)
        && (before.ends_with(small) || before.ends_with("\\\n") || behind.starts_with(small))
}

/// Whether digits before this text would be a file descriptor: a redirection follows, maybe after more digits.
pub(crate) fn redirects(text: &str) -> bool {
    let mut rest = text;
    loop {
        let next = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let next = next.strip_prefix("\\\n").unwrap_or(next);
        if next.len() == rest.len() {
            return rest.starts_with(['<', '>']);
        }
        rest = next;
    }
}

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
    /// Inside `$(( ))` or `(( ))`, with the number of open parentheses.
    Arithmetic { open: usize },
}

struct Scan {
    chars: Vec<char>,
    at: usize,
    frames: Vec<Frame>,
    /// Whether what comes next would continue a word.
    word: bool,
    /// Here-documents whose bodies begin on the next line: the line that ends each, and whether tabs are stripped.
    documents: Vec<(String, bool)>,
    /// Why the context is not known any more.
    lost: Option<&'static str>,
}

const SINGLE: &str = "'...'";
const DOUBLE: &str = "\"...\"";
const BACKTICKS: &str = "`...`, write $(...) instead";

impl Scan {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn run(&mut self) -> Result<(), &'static str> {
        while let Some(c) = self.peek(0) {
            if c == MARK
                && let Some(lost) = self.lost
            {
                return Err(lost);
            }
            match self.frames.last().copied() {
                None | Some(Frame::Substitution { .. }) => self.command(c)?,
                Some(Frame::Double) => self.double(c)?,
                Some(Frame::Braces) => self.braces(c)?,
                Some(Frame::Arithmetic { open }) => self.arithmetic(c, open)?,
            }
        }
        Ok(())
    }

    /// Where words are read.
    fn command(&mut self, c: char) -> Result<(), &'static str> {
        let begins = !self.word;
        if c == '\\' && self.peek(1) == Some('\n') {
            if self.word && !self.frames.is_empty() {
                // It may join the halves of `case`.
                self.lost = Some("or behind a word in two lines inside $(...)");
            }
            self.at += 2;
            return Ok(());
        }
        self.word = !matches!(c, ' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>');
        match c {
            '\\' if self.peek(1) == Some(MARK) => return Err("an escape, behind a backslash"),
            '\\' => self.at += 2,
            '\'' => self.skip_single()?,
            '"' => self.enter(Frame::Double, 1),
            '`' => self.skip_backticks()?,
            '$' => self.dollar()?,
            '#' if begins => self.skip_to('\n', "a comment")?,
            '<' if self.peek(1) == Some('<') && self.peek(2) == Some('<') => self.at += 3,
            '<' if self.peek(1) == Some('<') => self.document()?,
            '(' if self.peek(1) == Some('(') => self.enter(Frame::Arithmetic { open: 2 }, 2),
            '(' | ')' => self.parenthesis(c),
            '\n' => {
                self.at += 1;
                self.skip_documents()?;
            }
            'c' if begins && !self.frames.is_empty() && self.word_is("case") => {
                // Its patterns end in parentheses that close nothing.
                self.lost = Some("or behind a `case` inside $(...)");
                self.at += 4;
            }
            _ => self.at += 1,
        }
        Ok(())
    }

    fn double(&mut self, c: char) -> Result<(), &'static str> {
        match c {
            MARK => return Err(DOUBLE),
            '\\' if self.peek(1) == Some(MARK) => return Err(DOUBLE),
            '\\' => self.at += 2,
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
            MARK => return Err("${...}"),
            '\\' => self.at += 1 + usize::from(self.peek(1) != Some(MARK)),
            '}' => self.leave(),
            '\'' if self.frames.contains(&Frame::Double) => {
                // A quote or not, depending on the operator and the shell.
                self.lost = Some("or behind a single quote inside \"${...}\"");
                self.at += 1;
            }
            '\'' => self.skip_single()?,
            '"' => self.enter(Frame::Double, 1),
            '`' => self.skip_backticks()?,
            '$' => self.dollar()?,
            _ => self.at += 1,
        }
        Ok(())
    }

    fn arithmetic(&mut self, c: char, open: usize) -> Result<(), &'static str> {
        let mut now = open;
        match c {
            MARK => return Err("((...))"),
            '\\' => self.at += 1 + usize::from(self.peek(1) != Some(MARK)),
            '\'' => self.skip_single()?,
            '"' => self.enter(Frame::Double, 1),
            '`' => self.skip_backticks()?,
            '$' => self.dollar()?,
            '#' if matches!(self.chars[self.at - 1], ' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')') => {
                // A comment, if these are two subshells after all.
                self.lost = Some("or behind a comment inside ((...))");
                self.at += 1;
            }
            '(' | ')' => {
                now = if c == '(' { open + 1 } else { open - 1 };
                self.at += 1;
                if now == 0 {
                    self.frames.pop();
                } else if let Some(frame) = self.frames.last_mut() {
                    *frame = Frame::Arithmetic { open: now };
                }
            }
            _ => self.at += 1,
        }
        debug_assert!(now <= open + 1);
        Ok(())
    }

    fn enter(&mut self, frame: Frame, length: usize) {
        self.word = !matches!(frame, Frame::Substitution { .. });
        self.frames.push(frame);
        self.at += length;
    }

    fn leave(&mut self) {
        self.frames.pop();
        self.at += 1;
    }

    fn parenthesis(&mut self, c: char) {
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
            (Some('('), Some('(')) => self.enter(Frame::Arithmetic { open: 2 }, 3),
            (Some('('), _) => self.enter(Frame::Substitution { open: 0 }, 2),
            (Some('{'), _) => self.enter(Frame::Braces, 2),
            (Some('\''), _) => {
                self.at += 1;
                let from = self.at;
                self.skip_single()?;
                let quoted = self.chars.get(from..self.at).unwrap_or_default();
                if quoted.windows(2).any(|pair| pair == ['\\', '\'']) {
                    // The quote ends it for one shell and not for another.
                    self.lost = Some("or behind an escaped quote inside $'...'");
                }
            }
            (Some('#'), _) => self.at += 2,
            _ => self.at += 1,
        }
        Ok(())
    }

    fn skip_single(&mut self) -> Result<(), &'static str> {
        self.at += 1;
        self.skip_to('\'', SINGLE)?;
        self.at += 1;
        Ok(())
    }

    fn skip_backticks(&mut self) -> Result<(), &'static str> {
        self.at += 1;
        while let Some(c) = self.peek(0) {
            match c {
                MARK => return Err(BACKTICKS),
                '`' => break,
                '\\' if self.peek(1) != Some(MARK) => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Ok(())
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

    fn word_is(&self, word: &str) -> bool {
        let length = word.chars().count();
        let same = word.chars().enumerate().all(|(ahead, c)| self.peek(ahead) == Some(c));
        same && self.peek(length).is_none_or(|c| !c.is_alphanumeric() && c != '_')
    }

    /// Reads `<<` and the word that will end the body.
    fn document(&mut self) -> Result<(), &'static str> {
        self.at += 2;
        let tabs = self.peek(0) == Some('-');
        self.at += usize::from(tabs);
        while matches!(self.peek(0), Some(' ' | '\t')) {
            self.at += 1;
        }
        let (mut end, mut quote) = (String::new(), None);
        while let Some(c) = self.peek(0) {
            match (c, quote) {
                (MARK, _) => return Err("a here-document"),
                (c, Some(open)) if c == open => quote = None,
                ('\n', _) => break,
                (c, Some(_)) => end.push(c),
                ('\'' | '"', None) => quote = Some(c),
                ('\\', None) => {}
                (c, None) if c.is_whitespace() || ";&|()<>".contains(c) => break,
                (c, None) => end.push(c),
            }
            self.at += 1;
        }
        self.documents.push((end, tabs));
        Ok(())
    }

    /// Skips the bodies of the here-documents that were announced on the line before.
    fn skip_documents(&mut self) -> Result<(), &'static str> {
        for (end, tabs) in std::mem::take(&mut self.documents) {
            loop {
                let from = self.at;
                self.skip_to('\n', "a here-document")?;
                let line: String = self.chars[from..self.at].iter().collect();
                let over = self.at >= self.chars.len();
                self.at += usize::from(!over);
                if over || end == if tabs { line.trim_start_matches('\t') } else { &line } {
                    break;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `@` stands for an interpolation.
    fn inside(script: &str) -> Option<&'static str> {
        check(&script.replace('@', "\0")).err().map(|fault| fault.inside)
    }

    #[test]
    fn words_may_stand_where_the_shell_reads_words() {
        for script in [
            "echo @",
            "@",
            "grep -cE @ logs/app.log || true",
            "x=@; y=a@b; --flag=@ @@",
            "echo 'it is' \"fine\" @",
            "echo \"$(cat @)\" @",
            "echo \"a $(echo \"b\" @) c\"",
            "(cd @ && ls) | sort",
            "if [ @ = b ]; then echo @; fi # done",
            "echo a#b @; echo \\' @; echo \\\" @",
            "echo $# @; echo $x @; echo ${x} @; echo \"${x:-y}\" @; echo ${#x} @; echo $((1+2)) @",
            "cat <<EOF\nplain ' text\nEOF\necho @",
            "cat <<-'EOF' | grep @\n\tit's\n\tEOF\necho @",
            "cat <<A <<B\n'\nA\n\"\nB\necho @",
            "case @ in a) echo @;; esac",
            "cat <<< @",
            "echo `date` @",
            "f() { echo @; }",
            "echo $'a' @",
            "echo 'unfinished",
            "echo a\\\n#b @; echo $(a)#b @; echo \"x\"#b @",
            "echo @ $($'",
            "cat @ <<",
        ] {
            assert_eq!(inside(script), None, "{script}");
        }
    }

    #[test]
    fn words_are_refused_where_they_would_not_be_read_as_words() {
        for (script, place) in [
            ("echo '@'", SINGLE),
            ("echo 'a' 'b @ c'", SINGLE),
            ("echo \"@\"", DOUBLE),
            ("echo \"a \\\" @\"", DOUBLE),
            ("echo \"$(date)\" \"@\"", DOUBLE),
            ("echo \"$(echo \"@\")\"", DOUBLE),
            ("echo \"$(echo ')') @\"", DOUBLE),
            ("echo \"${x:-@}\"", "${...}"),
            ("echo ${x:-@}", "${...}"),
            ("echo $((1 + @))", "((...))"),
            ("(( x = @ ))", "((...))"),
            ("echo `echo @`", BACKTICKS),
            ("echo \"`echo @`\"", BACKTICKS),
            ("true # @", "a comment"),
            ("# it's @", "a comment"),
            ("cat <#@", "a comment"),
            ("echo a\\\n#'\n@ '", SINGLE),
            ("echo \\\n#@", "a comment"),
            ("echo $(a)#'\n@ '", SINGLE),
            ("\"$(ca\\\nse x in a) \" ; esac) @\"", "or behind a word in two lines inside $(...)"),
            ("((a) # '\n) ; echo ' ) @ '", "or behind a comment inside ((...))"),
            ("cat <<EOF\n@\nEOF", "a here-document"),
            ("cat <<'EOF'\n@\nEOF", "a here-document"),
            ("cat <<@\nx\n", "a here-document"),
            ("cat <<-\"E F\" \n\t@\n", "a here-document"),
            ("echo \\@", "an escape, behind a backslash"),
            ("echo $@", "an expansion, behind a dollar sign"),
            ("echo $'@'", SINGLE),
            ("echo \"$(case x in a) :;; esac) @\"", "or behind a `case` inside $(...)"),
            ("echo \"${x#'}'} @\"", "or behind a single quote inside \"${...}\""),
            ("echo $'it\\'s' @", SINGLE),
        ] {
            assert_eq!(inside(script), Some(place), "{script}");
        }
        assert_eq!(check("a\nb '\0'"), Err(Misplaced { line: 2, nth: 0, inside: SINGLE }));
        assert_eq!(check("\0 \0\n\"\0"), Err(Misplaced { line: 2, nth: 2, inside: DOUBLE }));
    }

    #[test]
    fn plain_words_stay_bare_and_others_are_quoted() {
        for (text, word) in [
            ("3", "3"),
            ("logs/app-1.log", "logs/app-1.log"),
            ("-rf", "-rf"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", "'it'\\''s'"),
            ("$(id)", "'$(id)'"),
            ("A=b", "'A=b'"),
            ("~", "'~'"),
            ("if", "'if'"),
            ("a\nb", "'a\nb'"),
            ("é", "'é'"),
        ] {
            assert_eq!(quote(text, false), word);
        }
        assert_eq!(quote("3", true), "'3'");
        for (before, after, one) in
            [("ca", " x", true), (" ", "f", true), ("a/", ".log", false), ("", "", false)]
        {
            assert_eq!(joins("se", before, after), one, "{before:?} {after:?}");
        }
        for (text, follows) in
            [(">x", true), ("2<", true), ("\\\n1\\\n>", true), (" >", false), ("x>", false), ("", false)]
        {
            assert_eq!(redirects(text), follows, "{text:?}");
        }
    }
}
