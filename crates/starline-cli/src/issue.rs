//! What is wrong with a file, shown at its lines or as JSON.

use std::fmt;

use serde::Serialize;
use starline::workflow::{Problem, render};

use crate::paint::printable;
use crate::place::Place;

/// One thing that is wrong with a file, or about it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Issue {
    /// At a line.
    Problem(Box<Problem>),
    /// About the file as a whole.
    Whole {
        /// Stable word.
        code: String,
        /// What is wrong, in one line.
        message: String,
        /// The line that it is about, else the first one, so that all issues have the same fields.
        line: u32,
        /// The column in it.
        column: u32,
        /// That line; empty if it is about the whole file.
        #[serde(skip_serializing_if = "String::is_empty")]
        excerpt: String,
        /// Valid choices, or what to do instead.
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<String>,
    },
}

impl Issue {
    /// An issue of a whole file.
    pub(crate) fn whole(code: &str, message: impl Into<String>, hint: Option<String>) -> Self {
        Self::Whole {
            code: code.to_owned(),
            message: message.into(),
            line: 1,
            column: 1,
            excerpt: String::new(),
            hint,
        }
    }

    /// An issue of a place in a file.
    pub(crate) fn at(place: Option<Place>, code: &str, message: impl Into<String>) -> Self {
        let Some(Place { line, column, text }) = place else { return Self::whole(code, message, None) };
        Self::Whole {
            code: code.to_owned(),
            message: message.into(),
            line,
            column,
            excerpt: text,
            hint: None,
        }
    }

    /// A problem of a text that another process has found.
    pub(crate) fn told(problem: &serde_json::Value, text: &str) -> Self {
        let word = |field: &str| problem[field].as_str().unwrap_or_default();
        let number = |field: &str| problem[field].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(1);
        let line = number("line").max(1);
        Self::Whole {
            code: word("code").to_owned(),
            message: word("message").to_owned(),
            line,
            column: number("column").max(1),
            excerpt: text.lines().nth(line as usize - 1).map(printable).unwrap_or_default(),
            hint: problem["hint"].as_str().map(str::to_owned),
        }
    }

    fn render(&self, file: &str) -> String {
        match self {
            Self::Problem(problem) => render(problem, file),
            Self::Whole { code, message, hint, line, column, excerpt } if !excerpt.is_empty() => {
                let (file, margin) = (printable(file), " ".repeat(line.to_string().len()));
                let caret = " ".repeat((*column as usize).saturating_sub(1));
                let hint = hint.as_deref().map(|hint| format!("{margin} = {}\n", printable(hint)));
                format!(
                    "{file}:{line}:{column}: {code}: {}\n{margin} |\n{line} | {}\n{margin} | {caret}^\n{}",
                    printable(message),
                    printable(excerpt),
                    hint.unwrap_or_default()
                )
            }
            Self::Whole { code, message, hint, .. } => {
                let file = printable(file);
                let hint = hint.as_deref().map(|hint| format!("  = {}\n", printable(hint)));
                format!("{file}: {code}: {}\n{}", printable(message), hint.unwrap_or_default())
            }
        }
    }
}

impl From<Problem> for Issue {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

/// What is in a file.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Content {
    /// A workflow file.
    Workflow {
        /// Tasks.
        total_tasks: usize,
        /// Dependencies.
        total_dependencies: usize,
        /// Declared inputs.
        total_inputs: usize,
    },
    /// A device file.
    Devices {
        /// Devices.
        total_devices: usize,
        /// Links between them.
        total_links: usize,
    },
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |count: usize, one: &str, more: &str| match count {
            1 => format!("1 {one}"),
            count => format!("{count} {more}"),
        };
        match self {
            Self::Workflow { total_tasks, total_dependencies, total_inputs } => write!(
                f,
                "{}, {}, {}",
                count(*total_tasks, "task", "tasks"),
                count(*total_dependencies, "dependency", "dependencies"),
                count(*total_inputs, "input", "inputs")
            ),
            Self::Devices { total_devices, total_links } => write!(
                f,
                "{}, {}",
                count(*total_devices, "device", "devices"),
                count(*total_links, "link", "links")
            ),
        }
    }
}

/// All issues of one file.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Verdict {
    /// Whether the file can be used.
    pub(crate) valid: bool,
    /// The file, as it was named.
    pub(crate) file: String,
    /// What is in a file that can be used.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<Content>,
    /// What is wrong.
    pub(crate) errors: Vec<Issue>,
    /// What may be wrong, and stops nothing.
    pub(crate) warnings: Vec<Issue>,
}

impl Verdict {
    /// A verdict on a file.
    pub(crate) fn new(file: &str, errors: Vec<Issue>) -> Self {
        Self { valid: errors.is_empty(), file: file.to_owned(), content: None, errors, warnings: Vec::new() }
    }

    /// The issues as a person reads them, each with its line of the file.
    pub(crate) fn render(&self) -> String {
        self.errors.iter().chain(&self.warnings).map(|issue| issue.render(&self.file)).collect()
    }

    /// The verdict in one line.
    pub(crate) fn headline(&self) -> String {
        let count = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        let file = printable(&self.file);
        match (self.errors.len(), self.warnings.len()) {
            (0, 0) => format!("{file} is valid"),
            (0, warnings) => format!("{file} is valid, with {}", count(warnings, "warning")),
            (errors, 0) => format!("{file} has {}", count(errors, "error")),
            (errors, warnings) => {
                format!("{file} has {} and {}", count(errors, "error"), count(warnings, "warning"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use starline::workflow::{LoadOptions, Workflow};

    fn verdict() -> Verdict {
        let file = "version: 1\ntasks:\n  a:\n    runn: { noop: {} }\n";
        let problems =
            Workflow::parse(file.as_bytes(), &LoadOptions::default()).expect_err("a misspelt field");
        Verdict::new("flow.yaml", problems.into_iter().map(Issue::from).collect())
    }

    #[test]
    fn issues_point_at_their_line() {
        let text = verdict().render();
        assert!(text.contains("flow.yaml:4:5: unknown_field"), "{text}");
        assert!(text.contains("4 |     runn:"), "{text}");
        let whole =
            Verdict::new("x\u{1b}", vec![Issue::whole("unreadable_file", "gone", Some("look".into()))]);
        assert_eq!(whole.render(), "x\u{FFFD}: unreadable_file: gone\n  = look\n");
        assert_eq!(whole.headline(), "x\u{FFFD} has 1 error");
    }

    #[test]
    fn json_has_the_same_fields_for_all_issues() {
        let mut verdict = verdict();
        verdict.errors.push(Issue::whole("unreadable_file", "no such file", None));
        let json = serde_json::to_value(&verdict).expect("json");
        assert_eq!(json["valid"], false);
        for issue in json["errors"].as_array().expect("a list") {
            assert!(issue["code"].is_string() && issue["message"].is_string(), "{issue}");
            assert!(issue["line"].is_u64() && issue["column"].is_u64(), "{issue}");
        }
    }
}
