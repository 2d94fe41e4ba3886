#![doc = include_str!("../README.md")]

mod apply;
mod check;
mod cycles;
mod diff;
mod draft;
mod extract;
mod fault;
mod guard;
mod hint;
mod history;
mod inverse;
mod limits;
mod rollback;
mod summary;
mod task_rules;

pub use apply::{install, reapply, specified};
pub use check::{CheckedBatch, check, check_within};
pub use cycles::cycles;
pub use diff::{Difference, DifferenceWarning, diff};
pub use draft::Touched;
pub use extract::{retry_task, subgraph};
pub use fault::{Code, Fault, Place, Rejection};
pub use hint::{Nearest, nearest};
pub use history::{History, MAX_HISTORY};
pub use limits::{Gates, Judge, Limits, Surroundings, Unread, Usage};
pub use rollback::{Filled, Undo, may_need_undo, rollback, undo_graph, undo_order, undo_run, undone};

pub use starline_graph::TaskGraph;
pub use starline_types::{
    Applied, ChangeSummary, Edit, EditBatch, GraphSpec, ModificationType, Origin, Revision, TaskField,
};
