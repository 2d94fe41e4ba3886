//! Batches of edits as people and agents write them, and the answers of models that have one in them.

mod answer;
mod constellation;
mod dependency;
mod edit;
mod extract;
mod fault;
mod files;
mod function;
mod graph;
mod options;
mod propose;
mod read;
mod reading;
mod set;
mod shown;
mod write;

pub use answer::{Answer, AnswerStatus, read_answer};
pub use graph::ProposedGraph;
pub use options::{BatchOptions, ReadBatch};
pub use propose::{Proposal, propose};
pub use read::read_batch;
pub use write::write_batch;
