//! Forms: texts of edits with `{{ task.… }}` in them, filled in when a rule answers the end of that task.

use std::sync::Arc;

use starline_types::{Outcome, TaskId, Value};

use crate::engine::{Found, Program, Scope};
use crate::shell;
use crate::syntax::literal;
use crate::template::{MAX_RENDERED_BYTES, MAX_VALUE_BYTES, split};

/// Variables that may stand in a form.
const ROOTS: &[&str] = &["task", "tasks", "inputs"];
/// Characters of one literal; with every one of them escaped it is shorter than the longest expression.
const LITERAL_CHARS: usize = 512;

/// What becomes of a text once it is filled in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Destination {
    /// It is taken as it is: an id, a name, a note.
    Text,
    /// It is a template of the task that is made: an argument, a prompt, an input.
    Template,
    /// It is a script of the task that is made, for `sh`.
    Script,
}

/// A text that is filled in with what is known of a task that ended, and stays what it was meant as.
///
/// Interpolations over `task` are filled in: it has `id`, `status`, `result`, `outputs`, `error`, `attempts`,
/// `duration_ms` and `device`, in the language of [`Condition`](crate::Condition). Those over `tasks` and `inputs` are left: they belong to the template of
/// the new task and have a value when that is assigned. A value that is filled in is data wherever it ends up:
///
/// - **in a text** it is one piece of text, with control characters but line breaks and tabs replaced by `�`;
/// - **in a template** it is text as well: braces in it open no interpolation later;
/// - **in a script** it is one quoted word.
///
/// A form that is nothing but one interpolation becomes a number or a boolean if that is its value, but for scripts;
/// lists and maps are always filled in as compact JSON. So a value never brings structure of its own.
///
/// ```
/// use starline_graph::{Destination, Form};
/// use starline_types::{Millis, Outcome, OutcomeStatus, TaskId, Value};
///
/// # let outcome = Outcome {
/// #     status: OutcomeStatus::Completed,
/// #     result: Value::from("all is {{ inputs.password }}"),
/// #     outputs: Default::default(),
/// #     error: None,
/// #     attempts: 1,
/// #     duration_ms: Millis(20),
/// #     device: None,
/// # };
/// let form = Form::read("{{ task.id }} said {{ task.result }}, not {{ inputs.wanted }}", Destination::Template)?;
/// // The result is "all is {{ inputs.password }}".
/// let filled = form.fill(&TaskId::new("scan")?, &outcome.into())?;
/// assert_eq!(filled, "scan said {{ \"all is {{ inputs.password }}\" }}, not {{ inputs.wanted }}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Form {
    destination: Destination,
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    /// Text of the author, templates for later included.
    Own(String),
    Gap {
        program: Program,
        source: String,
    },
}

/// Why a form could not be read or filled in.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct FormError {
    message: String,
}

impl From<String> for FormError {
    fn from(message: String) -> Self {
        Self { message }
    }
}

impl Form {
    /// Reads a text. Costs O(bytes).
    ///
    /// # Errors
    /// An interpolation cannot be read or has no value whatever the task is, reads `task` and something that is known
    /// only later, reads something else than `task` where no template is, or stands in a script where no word is read.
    pub fn read(text: &str, destination: Destination) -> Result<Self, FormError> {
        let mut parts = Vec::new();
        let mut marked = String::new();
        split(text, ROOTS, |own, interpolation| {
            push(&mut parts, own);
            marked.push_str(own);
            let Some((source, parsed)) = interpolation else { return Ok(()) };
            marked.push(shell::MARK);
            let program = Program::new(parsed)?;
            let later = ["tasks", "inputs"].into_iter().find(|root| program.reads(root));
            match (program.reads("task"), later) {
                (true, Some(later)) => {
                    return Err(format!(
                        "`{source}` reads `task`, which is filled in now, and `{later}`, which is known later: write \
                         two interpolations"
                    ));
                }
                (true, None) => parts.push(Part::Gap { program, source: source.chars().take(80).collect() }),
                (false, Some(later)) if destination == Destination::Text => {
                    return Err(format!("`{source}` reads `{later}`, and only `task` is known here"));
                }
                (false, Some(_)) => push(&mut parts, source),
                (false, None) => {
                    let value = program.evaluate(&Scope::default());
                    let value =
                        value.and_then(|found| found.text()).map_err(|why| format!("`{source}`: {why}"))?;
                    push(&mut parts, if destination == Destination::Text { &value } else { source });
                }
            }
            Ok(())
        })
        .map_err(|fault| fault.message)?;
        if destination == Destination::Script {
            check_words(text, &marked)?;
        }
        Ok(Self { destination, parts })
    }

