//! What may be written in an expression, and how it is handed to the engine.
//!
//! The engine is lenient where we are strict: it orders values of different types, repeats a text a hundred
//! million times, and recurses as deeply as its input asks. So an expression is read here first, within limits,
//! and every operator that needs a check is written as a call of a guard (`guards.rs`). The language is that of
//! minijinja, without calls, splats, slices with a step, and conditionals without `else`.

use std::fmt::Write as _;

use crate::names::NamePath;
use crate::tokens::{Kind, Token, tokens};
use crate::words::{FILTERS, TESTS};

/// Deepest nesting of brackets and conditionals.
const MAX_DEPTH: usize = 32;
/// Most operators, accesses and filters in one expression: the engine recurses over chains of them.
const MAX_OPERATORS: usize = 250;

/// An expression in the words of the engine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parsed {
    /// Code for the engine.
    pub(crate) code: String,
    /// Variables that are read.
    pub(crate) roots: Vec<&'static str>,
    /// Tasks that are named, in the order of the text.
    pub(crate) references: Vec<Reference>,
    /// What is read by name and must be there, in the order of the text.
    pub(crate) names: Vec<NamePath>,
}

impl Parsed {
    /// Inputs that are named and must be there, in the order of the text.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &str> {
        self.names.iter().filter_map(NamePath::input)
    }
}

/// A place in an expression that names a task: `.scan` or `["scan:b"]` after `tasks`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Reference {
    /// The task.
    pub(crate) task: String,
    /// Bytes of the source that name it, with the dot or the brackets.
    pub(crate) span: std::ops::Range<usize>,
}

/// Reads a text that is one expression.
pub(crate) fn expression(source: &str, roots: &'static [&'static str]) -> Result<Parsed, String> {
    let (tokens, _) = tokens(source, 0, false)?;
    Parser::new(source, &tokens, roots).all()
}

/// Reads the expression that starts at a byte and ends at `}}`; gives also the byte behind that.
pub(crate) fn interpolation(
    source: &str,
    at: usize,
    roots: &'static [&'static str],
) -> Result<(Parsed, usize), String> {
    let (tokens, end) = tokens(source, at, true)?;
    Ok((Parser::new(source, &tokens, roots).all()?, end))
}

/// A text as a literal of the engine.
pub(crate) fn literal(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A value and the accesses behind it, before it is known whether the last one may find nothing.
struct Operand {
    code: String,
    /// The value as messages name it.
    name: String,
    /// Keys of the accesses, each behind a comma.
    keys: String,
    /// Which of the names this is as a whole, if it is one.
    whole: Option<usize>,
}

impl Operand {
    fn plain(code: String) -> Self {
        Self { code, name: "(…)".to_owned(), keys: String::new(), whole: None }
    }

    /// Code that fails if the operand is undefined.
    fn strict(self) -> String {
        self.guarded("false")
    }

    /// Code that may be undefined in its last access, for `default(...)` and `is defined`.
    fn lenient(self) -> String {
        self.guarded("true")
    }

    fn guarded(self, lenient: &str) -> String {
        if self.keys.is_empty() {
            return self.code;
        }
        format!("__item({}, {}, {lenient}{})", self.code, literal(&self.name), self.keys)
    }
}

struct Parser<'s, 't> {
    source: &'s str,
    tokens: &'t [Token<'s>],
    next: usize,
    depth: usize,
    operators: usize,
    roots: &'static [&'static str],
    /// Names that are asked for as something that may be undefined.
    optional: Vec<NamePath>,
    /// Texts that are looked for in something.
    sought: Vec<&'s str>,
    parsed: Parsed,
}

