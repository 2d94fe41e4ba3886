//! What is wrong with a file, each fault at its line.

use std::fmt;

use serde::Serialize;

use crate::excerpt::{self, Lines};
use crate::nearest::Hints;

/// The text is not YAML, or not one document of texts, lists and mappings.
pub(crate) const SYNTAX_ERROR: &str = "syntax_error";
/// A mapping has the same key twice.
pub(crate) const DUPLICATE_KEY: &str = "duplicate_key";
/// No field has this name.
pub(crate) const UNKNOWN_FIELD: &str = "unknown_field";
/// A field that must be there is not.
pub(crate) const MISSING_FIELD: &str = "missing_field";
/// A value is of the wrong type or outside its range.
pub(crate) const INVALID_VALUE: &str = "invalid_value";
/// The format has this field, and this version of starline does not.
pub(crate) const UNSUPPORTED_FIELD: &str = "unsupported_field";
/// The file is of another version of the format.
pub(crate) const UNSUPPORTED_VERSION: &str = "unsupported_version";
/// A condition is not an expression.
pub(crate) const INVALID_CONDITION: &str = "invalid_condition";
/// A text cannot be read as a template, or names what can never be there.
pub(crate) const INVALID_TEMPLATE: &str = "invalid_template";
/// A limit is passed.
pub(crate) const LIMIT_EXCEEDED: &str = "limit_exceeded";
/// A text is not an id.
pub(crate) const INVALID_ID: &str = "invalid_id";
/// A task waits for the same task twice.
pub(crate) const DUPLICATE_DEPENDENCY: &str = "duplicate_dependency";
/// Two tasks have one id.
pub(crate) const DUPLICATE_TASK: &str = "duplicate_task";
/// Two devices have one id.
pub(crate) const DUPLICATE_DEVICE: &str = "duplicate_device";
/// No device has this id.
pub(crate) const UNKNOWN_DEVICE: &str = "unknown_device";
/// No task has this id.
pub(crate) const UNKNOWN_TASK: &str = "unknown_task";
/// A template names an input that nobody declares.
pub(crate) const UNKNOWN_INPUT: &str = "unknown_input";
/// A task has no output of this name.
pub(crate) const UNKNOWN_OUTPUT: &str = "unknown_output";
/// The file declares no secret of this name.
pub(crate) const UNKNOWN_SECRET: &str = "unknown_secret";
/// A file that a task is sent cannot be read.
pub(crate) const FILE_NOT_READABLE: &str = "file_not_readable";

/// A word that is none of those the format has.
pub(crate) const UNKNOWN_ENUM: &str = "unknown_enum";

/// Bytes that what is made of one file may take, its tree included: 192 MiB. They are estimated where they are taken,
/// so that no file, and no alias in it, can ask for more than that.
const ROOM: usize = 192 << 20;

/// Problems that are listed. A file with more of them is told how many are left out.
const LISTED: usize = 1_000;
/// Problems that are kept until they are sorted. What a hostile file has beyond that is counted.
const KEPT: usize = 20_000;

/// A place in a file: line and column, both from 1, columns in characters.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) struct Mark {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Mark {
    pub(crate) const START: Self = Self { line: 1, column: 1 };
}

/// One thing that is wrong with a file.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// Stable word for the kind of problem; the table is in the crate documentation.
    pub code: String,
    /// What is wrong, in one line.
    pub message: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// The place as a JSON pointer (RFC 6901), where the format has them: imported JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Valid choices, or what to do instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The tasks of a cycle, each followed by the next and the last by the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// The line, or the part of a long one around the column; empty if there is none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub excerpt: String,
    /// Column within the excerpt, from 1.
    #[serde(skip_serializing_if = "is_zero")]
    pub caret: u32,
    /// Whether the line stays untold, as it may have a secret in it.
    #[serde(skip)]
    concealed: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

impl Problem {
    pub(crate) fn new(mark: Mark, code: &str, message: &str) -> Self {
        Self {
            code: code.to_owned(),
            message: excerpt::printable(message),
            line: mark.line,
            column: mark.column,
            pointer: None,
            hint: None,
            path: Vec::new(),
            excerpt: String::new(),
            caret: 0,
            concealed: false,
        }
    }

    /// Leaves the line out that the problem is about.
    pub(crate) fn conceal(&mut self) -> &mut Self {
        self.concealed = true;
        self
    }

    /// Adds what to do instead.
    pub(crate) fn hint(&mut self, hint: impl AsRef<str>) -> &mut Self {
        self.hint = Some(excerpt::printable(hint.as_ref()));
        self
    }

