//! From the body of an edit to a batch.

use axum::http::StatusCode;
use starline_orchestrator::Run;
use starline_workflow::{BatchOptions, ReadBatch, read_batch};

use crate::answer::Refused;

/// Reads a batch, or makes one of a whole graph by comparison with the graph of the run.
///
/// Files that tasks are sent are not read: a client elsewhere is not to name files of this machine.
pub(crate) async fn read(bytes: &[u8], run: &Run) -> Result<ReadBatch, Refused> {
    let settings = run.settings();
    let options = BatchOptions {
        base: run.status().revision,
        secrets: Some(settings.secrets.clone()),
        ..BatchOptions::default()
    };
    let read = read_batch(bytes, &options).map_err(|problems| {
        let message = problems.first().map_or_else(String::new, |problem| problem.message.clone());
        Refused::new(StatusCode::BAD_REQUEST, "invalid_body", message).with("problems", problems)
    })?;
    // What can only be said with the graph at hand: a whole graph becomes edits.
    Ok(run.read_graph(move |graph| read.resolve(graph)).await?)
}
