//! What is wrong with a batch, as plain data.

use std::fmt;

use starline_types::TaskId;

/// One thing that is wrong with one edit of a batch.
///
/// It says what a fault of the check in `starline-edit` says, field by field, with the code as its stable word:
/// this crate knows edits as data and not the rules for them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct EditFault {
    /// Position of the edit in its batch as it was written, from 0.
    pub edit: usize,
    /// What is wrong, as a stable word such as `would_cycle` or `unknown_field`.
    pub code: String,
    /// The invariant that would be broken, such as `I3`.
    pub rule: Option<String>,
    /// The task, dependency, field or limit.
    pub item: String,
    /// What is wrong, in one line.
    pub message: String,
    /// Valid choices, or what to do instead.
    pub hint: Option<String>,
    /// The tasks of a cycle, each followed by the next and the last by the first.
    pub path: Vec<TaskId>,
}

impl EditFault {
    /// A fault without a hint.
    #[must_use]
    pub fn new(
        edit: usize,
        code: impl Into<String>,
        item: impl fmt::Display,
        message: impl Into<String>,
    ) -> Self {
        Self { edit, code: code.into(), item: item.to_string(), message: message.into(), ..Self::default() }
    }
}

impl fmt::Display for EditFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "edit {}: {}: {}", self.edit, self.code, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// Edits of a proposal that could not be read. They are not in its batch; if there are any, the batch is refused as a
/// whole, with these faults and those of the edits that could.
///
/// The counterpart of the type `Unread` of `starline-edit`, with the same three fields.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UnreadEdits {
    /// What is wrong with them. A code that the check does not know counts as `invalid_value`.
    pub faults: Vec<EditFault>,
    /// Tasks that these edits would have added, with the positions of the edits: who needs such a task is told so,
    /// and not that the task is unknown.
    pub tasks: Vec<(TaskId, usize)>,
    /// Positions of the edits of the batch as it was written: one for each edit of the batch, in its order.
    pub positions: Vec<usize>,
}
