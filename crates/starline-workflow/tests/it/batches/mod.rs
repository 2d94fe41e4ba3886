//! Batches of edits: read, judged together with what cannot be read, and written again.

mod answers;
mod golden;
mod hostile;
mod laws;
mod proposals;
mod scenarios;
mod shown;
mod together;

use starline_edit::{Rejection, Surroundings, TaskGraph, check, check_within};
use starline_types::Applied;
use starline_workflow::{BatchOptions, LoadOptions, ReadBatch, Workflow, read_batch};

/// The graph of a workflow, nothing of which has started.
fn graph(tasks: &str) -> TaskGraph {
    let file = format!("version: 1\nsecrets: [PAGER_TOKEN]\ntasks:\n{tasks}");
    let workflow = Workflow::parse(file.as_bytes(), &LoadOptions::default()).expect("a valid file");
    let edit = starline_types::Edit::Build { graph: workflow.graph, clear_existing: true };
    let batch = starline_types::EditBatch { edits: vec![edit], ..starline_types::EditBatch::default() };
    let mut graph = TaskGraph::default();
    check(&mut graph, &batch).expect("a valid graph").install();
    graph
}

/// Reads a batch that is one.
#[track_caller]
fn read(text: &str) -> ReadBatch {
    read_batch(text.as_bytes(), &options())
        .unwrap_or_else(|problems| panic!("{}\n{text}", crate::listed(&problems)))
}

fn options() -> BatchOptions {
    BatchOptions { secrets: Some(vec!["PAGER_TOKEN".to_owned()]), ..BatchOptions::default() }
}

/// What an author is answered: the batch is committed, or every fault is told, whether of reading or of judging.
fn judged(graph: &mut TaskGraph, read: ReadBatch) -> Result<Applied, Rejection> {
    let read = read.resolve(graph);
    let around = Surroundings { unread: Some(&read.unread), ..Surroundings::default() };
    check_within(graph, &read.batch, &around).map(starline_edit::CheckedBatch::commit)
}

/// Faults as `edit code item`.
fn told(rejection: &Rejection) -> Vec<String> {
    rejection.faults.iter().map(|fault| format!("{} {} {}", fault.edit, fault.code, fault.item)).collect()
}
