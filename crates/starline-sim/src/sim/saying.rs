//! What editors, operators and programs say to a run about its graph and its holds.

use std::fmt;
use std::sync::Arc;

use smol_str::SmolStr;
use starline_scheduler::{Author, Input, Role};
use starline_types::{EditBatch, HoldId, Millis, Revision, TaskId};

/// Who says something.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Speaker {
    /// An editor: guard rails and rates hold.
    Editor,
    /// An operator.
    Operator,
}

impl Speaker {
    fn author(self) -> Author {
        match self {
            Self::Editor => Author::new("editor", Role::Editor),
            Self::Operator => Author::new("operator", Role::Operator),
        }
    }
}

/// What somebody says to a run about its graph and its holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Saying {
    /// A batch of edits.
    Submit {
        /// The batch.
        batch: Arc<EditBatch>,
        /// Who sends it.
        by: Speaker,
        /// Whether only the verdict is wanted.
        check_only: bool,
    },
    /// A batch for the graph as it is when it is sent.
    Now {
        /// The batch, without a base.
        batch: Arc<EditBatch>,
        /// Who sends it.
        by: Speaker,
    },
    /// Takes the last commit back.
    Undo {
        /// The revision that was seen.
        expect: Option<Revision>,
        /// Who wants it.
        by: Speaker,
    },
    /// Brings a commit back that was taken back.
    Redo {
        /// The revision that was seen.
        expect: Option<Revision>,
        /// Who wants it.
        by: Speaker,
    },
    /// Tries a task again.
    Retry {
        /// The task.
        task: String,
        /// Who wants it.
        by: Speaker,
    },
    /// An editor is there.
    Attach,
    /// The editor is gone.
    Detach,
    /// Nothing is to be changed on account of a hold.
    Release(HoldId),
    /// A hold covers more tasks.
    Extend {
        /// The hold.
        hold: HoldId,
        /// The tasks.
        tasks: Vec<String>,
    },
    /// All holds are closed.
    ClearHolds,
    /// Holds that become active later have another deadline.
    Timeout(Millis),
    /// A planner gave no answer that could be used.
    PlannerFaulted(HoldId),
    /// Something that is made up when it is said, from a number.
    Improvise(u64),
}

impl Saying {
    /// The input that it is, for a graph of a revision. `None`: a name in it is no id at all.
    pub(crate) fn input(&self, current: Revision) -> Option<Input> {
        Some(match self {
            Self::Submit { batch, by, check_only } => Input::Submit {
                batch: Arc::clone(batch),
                unread: None,
                author: by.author(),
                check_only: *check_only,
            },
            Self::Now { batch, by } => {
                let batch = EditBatch { base: current, ..EditBatch::clone(batch) };
                let batch = Arc::new(batch);
                Input::Submit { batch, unread: None, author: by.author(), check_only: false }
            }
            Self::Undo { expect, by } => Input::Undo { expect: *expect, author: by.author() },
            Self::Redo { expect, by } => Input::Redo { expect: *expect, author: by.author() },
            Self::Retry { task, by } => {
                Input::RetryTask { task: TaskId::new(task).ok()?, author: by.author() }
            }
            Self::Attach => Input::EditorAttached,
            Self::Detach => Input::EditorDetached,
            Self::Release(hold) => Input::ReleaseHold { hold: *hold },
            Self::Extend { hold, tasks } => {
                let tasks = tasks.iter().map(|task| TaskId::new(task).ok()).collect::<Option<Vec<_>>>()?;
                Input::ExtendHold { hold: *hold, tasks }
            }
            Self::ClearHolds => Input::ClearHolds,
            Self::Timeout(timeout) => Input::SetHoldTimeout { timeout: *timeout },
            Self::PlannerFaulted(hold) => Input::PlannerFaulted {
                planner: SmolStr::new_static("planner"),
                hold: *hold,
                message: "no answer".to_owned(),
            },
            Self::Improvise(_) => return None,
        })
    }
}

impl fmt::Display for Saying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Submit { batch, by, check_only } => {
                let verb = if *check_only { "checks" } else { "edits" };
                write!(f, "{by} {verb} {}", text(batch))
            }
            Self::Now { batch, by } => write!(f, "{by} edits {}", text(batch)),
            Self::Undo { by, .. } => write!(f, "{by} undoes"),
            Self::Redo { by, .. } => write!(f, "{by} does again"),
            Self::Retry { task, by } => write!(f, "{by} tries {task} again"),
            Self::Attach => f.write_str("an editor attaches"),
            Self::Detach => f.write_str("the editor detaches"),
            Self::Release(hold) => write!(f, "release {hold}"),
            Self::Extend { hold, tasks } => write!(f, "extend {hold} to {}", tasks.join(", ")),
            Self::ClearHolds => f.write_str("clear holds"),
            Self::Timeout(timeout) => write!(f, "holds last {timeout}"),
            Self::PlannerFaulted(hold) => write!(f, "the planner gives no answer about {hold}"),
            Self::Improvise(salt) => write!(f, "improvise {salt}"),
        }
    }
}

/// A batch in one line; of very many edits their number.
fn text(batch: &EditBatch) -> String {
    if batch.edits.len() > 20 {
        return format!("{} edits", batch.edits.len());
    }
    serde_json::to_string(batch).unwrap_or_default()
}

impl fmt::Display for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Editor => "editor",
            Self::Operator => "operator",
        })
    }
}
