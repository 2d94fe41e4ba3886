#![doc = include_str!("../README.md")]

mod apply;
mod check;
mod draft;
mod fault;
mod hint;
mod limits;
mod task_rules;

pub use apply::reapply;
pub use check::{CheckedBatch, check, check_within};
pub use fault::{Code, Fault, Place, Rejection};
pub use limits::{Limits, Surroundings};

pub use starline_graph::TaskGraph;
pub use starline_types::{Applied, Edit, EditBatch, GraphSpec, Revision};
