//! From the body of an edit to a batch.

use axum::http::StatusCode;
use starline_orchestrator::Run;
use starline_workflow::{BatchOptions, ReadBatch, read_batch};

use crate::answer::Refused;

/// Reads a batch as far as that goes without the graph of the run.
///
/// Files that tasks are sent are not read: a client elsewhere is not to name files of this machine.
pub(crate) fn read(bytes: &[u8], run: &Run) -> Result<ReadBatch, Refused> {
    let settings = run.settings();
    let options = BatchOptions { secrets: Some(settings.secrets.clone()), ..BatchOptions::default() };
    read_batch(bytes, &options).map_err(|problems| {
        let message = problems.first().map_or_else(String::new, |problem| problem.message.clone());
        Refused::new(StatusCode::BAD_REQUEST, "invalid_body", message).with("problems", problems)
    })
}
