//! What is wrong with rules.

use std::fmt;

/// One thing that is wrong with a rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RuleFault {
    /// Position of the rule in its list, from 0.
    pub rule: usize,
    /// Position of the edit in its rule, from 0; `None`: it is not about an edit.
    pub edit: Option<usize>,
    /// The field of the rule, or where in the edit, as a JSON pointer.
    pub place: String,
    /// What is wrong, in one line.
    pub message: String,
    /// What to do instead.
    pub hint: Option<String>,
}

impl RuleFault {
    pub(super) fn new(rule: usize, place: impl Into<String>, message: impl fmt::Display) -> Self {
        Self { rule, edit: None, place: place.into(), message: message.to_string(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for RuleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "scripted rule {}", self.rule)?;
        if let Some(edit) = self.edit {
            write!(f, ", edit {edit}")?;
        }
        write!(f, ", {}: {}", self.place, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for RuleFault {}