    /// Adds the line that the problem is about.
    pub(crate) fn excerpted(mut self, source: &str) -> Self {
        (self.excerpt, self.caret) = excerpt::window(Lines::new(source).line(self.line), self.column);
        self
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { line: self.line, column: self.column }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}: {}", self.line, self.column, self.code, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

/// Problems as they are found.
#[derive(Debug)]
pub(crate) struct Report {
    problems: Vec<Problem>,
    /// The last problem that was counted only.
    spare: Option<Problem>,
    counted: usize,
    /// Bytes that have been taken of [`ROOM`]; `None` if there were not enough, which has been told.
    taken: Option<usize>,
    /// What hints over names of the file may still cost.
    pub(crate) hints: Hints,
}

impl Default for Report {
    fn default() -> Self {
        Self { problems: Vec::new(), spare: None, counted: 0, taken: Some(0), hints: Hints::default() }
    }
}

/// Reading cannot go on; the reason is in the report.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Stop;

impl Report {
    /// Notes a problem, which may be given a hint then.
    pub(crate) fn add(&mut self, mark: Mark, code: &str, message: impl AsRef<str>) -> &mut Problem {
        let problem = Problem::new(mark, code, message.as_ref());
        if self.problems.len() >= KEPT {
            self.counted += 1;
            return self.spare.insert(problem);
        }
        self.problems.push(problem);
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }

    /// Whether the next problem is kept, so that a hint for it is worth what it costs.
    pub(crate) fn keeps(&self) -> bool {
        self.problems.len() < KEPT
    }

    /// Takes memory for something made of the file, before it is made; whether there is that much. That there is not is
    /// told once.
    pub(crate) fn takes(&mut self, at: Mark, bytes: usize) -> bool {
        let Some(taken) = self.taken else { return false };
        self.taken = taken.checked_add(bytes).filter(|taken| *taken <= ROOM);
        if self.taken.is_none() {
            let message = "what the file stands for takes too much memory";
            let hint = format!("at most {} MiB; share the work out to several files", ROOM >> 20);
            self.add(at, LIMIT_EXCEEDED, message).hint(hint);
        }
        self.taken.is_some()
    }

    /// Bytes that have been taken; no more once there were not enough.
    pub(crate) fn taken(&self) -> usize {
        self.taken.unwrap_or(ROOM)
    }

    /// Stops if there is more of something than may be, before memory is taken for it.
    pub(crate) fn at_most(&mut self, at: Mark, most: usize, count: usize, of: &str) -> Result<(), Stop> {
        if count <= most {
            return Ok(());
        }
        self.add(at, LIMIT_EXCEEDED, format!("the file has {count} {of}")).hint(format!("at most {most}"));
        Err(Stop)
    }

    /// Stops if the file stands for too much.
    pub(crate) fn stop_if_full(&self) -> Result<(), Stop> {
        if self.taken.is_some() { Ok(()) } else { Err(Stop) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// The problems by line, each once, with the lines they are about.
    pub(crate) fn finish(self, source: &str) -> Vec<Problem> {
        let mut problems = self.problems;
        problems.sort_by_key(Problem::mark);
        problems.dedup();
        let left_out = problems.len().saturating_sub(LISTED) + self.counted;
        problems.truncate(LISTED);
        let mut lines = Lines::new(source);
        for problem in problems.iter_mut().filter(|problem| !problem.concealed) {
            (problem.excerpt, problem.caret) = excerpt::window(lines.line(problem.line), problem.column);
        }
        if let (Some(last), true) = (problems.last(), left_out > 0) {
            let message = format!("{left_out} more problems are not listed");
            problems.push(Problem::new(last.mark(), LIMIT_EXCEEDED, &message));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_come_by_line_and_once() {
        let mut report = Report::default();
        report.add(Mark { line: 2, column: 3 }, INVALID_VALUE, "late");
        report.add(Mark::START, SYNTAX_ERROR, "early\u{1b}[31m").hint("look");
        report.add(Mark { line: 2, column: 3 }, INVALID_VALUE, "late");
        let problems = report.finish("one\n  two\n");
        let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
        assert_eq!(
            lines,
            ["line 1, column 1: syntax_error: early�[31m (look)", "line 2, column 3: invalid_value: late"]
        );
        assert_eq!((problems[1].excerpt.as_str(), problems[1].caret), ("  two", 3));
        let json = serde_json::to_value(&problems[1]).expect("json");
        let expected = serde_json::json!({
            "code": "invalid_value", "message": "late", "line": 2, "column": 3, "excerpt": "  two", "caret": 3,
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn a_flood_of_problems_is_cut() {
        let mut report = Report::default();
        for line in 1..=30_000 {
            report.add(Mark { line, column: 1 }, UNKNOWN_FIELD, "x").hint("y");
        }
        let problems = report.finish("");
        assert_eq!(problems.len(), LISTED + 1);
        assert_eq!(problems[LISTED].message, "29000 more problems are not listed");
    }
}