impl<'s, 't> Parser<'s, 't> {
    fn new(source: &'s str, tokens: &'t [Token<'s>], roots: &'static [&'static str]) -> Self {
        let (optional, sought, parsed) = (Vec::new(), Vec::new(), Parsed::default());
        Self { source, tokens, next: 0, depth: 0, operators: 0, roots, optional, sought, parsed }
    }

    fn all(mut self) -> Result<Parsed, String> {
        let code = self.expression()?;
        if self.peek().is_some() {
            return Err(self.unexpected("an operator or the end"));
        }
        self.parsed.code = code;
        for name in &mut self.parsed.names {
            name.cut(&self.optional, &self.sought);
        }
        Ok(self.parsed)
    }

    fn peek(&self) -> Option<Kind<'s>> {
        self.tokens.get(self.next).map(|token| token.kind)
    }

    fn take(&mut self, kind: Kind<'_>) -> bool {
        let found = self.peek() == Some(kind);
        self.next += usize::from(found);
        found
    }

    fn sign(&mut self, sign: &'static str) -> bool {
        self.take(Kind::Sign(sign))
    }

    fn word(&mut self, word: &'static str) -> bool {
        self.take(Kind::Name(word))
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), String> {
        if self.sign(sign) { Ok(()) } else { Err(self.unexpected(&format!("`{sign}`"))) }
    }

    fn unexpected(&self, expected: &str) -> String {
        match self.tokens.get(self.next) {
            Some(token) => {
                let found: String = self.source[token.at..token.end].chars().take(32).collect();
                format!("expected {expected} at byte {}, found `{found}`", token.at)
            }
            None => format!("expected {expected}, found the end"),
        }
    }

    fn operator(&mut self) -> Result<(), String> {
        self.operators += 1;
        if self.operators > MAX_OPERATORS {
            return Err(format!("an expression has at most {MAX_OPERATORS} operators"));
        }
        Ok(())
    }

    /// Conditional, the loosest of all.
    fn expression(&mut self) -> Result<String, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("an expression is nested at most {MAX_DEPTH} deep"));
        }
        let mut code = self.any("or")?;
        if self.word("if") {
            self.operator()?;
            let condition = self.any("or")?;
            if !self.word("else") {
                return Err(self.unexpected("`else`"));
            }
            let other = self.expression()?;
            code = format!("{code} if {condition} else {other}");
        }
        self.depth -= 1;
        Ok(code)
    }

    /// `or` above `and` above `not`.
    fn any(&mut self, word: &'static str) -> Result<String, String> {
        let tighter = |parser: &mut Self| if word == "or" { parser.any("and") } else { parser.not() };
        let mut code = tighter(self)?;
        while self.word(word) {
            self.operator()?;
            let right = tighter(self)?;
            let _ = write!(code, " {word} {right}");
        }
        Ok(code)
    }

    fn not(&mut self) -> Result<String, String> {
        let mut count = 0;
        while self.word("not") {
            self.operator()?;
            count += 1;
        }
        let code = self.comparison()?;
        Ok(match count {
            0 => code,
            odd if odd % 2 == 1 => format!("not {code}"),
            _ => format!("not not {code}"),
        })
    }

    fn comparison(&mut self) -> Result<String, String> {
        let from = self.next;
        let mut code = self.sum()?;
        if let (Some(text), Some(Kind::Name("in" | "not"))) = (self.text_since(from), self.peek()) {
            self.sought.push(text);
        }
        let mut compared = false;
        loop {
            let operator = match self.peek() {
                Some(Kind::Sign(sign @ ("==" | "!=" | "<" | "<=" | ">" | ">="))) => sign,
                Some(Kind::Name("in")) => "in",
                Some(Kind::Name("not")) => "not in",
                _ => break,
            };
            self.operator()?;
            self.next += 1;
            if operator == "not in" && !self.word("in") {
                return Err(self.unexpected("`in`"));
            }
            let right = self.sum()?;
            let _ = write!(code, ", \"{operator}\", {right}");
            compared = true;
        }
        Ok(if compared { format!("__compare({code})") } else { code })
    }

    fn sum(&mut self) -> Result<String, String> {
        self.chain("+", "__add", &["-"], Self::concatenation)
    }

    fn concatenation(&mut self) -> Result<String, String> {
        self.chain("~", "__concat", &[], Self::product)
    }

    fn product(&mut self) -> Result<String, String> {
        self.chain("*", "__multiply", &["/", "//", "%"], Self::power)
    }

    /// A chain of operators of one rank from the left; runs of the guarded one become one call.
    fn chain(
        &mut self,
        guarded: &'static str,
        guard: &str,
        plain: &[&str],
        tighter: fn(&mut Self) -> Result<String, String>,
    ) -> Result<String, String> {
        let mut code = tighter(self)?;
        while let Some(Kind::Sign(sign)) = self.peek() {
            if sign == guarded {
                while self.sign(guarded) {
                    self.operator()?;
                    let right = tighter(self)?;
                    let _ = write!(code, ", {right}");
                }
                code = format!("{guard}({code})");
            } else if plain.contains(&sign) {
                self.operator()?;
                self.next += 1;
                let right = tighter(self)?;
                let _ = write!(code, " {sign} {right}");
            } else {
                break;
            }
        }
        Ok(code)
    }

    fn power(&mut self) -> Result<String, String> {
        let mut code = self.filtered()?;
        while self.sign("**") {
            self.operator()?;
            let right = self.filtered()?;
            let _ = write!(code, " ** {right}");
        }
        Ok(code)
    }

    /// An operand with its filters and tests.
    fn filtered(&mut self) -> Result<String, String> {
        let mut operand = self.negated()?;
        let may_be_undefined = match (self.peek(), self.tokens.get(self.next + 1).map(|token| token.kind)) {
            (Some(Kind::Sign("|")), Some(Kind::Name("default" | "d"))) => true,
            (Some(Kind::Name("is")), Some(Kind::Name("defined" | "undefined"))) => true,
            (Some(Kind::Name("is")), Some(Kind::Name("not"))) => matches!(
                self.tokens.get(self.next + 2).map(|token| token.kind),
                Some(Kind::Name("defined" | "undefined"))
            ),
            _ => false,
        };
        if let Some(whole) = operand.whole.take().filter(|_| may_be_undefined)
            && let Some(name) = self.parsed.names.get_mut(whole)
        {
            self.optional.push(name.clone());
            name.pop();
        }
        let mut code = if may_be_undefined { operand.lenient() } else { operand.strict() };
        loop {
            if self.sign("|") {
                self.operator()?;
                let name = self.known("filter", &FILTERS)?;
                let arguments = self.arguments()?.unwrap_or_default();
                let _ = write!(code, "|{name}({arguments})");
            } else if self.word("is") {
                self.operator()?;
                let not = if self.word("not") { "not " } else { "" };
                let name = self.known("test", &TESTS)?;
                let arguments = match self.arguments()? {
                    Some(arguments) => arguments,
                    None if self.argument_follows() => self.negated()?.strict(),
                    None => String::new(),
                };
                let _ = write!(code, " is {not}{name}({arguments})");
            } else {
                return Ok(code);
            }
        }
    }

    /// Whether a test is followed by an argument without parentheses.
    fn argument_follows(&self) -> bool {
        match self.peek() {
            Some(Kind::Name(name)) => !matches!(name, "and" | "or" | "if" | "else" | "is" | "in" | "not"),
            Some(Kind::Number(_) | Kind::Text(_)) => true,
            Some(Kind::Sign(sign)) => matches!(sign, "+" | "-" | "[" | "{"),
            None => false,
        }
    }

    fn known(&mut self, what: &str, names: &[&'static str]) -> Result<&'static str, String> {
        let Some(Kind::Name(name)) = self.peek() else { return Err(self.unexpected(&format!("a {what}"))) };
        let found = names.iter().find(|known| **known == name);
        let found =
            found.ok_or_else(|| format!("unknown {what} `{name}`: use one of {}", names.join(" ")))?;
        self.next += 1;
        Ok(found)
    }

    fn arguments(&mut self) -> Result<Option<String>, String> {
        if !self.sign("(") {
            return Ok(None);
        }
        let mut code = String::new();
        while !self.sign(")") {
            if !code.is_empty() {
                self.expect(",")?;
                code.push_str(", ");
            }
            let keyword = match (self.peek(), self.tokens.get(self.next + 1).map(|token| token.kind)) {
                (Some(Kind::Name(name)), Some(Kind::Sign("="))) => Some(name),
                _ => None,
            };
            if let Some(name) = keyword {
                self.next += 2;
                let _ = write!(code, "{name}=");
            }
            code.push_str(&self.expression()?);
        }
        Ok(Some(code))
    }

    fn negated(&mut self) -> Result<Operand, String> {
        let mut count = 0;
        while self.sign("-") {
            self.operator()?;
            count += 1;
        }
        let operand = self.accessed()?;
        Ok(match count {
            0 => operand,
            odd if odd % 2 == 1 => Operand::plain(format!("-{}", operand.strict())),
            _ => Operand::plain(format!("- -{}", operand.strict())),
        })
    }

    /// A value and the accesses behind it.
    fn accessed(&mut self) -> Result<Operand, String> {
        let mut operand = self.primary()?;
        let of_tasks = operand.code == "tasks";
        let mut first = true;
        let path = operand.whole;
        let mut is_whole = true;
        loop {
            let from = self.next;
            let named = if self.sign(".") {
                self.operator()?;
                let Some(Kind::Name(name)) = self.peek() else { return Err(self.unexpected("a name")) };
                self.next += 1;
                let _ = write!(operand.keys, ", {}", literal(name));
                Some(name)
            } else if self.sign("[") {
                self.operator()?;
                self.subscript(&mut operand)?
            } else if self.peek() == Some(Kind::Sign("(")) {
                return Err(self.unexpected("no call, as there are filters and tests but no functions,"));
            } else {
                break;
            };
            if of_tasks && first {
                let task =
                    named.ok_or("name the task after `tasks`: write tasks.x or tasks[\"x\"]")?.to_owned();
                let span = self.tokens[from].at..self.tokens[self.next - 1].end;
                self.parsed.references.push(Reference { task, span });
            }
            is_whole &= named.is_some();
            if let (Some(name), true) = (named, is_whole)
                && let Some(path) = path.and_then(|path| self.parsed.names.get_mut(path))
            {
                path.push(name);
            }
            first = false;
        }
        if of_tasks && first {
            return Err("name the task after `tasks`: write tasks.x or tasks[\"x\"]".to_owned());
        }
        operand.whole = path.filter(|_| is_whole);
        Ok(operand)
    }

    /// A key or a slice; gives the key if it is a text written out.
    fn subscript(&mut self, operand: &mut Operand) -> Result<Option<&'s str>, String> {
        let at = self.next;
        let start = if self.peek() == Some(Kind::Sign(":")) { String::new() } else { self.expression()? };
        if self.sign(":") {
            let stop = if self.peek() == Some(Kind::Sign("]")) { String::new() } else { self.expression()? };
            self.expect("]")?;
            let sliced = std::mem::replace(operand, Operand::plain(String::new())).strict();
            operand.code = format!("{sliced}[{start}:{stop}]");
            return Ok(None);
        }
        let written = self.text_since(at);
        self.expect("]")?;
        let _ = write!(operand.keys, ", {start}");
        Ok(written)
    }

    /// The text written out, if it is all that was read since a token.
    fn text_since(&self, at: usize) -> Option<&'s str> {
        match self.tokens.get(at).map(|token| token.kind) {
            Some(Kind::Text(text)) if self.next == at + 1 && !text.contains('\\') => {
                Some(&text[1..text.len() - 1])
            }
            _ => None,
        }
    }

    fn primary(&mut self) -> Result<Operand, String> {
        let Some(kind) = self.peek() else { return Err(self.unexpected("a value")) };
        match kind {
            Kind::Number(code) | Kind::Text(code) => {
                self.next += 1;
                Ok(Operand::plain(code.to_owned()))
            }
            Kind::Name(code @ ("true" | "True" | "false" | "False" | "none" | "None")) => {
                self.next += 1;
                Ok(Operand::plain(code.to_owned()))
            }
            Kind::Name("if" | "else" | "and" | "or" | "not" | "is" | "in") => Err(self.unexpected("a value")),
            Kind::Name(name) => {
                self.next += 1;
                Ok(self.variable(name))
            }
            Kind::Sign("(") => self.sequence("(", ")").map(Operand::plain),
            Kind::Sign("[") => self.sequence("[", "]").map(Operand::plain),
            Kind::Sign("{") => self.mapping().map(Operand::plain),
            Kind::Sign(_) => Err(self.unexpected("a value")),
        }
    }

    fn variable(&mut self, name: &str) -> Operand {
        let whole = Some(self.parsed.names.len());
        self.parsed.names.push(NamePath::new(name));
        match self.roots.iter().find(|root| **root == name) {
            Some(root) => {
                if !self.parsed.roots.contains(root) {
                    self.parsed.roots.push(root);
                }
                let (code, name) = ((*root).to_owned(), (*root).to_owned());
                Operand { code, name, keys: String::new(), whole }
            }
            // Found missing when it is evaluated, as attributes are: `default(...)` may make up for it.
            None => {
                let keys = format!(", {}", literal(name));
                Operand { code: "{}".to_owned(), name: String::new(), keys, whole }
            }
        }
    }

    /// A list, a tuple, or an expression in parentheses.
    fn sequence(&mut self, open: &'static str, close: &'static str) -> Result<String, String> {
        self.expect(open)?;
        let mut code = open.to_owned();
        while !self.sign(close) {
            code.push_str(&self.expression()?);
            if self.sign(",") {
                code.push_str(", ");
            } else if self.peek() != Some(Kind::Sign(close)) {
                return Err(self.unexpected(&format!("`,` or `{close}`")));
            }
        }
        code.push_str(close);
        Ok(code)
    }

    fn mapping(&mut self) -> Result<String, String> {
        self.expect("{")?;
        let mut code = "{".to_owned();
        while !self.sign("}") {
            code.push_str(&self.expression()?);
            self.expect(":")?;
            code.push_str(": ");
            code.push_str(&self.expression()?);
            if self.sign(",") {
                code.push_str(", ");
            } else if self.peek() != Some(Kind::Sign("}")) {
                return Err(self.unexpected("`,` or `}`"));
            }
        }
        code.push('}');
        Ok(code)
    }
}