    /// Whether there is nothing to fill in.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Own(_)))
    }

    /// The text with every gap filled in from the end of a task: a text, or for a form that is one gap a number or a
    /// boolean. Parts of the outcome that the form does not name cost nothing.
    ///
    /// # Errors
    /// Something is undefined, a value has more than 64 KiB or, in a template or script, a NUL byte, or the text has
    /// more than 1 MiB. The message names the interpolation.
    pub fn fill(&self, task: &TaskId, outcome: &Arc<Outcome>) -> Result<Value, FormError> {
        let mut scope = Scope::default();
        scope.bind_ended("task", task.clone(), Arc::clone(outcome));
        if let [Part::Gap { program, source }] = self.parts.as_slice()
            && self.destination != Destination::Script
            && let value @ (Value::Number(_) | Value::Bool(_)) = evaluate(program, source, &scope)?.json()?
        {
            return Ok(value);
        }
        let mut filled = String::new();
        for (at, part) in self.parts.iter().enumerate() {
            match part {
                Part::Own(text) => filled.push_str(text),
                Part::Gap { program, source } => {
                    let behind = match self.parts.get(at + 1) {
                        Some(Part::Own(text)) => text,
                        Some(Part::Gap { .. }) => "\0",
                        None => "",
                    };
                    let text = evaluate(program, source, &scope)?.text()?;
                    self.insert(&mut filled, &text, behind)
                        .map_err(|message| format!("`{source}` {message}"))?;
                }
            }
            if filled.len() > MAX_RENDERED_BYTES {
                return Err(format!("the text is larger than {MAX_RENDERED_BYTES} bytes").into());
            }
        }
        Ok(Value::String(filled))
    }

    fn insert(&self, filled: &mut String, text: &str, behind: &str) -> Result<(), String> {
        if text.len() > MAX_VALUE_BYTES {
            return Err(format!("is {} bytes long, the limit is {MAX_VALUE_BYTES}", text.len()));
        }
        if self.destination != Destination::Text && text.contains('\0') {
            return Err("has a NUL byte, which no program can be given".to_owned());
        }
        match self.destination {
            Destination::Text => {
                let shown =
                    |c: char| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c };
                filled.extend(text.chars().map(shown));
            }
            Destination::Template => push_literal(filled, text),
            Destination::Script => push_word(filled, text, behind),
        }
        Ok(())
    }
}

fn push(parts: &mut Vec<Part>, own: &str) {
    match parts.last_mut() {
        Some(Part::Own(text)) => text.push_str(own),
        _ if own.is_empty() => {}
        _ => parts.push(Part::Own(own.to_owned())),
    }
}

fn evaluate(program: &Program, source: &str, scope: &Scope) -> Result<Found, String> {
    program.evaluate(scope).map_err(|message| format!("`{source}`: {message}"))
}

/// Puts in a text that no reader of templates takes for more than text.
fn push_literal(filled: &mut String, text: &str) {
    // The last brace might meet a first one behind it.
    if !text.contains("{{") && !text.contains("{%") && !text.ends_with('{') {
        filled.push_str(text);
        return;
    }
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.char_indices().nth(LITERAL_CHARS).map_or(rest.len(), |(at, _)| at);
        let (chunk, behind) = rest.split_at(end);
        filled.push_str("{{ ");
        filled.push_str(&literal(chunk));
        filled.push_str(" }}");
        rest = behind;
    }
}

/// Puts in a quoted word that no reader of templates takes for more than text: braces that belong together for it
/// are torn apart by closing and opening the quotes, which is nothing to the shell.
fn push_word(filled: &mut String, text: &str, behind: &str) {
    let word = shell::word(text, filled, behind);
    let mut brace = false;
    for c in word.chars() {
        if brace && matches!(c, '{' | '%') {
            filled.push_str("''");
        }
        brace = c == '{';
        filled.push(c);
    }
}

fn check_words(script: &str, marked: &str) -> Result<(), FormError> {
    if script.contains(shell::MARK) {
        return Err("the script has a NUL byte".to_owned().into());
    }
    shell::check(marked).map_err(|misplaced| {
        let shell::Misplaced { line, inside, .. } = misplaced;
        let message = format!(
            "interpolation on line {line} stands inside {inside}: write it bare as a word of its own, as it is quoted \
             when it is filled in"
        );
        message.into()
    })
}
